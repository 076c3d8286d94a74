"""Peeling a graph from its least connected nodes."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def core_number(indptr: NDArray[np.int64], indices: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the k-core number of each node; time proportional to the edges.

    Nodes stand in order of their remaining degree; where a neighbour is peeled, a node moves to the front of
    its own degree and then belongs to the degree below (Batagelj & Zaversnik 2003, arXiv cs/0310049).

    Parameters
    ----------
    indptr, indices : ndarray, shape (n + 1,), int64, and (2 m,), int32
        Compressed rows of a simple graph, every edge in both rows.

    Returns
    -------
    ndarray, shape (n,), int64
    """
    n = indptr.size - 1
    left = np.empty(n, np.int64)
    for i in range(n):
        left[i] = indptr[i + 1] - indptr[i]
    # first[d]: place of the first node of remaining degree d
    first = np.zeros(n + 1, np.int64)
    for i in range(n):
        first[left[i] + 1] += 1
    for d in range(n):
        first[d + 1] += first[d]
    order, place = np.empty(n, np.int64), np.empty(n, np.int64)
    free = first.copy()
    for i in range(n):
        place[i] = free[left[i]]
        order[place[i]] = i
        free[left[i]] += 1
    for at in range(n):
        i = order[at]
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            if left[j] <= left[i]:
                continue
            front = first[left[j]]
            other = order[front]
            order[place[j]], order[front] = other, j
            place[other], place[j] = place[j], front
            first[left[j]] = front + 1
            left[j] -= 1
    return left
