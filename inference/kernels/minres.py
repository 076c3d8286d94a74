"""One sweep of the least-squares fit of a matrix by a product of one vector with itself."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def minres_sweep(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weight: NDArray[np.float32],
    c: NDArray[np.float64],
) -> float:
    """Set every c_i in turn to sum_j A_ij c_j / sum_j c_j^2 (j != i), in place: none makes the fit worse.

    Parameters
    ----------
    indptr, indices, weight : ndarray, shape (n + 1,), int64, (2 m,), int32, and (2 m,), float32
        Compressed rows of a simple graph, every edge in both rows, no weight below 0.
    c : ndarray, shape (n,), float64
        The vector, not below 0.

    Returns
    -------
    float
        Largest change of a value.
    """
    square = 0.0
    for i in range(c.size):
        square += c[i] * c[i]
    largest = 0.0
    for i in range(c.size):
        total = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            total += weight[e] * c[indices[e]]
        others = square - c[i] * c[i]
        now = total / others if others > 0 else 0.0
        largest = max(largest, abs(now - c[i]))
        square = others + now * now
        c[i] = now
    return largest
