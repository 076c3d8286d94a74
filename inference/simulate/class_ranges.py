"""What sources of each class emit in X-rays: sub-populations and the ranges of their parameters.

The papers beside a range say what is observed; rounding it to a centre and a width, the weights of
sub-populations, the share of photons in the second component and every range marked "choice" are ours. One
temperature or two stand for what is in truth a distribution of temperatures, a blackbody for accretion discs
and neutron star atmospheres.
"""

from .ranges import Population
from .ranges import linear as _lin
from .ranges import logarithmic as _log

# weight of each class where it is not known: how many of 2,080 sources, part of the 2,941
# that MUWCLASS was trained on (Yang et al. 2022, ApJ 941, 104), the literature puts in it
MIXTURE = {
    "AGN": 987,
    "CV": 37,
    "HM-STAR": 86,
    "HMXB": 22,
    "LM-STAR": 139,
    "LMXB": 45,
    "NS": 58,
    "YSO": 706,
}

# Galactic columns off the plane: Dickey & Lockman 1990, ARA&A 28, 215
_GALACTIC = _log(0.03, 0.30, 0.005, 1.0)

_AGN = (
    Population(
        "type 1", 0.70, "powerlaw", "blackbody", nh=_GALACTIC,
        # Tozzi et al. 2006, A&A 451, 457: 1.75 with 0.3 of scatter; Mateos et al. 2010, A&A 510, A35: 1.96,
        # 0.27
        gamma=_lin(1.9, 0.30, 1.0, 3.2),
        # soft excess: Gierlinski & Done 2004, MNRAS 349, L7 (0.1-0.2 keV); in most quasars (Piconcelli et al.
        # 2005, A&A 432, 15)
        kt2=_log(0.13, 0.10, 0.06, 0.30), share=_log(0.06, 0.60, 0.001, 0.5),
        nh_inner=_log(0.05, 0.60, 0.003, 1.5),  # Mateos et al. 2010: a few per cent above 1e22; below: choice
        redshift=_log(0.9, 0.30, 0.01, 5.0),  # choice: X-ray surveys peak at 0.7-1 (Tozzi et al. 2006)
        # Bianchi et al. 2007, A&A 467, L19: 54 eV at 1e44 erg/s, falling with it
        line=_log(0.06, 0.30, 0.005, 0.4),
    ),
    Population(
        "type 2", 0.25, "powerlaw", "thermal", nh=_GALACTIC,
        gamma=_lin(1.75, 0.30, 0.9, 2.9),  # Tozzi et al. 2006
        # Tozzi et al. 2006: log-normal about 10^23.1 with 1.1 dex for all AGN; the absorbed part of it, its
        # centre moved down because soft-band fluxes favour thin columns (choice)
        nh_inner=_log(6.0, 0.70, 0.5, 150.0),
        # scattered: Ueda et al. 2007, ApJ 664, L79 (0.5 % and below to several %); Gupta et al. 2021,
        # MNRAS 504, 428 (about 1 %)
        leak=_log(0.015, 0.50, 0.0005, 0.2),
        # soft gas, photoionised: Guainazzi & Bianchi 2007, MNRAS 374, 1290; a thermal plasma for it: choice
        kt2=_log(0.6, 0.15, 0.2, 1.2), abundance=_log(0.3, 0.30, 0.05, 1.5),
        share=_log(0.01, 0.50, 0.0005, 0.2),
        redshift=_log(0.6, 0.35, 0.003, 4.0),  # choice
        # Guainazzi, Matt & Perola 2005, A&A 444, 119: grows with the column
        line=_log(0.12, 0.35, 0.01, 1.0),
    ),
    Population(
        # what is left is reflection: for 0.5-7.0 keV a flat power law (choice) with a strong line, beside
        # soft gas; Matt et al. 2000, MNRAS 318, 173 (line of about 1 keV); Guainazzi, Matt & Perola 2005
        "Compton-thick", 0.05, "powerlaw", "thermal", nh=_GALACTIC,
        gamma=_lin(0.3, 0.5, -0.8, 1.3),
        kt2=_log(0.6, 0.15, 0.2, 1.2), abundance=_log(0.3, 0.30, 0.05, 1.5), share=_log(0.3, 0.40, 0.02, 0.9),
        redshift=_log(0.1, 0.50, 0.001, 2.0), line=_log(0.9, 0.20, 0.2, 2.5),
    ),
)  # fmt: skip

