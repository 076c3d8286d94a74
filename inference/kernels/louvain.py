"""One round of moving nodes between communities, in whole numbers."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def move_round(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weight: NDArray[np.int64],
    degree: NDArray[np.int64],
    order: NDArray[np.int64],
    community: NDArray[np.int64],
) -> int:
    """Give each node in turn the community of a neighbour that raises modularity most, in place.

    A node stays where no gain is above 0; of equal gains that of the first neighbour counts.

    Parameters
    ----------
    indptr, indices, weight : ndarray, shape (n + 1,), int64, (k,), int32, and (k,), int64
        Compressed rows, every edge in both rows, no loops.
    degree : ndarray, shape (n,), int64
        Sum of each node's weights, a loop counted twice.
    order : ndarray, shape (n,), int64
        Order in which nodes have their turn.
    community : ndarray, shape (n,), int64
        Community of each node, 0 to n - 1.

    Returns
    -------
    int
        Nodes that changed.
    """
    n = indptr.size - 1
    ends = np.int64(0)
    held, near = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for i in range(n):
        held[community[i]] += degree[i]
        ends += degree[i]
    seen = np.empty(n, np.int64)
    changed = 0
    for i in order:
        own, d = community[i], degree[i]
        held[own] -= d
        known = 0
        for e in range(indptr[i], indptr[i + 1]):
            c = community[indices[e]]
            if near[c] == 0:
                seen[known] = c
                known += 1
            near[c] += weight[e]
        best, new = ends * near[own] - d * held[own], own
        for s in range(known):
            gain = ends * near[seen[s]] - d * held[seen[s]]
            if gain > best:
                best, new = gain, seen[s]
        for s in range(known):
            near[seen[s]] = 0
        changed += new != own
        community[i] = new
        held[new] += d
    return changed
