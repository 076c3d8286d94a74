"""What the simulated detections are like: counts, exposures, angles, shapes, backgrounds.

Counts, exposures and off-axis angles follow quantiles of the Chandra Source Catalog 2.1, drawn independently
of each other; everything else here is a choice, and named as one.
"""

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from .response import CHIPS, Redistribution, Response, acis_response, redistribution, vignetting
from .shapes import powerlaw, thermal

Array = NDArray[np.float64]

MIN_COUNTS = 40.0  # least expected net counts, about where a spectrum begins to tell something
MAX_COUNTS = 2e5
MAX_RATE = 1.0  # count s^-1: brighter ones would be piled up beyond use, and pile-up is not simulated
_TAIL_SLOPE = 1.0  # N(> counts) ~ counts^-slope beyond the last quantile; 0.97 between the last two
# probability, value
_COUNTS = ((0.25, 5.0), (0.50, 13.0), (0.75, 32.0), (0.95, 153.0), (0.99, 811.0))
_EXPOSURE = (
    (0.001, 1.0e3),
    (0.05, 3.1e3),
    (0.50, 28e3),
    (0.95, 99e3),
    (0.999, 190e3),
)  # s; the ends are choices
_THETA = (
    (0.0, 0.0),
    (0.05, 0.64),
    (0.25, 2.6),
    (0.50, 4.5),
    (0.75, 8.0),
    (0.95, 13.8),
    (0.99, 16.5),
    (1.0, 18.0),
)

EPOCHS = (0.7, 23.0)  # years since 1999.0: what the catalog's observations span
_BI_FRACTION = 0.4
_SHAPES = (("powerlaw", 0.50), ("thermal", 0.25), ("bremsstrahlung", 0.15), ("blackbody", 0.10))
_SHARES = np.cumsum([share for _, share in _SHAPES])
_NH = (0.01, 5.0)  # 1e22 cm^-2, log-uniform; from the thinnest Galactic columns to the plane and obscured AGN
_GAMMA = (1.9, 0.4, 0.5, 4.0)  # normal: mean, sigma, least, greatest
_KT = {"blackbody": (0.08, 2.0), "bremsstrahlung": (1.0, 30.0), "thermal": (0.2, 8.0)}  # keV, log-uniform
_ABUNDANCE = (0.1, 1.0)  # solar, log-uniform

_BACKSCAL_RATIO = (10.0, 30.0)  # background region over aperture, log-uniform
_PARTICLE_SCATTER, _SKY_SCATTER = 0.2, 0.5  # 1 sigma in ln of the background rates between observations

DESCRIPTION = (
    f"net counts: CSC 2.1 quantiles above {MIN_COUNTS:g}, beyond 99 % a power law of slope {_TAIL_SLOPE:g} "
    f"up to {MAX_COUNTS:g} and {MAX_RATE:g} count/s; exposure and off-axis angle: CSC 2.1 quantiles; shapes: "
    + ", ".join(f"{name} {share:.0%}" for name, share in _SHAPES)
    + "; light curves: 17 % flare, dip, are eclipsed or pulse (a choice); no pile-up, no extent"
)


@dataclass(frozen=True)
class Draw:
    """One simulated detection before its counts: all that was drawn for it.

    `nh` 1e22 cm^-2, `gamma`, `kt` keV, `abundance` solar (NaN where the shape has none); `counts` expected
    net counts in 0.5-7.0 keV; `exposure` s; `theta` arcmin; `epoch` years since 1999.0; `particle`, `sky`
    factors on the background rates; `ratio` background region over aperture; `ra`, `dec` deg; `pick`
    uniform in [0, 1), for choosing among responses.
    """

    shape: str
    nh: float
    gamma: float
    kt: float
    abundance: float
    counts: float
    exposure: float
    theta: float
    epoch: float
    chip: str
    particle: float
    sky: float
    ratio: float
    ra: float
    dec: float
    pick: float


_Z = NormalDist()
_COUNTS_Z = np.array([_Z.inv_cdf(p) for p, _ in _COUNTS])
_COUNTS_LOG = np.log([value for _, value in _COUNTS])
_EXPOSURE_Z = np.array([_Z.inv_cdf(p) for p, _ in _EXPOSURE])
_EXPOSURE_LOG = np.log([value for _, value in _EXPOSURE])


def counts_quantile(p: float) -> float:
    """Net counts below which a fraction `p` (0.25 <= p < 1) of all catalog detections lies.

    Monotone: log counts linear in the normal quantile of `p`, a power law beyond 0.99.
    """
    last, value = _COUNTS[-1]
    if p > last:
        tail = (1 - last) / max(1 - p, 1e-12)
        return float(min(value * tail ** (1 / _TAIL_SLOPE), MAX_COUNTS))
    return float(np.exp(np.interp(_Z.inv_cdf(p), _COUNTS_Z, _COUNTS_LOG)))


def exposure_quantile(p: float) -> float:
    """Exposure (s) below which a fraction `p` (0 < p < 1) of the detections lies; ends at 1 and 190 ks."""
    return float(np.exp(np.interp(_Z.inv_cdf(p), _EXPOSURE_Z, _EXPOSURE_LOG)))


def theta_quantile(p: float) -> float:
    """Off-axis angle (arcmin) below which a fraction `p` of the detections lies."""
    return float(np.interp(p, [q for q, _ in _THETA], [value for _, value in _THETA]))


# fraction of the detections below MIN_COUNTS: the inverse of counts_quantile
BELOW_MIN = _Z.cdf(float(np.interp(np.log(MIN_COUNTS), _COUNTS_LOG, _COUNTS_Z)))


