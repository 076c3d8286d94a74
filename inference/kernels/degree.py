"""Counting the pairs of one tile that reach each threshold."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tiles import any_reaches, exact_dot

# three counts share one 32-bit word, ten bits each, so that the inner loop adds up three thresholds at once
TOGETHER, FIELD = 3, 1023
_SHIFT = 10


@njit(cache=True, nogil=True)
def _reach(row: NDArray[np.float32], limits: NDArray[np.float32]) -> np.uint32:
    """Count the values that reach each of three limits, all three counts added up."""
    a, b, c = limits[0], limits[1], limits[2]
    total = np.uint32(0)
    for i in range(row.size):
        v = row[i]
        of_two = np.uint32(np.uint32(v >= a) + np.uint32(v >= b))
        total = np.uint32(total + np.uint32(of_two + np.uint32(v >= c)))
    return total


@njit(cache=True, nogil=True)
def _reach_each(row: NDArray[np.float32], limits: NDArray[np.float32]) -> np.uint32:
    """Count the values that reach each of three limits, in the fields of one word."""
    a, b, c = limits[0], limits[1], limits[2]
    total = np.uint32(0)
    for i in range(row.size):
        v = row[i]
        word = np.uint32(np.uint32(v >= b) << np.uint32(_SHIFT))
        word = np.uint32(word + np.uint32(np.uint32(v >= c) << np.uint32(2 * _SHIFT)))
        total = np.uint32(total + np.uint32(word + np.uint32(v >= a)))
    return total


@njit(cache=True, nogil=True)
def _reach_columns(
    row: NDArray[np.float32], limits: NDArray[np.float32], columns: NDArray[np.uint32]
) -> np.uint32:
    """Do as :func:`_reach_each`, and add every value's word to its column."""
    a, b, c = limits[0], limits[1], limits[2]
    total = np.uint32(0)
    for i in range(row.size):
        v = row[i]
        word = np.uint32(np.uint32(v >= b) << np.uint32(_SHIFT))
        word = np.uint32(word + np.uint32(np.uint32(v >= c) << np.uint32(2 * _SHIFT)))
        word = np.uint32(word + np.uint32(v >= a))
        total = np.uint32(total + word)
        columns[i] = np.uint32(columns[i] + word)
    return total


@njit(cache=True, nogil=True)
def decide_pairs(
    values: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    x: NDArray[np.float32],
    tau: NDArray[np.float64],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    counts: NDArray[np.int64],
) -> None:
    """Add pairs to the degrees of both rows at those thresholds that their tile values leave open.

    `values`, shape (m,), float32, are those of ``x[rows]`` with ``x[columns]``; see :func:`count_tile`.
    """
    for m in range(values.size):
        for t in range(tau.size):
            if low[t] <= values[m] < high[t] and exact_dot(x[rows[m]], x[columns[m]]) >= tau[t]:
                counts[t, rows[m]] += 1
                counts[t, columns[m]] += 1


@njit(cache=True, nogil=True)
def count_tile(
    tile: NDArray[np.float32],
    x: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    tau: NDArray[np.float64],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    counts: NDArray[np.int64],
) -> None:
    """Add the pairs of one tile to the degrees of both rows of each.

    A tile of rows with themselves (`rows` and `columns` one and the same) holds each pair twice and each
    row with itself, which is overwritten: only the rows' counts are added then.

    Parameters
    ----------
    tile : ndarray, shape (p, at least q), float32
        ``x[rows] @ x[columns].T``, rounded in any order of summation, and columns of -inf; at most 1,023
        rows and columns.
    x : ndarray, shape (n, d), float32
        All rows.
    rows, columns : ndarray, shape (p,) and (q,), int64
        What rows of `x` the tile compares: disjoint, or the same in the same order.
    tau : ndarray, shape (t,), float64
        Thresholds, rising.
    low, high : ndarray, shape (t,), float32
        A tile value >= `high` is surely a similarity >= `tau`, one < `low` surely is not.
    counts : ndarray, shape (t, n), int64
        Degrees so far, added to in place; owned by the calling thread.
    """
    p, q = rows.size, columns.size
    if p == 0 or q == 0:
        return
    diagonal = rows[0] == columns[0]
    if diagonal:
        for r in range(p):
            tile[r, r] = -np.inf
    words = np.zeros(0 if diagonal else tile.shape[1], np.uint32)
    lows, highs = np.empty(TOGETHER, np.float32), np.empty(TOGETHER, np.float32)
    for first in range(0, tau.size, TOGETHER):
        last = min(first + TOGETHER, tau.size)
        lows[:], highs[:] = np.inf, np.inf
        lows[: last - first], highs[: last - first] = low[first:last], high[first:last]
        words[:] = 0
        for r in range(p):
            row = tile[r]
            if not any_reaches(row, lows[0]):
                continue
            word = _reach_each(row, highs) if diagonal else _reach_columns(row, highs, words)
            sure = np.int64(0)
            for t in range(first, last):
                field = np.int64((word >> np.uint32(_SHIFT * (t - first))) & FIELD)
                counts[t, rows[r]] += field
                sure = sure + field
            if _reach(row, lows) == sure:
                continue
            for c in range(q):
                for t in range(first, last):
                    if low[t] <= row[c] < high[t] and exact_dot(x[rows[r]], x[columns[c]]) >= tau[t]:
                        counts[t, rows[r]] += 1
                        if not diagonal:
                            counts[t, columns[c]] += 1
        if diagonal:
            continue
        for t in range(first, last):
            for c in range(q):
                counts[t, columns[c]] += (words[c] >> np.uint32(_SHIFT * (t - first))) & FIELD


@njit(cache=True, nogil=True)
def count_strip(
    a: int,
    x: NDArray[np.float32],
    tile: int,
    tau: NDArray[np.float64],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    counts: NDArray[np.int64],
) -> int:
    """Add the pairs of ``x[a : a + tile]`` with each other and all rows after them; return how many.

    Parameters
    ----------
    a : int
        First row.
    x : ndarray, shape (n, d), float32
        All rows.
    tile : int
        Rows and columns of a tile, at most 1,023.
    tau, low, high, counts
        See :func:`count_tile`.
    """
    n = x.shape[0]
    p = min(tile, n - a)
    values, place = np.empty(p * tile, np.float32), np.arange(n)
    for b in range(a, n, tile):
        q = min(tile, n - b)
        product = values[: p * q].reshape((p, q))
        np.dot(x[a : a + p], x[b : b + q].T, product)
        count_tile(product, x, place[a : a + p], place[b : b + q], tau, low, high, counts)
    return int(p * (p - 1) // 2 + p * (n - a - p))
