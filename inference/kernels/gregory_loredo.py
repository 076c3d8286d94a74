"""Odds of Gregory & Loredo that a rate varies, and the light curve they imply; twins in ``tests/naive.py``.

Phases are live time gone by over all live time, so that bins of equal width are bins of equal live time.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


@njit(cache=True, nogil=True)
def event_log_odds(phase: Array, bins: NDArray[np.int64]) -> Array:
    """Odds of m bins of free rates over one constant rate, for each m of `bins`.

    Gregory & Loredo 1992 (ApJ 398, 146), their equation for a known period, which is the observation here:
    O_m = m^N (m - 1)! n_1! ... n_m! / (N + m - 1)!.

    Parameters
    ----------
    phase : ndarray, shape (n,), float64
        Phase of each event, ascending, 0 to 1.
    bins : ndarray, shape (k,), int64
        Numbers of bins, each at least 2.

    Returns
    -------
    log_odds : ndarray, shape (k,), float64
        Natural logarithms.
    """
    n = phase.size
    logs = np.zeros(n + 1)
    for i in range(1, n + 1):
        logs[i] = math.log(i)
    out = np.empty(bins.size)
    for b in range(bins.size):
        m = bins[b]
        total = n * math.log(m) + math.lgamma(m) - math.lgamma(n + m)
        # each event adds the logarithm of its number within its bin: no branches
        number, last = 0, np.int64(-1)
        for i in range(n):
            j = min(np.int64(phase[i] * m), m - 1)
            number = number + 1 if j == last else 1
            last = j
            total += logs[number]
        out[b] = total
    return out


@njit(cache=True, nogil=True)
def even_log_odds(counts: NDArray[np.int64], bins: NDArray[np.int64]) -> Array:
    """As :func:`event_log_odds`, of counts in many cells of equal live time; for many events much faster.

    Bin j of m holds the cells from ceil(j k / m) to ceil((j + 1) k / m) - 1, so that bins differ by a cell;
    for each count of a bin that has the share s of the cells, 1 / s takes the place of m.

    Parameters
    ----------
    counts : ndarray, shape (k,), int64
        Counts of each cell.
    bins : ndarray, shape (l,), int64
        Numbers of bins, each 2 to k.

    Returns
    -------
    log_odds : ndarray, shape (l,), float64
        Natural logarithms.
    """
    k = counts.size
    before = np.zeros(k + 1, np.int64)
    for i in range(k):
        before[i + 1] = before[i] + counts[i]
    n = before[k]
    factorial = np.zeros(n + 1)
    for i in range(1, n + 1):
        factorial[i] = factorial[i - 1] + math.log(i)
    out = np.empty(bins.size)
    for b in range(bins.size):
        m = bins[b]
        size, rest = k // m, k % m
        total = math.lgamma(m) - math.lgamma(n + m)
        in_long, start, place = np.int64(0), np.int64(0), np.int64(0)
        for _ in range(m):
            # ceil((j + 1) k / m) without division: the remainders add up
            place += rest
            end = start + size
            if place > 0:
                end += 1
                place -= m
            held = before[end] - before[start]
            total += factorial[held]
            if end - start > size:
                in_long += held
            start = end
        total -= (n - in_long) * math.log(size / k)
        if in_long:
            total -= in_long * math.log((size + 1) / k)
        out[b] = total
    return out


@njit(cache=True, nogil=True)
def event_light_curve(phase: Array, weight: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of the rate, averaged over the numbers of bins.

    With m bins the fractions of the rate have a Dirichlet posterior: means (n_j + 1) / (N + m).

    Parameters
    ----------
    phase : ndarray, shape (n,), float64
        Phase of each event, ascending, 0 to 1.
    weight : ndarray, shape (m_max - 1,), float64
        Weight of m = 2 to m_max bins; their sum is 1.

    Returns
    -------
    mean, sigma : ndarray, shape (3 m_max,), float64
        In units of the mean rate, at points of equal live time.
    """
    n, m_max = phase.size, weight.size + 1
    points = 3 * m_max
    # differences of the sums over m of mean and mean square, against bins without events
    first, second = np.zeros(points + 1), np.zeros(points + 1)
    base, base_square = 0.0, 0.0
    for m in range(2, m_max + 1):
        w = weight[m - 2]
        # (m f)^2 + m^2 f (1 - f) / (N + m + 1), f = (k + 1) / (N + m)
        a, b = m / (n + m), m * m / (n + m) / (n + m + 1.0)
        base += w * a
        base_square += w * b * 2.0
        i = 0
        while i < n:
            j = min(int(phase[i] * m), m - 1)
            end = i + 1
            while end < n and min(int(phase[end] * m), m - 1) == j:
                end += 1
            k = end - i
            # points whose middle lies in bin j
            lo = (2 * points * j + m - 1) // (2 * m)
            hi = (2 * points * (j + 1) + m - 1) // (2 * m)
            more, more_square = w * a * k, w * b * ((k + 1.0) * (k + 2.0) - 2.0)
            first[lo] += more
            first[hi] -= more
            second[lo] += more_square
            second[hi] -= more_square
            i = end
    mean, sigma = np.empty(points), np.empty(points)
    for p in range(points):
        base += first[p]
        base_square += second[p]
        mean[p] = base
        sigma[p] = math.sqrt(max(base_square - base * base, 0.0))
    return mean, sigma


