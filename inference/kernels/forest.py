"""Walking rows down the trees of an isolation forest, many rows in step.

Every tree is filled up to one depth, so that the place in a level, times two, plus the outcome of the
comparison is the place in the next: no branch, and a row need not wait for the one before it. In the upper
levels, of few nodes, rows are compared with all nodes: less work than each looking up its own.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

ROWS = 128
# nodes of a level up to which all are compared; at most the bits of a word
FEW = 8


@njit(cache=True, nogil=True)
def _walk(
    columns: NDArray[np.float32],
    flat: NDArray[np.float32],
    feature: NDArray[np.uint32],
    threshold: NDArray[np.float32],
    path: NDArray[np.float64],
    place: NDArray[np.uint32],
    outcome: NDArray[np.uint32],
    total: NDArray[np.float64],
) -> None:
    """Add the path lengths of one block of rows, in the order of the trees.

    `columns`, shape (d, rows), and `flat` are the same numbers; `place` and `outcome` are to work in.
    """
    leaves = path.shape[1]
    for t in range(feature.shape[0]):
        splits, limits, length = feature[t], threshold[t], path[t]
        for r in range(ROWS):  # a slice set to zero is a call, which costs more
            place[r] = 0
        width = 1
        while width < leaves:
            above = width - 1  # nodes of the levels above
            if width <= FEW:
                for r in range(ROWS):
                    outcome[r] = 0
                for i in range(width):
                    c, limit = splits[above + i], limits[above + i]
                    bit = np.uint32(np.uint32(1) << np.uint32(i))
                    for r in range(ROWS):
                        outcome[r] |= bit if columns[c, r] > limit else np.uint32(0)
                for r in range(ROWS):
                    right = np.uint32(np.uint32(outcome[r] >> place[r]) & np.uint32(1))
                    place[r] = np.uint32(np.uint32(place[r] + place[r]) + right)
            else:
                first = np.uint32(above)
                for r in range(ROWS):
                    node = np.uint32(place[r] + first)
                    value = flat[np.uint32(np.uint32(splits[node] * np.uint32(ROWS)) + np.uint32(r))]
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
        columns = np.zeros((max(d, 1), ROWS), np.float32)
        for r in range(min(ROWS, n - b * ROWS)):
            for c in range(d):
                columns[c, r] = x[b * ROWS + r, c]
        place, outcome = np.empty(ROWS, np.uint32), np.empty(ROWS, np.uint32)
        own = total[b * ROWS : (b + 1) * ROWS]
        _walk(columns, columns.reshape(columns.size), feature, threshold, path, place, outcome, own)
    return total[:n]
