"""Counting the pairs of one tile that reach each threshold."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tiles import exact_dot


@njit(cache=True, nogil=True)
def count_tile(
    tile: NDArray[np.float32],
    x: NDArray[np.float32],
    row0: int,
    col0: int,
    tau: NDArray[np.float64],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    counts: NDArray[np.int64],
) -> None:
    """Add the pairs (i, j), i < j, of one tile to the degrees of both rows.

    Integers of 32 bits keep the inner loop vectorised; a tile holds fewer than 2^31 rows.

    Parameters
    ----------
    tile : ndarray, shape (p, q), float32
        ``x[row0:row0 + p] @ x[col0:col0 + q].T``, rounded in any order of summation.
    x : ndarray, shape (n, d), float32
        All rows.
    row0, col0 : int
        Place of the tile in the n x n matrix, on or above the diagonal.
    tau : ndarray, shape (t,), float64
        Thresholds.
    low, high : ndarray, shape (t,), float32
        A tile value >= `high` is surely a similarity >= `tau`, one < `low` surely is not.
    counts : ndarray, shape (t, n), int64
        Degrees so far, added to in place; owned by the calling thread.
    """
    p, q = tile.shape
    columns = np.zeros((tau.size, q), np.int32)
    for r in range(p):
        i = row0 + r
        first = max(0, i + 1 - col0)
        if first >= q:
            continue
        row = tile[r, first:]
        for t in range(tau.size):
            lo, hi = low[t], high[t]
            column = columns[t, first:]
            sure = np.uint32(0)
            possible = np.uint32(0)
            for c in range(row.size):
                above = np.uint32(row[c] >= hi)
                sure = np.uint32(sure + above)
                possible = np.uint32(possible + np.uint32(row[c] >= lo))
                column[c] = np.int32(column[c] + above)
            counts[t, i] += sure
            if possible == sure:
                continue
            for c in range(row.size):
                if lo <= row[c] < hi and exact_dot(x[i], x[col0 + first + c]) >= tau[t]:
                    counts[t, i] += 1
                    column[c] += 1
    for t in range(tau.size):
        for c in range(q):
            counts[t, col0 + c] += columns[t, c]
