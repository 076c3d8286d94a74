"""Moving nodes between one core and one periphery while the fit to the ideal pattern grows."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

GAIN = 1e-12  # less is rounding


@njit(cache=True, nogil=True)
def pattern_correlation(n: int, m: int, k: int, touched: int) -> float:
    """Correlation of an adjacency matrix with the ideal core-periphery pattern, over pairs of nodes.

    Parameters
    ----------
    n, m : int
        Nodes and edges.
    k : int
        Nodes of the core; a pair is 1 in the pattern where at least one of the two is of the core.
    touched : int
        Edges with at least one end in the core.

    Returns
    -------
    float
        0 where the graph or the pattern is constant.
    """
    pairs = n * (n - 1) / 2
    ones = k * (k - 1) / 2 + k * (n - k)
    spread = m * (pairs - m) * (ones * (pairs - ones))
    if spread <= 0:
        return 0.0
    return (pairs * touched - m * ones) / math.sqrt(spread)


@njit(cache=True, nogil=True)
def best_prefix(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], order: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return the core made of the first nodes of an order that correlates best with the pattern.

    Parameters
    ----------
    indptr, indices : ndarray, shape (n + 1,), int64, and (2 m,), int32
        Compressed rows of a simple graph, every edge in both rows.
    order : ndarray, shape (n,), int64
        Nodes, such as by falling degree.

    Returns
    -------
    ndarray, shape (n,), bool
        The smallest of the best ones; none where no correlation is above 0.
    """
    n, m = indptr.size - 1, indices.size // 2
    is_core = np.zeros(n, np.bool_)
    best, keep, touched = 0.0, 0, 0
    for k in range(n):
        i = order[k]
        for e in range(indptr[i], indptr[i + 1]):
            touched += not is_core[indices[e]]
        is_core[i] = True
        now = pattern_correlation(n, m, k + 1, touched)
        if now > best + GAIN:
            best, keep = now, k + 1
    is_core[order[keep:]] = False
    return is_core


@njit(cache=True, nogil=True)
def _move(
    i: int,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    is_core: NDArray[np.bool_],
    outer: NDArray[np.int64],
) -> None:
    """Move node `i` to the other side and tell its neighbours."""
    is_core[i] = not is_core[i]
    change = -1 if is_core[i] else 1
    for e in range(indptr[i], indptr[i + 1]):
        outer[indices[e]] += change


@njit(cache=True, nogil=True)
def improve_core(indptr: NDArray[np.int64], indices: NDArray[np.int32], is_core: NDArray[np.bool_]) -> float:
    """Move single nodes, then exchange two, while the correlation grows; in place.

    Nodes have their turn in order of their number; where none moves, the periphery's node of most
    neighbours in the periphery and the core's of fewest change places, if the first has more.

    Parameters
    ----------
    indptr, indices : ndarray, shape (n + 1,), int64, and (2 m,), int32
        Compressed rows of a simple graph, every edge in both rows.
    is_core : ndarray, shape (n,), bool
        Where to begin, and what was found.

    Returns
    -------
    float
        Correlation with the pattern.
    """
    n, m = indptr.size - 1, indices.size // 2
    outer = np.zeros(n, np.int64)  # neighbours in the periphery
    k, inside = 0, 0
    for i in range(n):
        for e in range(indptr[i], indptr[i + 1]):
            outer[i] += not is_core[indices[e]]
        k += is_core[i]
        inside += 0 if is_core[i] else outer[i]
    touched = m - inside // 2
    now = pattern_correlation(n, m, k, touched)
    while True:
        moved = False
        for i in range(n):
            change = -1 if is_core[i] else 1
            then = pattern_correlation(n, m, k + change, touched + change * outer[i])
            if then > now + GAIN:
                now, k, touched, moved = then, k + change, touched + change * outer[i], True
                _move(i, indptr, indices, is_core, outer)
        if moved:
            continue
        goes, comes = -1, -1
        for i in range(n):
            if is_core[i]:
                if goes < 0 or outer[i] < outer[goes]:
                    goes = i
            elif comes < 0 or outer[i] > outer[comes]:
                comes = i
        if goes < 0 or comes < 0 or outer[comes] <= outer[goes]:
            return now
        touched -= outer[goes]
        _move(goes, indptr, indices, is_core, outer)
        touched += outer[comes]
        _move(comes, indptr, indices, is_core, outer)
        now = pattern_correlation(n, m, k, touched)
