"""The k nearest rows from the nearest groups of rows of the same numbers."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tiles import exact_dot

Places = NDArray[np.int64]


@njit(cache=True, nogil=True)
def spread_groups(
    x: NDArray[np.float32],
    member: Places,
    start: Places,
    near: Places,
    similarity: NDArray[np.float64],
    k: int,
    best: NDArray[np.float64],
    index: Places,
) -> None:
    """Write the k nearest of every row, the nearest first, of equal ones the lower index.

    The first member of a group stands before the others, so that the k nearest rows lie in the k nearest
    groups, by similarity and then by first member, and in the row's own.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        All rows.
    member, start : ndarray, shape (n,) and (groups + 1,), int64
        See :class:`~chandra_embed.inference.twins.Twins`.
    near : ndarray, shape (groups, m), int64
        The nearest other groups of each, the nearest first, of equal ones that of the lower first member;
        m is k, or one less than there are groups.
    similarity : ndarray, shape (groups, m), float64
        Their similarities.
    k : int
        Neighbours of each row, 1 to n - 1.
    best, index : ndarray, shape (n, k), float64 and int64
        Set to similarities and rows.
    """
    found, name = np.empty(k + 1), np.empty(k + 1, np.int64)
    for g in range(near.shape[0]):
        # the k + 1 nearest to any row of the group, itself among them
        row = x[member[start[g]]]
        held = 0
        own = exact_dot(row, row)
        for at in range(-1, near.shape[1]):
            other, e = (g, own) if at < 0 else (near[g, at], similarity[g, at])
            for m in range(start[other], min(start[other + 1], start[other] + k + 1)):
                held = _insert(e, member[m], found, name, held)
        for m in range(start[g], start[g + 1]):
            i, c = member[m], 0
            for h in range(held):
                if name[h] != i and c < k:
                    best[i, c], index[i, c] = found[h], name[h]
                    c += 1


@njit(cache=True, nogil=True)
def _insert(e: float, i: int, found: NDArray[np.float64], name: Places, held: int) -> int:
    """Put one row in its place among those held, of which the last may fall out; return how many are."""
    at = held
    while at > 0 and (found[at - 1] < e or (found[at - 1] == e and name[at - 1] > i)):
        at -= 1
    if at == found.size:
        return held
    last = min(held, found.size - 1)
    for h in range(last, at, -1):
        found[h], name[h] = found[h - 1], name[h - 1]
    found[at], name[at] = e, i
    return min(held + 1, found.size)
