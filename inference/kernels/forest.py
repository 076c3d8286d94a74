"""Walking rows down the flattened trees of an isolation forest."""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray


@njit(cache=True, parallel=True)
def path_lengths(
    x: NDArray[np.float32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float64],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    path: NDArray[np.float64],
    roots: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Sum, over the trees, of the path length of the leaf each row ends in; every row is one thread's.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Rows, finite.
    feature : ndarray, shape (m,), int32
        Column that a node splits on; -1 at a leaf.
    threshold : ndarray, shape (m,), float64
        A row goes left where its value is <= this.
    left, right : ndarray, shape (m,), int32
        Nodes that follow, each of a higher number than the node itself.
    path : ndarray, shape (m,), float64
        Path length of a leaf; 0 at other nodes.
    roots : ndarray, shape (t,), int64
        First node of each tree.

    Returns
    -------
    total : ndarray, shape (n,), float64
        Summed path lengths, in order of the trees.
    """
    total = np.zeros(x.shape[0])
    for i in prange(x.shape[0]):
        length = 0.0
        for root in roots:
            node = root
            while feature[node] >= 0:
                if np.float64(x[i, feature[node]]) <= threshold[node]:
                    node = np.int64(left[node])
                else:
                    node = np.int64(right[node])
            length += path[node]
        total[i] = length
    return total
