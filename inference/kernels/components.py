"""Joining the rows that the pairs of one tile connect (union-find)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tiles import exact_dot


@njit(cache=True, nogil=True)
def root(parent: NDArray[np.int64], i: int) -> int:
    """Return the root of `i`, halving the path to it; a root is the lowest row of its tree.

    Parameters
    ----------
    parent : ndarray, shape (n,), int64
        A lower row of the same tree, or the row itself; changed in place.
    i : int
        A row.
    """
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, nogil=True)
def join(parent: NDArray[np.int64], other: NDArray[np.int64]) -> None:
    """Join in `parent` all that is joined in `other`, both of shape (n,), int64."""
    for i in range(other.size):
        a, b = root(parent, i), root(parent, other[i])
        parent[max(a, b)] = min(a, b)


@njit(cache=True, nogil=True)
def all_joined(parent: NDArray[np.int64], row0: int, row1: int, col0: int, col1: int) -> bool:
    """Say whether rows ``row0:row1`` and ``col0:col1`` all have one root already."""
    first = root(parent, row0)
    for i in range(row0, row1):
        if root(parent, i) != first:
            return False
    j = col0
    while j < col1 and root(parent, j) == first:
        j += 1
    return j == col1


@njit(cache=True, nogil=True)
def join_tile(
    tile: NDArray[np.float32],
    x: NDArray[np.float32],
    row0: int,
    col0: int,
    tau: float,
    low: np.float32,
    high: np.float32,
    parent: NDArray[np.int64],
) -> None:
    """Join the rows of every pair of one tile that reaches the threshold.

    Parameters
    ----------
    tile : ndarray, shape (p, q), float32
        ``x[row0:row0 + p] @ x[col0:col0 + q].T``, rounded in any order of summation; what is no pair is
        below `low`.
    x : ndarray, shape (n, d), float32
        All rows.
    row0, col0 : int
        Place of the tile in the n x n matrix.
    tau : float
        Threshold.
    low, high : float32
        A tile value >= `high` is surely a similarity >= `tau`, one < `low` surely is not.
    parent : ndarray, shape (n,), int64
        Trees so far, changed in place; owned by the calling thread.
    """
    p, q = tile.shape
    columns = np.empty(q, np.int64)
    for c in range(q):
        columns[c] = root(parent, col0 + c)
    for r in range(p):
        own = root(parent, row0 + r)
        row = tile[r]
        news = np.int32(0)
        for c in range(q):
            news = np.int32(news | np.int32((row[c] >= low) & (columns[c] != own)))
        if not news:
            continue
        for c in range(q):
            # columns may hold a root that has since been joined
            if row[c] < low or columns[c] == own:
                continue
            other = root(parent, columns[c])
            if other != own and (row[c] >= high or exact_dot(x[row0 + r], x[col0 + c]) >= tau):
                parent[max(own, other)] = min(own, other)
                own = min(own, other)
                other = own
            columns[c] = other
