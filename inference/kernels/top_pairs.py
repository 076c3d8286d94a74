"""The k most similar of all pairs, gathered tile by tile in one list of candidates.

As in :mod:`.neighbors` the list holds float32 values of tiles and keeps what may be among the k best for all
that rounding allows; many that tie are computed again in float64, and of equal ones the lower rows stay.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tiles import any_reaches, exact_dot

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


@njit(cache=True, nogil=True)
def sort_pairs(x: Floats, left: Places, right: Places, exact: NDArray[np.float64]) -> Places:
    """Return the order of pairs by falling float64 dot product, then by rows; `exact` gets the products."""
    for m in range(left.size):
        exact[m] = exact_dot(x[left[m]], x[right[m]])
    by_rows = np.argsort(left * np.int64(x.shape[0]) + right)
    return np.asarray(by_rows[np.argsort(-exact[: left.size][by_rows], kind="mergesort")])


@njit(cache=True, nogil=True)
def _keep(x: Floats, k: int, band: float, value: Floats, left: Places, right: Places) -> tuple[int, Any]:
    """Drop from a full list what cannot be among the k best; return how many are left, and the limit."""
    limit = np.nextafter(np.float32(np.sort(value)[value.size - k] - 2.0 * band), np.float32(-np.inf))
    m = 0
    for at in range(value.size):
        if value[at] >= limit:
            value[m], left[m], right[m] = value[at], left[at], right[at]
            m += 1
    if m - k <= (value.size - k) // 2:
        return m, limit
    exact = np.empty(m)
    order = sort_pairs(x, left[:m], right[:m], exact)[:k]
    value[:k], left[:k], right[:k] = value[order], left[order], right[order]
    return k, max(limit, np.nextafter(np.float32(exact[order[k - 1]] - band), np.float32(-np.inf)))


@njit(cache=True, nogil=True)
def gather_pairs(
    tile: Floats,
    x: Floats,
    row0: int,
    col0: int,
    k: int,
    band: float,
    value: Floats,
    left: Places,
    right: Places,
    held: int,
    limit: Any,
) -> tuple[int, Any]:
    """Offer the pairs of one tile to a list; return how many it holds now, and the new limit.

    Parameters
    ----------
    tile : ndarray, shape (p, q), float32
        ``x[row0:row0 + p] @ x[col0:col0 + q].T``, rounded in any order of summation; of a tile on the
        diagonal only what is above it counts.
    x : ndarray, shape (n, d), float32
        All rows.
    row0, col0 : int
        Place of the tile in the n x n matrix.
    k : int
        Pairs to be kept, at least 1.
    band : float
        Bound of the rounding error of a tile value.
    value, left, right : ndarray, shape (c,), float32, int64 and int64
        The list, c > k: tile values and the rows of each pair; changed in place.
    held : int
        Candidates in the list.
    limit : float
        A tile value below it is surely not among the k best.

    Returns
    -------
    held, limit
    """
    for r in range(tile.shape[0]):
        if not any_reaches(tile[r], limit):
            continue
        for c in range(max(row0 + r + 1 - col0, 0), tile.shape[1]):
            if tile[r, c] >= limit:
                value[held], left[held], right[held] = tile[r, c], row0 + r, col0 + c
                held += 1
                if held == value.size:
                    held, limit = _keep(x, k, band, value, left, right)
    return held, limit
