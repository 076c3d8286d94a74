"""Spectral components on a cached energy grid: many models a second for the conditioned simulator.

The formulas are those of ``shapes``; what depends on the grid alone is worked out once a grid, and the Gaunt
factor is read from a table (relative error below 1e-5).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .shapes import LINE_SPREAD, LINES, blackbody, cross_section, gaunt

Array = NDArray[np.float64]
BAND = (0.5, 7.0)  # keV; where the shares of components are counted

_LINE_ENERGY = np.array([line.energy for line in LINES])
_LINE_LOG_KT = np.log([line.kt_peak for line in LINES])
_LINE_WIDTH = np.array([line.width for line in LINES])

_LOG_X = np.linspace(math.log(1e-4), math.log(1e5), 4001)
_LOG_GAUNT = np.log(gaunt(np.exp(_LOG_X)))
# cross-section at redshifted energies: the nearest of these, 1 part in 2,500 apart
_SIGMA_BEGIN, _SIGMA_STEP = math.log(0.03001), 4e-4
_SIGMA = cross_section(np.exp(_SIGMA_BEGIN + _SIGMA_STEP * np.arange(20_001))) * 1e22  # to 89 keV
_Z = np.linspace(-5.0, 5.0, 501)
_CDF = np.array([0.5 * (1 + math.erf(z / math.sqrt(2))) for z in _Z])
_CDF[0], _CDF[-1] = 0.0, 1.0  # a Gaussian line ends at 5 sigma


@dataclass(frozen=True)
class Grid:
    """Energy bins and what every model needs on them.

    Parameters
    ----------
    lo, width, energy, log_energy, sigma : ndarray, shape (k,), float64
        Lower edge, width and centre (keV), logarithm of the centre, cross-section at the centre
        (cm^2 per 1e22 hydrogen atoms cm^-2: times 1e22).
    edges : ndarray, shape (k + 1,), float64
        keV.
    band : slice
        Bins whose centre lies in :data:`BAND`; all of them if none does.
    line, line_bin : ndarray, intp
        Which lines of ``shapes.LINES`` fall on the grid, and into which bin.
    """

    lo: Array
    width: Array
    energy: Array
    log_energy: Array
    sigma: Array
    edges: Array
    band: slice
    line: NDArray[np.intp]
    line_bin: NDArray[np.intp]


def grid(lo: Array, hi: Array) -> Grid:
    """Return the grid of adjoining bins, from the cache where it was met before (keyed by its contents).

    Parameters
    ----------
    lo, hi : ndarray, shape (k,), float64
        Edges of the energy bins, keV, adjoining and ascending; `hi` is read at its end only.

    Raises
    ------
    ValueError
        If the grid is empty, not ascending, or has a centre below the cross-section.
    """
    if lo.size == 0 or lo.shape != hi.shape:
        raise ValueError(f"energy bins: lower edges of shape {lo.shape}, upper edges of shape {hi.shape}")
    return _grid(np.ascontiguousarray(lo, dtype=np.float64).tobytes(), float(hi[-1]))


@lru_cache(maxsize=64)
def _grid(lower: bytes, last: float) -> Grid:
    edges = np.append(np.frombuffer(lower), last)
    if not (np.diff(edges) > 0).all():
        raise ValueError("energy bins: edges must ascend")
    lo, hi = edges[:-1], edges[1:]
    energy = (lo + hi) / 2
    begin, end = (int(np.searchsorted(energy, e)) for e in BAND)
    bins = np.searchsorted(lo, _LINE_ENERGY, side="right") - 1
    inside = np.flatnonzero((bins >= 0) & (hi[-1] > _LINE_ENERGY))
    made = Grid(
        lo=lo,
        width=hi - lo,
        energy=energy,
        log_energy=np.log(energy),
        sigma=cross_section(energy) * 1e22,
        edges=edges,
        band=slice(begin, end) if end > begin else slice(0, len(lo)),
        line=inside,
        line_bin=bins[inside],
    )
    for array in vars(made).values():
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return made


def _bremsstrahlung(energy: Array, log_energy: Array, kt: float) -> Array:
    """As ``shapes.bremsstrahlung``, the Gaunt factor from the table."""
    density: Array = np.interp(log_energy - math.log(kt), _LOG_X, _LOG_GAUNT)
    density -= energy / kt
    density -= log_energy
    np.exp(density, out=density)
    return density


def _thermal(g: Grid, kt: float, abundance: float) -> Array:
    """As ``shapes.thermal``."""
    density = _bremsstrahlung(g.energy, g.log_energy, kt)
    energy = _LINE_ENERGY[g.line]
    photons = _LINE_WIDTH[g.line] * np.exp(
        -((math.log(kt) - _LINE_LOG_KT[g.line]) ** 2) / (2 * LINE_SPREAD**2)
    )
    photons *= abundance * _bremsstrahlung(energy, np.log(energy), kt)
    np.add.at(density, g.line_bin, photons / g.width[g.line_bin])
    return density


def component(g: Grid, shape: str, gamma: float, kt: float, abundance: float) -> Array:
    """One component without absorption, scaled to 1 photon in :data:`BAND`.

    Parameters
    ----------
    g : Grid
        The energy bins.
    shape : str
        "powerlaw", "blackbody" or "thermal".
    gamma, kt, abundance : float
        Photon index, temperature (keV), abundance (solar); only those of the shape are read.

    Returns
    -------
    ndarray, shape (k,), float64
        Photon flux density, keV^-1 up to a factor.
    """
    if shape == "powerlaw":
        density: Array = np.exp(-gamma * g.log_energy)
    elif shape == "blackbody":
        density = blackbody(g.energy, kt)
    elif shape == "thermal":
        density = _thermal(g, kt, abundance)
    else:
        raise ValueError(f"component {shape!r}: give one of powerlaw, blackbody, thermal")
    density /= float(density[g.band] @ g.width[g.band])
    return density


def partial_absorption(g: Grid, nh: float, covering: float, redshift: float) -> Array:
    """Fraction of photons that pass an absorber of `nh` 1e22 cm^-2 before the part `covering` of a source.

    The rest, 1 - `covering`, passes beside it (a gap, or scattering by gas above the absorber). The absorber
    lies at `redshift`: its cross-section is taken at E (1 + redshift), to 0.1 %.
    """
    sigma = g.sigma
    if redshift > 0:
        shift = math.log1p(redshift) - _SIGMA_BEGIN
        index = ((g.log_energy + shift) * (1 / _SIGMA_STEP) + 0.5).astype(np.intp)
        sigma = _SIGMA.take(index, mode="clip")
    passed: Array = np.exp(-nh * sigma)
    passed *= covering
    passed += 1 - covering
    return passed


def add_line(g: Grid, density: Array, energy: float, sigma: float, equivalent_width: float) -> None:
    """Add a Gaussian emission line to `density`, shape (k,), in place.

    Parameters
    ----------
    g : Grid
        The energy bins.
    density : ndarray, shape (k,), float64
        The continuum as it is observed.
    energy, sigma : float
        Centre and 1 sigma width, keV; the line ends at 5 sigma.
    equivalent_width : float
        keV: photons of the line over the continuum density in the bin of its centre. A line whose centre is
        off the grid adds nothing; the part of one that reaches beyond the grid is lost.
    """
    if not g.edges[0] <= energy < g.edges[-1]:
        return
    photons = equivalent_width * density[int(np.searchsorted(g.lo, energy, side="right")) - 1]
    begin = max(int(np.searchsorted(g.edges, energy - 5 * sigma)) - 1, 0)
    end = min(int(np.searchsorted(g.edges, energy + 5 * sigma)) + 1, len(g.edges))
    below = np.interp((g.edges[begin:end] - energy) / sigma, _Z, _CDF)
    density[begin : end - 1] += photons * np.diff(below) / g.width[begin : end - 1]
