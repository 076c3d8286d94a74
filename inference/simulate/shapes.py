"""Photon spectra on an energy grid: four shapes and interstellar absorption.

Every shape is a photon flux density up to a factor; the simulator scales it to the counts it wants.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ENERGY_MIN = 0.03  # keV; where the absorption begins
SHAPES = ("powerlaw", "blackbody", "bremsstrahlung", "thermal")

# Morrison & McCammon 1983, ApJ 270, 119, table 2: sigma(E) = (c0 + c1 E + c2 E^2) / E^3 1e-24 cm^2
_EDGES = np.array(
    [0.03, 0.1, 0.284, 0.4, 0.532, 0.707, 0.867, 1.303, 1.84, 2.471, 3.21, 4.038, 7.111, 8.331, 10.0]
)
_C0 = np.array([17.3, 34.6, 78.1, 71.4, 95.5, 308.9, 120.6, 141.3, 202.7, 342.7, 352.2, 433.9, 629.0, 701.2])
_C1 = np.array([608.1, 267.9, 18.8, 66.8, 145.8, -380.6, 169.3, 146.8, 104.7, 18.7, 18.7, -2.4, 30.9, 25.2])
_C2 = np.array([-2150.0, -476.1, 4.3, -51.4, -61.1, 294.0, -47.7, -31.5, -17.0, 0.0, 0.0, 0.75, 0.0, 0.0])


@dataclass(frozen=True)
class Line:
    """A line of the thermal shape.

    `energy` in keV; `kt_peak`, the temperature (keV) where it is strongest; `width`, its equivalent
    width (keV) there for solar abundances.
    """

    ion: str
    energy: float
    kt_peak: float
    width: float


# Energies: the strongest lines of each ion, as laboratory tables give them. Peak temperatures: where the ions
# live in collisional equilibrium, to about 0.1 in log T. Widths: a choice that looks like ACIS spectra.
LINES = (
    Line("O VII", 0.574, 0.17, 0.72),
    Line("O VIII", 0.654, 0.27, 0.64),
    Line("Fe XVII", 0.727, 0.45, 0.45),
    Line("O VIII", 0.775, 0.27, 0.10),
    Line("Fe XVII", 0.826, 0.45, 0.45),
    Line("Fe XVIII", 0.873, 0.60, 0.36),
    Line("Fe XIX", 0.917, 0.68, 0.27),
    Line("Ne IX", 0.922, 0.34, 0.15),
    Line("Fe XX", 0.965, 0.86, 0.36),
    Line("Fe XXI", 1.009, 0.95, 0.36),
    Line("Ne X", 1.022, 0.54, 0.15),
    Line("Fe XXII", 1.053, 1.1, 0.27),
    Line("Fe XXIII", 1.129, 1.3, 0.27),
    Line("Fe XXIV", 1.168, 1.6, 0.18),
    Line("Mg XI", 1.352, 0.54, 0.15),
    Line("Mg XII", 1.473, 0.86, 0.08),
    Line("Si XIII", 1.865, 0.86, 0.25),
    Line("Si XIV", 2.006, 1.4, 0.12),
    Line("S XV", 2.461, 1.4, 0.20),
    Line("S XVI", 2.623, 2.2, 0.10),
    Line("Ar XVII", 3.140, 1.7, 0.09),
    Line("Ar XVIII", 3.323, 3.4, 0.04),
    Line("Ca XIX", 3.902, 2.7, 0.08),
    Line("Ca XX", 4.107, 4.3, 0.04),
    Line("Fe XXV", 6.70, 5.4, 0.80),
    Line("Fe XXVI", 6.97, 10.8, 0.30),
)
LINE_SPREAD = 0.55  # 1 sigma in ln kT of a line's equivalent width about its peak


def cross_section(energy: Array) -> Array:
    """Photoelectric cross-section of the interstellar medium per hydrogen atom.

    Parameters
    ----------
    energy : ndarray, float64
        keV, at least 0.03; above 10 keV the last polynomial is continued.

    Returns
    -------
    ndarray, float64
        cm^2, for solar abundances: Morrison & McCammon 1983, ApJ 270, 119, table 2.
    """
    if energy.size and energy.min() < ENERGY_MIN:
        raise ValueError(f"energy {energy.min():g} keV: the cross-section begins at {ENERGY_MIN} keV")
    i = np.clip(np.searchsorted(_EDGES, energy, side="right") - 1, 0, len(_C0) - 1)
    sigma: Array = (_C0[i] + _C1[i] * energy + _C2[i] * energy**2) / energy**3 * 1e-24
    return sigma


def absorption(energy: Array, nh: float) -> Array:
    """Fraction of photons that pass a column of `nh` 1e22 hydrogen atoms cm^-2; `energy` in keV."""
    passed: Array = np.exp(-nh * 1e22 * cross_section(energy))
    return passed


def powerlaw(energy: Array, gamma: float) -> Array:
    """E^-gamma, 1 at 1 keV; `energy` in keV."""
    density: Array = energy**-gamma
    return density


def blackbody(energy: Array, kt: float) -> Array:
    """Photon spectrum of a blackbody, E^2 / (exp(E/kT) - 1), up to a factor; `energy`, `kt` in keV."""
    # as exp(-x) / (1 - exp(-x)): no overflow where kT is small
    x = energy / kt
    density: Array = x**2 * np.exp(-x) / -np.expm1(-x)
    return density


def gaunt(x: Array) -> Array:
    """Free-free Gaunt factor averaged over a thermal plasma, Born approximation.

    Parameters
    ----------
    x : ndarray, float64
        Photon energy over kT, positive.

    Returns
    -------
    ndarray, float64
        sqrt(3)/pi exp(x/2) K0(x/2) (Greene 1959, ApJ 130, 693); K0 from the polynomials of
        Abramowitz & Stegun 1964, 9.8.1, 9.8.5 and 9.8.6 (good to 2e-7).
    """
    half = x / 2
    small, large = np.minimum(half, 2.0), np.maximum(half, 2.0)
    i0 = np.polyval(
        [0.0045813, 0.0360768, 0.2659732, 1.2067492, 3.0899424, 3.5156229, 1.0], (small / 3.75) ** 2
    )
    k0 = np.polyval(
        [0.0000074, 0.00010750, 0.00262698, 0.03488590, 0.23069756, 0.42278420, -0.57721566], (small / 2) ** 2
    )
    below = np.exp(small) * (k0 - np.log(small / 2) * i0)
    above = np.polyval(
        [0.00053208, -0.00251540, 0.00587872, -0.01062446, 0.02189568, -0.07832358, 1.25331414], 2 / large
    ) / np.sqrt(large)
    factor: Array = np.sqrt(3) / np.pi * np.where(half <= 2.0, below, above)
    return factor


def bremsstrahlung(energy: Array, kt: float) -> Array:
    """Thermal bremsstrahlung of hydrogen, g(E/kT) exp(-E/kT) / E, up to a factor; keV. See :func:`gaunt`."""
    x = energy / kt
    density: Array = gaunt(x) * np.exp(-x) / energy
    return density


def thermal(lo: Array, hi: Array, kt: float, abundance: float) -> Array:
    """Bremsstrahlung and the lines of O, Ne, Mg, Si, S, Ar, Ca and Fe: a shape, not APEC.

    Parameters
    ----------
    lo, hi : ndarray, shape (k,), float64
        Edges of the energy bins, keV, adjoining and ascending.
    kt : float
        Temperature, keV.
    abundance : float
        Of all the elements with lines, in solar units; the continuum does not change.

    Returns
    -------
    ndarray, shape (k,), float64
        Photon flux density up to a factor. A line puts all its photons into the bin it falls in:
        ``abundance * width * exp(-ln(kt / kt_peak)^2 / (2 LINE_SPREAD^2))`` times the continuum there,
        a log-normal stand-in for the ionisation balance.
    """
    density = bremsstrahlung((lo + hi) / 2, kt)
    bins = np.searchsorted(lo, _LINE_ENERGY, side="right") - 1
    inside = (bins >= 0) & (hi[-1] > _LINE_ENERGY)
    strength = _LINE_WIDTH * np.exp(-(np.log(kt / _LINE_KT) ** 2) / (2 * LINE_SPREAD**2))
    photons = abundance * strength * bremsstrahlung(_LINE_ENERGY, kt)
    bins, photons = bins[inside], photons[inside]
    np.add.at(density, bins, photons / (hi[bins] - lo[bins]))
    return density


_LINE_ENERGY = np.array([line.energy for line in LINES])
_LINE_KT = np.array([line.kt_peak for line in LINES])
_LINE_WIDTH = np.array([line.width for line in LINES])


def photon_spectrum(
    lo: Array, hi: Array, shape: str, *, nh: float, gamma: float, kt: float, abundance: float
) -> Array:
    """One absorbed photon spectrum, up to a factor.

    Parameters
    ----------
    lo, hi : ndarray, shape (k,), float64
        Edges of the energy bins, keV.
    shape : str
        One of :data:`SHAPES`.
    nh : float
        Absorbing column, 1e22 cm^-2.
    gamma, kt, abundance : float
        Photon index, temperature (keV), abundance (solar); only those of the shape are read.

    Returns
    -------
    ndarray, shape (k,), float64
        Photon flux density (photons cm^-2 s^-1 keV^-1) up to a factor.
    """
    energy = (lo + hi) / 2
    if shape == "powerlaw":
        density = powerlaw(energy, gamma)
    elif shape == "blackbody":
        density = blackbody(energy, kt)
    elif shape == "bremsstrahlung":
        density = bremsstrahlung(energy, kt)
    elif shape == "thermal":
        density = thermal(lo, hi, kt, abundance)
    else:
        raise ValueError(f"shape {shape!r}: give one of {', '.join(SHAPES)}")
    density *= absorption(energy, nh)
    return density
