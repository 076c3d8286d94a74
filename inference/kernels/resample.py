"""Grouping of channels and overlap-weighted rebinning; exact twins stand in ``tests/naive.py``."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def group_starts(counts: NDArray[np.float64], least: float) -> NDArray[np.int64]:
    """Group channels greedily, from low to high, to at least `least` counts each.

    Parameters
    ----------
    counts : ndarray, shape (n,), float64
        Counts by channel, finite.
    least : float
        Counts that close a group.

    Returns
    -------
    starts : ndarray, shape (m,), int64
        First channel of each group; the last group may fall short.
    """
    starts = np.empty(counts.size, np.int64)
    m = 0
    total = 0.0
    open_group = False
    for i in range(counts.size):
        if not open_group:
            starts[m] = i
            m += 1
            total = 0.0
            open_group = True
        total += counts[i]
        if total >= least:
            open_group = False
    return starts[:m].copy()


@njit(cache=True, nogil=True)
def overlap_mean(
    lo: NDArray[np.float64],
    hi: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean density over each bin of `edges`, and its error; what nothing covers counts as zero.

    Parameters
    ----------
    lo, hi : ndarray, shape (m,), float64
        Edges of the given intervals, ascending, not overlapping.
    y, e : ndarray, shape (m,), float64
        Density on each interval and its error.
    edges : ndarray, shape (n + 1,), float64
        Edges of the bins, strictly ascending.

    Returns
    -------
    value, error : ndarray, shape (n,), float64
        value_j = sum_i f_ij y_i, error_j = sqrt(sum_i f_ij^2 e_i^2), f_ij = overlap / width of bin j.
    """
    n = edges.size - 1
    value = np.zeros(n)
    error = np.zeros(n)
    first = 0
    for j in range(n):
        left, right = edges[j], edges[j + 1]
        while first < lo.size and hi[first] <= left:
            first += 1
        total = 0.0
        square = 0.0
        i = first
        while i < lo.size and lo[i] < right:
            f = (min(hi[i], right) - max(lo[i], left)) / (right - left)
            total += f * y[i]
            square += (f * e[i]) ** 2
            i += 1
        value[j] = total
        error[j] = np.sqrt(square)
    return value, error