_CV = (
    Population(
        # boundary layers: Baskill, Wheatley & Osborne 2005, MNRAS 357, 626; cooling flows to 5-30 keV and
        # more: Mukai 2017, PASP 129, 062001; the cool half of the flow as kt2: choice
        "non-magnetic", 0.52, "thermal", "thermal", nh=_log(0.06, 0.50, 0.003, 2.0),
        kt=_log(7.0, 0.28, 1.5, 50.0), kt2=_log(0.9, 0.25, 0.15, 3.0), share=_log(0.20, 0.35, 0.01, 0.8),
        abundance=_log(0.5, 0.30, 0.1, 1.5), line=_log(0.04, 0.40, 0.003, 0.25),
    ),
    Population(
        # Ezuka & Ishida 1999, ApJS 120, 277 (columns of 1e22-1e23 over part of the source, line of 0.1 keV);
        # Yuasa et al. 2010, A&A 520, A25 (shock temperatures of tens of keV)
        "intermediate polar", 0.28, "thermal", "thermal", nh=_log(0.30, 0.50, 0.01, 4.0),
        kt=_log(22.0, 0.20, 6.0, 60.0), kt2=_log(1.5, 0.35, 0.15, 6.0), share=_log(0.05, 0.45, 0.003, 0.4),
        abundance=_log(0.4, 0.30, 0.1, 1.5), nh_inner=_log(5.0, 0.40, 0.3, 60.0),
        leak=_lin(0.5, 0.2, 0.05, 0.95),
        line=_log(0.12, 0.25, 0.01, 0.4),
    ),
    Population(
        # Ramsay & Cropper 2004, MNRAS 347, 497; Ezuka & Ishida 1999: soft blackbody of 20-60 eV, often too
        # cool to be seen; hot plasma behind partial cover
        "polar", 0.15, "thermal", "blackbody", nh=_log(0.04, 0.45, 0.002, 0.6),
        kt=_log(12.0, 0.25, 3.0, 50.0), kt2=_log(0.04, 0.12, 0.02, 0.08), share=_log(0.08, 0.70, 0.001, 0.8),
        abundance=_log(0.5, 0.30, 0.1, 1.5), nh_inner=_log(3.0, 0.50, 0.2, 30.0),
        leak=_lin(0.5, 0.2, 0.05, 0.95),
        line=_log(0.10, 0.30, 0.01, 0.4),
    ),
    Population(
        # burning on the surface: Kahabka & van den Heuvel 1997, ARA&A 35, 69; Kahabka 2006, AdSpR 38,
        # 2836 (20-100 eV); hot plasma beside: choice
        "supersoft", 0.05, "blackbody", "thermal", nh=_log(0.08, 0.40, 0.005, 1.0),
        kt=_log(0.06, 0.15, 0.03, 0.12), kt2=_log(2.0, 0.35, 0.3, 10.0), share=_log(0.03, 0.70, 0.0005, 0.7),
        abundance=_log(0.5, 0.30, 0.1, 1.5),
    ),
)  # fmt: skip

