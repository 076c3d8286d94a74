"""From counts by channel to one spectrum on the logarithmic grid; written once, run once, by ingest.

The rebinning is f_ij = overlap of group i with bin j / width of bin j, value_j = sum_i f_ij y_i,
error_j = sqrt(sum_i f_ij^2 e_i^2). What the groups do not cover is zero.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import Quarantined
from .recipe import Recipe

Array = NDArray[np.float64]
BROAD = (0.5, 7.0)  # the CSC b band, keV


@dataclass(frozen=True)
class Observation:
    """Counts of one detection, with all that turns them into a spectrum.

    Parameters
    ----------
    counts : ndarray, shape (n,), float64
        Source-region counts by channel.
    exposure : float
        Seconds, of the source spectrum.
    energy_lo, energy_hi : ndarray, shape (n,), float64
        Energies of the channels, keV, ascending.
    background : ndarray, shape (n,), float64, optional
        Background-region counts by channel.
    scale : float or ndarray, shape (n,)
        Expected background in the source region over background counts:
        (T BACKSCAL AREASCAL) of the source over that of the background.
    areascal : float or ndarray, shape (n,)
        AREASCAL of the source.
    counts_error, background_error : ndarray, shape (n,), float64, optional
        1 sigma by channel where the file gives it; otherwise Gehrels' 1 + sqrt(n + 0.75).
    area_lo, area_hi, area : ndarray, shape (k,), float64, optional
        Energies (keV) and effective area (cm^2) of the ARF.
    """

    counts: Array
    exposure: float
    energy_lo: Array
    energy_hi: Array
    background: Array | None = None
    scale: float | Array = 1.0
    areascal: float | Array = 1.0
    counts_error: Array | None = None
    background_error: Array | None = None
    area_lo: Array | None = None
    area_hi: Array | None = None
    area: Array | None = None


@dataclass(frozen=True)
class Grouped:
    """A grouped spectrum: edges in keV, density and its error in the recipe's unit; each shape (m,)."""

    lo: Array
    hi: Array
    y: Array
    yerr: Array


def band_counts(
    observation: Observation, lo: float = BROAD[0], hi: float = BROAD[1]
) -> tuple[float, float, float]:
    """Return source, background and net counts in the channels wholly inside [lo, hi] keV.

    Returns
    -------
    source, background, net : float
        Counts of the source region, raw counts of the background region, and source minus scaled
        background. Without a background the second is 0 and the third equals the first.
    """
    inside = (observation.energy_lo >= lo) & (observation.energy_hi <= hi)
    source = float(observation.counts[inside].sum())
    if observation.background is None:
        return source, 0.0, source
    scale = np.broadcast_to(np.asarray(observation.scale, np.float64), inside.shape)
    background = observation.background[inside]
    return source, float(background.sum()), source - float((background * scale[inside]).sum())


def group(observation: Observation, recipe: Recipe, *, whole_channels: bool = False) -> Grouped:
    """Subtract the background and group channels to at least ``recipe.group_min`` source counts.

    Parameters
    ----------
    observation : Observation
        Counts and responses.
    recipe : Recipe
        Quantity, least counts and range.
    whole_channels : bool
        Keep the channels wholly inside the range, as Sherpa's ``ignore`` does, not those overlapping it.

    Returns
    -------
    Grouped
        The groups, from low to high energy; the last may hold fewer counts.

    Raises
    ------
    Quarantined
        ``no-arf``: flux density without an effective area.
    """
    from .kernels.resample import group_starts

    o = observation
    if whole_channels:
        keep = (o.energy_lo >= recipe.energy_lo) & (o.energy_hi <= recipe.energy_hi)
    else:
        keep = (o.energy_hi > recipe.energy_lo) & (o.energy_lo < recipe.energy_hi)
    counts, lo, hi = o.counts[keep], o.energy_lo[keep], o.energy_hi[keep]
    starts = group_starts(counts, float(recipe.group_min))
    if not starts.size:
        empty = np.zeros(0)
        return Grouped(empty, empty, empty, empty)
    last = np.append(starts[1:], len(counts)) - 1
    glo, ghi = lo[starts], hi[last]

    total = np.add.reduceat(counts, starts)
    variance = _variance(o.counts_error, keep, starts, total)
    if o.background is not None:
        scale = np.broadcast_to(np.asarray(o.scale, np.float64), o.counts.shape)[keep]
        background = o.background[keep]
        # one scale a group: exact where BACKSCAL is one number, the mean where it is a column
        mean_scale = np.add.reduceat(scale, starts) / (last - starts + 1)
        variance = variance + mean_scale**2 * _variance(
            o.background_error, keep, starts, np.add.reduceat(background, starts)
        )
        total = total - np.add.reduceat(background * scale, starts)
    areascal = np.broadcast_to(np.asarray(o.areascal, np.float64), o.counts.shape)[keep]
    divisor = o.exposure * (np.add.reduceat(areascal, starts) / (last - starts + 1)) * (ghi - glo)
    if recipe.quantity == "flux":
        divisor = divisor * _mean_area(o, glo, ghi)
    good = divisor > 0  # no effective area, no information: the group is left at zero
    safe = np.where(good, divisor, 1.0)
    return Grouped(glo, ghi, np.where(good, total / safe, 0.0), np.where(good, np.sqrt(variance) / safe, 0.0))


