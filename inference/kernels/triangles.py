"""Counting the triangles of a graph: common neighbours of the two ends of every edge, 64 at once."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

PAIRS, FOURS, EIGHTS = (
    np.uint64(0x5555555555555555),
    np.uint64(0x3333333333333333),
    np.uint64(0x0F0F0F0F0F0F0F0F),
)
ONE, TWO, FOUR, EIGHT = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(8)
SIXTEEN, HALF, LAST = np.uint64(16), np.uint64(32), np.uint64(0x7F)


@njit(cache=True, nogil=True)
def neighbour_bits(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], first: int, words: int
) -> NDArray[np.uint64]:
    """Return which nodes of a range are neighbours of each node.

    Parameters
    ----------
    indptr, indices : ndarray, shape (n + 1,), int64, and (2 m,), int32
        Compressed rows of a simple graph, every edge in both rows.
    first, words : int
        The range begins at `first` and has 64 nodes a word.

    Returns
    -------
    ndarray, shape (n, words), uint64
        Bit k % 64 of word k // 64 stands for node first + k.
    """
    bits = np.zeros((indptr.size - 1, words), np.uint64)
    for i in range(indptr.size - 1):
        for e in range(indptr[i], indptr[i + 1]):
            k = indices[e] - first
            if 0 <= k < 64 * words:
                bits[i, k >> 6] |= ONE << np.uint64(k & 63)
    return bits


@njit(cache=True, nogil=True)
def _common(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> int:
    """Return how many bits two rows have in common."""
    total = np.uint64(0)
    for w in range(a.size):
        v = a[w] & b[w]
        v = v - ((v >> ONE) & PAIRS)
        v = (v & FOURS) + ((v >> TWO) & FOURS)
        v = (v + (v >> FOUR)) & EIGHTS
        v = v + (v >> EIGHT)
        v = v + (v >> SIXTEEN)
        v = v + (v >> HALF)
        total += v & LAST
    return int(total)


@njit(cache=True, nogil=True)
def add_common(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    bits: NDArray[np.uint64],
    first: int,
    last: int,
    counts: NDArray[np.int64],
) -> None:
    """Add, for every edge from a range of nodes to a higher one, the common neighbours to both ends.

    Parameters
    ----------
    indptr, indices : ndarray, shape (n + 1,), int64, and (2 m,), int32
        Compressed rows of a simple graph, every edge in both rows, columns ascending.
    bits : ndarray, shape (n, w), uint64
        What :func:`neighbour_bits` returned.
    first, last : int
        The range, `last` not in it.
    counts : ndarray, shape (n,), int64
        Added to; owned by the calling thread. Every triangle comes to 2 in each of its corners.
    """
    for i in range(first, last):
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            if j > i:
                found = _common(bits[i], bits[j])
                counts[i] += found
                counts[j] += found
