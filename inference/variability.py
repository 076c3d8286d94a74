"""Whether a source varied while it was watched: Gregory-Loredo, Kolmogorov-Smirnov and Kuiper.

All three take the phase of each event, live time gone by over all live time: gaps and times of less live
area then leave no trace, and what a constant source gives is uniform.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .event_list import EventList

Array = NDArray[np.float64]

LEAST_BIN = 50.0  # s: the shortest bins tried, some 15 ACIS frames, as the Chandra Source Catalog has it
MOST_BINS = 3000
_MANY = 1000  # more events than these are counted in cells of 1/8 of the shortest bin before they are binned
_CELLS = 8
_EACH, _STEP = 20, 1.1  # the quick look tries each number of bins to the first, then steps of the second
LEAST_EVENTS = 5  # fewer tell nothing
BAND = (0.5, 7.0)  # keV
HIGHLY_VARIABLE = 0.9


@dataclass(frozen=True)
class LiveTime:
    """Live fraction over time: what dither over bad columns and chip edges leaves of the aperture.

    Parameters
    ----------
    edges : ndarray, shape (k + 1,), float64
        Ascending, s since the event list's zero.
    fraction : ndarray, shape (k,), float64
        From 0 to 1, between two edges each; 0 outside.
    """

    edges: Array
    fraction: Array

    def __post_init__(self) -> None:
        if self.edges.ndim != 1 or self.edges.shape[0] != self.fraction.size + 1 or not self.fraction.size:
            raise ValueError(f"{self.edges.shape} edges, {self.fraction.shape} fractions: give one more edge")
        if not (np.diff(self.edges) > 0).all():
            raise ValueError("the edges of the live fraction must ascend")
        if not ((self.fraction >= 0) & (self.fraction <= 1)).all():
            raise ValueError("live fractions must lie between 0 and 1")


@dataclass(frozen=True)
class Variability:
    """What the Gregory-Loredo test finds.

    Parameters
    ----------
    odds : float
        log10 of the odds that the source varied.
    probability : float
        O / (1 + O).
    index : int
        Variability index of the Chandra Source Catalog, 0 (surely constant) to 10.
    bins : int
        Most bins taken into the odds.
    """

    odds: float
    probability: float
    index: int
    bins: int


def phases(events: EventList, live: LiveTime | None = None) -> tuple[Array, float]:
    """Return the phase of each event and the live time.

    Parameters
    ----------
    events : EventList
        The events; those outside good time, or where nothing is live, are left out.
    live : LiveTime, optional
        The live fraction; without it 1. It counts inside good time only.

    Returns
    -------
    phase : ndarray, shape (n,), float64
        Live time before the event over all live time, ascending, 0 to 1.
    total : float
        Live time, s.

    Raises
    ------
    ValueError
        No good time is live.
    """
    edges, fraction = _segments(events.gti, live)
    length = np.diff(edges) * fraction
    total = float(length.sum())
    if not total > 0:
        raise ValueError("no good time is live: give the live fraction of these events")
    # the last instant of an interval belongs to it
    segment = np.clip(np.searchsorted(edges, events.time, side="right") - 1, 0, len(length) - 1)
    ends = (events.time == edges[segment]) & (length[segment] == 0) & (segment > 0)
    segment = segment - ends
    inside = (events.time >= edges[0]) & (events.time <= edges[-1]) & (length[segment] > 0)
    segment, time = segment[inside], events.time[inside]
    before = np.concatenate([[0.0], np.cumsum(length)])
    gone = before[segment] + (time - edges[segment]) * fraction[segment]
    return np.clip(gone / total, 0.0, 1.0), total


def _segments(gti: Array, live: LiveTime | None) -> tuple[Array, Array]:
    """Return edges (k + 1,) and live fraction (k,) of good time and live fraction together."""
    if live is None:
        edges = gti.ravel()
        fraction = np.zeros(len(edges) - 1)
        fraction[::2] = 1.0
        return edges, fraction
    edges = np.unique(np.concatenate([gti.ravel(), live.edges]))
    middle = (edges[1:] + edges[:-1]) / 2
    i = np.searchsorted(live.edges, middle, side="right") - 1
    known = (i >= 0) & (i < len(live.fraction))
    fraction = np.where(known, live.fraction[np.clip(i, 0, len(live.fraction) - 1)], 0.0)
    k = np.clip(np.searchsorted(gti[:, 0], middle, side="right") - 1, 0, len(gti) - 1)
    good = (middle >= gti[k, 0]) & (middle < gti[k, 1])
    return edges, np.where(good, fraction, 0.0)


def gregory_loredo(events: EventList, *, live: LiveTime | None = None) -> Variability:
    """Test a constant rate against all rates that are constant within m equal bins.

    Gregory & Loredo 1992 (ApJ 398, 146) with the period set to the observation, as the Chandra Source Catalog
    does (https://cxc.cfa.harvard.edu/csc/why/gregory_loredo.html; Rots 2006, ASPC 351, 73): the odds
    S(m) = mean of O_2 ... O_m are followed to the shortest bins (50 s, or 3,000 bins), and S is taken at
    the highest m at which it exceeds its maximum / sqrt(e). Bins are of equal live time, not of equal clock
    time, so no bin falls into a gap.

    Parameters
    ----------
    events : EventList
        The events; choose the band beforehand.
    live : LiveTime, optional
        The live fraction, where the aperture was not live as a whole all the time.

    Returns
    -------
    Variability
        Without events the odds are 1 (log10 0): nothing is known.

    Raises
    ------
    ValueError
        No good time is live.
    """
    from .kernels.gregory_loredo import event_light_curve

    phase, total = phases(events, live)
    most = _most_bins(total)
    if not phase.size:
        return Variability(0.0, 0.5, 0, most)
    log_odds, bins, weight = _cut(_log_odds(phase, np.arange(2, most + 1), most))
    p = _probability(log_odds)
    steady = True
    if 0.5 < p < HIGHLY_VARIABLE:
        steady = _is_steady(*event_light_curve(phase, weight), p)
    return _variability(log_odds, bins, steady)


def probability_of_phases(phase: Array, total: float, *, quick: bool = False) -> float:
    """Return the probability of :func:`gregory_loredo` alone.

    Parameters
    ----------
    phase : ndarray, shape (n,), float64
        As :func:`phases` returns it.
    total : float
        Live time, s.
    quick : bool
        Try only some 60 numbers of bins, each for those up to the next: near the whole sum, much faster.
    """
    most = _most_bins(total)
    if not quick or most <= _EACH:
        return _probability(_cut(_log_odds(phase, np.arange(2, most + 1), most))[0])
    bins, log_width, log_sum = _quick_bins(most)
    means = np.logaddexp.accumulate(_log_odds(phase, bins, most) + log_width) - log_sum
    return _probability(float(means[means > means.max() - 0.5][-1]))


def gregory_loredo_binned(counts: Array, width: Array | float, fraction: Array) -> Variability:
    """Test a binned light curve as :func:`gregory_loredo` tests events.

    Parameters
    ----------
    counts : ndarray, shape (n,), float64
        Counts of each bin as detected (not divided by the live fraction); need not be whole.
    width : ndarray, shape (n,), float64, or float
        s.
    fraction : ndarray, shape (n,), float64
        Live fraction; bins where nothing was live are left out.

    Returns
    -------
    Variability

    Raises
    ------
    ValueError
        Counts are negative or not finite, shapes differ, or fewer than two bins are live.
    """
    from .kernels.gregory_loredo import cell_light_curve, cell_log_odds

    counts = np.asarray(counts, np.float64)
    length = np.asarray(width, np.float64) * np.asarray(fraction, np.float64)
    length = np.broadcast_to(length, counts.shape) if length.ndim == 0 else length
    if counts.ndim != 1 or length.shape != counts.shape:
        raise ValueError(f"{counts.shape} counts, {length.shape} widths and fractions: give one of each")
    used = length > 0
    counts, length = counts[used], length[used]
    if len(counts) < 2 or not (np.isfinite(counts) & (counts >= 0) & np.isfinite(length)).all():
        raise ValueError("a light curve needs two live bins and counts that are finite and not below 0")
    live = length / length.sum()
    most = min(_most_bins(float(length.sum())), len(counts))
    log_odds, bins, weight = _cut(cell_log_odds(counts, live, most))
    steady = True
    p = _probability(log_odds)
    if 0.5 < p < HIGHLY_VARIABLE:
        steady = _is_steady(*cell_light_curve(counts, live, weight), p)
    return _variability(log_odds, bins, steady)


def kolmogorov_smirnov(events: EventList, live: LiveTime | None = None) -> float:
    """Return 1 - p of the two-sided Kolmogorov-Smirnov test against a constant rate; NaN without events.

    p by the approximation of Stephens 1970 (J. R. Stat. Soc. B 32, 115), good from some five events on.
    """
    phase, _ = phases(events, live)
    n = phase.size
    if not n:
        return math.nan
    above, below = _distances(phase)
    root = math.sqrt(n)
    x = (root + 0.12 + 0.11 / root) * max(above, below)
    if x < 0.2:
        return 0.0  # the series does not converge; p is 1 to 12 digits
    k = np.arange(1, 101)
    p = 2 * float((np.where(k % 2, 1.0, -1.0) * np.exp(-2 * (k * x) ** 2)).sum())
    return 1 - min(max(p, 0.0), 1.0)


def kuiper(events: EventList, live: LiveTime | None = None) -> float:
    """Return 1 - p of Kuiper's test against a constant rate; NaN without events.

    p by the approximation of Stephens 1970 (J. R. Stat. Soc. B 32, 115).
    """
    phase, _ = phases(events, live)
    n = phase.size
    if not n:
        return math.nan
    root = math.sqrt(n)
    x = (root + 0.155 + 0.24 / root) * sum(_distances(phase))
    if x < 0.4:
        return 0.0  # p is 1 to 7 digits
    square = (np.arange(1, 101) * x) ** 2
    p = 2 * float(((4 * square - 1) * np.exp(-2 * square)).sum())
    return 1 - min(max(p, 0.0), 1.0)


def variability_columns(events: EventList, live: LiveTime | None = None) -> dict[str, float]:
    """Return the columns of ``/detection`` that the events of 0.5-7.0 keV give.

    Returns
    -------
    dict of str to float
        ``var_prob_b``, ``var_index_b``, ``ks_prob_b`` and ``kp_prob_b``; NaN with fewer than
        :data:`LEAST_EVENTS` events in good time.
    """
    found = events.band(*BAND)
    if len(found) < LEAST_EVENTS or phases(found, live)[0].size < LEAST_EVENTS:
        return dict.fromkeys(("var_prob_b", "var_index_b", "ks_prob_b", "kp_prob_b"), math.nan)
    v = gregory_loredo(found, live=live)
    return {
        "var_prob_b": v.probability,
        "var_index_b": float(v.index),
        "ks_prob_b": kolmogorov_smirnov(found, live),
        "kp_prob_b": kuiper(found, live),
    }


def _distances(phase: Array) -> tuple[float, float]:
    """Return how far the distribution of the phases reaches above and below the uniform one."""
    n = phase.size
    return float((np.arange(1, n + 1) / n - phase).max()), float((phase - np.arange(n) / n).max())


def _log_odds(phase: Array, bins: NDArray[np.int64], most: int) -> Array:
    """Return ln O_m for each m of `bins`."""
    from .kernels.gregory_loredo import even_log_odds, event_log_odds

    if phase.size <= _MANY:
        return event_log_odds(phase, bins)
    cells = _CELLS * most
    held = np.bincount(np.minimum((phase * cells).astype(np.int64), cells - 1), minlength=cells)
    return even_log_odds(held, bins)


@lru_cache(maxsize=64)
def _quick_bins(most: int) -> tuple[NDArray[np.int64], Array, Array]:
    """Return some numbers of bins up to `most`, ln of how many each stands for and of the sums of those."""
    steps = math.ceil(math.log(most / _EACH) / math.log(_STEP))
    coarse = np.geomspace(_EACH, most, steps + 1).astype(np.int64)
    bins = np.unique(np.concatenate([np.arange(2, _EACH + 1), coarse]))
    width = np.diff(bins, append=most + 1)
    return bins, np.log(width), np.log(np.cumsum(width))


def _most_bins(live: float) -> int:
    return int(min(max(live // LEAST_BIN, 2), MOST_BINS))


def _cut(log_odds: Array) -> tuple[float, int, Array]:
    """Return ln S, the highest m with S(m) above its maximum / sqrt(e), and the share of each O_m in S."""
    sums = np.logaddexp.accumulate(log_odds)
    means = sums - np.log(np.arange(1, len(sums) + 1))
    last = int(np.flatnonzero(means > means.max() - 0.5)[-1])
    return float(means[last]), last + 2, np.exp(log_odds[: last + 1] - sums[last])


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds)) if log_odds > -700 else 0.0


def _is_steady(mean: Array, sigma: Array, probability: float) -> bool:
    """Whether the light curve keeps within 3 sigma (for 99.7 % of its points) and 5 sigma of its mean.

    As in the catalog's lc3 files, the constant rate has its share of the light curve.
    """
    off = probability * np.abs(mean - 1)
    return bool((off <= 3 * sigma).mean() > 0.997 and (off <= 5 * sigma).all())


def _variability(log_odds: float, bins: int, steady: bool) -> Variability:
    """Assign the variability index of the Chandra Source Catalog."""
    odds, p = log_odds / math.log(10), _probability(log_odds)
    if p <= 0.5:
        index = 0
    elif p < HIGHLY_VARIABLE:
        index = (1 if p < 2 / 3 else 2) if steady else 3 + (p >= 0.6) + (p >= 2 / 3)
    else:
        index = 6 + sum(odds >= limit for limit in (2, 4, 10, 30))
    return Variability(odds, p, index, bins)