def _variance(error: Array | None, keep: NDArray[np.bool_], starts: NDArray[np.int64], total: Array) -> Array:
    """Sum the squares of given errors by group, or use Gehrels' formula (1986, ApJ 303, 336) on the sums."""
    if error is not None:
        given: Array = np.add.reduceat(error[keep] ** 2, starts)
        return given
    gehrels: Array = (1.0 + np.sqrt(np.maximum(total, 0.0) + 0.75)) ** 2
    return gehrels


def _mean_area(o: Observation, lo: Array, hi: Array) -> Array:
    """Mean effective area (cm^2) over each group inside the ARF's energies."""
    if o.area_lo is None or o.area_hi is None:
        raise Quarantined("no-arf", "flux density needs an effective area: name it with --responses")
    area, covered = mean_area(o, np.append(lo, hi[-1]))
    if (covered < 0.5).any():
        raise Quarantined(
            "arf-too-short",
            f"the ARF covers {o.area_lo[0]:.3g}-{o.area_hi[-1]:.3g} keV, not the whole spectrum",
        )
    return area


def mean_area(o: Observation, edges: Array) -> tuple[Array, Array]:
    """Return the mean effective area over each bin, where the ARF covers it.

    Parameters
    ----------
    o : Observation
        With an effective area.
    edges : ndarray, shape (n + 1,), float64
        Edges of the bins, keV.

    Returns
    -------
    area : ndarray, shape (n,), float64
        cm^2, the mean over the covered part; 0 where nothing is covered.
    covered : ndarray, shape (n,), float64
        Fraction of each bin inside the ARF's energies.
    """
    from .kernels.resample import overlap_mean

    if o.area is None or o.area_lo is None or o.area_hi is None:
        raise ValueError("the observation has no effective area")
    area, _ = overlap_mean(o.area_lo, o.area_hi, o.area, np.zeros_like(o.area), edges)
    covered, _ = overlap_mean(o.area_lo, o.area_hi, np.ones_like(o.area), np.zeros_like(o.area), edges)
    return np.where(covered > 0, area / np.where(covered > 0, covered, 1.0), 0.0), covered


def preprocess(observation: Observation, recipe: Recipe) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Put one observation on the recipe's grid.

    Parameters
    ----------
    observation : Observation
        Counts and responses.
    recipe : Recipe
        Quantity, least counts, grid.

    Returns
    -------
    value, error : ndarray, shape (n_bins,), float32
        The recipe's quantity and its 1 sigma error. Errors of bins inside one group correlate fully.

    Raises
    ------
    Quarantined
        ``no-arf``: flux density without an effective area.
    """
    return resample(group(observation, recipe), recipe)


def resample(grouped: Grouped, recipe: Recipe) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rebin a grouped spectrum onto the grid, weighted by overlap; see :func:`preprocess`."""
    from .kernels.resample import overlap_mean

    value, error = overlap_mean(grouped.lo, grouped.hi, grouped.y, grouped.yerr, recipe.energy_edges())
    return value.astype(np.float32), error.astype(np.float32)