_HM_STAR = (
    Population(
        # Naze 2009, A&A 506, 1055: 0.2-0.6 keV with a second, hotter plasma; columns of the medium and the
        # wind
        "wind", 0.45, "thermal", "thermal", nh=_log(0.6, 0.35, 0.03, 5.0),
        kt=_log(0.30, 0.15, 0.12, 0.8), kt2=_log(0.9, 0.25, 0.3, 3.5), share=_log(0.25, 0.35, 0.02, 0.8),
        abundance=_log(0.6, 0.25, 0.1, 1.5),
    ),
    Population(
        # B stars and their late companions: Stelzer et al. 2005, ApJS 160, 557; Naze 2009
        "B star", 0.25, "thermal", "thermal", nh=_log(0.25, 0.45, 0.01, 4.0),
        kt=_log(0.70, 0.20, 0.2, 1.5), kt2=_log(2.2, 0.22, 0.8, 8.0), share=_log(0.5, 0.20, 0.08, 0.95),
        abundance=_log(0.4, 0.30, 0.05, 1.5),
    ),
    Population(
        # magnetically confined winds: Gagne et al. 2005, ApJ 628, 986 (2-3 keV); colliding winds: Naze 2009
        "magnetic or colliding winds", 0.18, "thermal", "thermal", nh=_log(0.8, 0.40, 0.05, 8.0),
        kt=_log(0.70, 0.20, 0.2, 1.5), kt2=_log(2.4, 0.18, 1.0, 6.0), share=_log(0.5, 0.20, 0.08, 0.95),
        abundance=_log(0.6, 0.25, 0.1, 1.5),
    ),
    Population(
        # Skinner et al. 2010, AJ 139, 825: cool and hot plasma behind strong absorption
        "Wolf-Rayet", 0.07, "thermal", "thermal", nh=_log(2.0, 0.35, 0.3, 20.0),
        kt=_log(0.60, 0.15, 0.2, 1.2), kt2=_log(3.0, 0.20, 1.0, 8.0), share=_log(0.5, 0.20, 0.08, 0.95),
        abundance=_log(1.5, 0.30, 0.3, 5.0), line=_log(0.03, 0.40, 0.003, 0.2),
    ),
    Population(
        # gamma Cas stars: Smith, Lopes de Oliveira & Motch 2016, AdSpR 58, 782 (above 10 keV, Fe K alpha)
        "gamma Cas", 0.05, "thermal", "", nh=_log(0.3, 0.40, 0.02, 4.0),
        kt=_log(12.0, 0.15, 4.0, 30.0), abundance=_log(0.4, 0.25, 0.1, 1.2),
        line=_log(0.05, 0.30, 0.005, 0.2),
    ),
)  # fmt: skip

_HMXB = (
    Population(
        # Reig 2011, Ap&SS 332, 1: power laws of 0.5-1.5 below a cutoff above 10 keV; soft excess: Hickox,
        # Narayan & Kallman 2004, ApJ 614, 881
        "Be", 0.50, "powerlaw", "blackbody", nh=_log(0.5, 0.50, 0.02, 10.0),
        gamma=_lin(1.1, 0.40, -0.3, 2.5), kt2=_log(0.2, 0.25, 0.06, 0.6), share=_log(0.03, 0.60, 0.001, 0.4),
        # Gimenez-Garcia et al. 2015, A&A 576, A108: weaker in Be systems than in supergiants
        line=_log(0.05, 0.40, 0.003, 0.3),
    ),
    Population(
        # Walter et al. 2015, A&ARv 23, 2: winds of 1e22-1e24 before the source, index of about 1
        "supergiant", 0.30, "powerlaw", "thermal", nh=_log(1.5, 0.35, 0.1, 20.0),
        gamma=_lin(1.2, 0.45, -0.3, 2.6), nh_inner=_log(6.0, 0.55, 0.2, 150.0),
        leak=_log(0.04, 0.60, 0.001, 0.7),
        kt2=_log(0.7, 0.20, 0.2, 2.0), abundance=_log(0.6, 0.25, 0.1, 1.5),
        share=_log(0.005, 0.60, 0.0003, 0.1),
        line=_log(0.12, 0.40, 0.01, 1.5),  # Torrejon et al. 2010: grows with the column
    ),
    Population(
        # black holes (Remillard & McClintock 2006, ARA&A 44, 49) and pulsar binaries without accretion:
        # choice
        "black hole or gamma-ray binary", 0.10, "powerlaw", "blackbody", nh=_log(0.7, 0.40, 0.05, 6.0),
        gamma=_lin(1.8, 0.40, 1.0, 3.2), kt2=_log(0.35, 0.25, 0.1, 1.2), share=_log(0.10, 0.60, 0.003, 0.8),
    ),
    Population(
        # persistent pulsars, hot polar caps of about 1 keV: Reig 2011; quiescent ones alike, widths: choice
        "faint Be", 0.10, "blackbody", "powerlaw", nh=_log(0.5, 0.45, 0.02, 6.0),
        kt=_log(1.1, 0.18, 0.3, 2.5), gamma=_lin(1.4, 0.50, 0.3, 3.0), share=_log(0.4, 0.25, 0.05, 0.95),
    ),
)  # fmt: skip

