"""Counting the pairs of one tile that reach each threshold, and adding up their similarities.

Sums are whole numbers of 32 bits, so that loops are vectorised and no result depends on an order.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tiles import exact_dot

UNIT = 2.0**22  # of a similarity; 500 of them fit 32 bits
_UNIT = np.float32(UNIT)
# A column's count and sum over so few rows share 32 bits: the count from bit 27 up, the sum below.
_ROWS = 8
_COUNT_BIT = 27
_ONE = np.int32(1 << _COUNT_BIT)
_HALF = np.int32(1 << (_COUNT_BIT - 1))
_ZERO = np.int32(0)


@njit(cache=True, nogil=True)
def count_and_add(
    tile: NDArray[np.float32],
    x: NDArray[np.float32],
    row0: int,
    col0: int,
    tau: NDArray[np.float64],
    low: NDArray[np.int32],
    high: NDArray[np.int32],
    counts: NDArray[np.int64],
    sums: NDArray[np.int64],
) -> None:
    """Add the pairs of one tile to the degrees and strengths of both rows.

    Each similarity is rounded to a whole number of 2^-22, its units. Rows count those that reach `low`,
    columns those that reach `high`; where the two differ over a few rows, the pairs between are decided
    by their exact similarity.

    Parameters
    ----------
    tile : ndarray, shape (p, q), float32, p and q at most 500
        ``x[row0:row0 + p] @ x[col0:col0 + q].T``, rounded in any order of summation; what is no pair is
        below all of `low`, and not below -3.
    x : ndarray, shape (n, d), float32
        All rows.
    row0, col0 : int
        Place of the tile in the n x n matrix.
    tau : ndarray, shape (t,), float64
        Thresholds.
    low, high : ndarray, shape (t,), int32
        A tile value of at least `high` units is surely a similarity >= `tau`, one of fewer than `low`
        surely is not.
    counts, sums : ndarray, shape (t, n), int64
        Degrees, and strengths in units, so far; added to in place; owned by the calling thread.
    """
    p, q = tile.shape
    units = np.empty(q, np.int32)
    shared = np.zeros((tau.size, q), np.int32)
    columns, totals = np.zeros((tau.size, q), np.int32), np.zeros((tau.size, q), np.int32)
    possible = np.zeros(tau.size, np.int64)
    for first in range(0, p, _ROWS):
        last = min(first + _ROWS, p)
        for r in range(first, last):
            largest = _to_units(tile[r], units)
            for t in range(tau.size):
                if largest < low[t]:
                    continue
                count, total = _add_row(units, low[t], high[t], shared[t])
                counts[t, row0 + r] += count
                sums[t, row0 + r] += total
                possible[t] += count
        for t in range(tau.size):
            if not possible[t]:
                continue
            sure = _unpack(shared[t], columns[t], totals[t])
            if sure != possible[t]:
                for r in range(first, last):
                    _to_units(tile[r], units)
                    _decide(
                        units, x, row0 + r, col0, tau[t], low[t], high[t], counts[t], sums[t],
                        columns[t], totals[t],
                    )  # fmt: skip
            possible[t] = 0
    for t in range(tau.size):
        for c in range(q):
            counts[t, col0 + c] += columns[t, c]
            sums[t, col0 + c] += totals[t, c]


@njit(cache=True, nogil=True, inline="always")
def _to_units(row: NDArray[np.float32], units: NDArray[np.int32]) -> np.int32:
    """Round a row to units, and return the largest."""
    largest = np.int32(-(2**31))
    for c in range(row.size):
        unit = np.int32(np.rint(row[c] * _UNIT))
        units[c] = unit
        largest = max(largest, unit)
    return largest


@njit(cache=True, nogil=True, inline="always")
def _add_row(
    units: NDArray[np.int32],
    low: np.int32,
    high: np.int32,
    shared: NDArray[np.int32],
) -> tuple[int, int]:
    """Add what reaches `high` to the columns; return the count and the sum of what reaches `low`."""
    below, total = _ZERO, _ZERO
    for c in range(units.size):
        unit = units[c]
        below = np.int32(below + np.int32(unit < low))
        total = np.int32(total + (unit if unit >= low else _ZERO))
        shared[c] = np.int32(shared[c] + (np.int32(unit + _ONE) if unit >= high else _ZERO))
    return units.size - int(below), int(total)


@njit(cache=True, nogil=True, inline="always")
def _unpack(shared: NDArray[np.int32], columns: NDArray[np.int32], totals: NDArray[np.int32]) -> int:
    """Move counts and sums out of the bits they share; return the number of all that were counted."""
    sure = _ZERO
    for c in range(shared.size):
        both = shared[c]
        count = np.int32(np.int32(both + _HALF) >> _COUNT_BIT)
        sure = np.int32(sure + count)
        columns[c] = np.int32(columns[c] + count)
        totals[c] = np.int32(totals[c] + np.int32(both - np.int32(count << _COUNT_BIT)))
        shared[c] = _ZERO
    return int(sure)


@njit(cache=True, nogil=True)
def _decide(
    units: NDArray[np.int32],
    x: NDArray[np.float32],
    i: int,
    col0: int,
    tau: float,
    low: np.int32,
    high: np.int32,
    counts: NDArray[np.int64],
    sums: NDArray[np.int64],
    columns: NDArray[np.int32],
    totals: NDArray[np.int32],
) -> None:
    """Decide the pairs of one row between the limits: edges go to the columns, others off the row."""
    some = _ZERO
    for c in range(units.size):
        some = np.int32(some | np.int32((units[c] >= low) & (units[c] < high)))
    if not some:
        return
    for c in range(units.size):
        if units[c] < low or units[c] >= high:
            continue
        if exact_dot(x[i], x[col0 + c]) >= tau:
            columns[c] += 1
            totals[c] += units[c]
        else:
            counts[i] -= 1
            sums[i] -= units[c]
