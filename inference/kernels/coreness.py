"""Multiplying the weights of one tile with a vector, for both of its sides."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tiles import exact_dot


# a sum may be taken in any order (the same at every call), so that it is vectorised; no NaN comes here
@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def multiply_tile(
    tile: NDArray[np.float32],
    x: NDArray[np.float32],
    row0: int,
    col0: int,
    tau: float,
    low: np.float32,
    high: np.float32,
    vector: NDArray[np.float64],
    scale: float,
    product: NDArray[np.int64],
) -> None:
    """Add one tile's part of the thresholded weighted matrix times a vector.

    The weight of a pair that reaches the threshold is its similarity, or 0 where that is negative. What
    the tile adds to an element is rounded to a whole number of 1 / scale, so that sums over tiles do not
    depend on their order.

    Parameters
    ----------
    tile : ndarray, shape (p, q), float32
        ``x[row0:row0 + p] @ x[col0:col0 + q].T``, rounded in any order of summation; what is no pair is
        below `low`. Changed in place.
    x : ndarray, shape (n, d), float32
        All rows.
    row0, col0 : int
        Place of the tile in the n x n matrix.
    tau : float
        Threshold.
    low, high : float32
        A tile value >= `high` is surely a similarity >= `tau`, one < `low` surely is not.
    vector : ndarray, shape (n,), float64
        What to multiply with.
    scale : float
        Units of `product` in 1.
    product : ndarray, shape (n,), int64
        The product so far; added to in place; owned by the calling thread.
    """
    p, q = tile.shape
    columns = np.zeros(q)
    right = vector[col0 : col0 + q]
    for r in range(p):
        row = tile[r]
        reached, undecided = np.int32(0), np.int32(0)
        for c in range(q):
            reached = np.int32(reached | np.int32(row[c] >= low))
            undecided = np.int32(undecided | np.int32((row[c] >= low) & (row[c] < high)))
        if not reached:
            continue
        if undecided:
            for c in range(q):
                if low <= row[c] < high and exact_dot(x[row0 + r], x[col0 + c]) < tau:
                    row[c] = np.float32(-3.0)
        left, total = vector[row0 + r], 0.0
        for c in range(q):
            weight = np.float64(row[c] if (row[c] >= low) & (row[c] > 0) else np.float32(0.0))
            total += weight * right[c]
            columns[c] += weight * left
        product[row0 + r] += np.int64(np.rint(total * scale))
    for c in range(q):
        product[col0 + c] += np.int64(np.rint(columns[c] * scale))