@njit(cache=True, nogil=True)
def _fill(counts: Array, live: Array, m: int, held: Array, share: Array) -> int:
    """Sum counts and live time of the cells into `m` bins by their middles; return how many have cells."""
    held[:m] = 0.0
    share[:m] = 0.0
    before = 0.0
    for i in range(counts.size):
        j = min(int((before + 0.5 * live[i]) * m), m - 1)
        before += live[i]
        held[j] += counts[i]
        share[j] += live[i]
    used = 0
    for j in range(m):
        used += share[j] > 0
    return used


@njit(cache=True, nogil=True)
def cell_log_odds(counts: Array, live: Array, m_max: int) -> Array:
    """As :func:`event_log_odds`, of counts in cells of time, which need not be whole.

    A bin is made of whole cells, so its share of live time s_j is not 1/m: each count of it divides the odds
    by s_j (the factor S of Gregory & Loredo's Appendix B) where equal bins have m.

    Parameters
    ----------
    counts : ndarray, shape (n,), float64
        Counts of each cell, none below 0.
    live : ndarray, shape (n,), float64
        Share of each cell in all live time, above 0; their sum is 1.
    m_max : int
        Most bins, 2 to n.

    Returns
    -------
    log_odds : ndarray, shape (m_max - 1,), float64
        Natural logarithms.
    """
    out, held, share = np.empty(m_max - 1), np.empty(m_max), np.empty(m_max)
    n = counts.sum()
    for m in range(2, m_max + 1):
        used = _fill(counts, live, m, held, share)
        total = math.lgamma(used) - math.lgamma(n + used)
        for j in range(m):
            if held[j] > 0:
                total += math.lgamma(held[j] + 1.0) - held[j] * math.log(share[j])
        out[m - 2] = total
    return out


@njit(cache=True, nogil=True)
def cell_light_curve(counts: Array, live: Array, weight: Array) -> tuple[Array, Array]:
    """As :func:`event_light_curve`, of counts in cells of time.

    Parameters
    ----------
    counts, live : ndarray, shape (n,), float64
        As :func:`cell_log_odds` takes them.
    weight : ndarray, shape (m_max - 1,), float64
        Weight of m = 2 to m_max bins; their sum is 1.

    Returns
    -------
    mean, sigma : ndarray, shape (n,), float64
        In units of the mean rate, one a cell.
    """
    m_max, n = weight.size + 1, counts.sum()
    held, share = np.empty(m_max), np.empty(m_max)
    mean, square = np.zeros(counts.size), np.zeros(counts.size)
    for m in range(2, m_max + 1):
        used = _fill(counts, live, m, held, share)
        w, before = weight[m - 2], 0.0
        for i in range(counts.size):
            j = min(int((before + 0.5 * live[i]) * m), m - 1)
            before += live[i]
            f = (held[j] + 1.0) / (n + used)
            mean[i] += w * f / share[j]
            square[i] += w * (f * f + f * (1.0 - f) / (n + used + 1.0)) / (share[j] * share[j])
    return mean, np.sqrt(np.maximum(square - mean * mean, 0.0))
