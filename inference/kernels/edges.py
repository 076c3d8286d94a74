"""Writing the neighbours of the rows of one tile, each with its exact similarity."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tiles import exact_dot


@njit(cache=True, nogil=True)
def fill_tile(
    tile: NDArray[np.float32],
    x: NDArray[np.float32],
    row0: int,
    col0: int,
    tau: float,
    low: np.float32,
    barred_start: NDArray[np.int64],
    barred: NDArray[np.int32],
    end: NDArray[np.int64],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weight: NDArray[np.float32],
) -> bool:
    """Append the neighbours that one tile holds to its rows; columns ascend over the calls of a row.

    Parameters
    ----------
    tile : ndarray, shape (p, q), float32
        ``x[row0:row0 + p] @ x[col0:col0 + q].T``, rounded in any order of summation.
    x : ndarray, shape (n, d), float32
        All rows.
    row0, col0 : int
        Place of the tile in the n x n matrix.
    tau : float
        A pair is an edge where its float64 dot product, in index order, is >= `tau`.
    low : float32
        A tile value below this is surely no edge.
    barred_start, barred : ndarray, shape (n + 1,), int64, and (b,), int32
        Compressed rows of columns, ascending, that are no neighbours whatever their similarity.
    end : ndarray, shape (n,), int64
        Where the next neighbour of each row goes; moved on.
    indptr : ndarray, shape (n + 1,), int64
        Where each row begins.
    indices, weight : ndarray, shape (m,), int32 and float32
        Filled.

    Returns
    -------
    bool
        Whether every neighbour found room in its row.
    """
    p, q = tile.shape
    for r in range(p):
        i = row0 + r
        at, last = barred_start[i], barred_start[i + 1]
        for c in range(q):
            if tile[r, c] < low or col0 + c == i:
                continue
            j = col0 + c
            while at < last and barred[at] < j:
                at += 1
            if at < last and barred[at] == j:
                continue
            similarity = exact_dot(x[i], x[j])
            if similarity < tau:
                continue
            if end[i] == indptr[i + 1]:
                return False
            indices[end[i]] = j
            weight[end[i]] = similarity
            end[i] += 1
    return True
