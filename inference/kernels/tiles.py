"""What the kernels on tiles share: the exact similarity of a pair of rows, and a first look at values."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def exact_dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Dot product in float64, summed in index order.

    The product of two float32 numbers is exact in float64, so that fused and separate multiply-adds
    agree; without fastmath the compiler keeps the order of the sum.

    Parameters
    ----------
    a, b : ndarray, shape (d,), float32
        Two rows.

    Returns
    -------
    float
        ((a_0 b_0 + a_1 b_1) + a_2 b_2) + ...
    """
    total = 0.0
    for i in range(a.size):
        total += np.float64(a[i]) * np.float64(b[i])
    return total


@njit(cache=True, nogil=True)
def any_reaches(row: NDArray[np.float32], limit: Any) -> bool:
    """Tell whether any value of a row, shape (n,), reaches a limit; without an early exit: vectorised."""
    found = np.uint32(0)
    for i in range(row.size):
        found = np.uint32(found + np.uint32(row[i] >= limit))
    return bool(found != 0)