_LM_STAR = (
    Population(
        # Guedel 2004, A&ARv 12, 71: 2-10 MK and 10-30 MK, metal-poor when active; M dwarfs alike: Robrade &
        # Schmitt 2005, A&A 435, 1073
        "active", 0.55, "thermal", "thermal", nh=_log(0.02, 0.50, 0.001, 0.6),
        kt=_log(0.40, 0.18, 0.15, 1.0), kt2=_log(1.2, 0.22, 0.5, 4.0), share=_log(0.45, 0.25, 0.05, 0.95),
        abundance=_log(0.3, 0.30, 0.05, 1.2),
    ),
    Population(
        # Guedel 2004: old coronae of 1-5 MK
        "quiet", 0.25, "thermal", "thermal", nh=_log(0.015, 0.50, 0.001, 0.4),
        kt=_log(0.25, 0.18, 0.1, 0.7), kt2=_log(0.7, 0.20, 0.3, 2.0), share=_log(0.15, 0.40, 0.005, 0.8),
        abundance=_log(0.5, 0.30, 0.1, 1.5),
    ),
    Population(
        # flares and active binaries, 2-5 keV and above: Guedel 2004; Audard et al. 2003, A&A 398, 1137
        "flaring", 0.20, "thermal", "thermal", nh=_log(0.03, 0.50, 0.001, 0.8),
        kt=_log(0.80, 0.18, 0.2, 1.6), kt2=_log(2.8, 0.22, 1.0, 10.0), share=_log(0.6, 0.15, 0.15, 0.97),
        abundance=_log(0.3, 0.30, 0.05, 1.2),
    ),
)  # fmt: skip

_LMXB = (
    Population(
        # Remillard & McClintock 2006: hard state of 1.4-2.1; other galaxies: Irwin, Athey & Bregman 2003,
        # ApJ 587, 356 (1.56); a weak thermal part: choice
        "hard", 0.37, "powerlaw", "blackbody", nh=_log(0.2, 0.55, 0.01, 8.0),
        gamma=_lin(1.7, 0.28, 0.9, 2.7), kt2=_log(0.5, 0.35, 0.1, 2.0), share=_log(0.06, 0.60, 0.002, 0.6),
        line=_log(0.02, 0.40, 0.001, 0.15),
    ),
    Population(
        # discs of 0.7-1.5 keV, power laws of 2.1-4.8: McClintock & Remillard 2006 (Compact Stellar X-ray
        # Sources, chapter 4); neutron stars: Lin, Remillard & Homan 2007, ApJ 667, 1073
        "soft", 0.22, "blackbody", "powerlaw", nh=_log(0.3, 0.55, 0.02, 8.0),
        kt=_log(0.75, 0.22, 0.2, 2.5), gamma=_lin(2.2, 0.45, 1.2, 4.0), share=_log(0.35, 0.30, 0.02, 0.95),
    ),
    Population(
        # Heinke et al. 2003, ApJ 598, 501: atmospheres of about 0.1 keV, as blackbodies about twice as hot;
        # power law of 1-2, from none to most of the flux
        "quiescent neutron star", 0.24, "blackbody", "powerlaw", nh=_log(0.12, 0.50, 0.01, 4.0),
        kt=_log(0.2, 0.14, 0.08, 0.4), gamma=_lin(1.5, 0.40, 0.5, 2.6), share=_log(0.15, 0.50, 0.005, 0.95),
    ),
    Population(
        "quiescent black hole", 0.10, "powerlaw", "", nh=_log(0.4, 0.45, 0.02, 4.0),
        gamma=_lin(2.0, 0.30, 1.2, 3.0),  # Kong et al. 2002, ApJ 570, 277; Plotkin et al. 2013, ApJ 773, 59
    ),
    Population(
        # seen through or above the rim of the disc: White & Holt 1982, ApJ 257, 318; Diaz Trigo et al. 2006,
        # A&A 445, 179; columns as in other edge-on systems: choice
        "edge-on", 0.07, "powerlaw", "", nh=_log(0.4, 0.45, 0.02, 5.0),
        gamma=_lin(1.6, 0.35, 0.6, 2.6), nh_inner=_log(6.0, 0.45, 0.4, 80.0),
        leak=_log(0.1, 0.40, 0.005, 0.7),
        line=_log(0.06, 0.35, 0.005, 0.3),
    ),
)  # fmt: skip

