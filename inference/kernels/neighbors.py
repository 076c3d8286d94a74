"""The k best of each row, gathered tile by tile in a heap whose root is the worst kept."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tiles import exact_dot

CHUNK = 64


@njit(cache=True, nogil=True)
def _worse(s: NDArray[np.float64], j: NDArray[np.int64], a: int, b: int) -> bool:
    """Tell whether entry `a` stands behind entry `b`: less similar, or as similar and a higher index."""
    return bool(s[a] < s[b] or (s[a] == s[b] and j[a] > j[b]))


@njit(cache=True, nogil=True)
def _swap(s: NDArray[np.float64], j: NDArray[np.int64], a: int, b: int) -> None:
    s[a], s[b] = s[b], s[a]
    j[a], j[b] = j[b], j[a]


@njit(cache=True, nogil=True)
def _sift_up(s: NDArray[np.float64], j: NDArray[np.int64], at: int) -> None:
    while at > 0:
        parent = (at - 1) // 2
        if not _worse(s, j, at, parent):
            return
        _swap(s, j, at, parent)
        at = parent


@njit(cache=True, nogil=True)
def _sift_down(s: NDArray[np.float64], j: NDArray[np.int64]) -> None:
    at = 0
    while True:
        child = 2 * at + 1
        if child >= s.size:
            return
        if child + 1 < s.size and _worse(s, j, child + 1, child):
            child += 1
        if not _worse(s, j, child, at):
            return
        _swap(s, j, child, at)
        at = child


@njit(cache=True, nogil=True)
def _candidates(row: NDArray[np.float32], limit: float, skip: int, near: NDArray[np.int64]) -> int:
    """Write the columns of `row` that reach `limit`, but for `skip`, to `near`; return how many."""
    least = np.nextafter(np.float32(limit), np.float32(-np.inf))
    m = 0
    for start in range(0, row.size, CHUNK):
        piece = row[start : start + CHUNK]
        found = np.uint32(0)
        for c in range(piece.size):
            found = np.uint32(found + np.uint32(piece[c] >= least))
        if found == 0:
            continue
        for c in range(piece.size):
            if piece[c] >= least and start + c != skip:
                near[m] = start + c
                m += 1
    return m


@njit(cache=True, nogil=True)
def merge_tile(
    tile: NDArray[np.float32],
    queries: NDArray[np.float32],
    x: NDArray[np.float32],
    col0: int,
    self0: int,
    band: float,
    best: NDArray[np.float64],
    index: NDArray[np.int64],
    filled: NDArray[np.int64],
) -> None:
    """Merge one tile into the k nearest of each query row; tiles must come with rising `col0`.

    Only pairs whose rounded similarity lets them be among the k nearest are computed again, in
    float64: those within `band` of the worst kept, and, where more than k of one tile are left, those
    within twice `band` of the k-th of the tile.

    Parameters
    ----------
    tile : ndarray, shape (p, q), float32
        ``queries @ x[col0:col0 + q].T``, rounded in any order of summation.
    queries : ndarray, shape (p, d), float32
        The query rows of this tile.
    x : ndarray, shape (n, d), float32
        All rows.
    col0 : int
        First row of `x` in the tile.
    self0 : int
        Row r of the tile is row ``self0 + r`` of `x` and no neighbour of itself; -1: it is no row of `x`.
    band : float
        Bound of the rounding error of a tile value.
    best, index : ndarray, shape (p, k), float64 and int64
        Heaps of similarities and their rows of `x`, k >= 1, changed in place.
    filled : ndarray, shape (p,), int64
        Entries in each heap, changed in place.
    """
    p, q = tile.shape
    k = best.shape[1]
    near = np.empty(q, np.int64)
    for r in range(p):
        s, j = best[r], index[r]
        limit = s[0] - band if filled[r] == k else -np.inf
        m = _candidates(tile[r], limit, self0 + r - col0 if self0 >= 0 else -1, near)
        if m > k:
            limit = np.partition(tile[r][near[:m]], m - k)[m - k] - 2.0 * band
        for c in near[:m]:
            if tile[r, c] < limit:
                continue
            value = exact_dot(queries[r], x[col0 + c])
            if filled[r] < k:
                s[filled[r]], j[filled[r]] = value, col0 + c
                filled[r] += 1
                _sift_up(s, j, filled[r] - 1)
            elif value > s[0]:
                s[0], j[0] = value, col0 + c
                _sift_down(s, j)
