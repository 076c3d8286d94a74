"""An ACIS-like response that the project owns: rounded numbers and formulas, no calibration file.

It looks like ACIS and is not ACIS: use real ARF and RMF files (``responses.py``) where that matters.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]
CHIPS = ("FI", "BI")  # front-illuminated (ACIS-I and most of S), back-illuminated (S1, S3)
CHANNELS, CHANNEL_WIDTH = 1024, 0.0146  # PI channels, keV
ENERGY_LO, ENERGY_HI, ENERGY_BINS = 0.25, 10.75, 700

# energy (keV), area of the mirrors (cm^2); the fall at 2.05 keV is the iridium M edge
_MIRROR = np.array(
    [
        (0.25, 820), (0.5, 815), (0.8, 800), (1.0, 795), (1.5, 800), (1.8, 710), (2.04, 690), (2.06, 405),
        (2.3, 425), (2.5, 445), (3.0, 455), (3.5, 460), (4.0, 455), (5.0, 375), (6.0, 245), (7.0, 138),
        (8.0, 62), (9.0, 36), (10.0, 20), (11.0, 11),
    ]
)  # fmt: skip
# energy (keV), quantum efficiency with the filter; a doubled energy is an edge (O K 0.532, Si K 1.839 keV)
_EFFICIENCY = {
    "BI": np.array(
        [
            (0.25, 0.15), (0.3, 0.25), (0.35, 0.36), (0.4, 0.40), (0.5, 0.52), (0.5315, 0.54), (0.5325, 0.45),
            (0.6, 0.53), (0.7, 0.63), (0.8, 0.74), (1.0, 0.85), (1.25, 0.925), (1.5, 0.955), (2.0, 0.965),
            (3.0, 0.95), (4.0, 0.945), (5.0, 0.915), (6.0, 0.845), (7.0, 0.75), (8.0, 0.63), (9.0, 0.56),
            (10.0, 0.45), (11.0, 0.35),
        ]
    ),
    "FI": np.array(
        [
            (0.25, 0.002), (0.3, 0.006), (0.35, 0.012), (0.4, 0.030), (0.5, 0.095), (0.5315, 0.115),
            (0.5325, 0.08), (0.6, 0.12), (0.7, 0.175), (0.8, 0.28), (1.0, 0.47), (1.25, 0.63), (1.5, 0.73),
            (1.838, 0.785), (1.840, 0.57), (2.0, 0.60), (2.5, 0.70), (3.0, 0.77), (4.0, 0.86), (5.0, 0.90),
            (6.0, 0.89), (7.0, 0.80), (8.0, 0.69), (9.0, 0.58), (10.0, 0.48), (11.0, 0.38),
        ]
    ),
}  # fmt: skip
# years since 1999.0, optical depth of the contamination at 0.67 keV; its growth quickened after 2010
_CONTAMINATION = np.array(
    [(0.6, 0.0), (2.8, 0.30), (6.3, 0.50), (12, 0.75), (14, 1.0), (17, 1.6), (21, 2.4), (26, 3.1)]
)
# FWHM^2 = a + b E + c E^2 (keV^2), and the fraction of events in a shelf below the peak
_WIDTH = {"FI": (0.0025, 0.0025, 0.0003), "BI": (0.0090, 0.0030, 0.0)}
_SHELF = {"FI": 0.03, "BI": 0.02}
_SHELF_REACH = 0.5  # keV
_ESCAPE, _SILICON_EDGE = 1.74, 1.839  # keV: Si K alpha leaves the chip


@dataclass(frozen=True)
class Redistribution:
    """Where events of each energy are found, kept sparse.

    Parameters
    ----------
    energy_lo, energy_hi : ndarray, shape (k,), float64
        Edges of the energy bins, keV.
    channel_lo, channel_hi : ndarray, shape (n,), float64
        Nominal energies of the channels, keV, ascending.
    energy : ndarray, shape (m,), intp
        Energy bin of each entry; entries stand channel by channel.
    weight : ndarray, shape (m,), float64
        Probability of each entry, positive.
    filled, start : ndarray, shape (c,), intp
        The channels that hold entries, and the first entry of each.
    """

    energy_lo: Array
    energy_hi: Array
    channel_lo: Array
    channel_hi: Array
    energy: Index
    weight: Array
    filled: Index
    start: Index

    def fold(self, events: Array) -> Array:
        """Return events by channel, shape (n,), from events by energy bin, shape (k,).

        The sums run in one fixed order, so that neither threads nor other rows change them.
        """
        product = events[self.energy]
        product *= self.weight
        counts = np.zeros(len(self.channel_lo))
        counts[self.filled] = np.add.reduceat(product, self.start)
        return counts


@dataclass(frozen=True)
class Response:
    """Effective area (cm^2), shape (k,), float64, on the energy bins of a redistribution.

    `name` says where it is from, `chip` (one of :data:`CHIPS`) which particle background goes with it.
    """

    name: str
    chip: str
    area: Array
    redistribution: Redistribution


def from_matrix(
    energy_lo: Array, energy_hi: Array, channel_lo: Array, channel_hi: Array, matrix: Array
) -> Redistribution:
    """Return the sparse form of a dense matrix, shape (k, n), float64, of probabilities."""
    channel, energy = np.nonzero(matrix.T)
    filled, start = np.unique(channel, return_index=True)
    return Redistribution(
        energy_lo, energy_hi, channel_lo, channel_hi, energy, matrix[energy, channel], filled, start
    )


def fwhm(energy: Array, chip: str) -> Array:
    """Full width at half maximum (keV) of the peak at `energy` (keV)."""
    a, b, c = _WIDTH[chip]
    width: Array = np.sqrt(a + b * energy + c * energy**2)
    return width


@lru_cache(maxsize=len(CHIPS))
def redistribution(chip: str) -> Redistribution:
    """Return the redistribution of a chip: a Gaussian, a shelf below it and the silicon escape peak.

    Every row of the matrix sums to 1.
    """
    edges = np.linspace(ENERGY_LO, ENERGY_HI, ENERGY_BINS + 1)
    energy = ((edges[1:] + edges[:-1]) / 2)[:, None]
    channel_edges: Array = CHANNEL_WIDTH * np.arange(CHANNELS + 1, dtype=np.float64)
    channel = ((channel_edges[1:] + channel_edges[:-1]) / 2)[None, :]
    sigma = fwhm(energy, chip) / np.sqrt(8 * np.log(2))

    # fewer escape at higher energies, which are absorbed deeper
    escape = np.where(energy > _SILICON_EDGE, 0.016 * _SILICON_EDGE / energy, 0.0)
    core = _normal(np.exp(-(((channel - energy) / sigma) ** 2) / 2))
    shelf = _normal(((channel <= energy) & (channel > energy - _SHELF_REACH)).astype(float))
    peak = _normal(np.exp(-(((channel - energy + _ESCAPE) / sigma) ** 2) / 2) * (escape > 0))
    matrix = (1 - _SHELF[chip] - escape) * core + _SHELF[chip] * shelf + escape * peak
    matrix[matrix < 1e-7] = 0.0
    return from_matrix(edges[:-1], edges[1:], channel_edges[:-1], channel_edges[1:], _normal(matrix))


def _normal(matrix: Array) -> Array:
    """Scale each row to sum 1; rows of zeros stay."""
    total = matrix.sum(axis=1, keepdims=True)
    scaled: Array = matrix / np.where(total > 0, total, 1.0)
    return scaled


def _table(energy: Array, table: Array) -> Array:
    """Interpolate a table linearly in log energy and log value."""
    value: Array = np.exp(np.interp(np.log(energy), np.log(table[:, 0]), np.log(table[:, 1])))
    return value


def contamination(energy: Array, epoch: float) -> Array:
    """Fraction of photons that pass the layer on the filter.

    Parameters
    ----------
    energy : ndarray, shape (k,), float64
        keV.
    epoch : float
        Years since 1999.0; before the first and after the last known year the depth stays as it is there.

    Returns
    -------
    ndarray, shape (k,), float64
        exp(-depth): carbon as E^-2.7 above its K edge (0.284 keV), with small steps at those of oxygen
        (0.532) and fluorine (0.687). The depth at 0.67 keV is in round numbers of our own: it grows as
        Plucinsky et al. 2018 (Proc. SPIE 10699) describe until 2016, and at a steady rate from there.
    """
    step = np.where(energy > 0.284, 1.0, 0.05) + 0.12 * (energy > 0.532) + 0.22 * (energy > 0.687)
    depth = np.interp(epoch, _CONTAMINATION[:, 0], _CONTAMINATION[:, 1])
    passed: Array = np.exp(-depth * step / 1.12 * (energy / 0.67) ** -2.7)
    return passed


def vignetting(energy: Array, theta: float) -> Array:
    """Effective area at `theta` arcmin off-axis over that on axis, shape (k,).

    1 / (1 + (theta/theta_half)^2), theta_half = 27.2 - 2.14 E arcmin but at least 9: round numbers, a choice
    that gives about 0.85 at 1.5 keV and 0.65 at 6.4 keV for 10 arcmin.
    """
    half = np.maximum(27.2 - 2.14 * energy, 9.0)
    fraction: Array = 1 / (1 + (theta / half) ** 2)
    return fraction


@lru_cache(maxsize=len(CHIPS))
def _clean_area(chip: str) -> tuple[Array, Array]:
    r = redistribution(chip)
    energy = (r.energy_lo + r.energy_hi) / 2
    return energy, _table(energy, _MIRROR) * _table(energy, _EFFICIENCY[chip])


def acis_response(chip: str, epoch: float, theta: float) -> Response:
    """Return the ACIS-like response of one observation.

    Parameters
    ----------
    chip : {"FI", "BI"}
        Front- or back-illuminated.
    epoch : float
        Years since 1999.0: how far the contamination has grown.
    theta : float
        Off-axis angle, arcmin.
    """
    if chip not in CHIPS:
        raise ValueError(f"chip {chip!r}: give one of {', '.join(CHIPS)}")
    energy, area = _clean_area(chip)
    return Response(
        f"ACIS-like {chip}",
        chip,
        area * contamination(energy, epoch) * vignetting(energy, theta),
        redistribution(chip),
    )