def _log_uniform(rng: np.random.Generator, lo: float, hi: float) -> float:
    return float(lo * (hi / lo) ** rng.random())


def draw(rng: np.random.Generator) -> Draw:
    """Draw one detection.

    Soft emission behind a thick column would not be in the catalog: for blackbody and thermal shapes
    the column stays below 5e22 cm^-2 x kT / keV.
    """
    shape = _SHAPES[int(np.searchsorted(_SHARES[:-1], rng.random(), side="right"))][0]
    gamma = kt = abundance = float("nan")
    nh_hi = _NH[1]
    if shape == "powerlaw":
        mean, sigma, lo, hi = _GAMMA
        gamma = float(np.clip(rng.normal(mean, sigma), lo, hi))
    else:
        kt = _log_uniform(rng, *_KT[shape])
        if shape == "thermal":
            abundance = _log_uniform(rng, *_ABUNDANCE)
        if shape != "bremsstrahlung":
            nh_hi = min(nh_hi, _NH[1] * kt)
    nh = _log_uniform(rng, _NH[0], nh_hi)
    counts = counts_quantile(BELOW_MIN + (1 - BELOW_MIN) * rng.random())
    exposure = exposure_quantile(1e-9 + (1 - 2e-9) * rng.random())
    return Draw(
        shape=shape,
        nh=nh,
        gamma=gamma,
        kt=kt,
        abundance=abundance,
        counts=min(counts, MAX_RATE * exposure),
        exposure=exposure,
        theta=theta_quantile(rng.random()),
        epoch=float(rng.uniform(*EPOCHS)),
        chip=CHIPS[int(rng.random() < _BI_FRACTION)],
        particle=float(np.exp(_PARTICLE_SCATTER * rng.standard_normal())),
        sky=float(np.exp(_SKY_SCATTER * rng.standard_normal())),
        ratio=_log_uniform(rng, *_BACKSCAL_RATIO),
        ra=float(360 * rng.random()),
        dec=float(np.degrees(np.arcsin(2 * rng.random() - 1))),
        pick=float(rng.random()),
    )


def aperture_area(theta: float) -> float:
    """Area (arcsec^2) of a source aperture `theta` arcmin off-axis.

    A circle of 2 + 0.1 theta^2 arcsec, which grows as the image of a point does.
    """
    return float(np.pi * (2 + 0.1 * theta**2) ** 2)


# keV, counts s^-1 arcsec^-2: fluorescence of the instrument (Al, Si, Au M, Ni, Au L)
_FLUORESCENCE = ((1.487, 0.7e-8), (1.740, 1.0e-8), (2.123, 1.5e-8), (7.478, 4.0e-8), (9.713, 11e-8))


def particle_background(channel_lo: Array, channel_hi: Array, chip: str) -> Array:
    """Particle background (counts s^-1 arcsec^-2 in each channel), shape (n,); not focused by the mirrors.

    Round numbers: a level rate, a rise towards the lowest energies, on back-illuminated chips one
    towards the highest, and fluorescence lines.
    """
    energy, width = (channel_lo + channel_hi) / 2, channel_hi - channel_lo
    density = 0.7e-7 + 1.5e-7 * np.exp(-energy / 0.3)
    if chip == "BI":
        density = density + 0.5e-7 + 5e-7 * (energy / 9) ** 4 / (1 + (energy / 10) ** 8)
    for line, rate in _FLUORESCENCE:
        density = density + rate * np.exp(-(((energy - line) / 0.07) ** 2) / 2) / (0.07 * np.sqrt(2 * np.pi))
    return density * width


def sky_background(r: Redistribution, area: Array) -> Array:
    """X-ray sky (counts s^-1 arcsec^-2 in each channel), shape (n,).

    The extragalactic background, 2.7e-10 E^-1.4 photons cm^-2 s^-1 keV^-1 arcsec^-2 (De Luca & Molendi
    2004, A&A 419, 837), half of it unresolved, and a soft thermal Galactic part (0.2 keV).
    """
    lo, hi = r.energy_lo, r.energy_hi
    soft = thermal(lo, hi, 0.2, 1.0)
    band = (lo > 0.5) & (hi < 1.0)
    soft *= 6e-10 / (soft[band] * (hi - lo)[band]).sum()
    photons = 0.5 * 2.7e-10 * powerlaw((lo + hi) / 2, 1.4) + soft
    return r.fold(photons * area * (hi - lo))


@lru_cache(maxsize=64)
def _acis_background(chip: str, year: int) -> tuple[Array, Array]:
    r = redistribution(chip)
    return (
        particle_background(r.channel_lo, r.channel_hi, chip),
        sky_background(r, acis_response(chip, year + 0.5, 0.0).area),
    )


def background(d: Draw, response: Response | None = None) -> Array:
    """Expected background counts in the aperture by channel, shape (n,), float64.

    Parameters
    ----------
    d : Draw
        The detection.
    response : Response, optional
        One from files; without it the ACIS-like one of the detection's chip and year, with the sky
        vignetted as at 1 keV.
    """
    if response is None:
        particle, sky = _acis_background(d.chip, int(d.epoch))
        sky = sky * vignetting(np.array([1.0]), d.theta)
    else:
        r = response.redistribution
        particle, sky = (
            particle_background(r.channel_lo, r.channel_hi, response.chip),
            sky_background(r, response.area),
        )
    return (d.particle * particle + d.sky * sky) * (aperture_area(d.theta) * d.exposure)
