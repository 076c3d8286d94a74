"""Walking rows down the trees of an isolation forest, many rows in step.

Every tree is filled up to one depth, so that the place in a level, times two, plus the outcome of the
comparison is the place in the next: no branch, and a row need not wait for the one before it.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

ROWS = 64


@njit(cache=True, nogil=True)
def _walk(
    columns: NDArray[np.float32],
    feature: NDArray[np.uint32],
    threshold: NDArray[np.float32],
    path: NDArray[np.float64],
    place: NDArray[np.uint32],
    total: NDArray[np.float64],
) -> None:
    """Add the path lengths of one block of rows, given column after column, in the order of the trees."""
    leaves = path.shape[1]
    for t in range(feature.shape[0]):
        splits, limits, length = feature[t], threshold[t], path[t]
        place[:] = 0
        width = 1
        while width < leaves:
            first = np.uint32(width - 1)  # nodes of the levels above
            for r in range(ROWS):
                node = np.uint32(place[r] + first)
                value = columns[np.uint32(np.uint32(splits[node] * np.uint32(ROWS)) + np.uint32(r))]
                right = np.uint32(value > limits[node])
                place[r] = np.uint32(np.uint32(place[r] + place[r]) + right)
            width *= 2
        for r in range(ROWS):
            total[r] += length[place[r]]


@njit(cache=True, parallel=True)
def path_lengths(
    x: NDArray[np.float32],
    feature: NDArray[np.uint32],
    threshold: NDArray[np.float32],
    path: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum, over the trees, of the path length of the leaf each row ends in; every block is one thread's.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Rows, finite.
    feature : ndarray, shape (t, m - 1), uint32
        Column that a node splits on, level after level, the root first.
    threshold : ndarray, shape (t, m - 1), float32
        A row goes left where its value is <= this.
    path : ndarray, shape (t, m), float64
        Path lengths of the leaves; m is a power of two.

    Returns
    -------
    total : ndarray, shape (n,), float64
        Summed path lengths, in order of the trees.
    """
    n, d = x.shape
    blocks = -(-n // ROWS)
    total = np.zeros(blocks * ROWS)
    for b in prange(blocks):
        columns = np.zeros(max(d, 1) * ROWS, np.float32)
        for r in range(min(ROWS, n - b * ROWS)):
            for c in range(d):
                columns[c * ROWS + r] = x[b * ROWS + r, c]
        place = np.empty(ROWS, np.uint32)
        _walk(columns, feature, threshold, path, place, total[b * ROWS : (b + 1) * ROWS])
    return total[:n]