_NS = (
    Population(
        # Kargaltsev & Pavlov 2008, AIPC 983, 171: indices of 1-2.3, columns of 1e21-1e23; a cooling surface:
        # choice
        "pulsar with nebula", 0.40, "powerlaw", "blackbody", nh=_log(0.5, 0.55, 0.01, 10.0),
        gamma=_lin(1.6, 0.38, 0.6, 2.9), kt2=_log(0.15, 0.20, 0.05, 0.4), share=_log(0.06, 0.70, 0.001, 0.9),
    ),
    Population(
        # Bogdanov et al. 2006, ApJ 646, 1104: polar caps of 0.1-0.25 keV, a hard power law in some
        "recycled", 0.22, "blackbody", "powerlaw", nh=_log(0.05, 0.50, 0.003, 1.5),
        kt=_log(0.18, 0.15, 0.07, 0.4), gamma=_lin(1.4, 0.40, 0.4, 2.6), share=_log(0.15, 0.60, 0.003, 0.97),
    ),
    Population(
        # Olausen & Kaspi 2014, ApJS 212, 6: 0.3-0.6 keV and indices of 2-4, columns of 1e21-1e23
        "magnetar", 0.18, "blackbody", "powerlaw", nh=_log(1.5, 0.40, 0.05, 15.0),
        kt=_log(0.45, 0.13, 0.15, 1.0), gamma=_lin(2.8, 0.60, 1.0, 4.6), share=_log(0.35, 0.30, 0.02, 0.95),
    ),
    Population(
        # Haberl 2007, Ap&SS 308, 181: 40-110 eV, columns of 1e20 and a little more
        "cooling", 0.10, "blackbody", "", nh=_log(0.03, 0.35, 0.003, 0.4), kt=_log(0.085, 0.12, 0.04, 0.15),
    ),
    Population(
        # De Luca 2008, AIPC 983, 311: central compact objects of 0.2-0.5 keV
        "central compact object", 0.10, "blackbody", "", nh=_log(0.7, 0.40, 0.05, 6.0),
        kt=_log(0.38, 0.13, 0.15, 0.7),
    ),
)  # fmt: skip

_YSO = (
    Population(
        # Getman et al. 2005, ApJS 160, 319 (columns of 1e20-1e23, plasma of 0.8 and 2-3 keV); Guedel et al.
        # 2007, A&A 468, 353; iron low: Maggio et al. 2007, ApJ 660, 1462; 0.3 for all elements: choice
        "quiet", 0.55, "thermal", "thermal", nh=_log(0.5, 0.50, 0.01, 8.0),
        kt=_log(0.80, 0.15, 0.25, 1.6), kt2=_log(2.4, 0.20, 1.0, 8.0), share=_log(0.55, 0.18, 0.08, 0.97),
        abundance=_log(0.3, 0.25, 0.05, 1.0),
    ),
    Population(
        # Favata et al. 2005, ApJS 160, 469: flares of 3-10 keV and above
        "flaring", 0.22, "thermal", "thermal", nh=_log(0.6, 0.50, 0.01, 10.0),
        kt=_log(0.90, 0.18, 0.25, 2.0), kt2=_log(4.5, 0.25, 1.8, 25.0), share=_log(0.75, 0.12, 0.2, 0.99),
        abundance=_log(0.3, 0.25, 0.05, 1.0),
    ),
    Population(
        # embedded: Guedel et al. 2007; Getman et al. 2005; Fe K alpha of some 0.1-0.3 keV in a few: Tsujimoto
        # et al. 2005, ApJS 160, 503
        "protostar", 0.18, "thermal", "", nh=_log(4.0, 0.40, 0.4, 60.0),
        kt=_log(3.5, 0.25, 0.8, 20.0), abundance=_log(0.3, 0.25, 0.05, 1.0),
        line=_log(0.03, 0.50, 0.001, 0.4),
    ),
    Population(
        # accretion shocks and soft coronae of 2-4 MK beside the hot plasma: Telleschi et al. 2007, A&A
        # 468, 443
        "soft", 0.05, "thermal", "thermal", nh=_log(0.1, 0.50, 0.005, 1.0),
        kt=_log(0.28, 0.14, 0.12, 0.6), kt2=_log(1.2, 0.20, 0.5, 4.0), share=_log(0.35, 0.30, 0.03, 0.9),
        abundance=_log(0.3, 0.25, 0.05, 1.0),
    ),
)  # fmt: skip

POPULATIONS = {
    "AGN": _AGN,
    "CV": _CV,
    "HM-STAR": _HM_STAR,
    "HMXB": _HMXB,
    "LM-STAR": _LM_STAR,
    "LMXB": _LMXB,
    "NS": _NS,
    "YSO": _YSO,
}
