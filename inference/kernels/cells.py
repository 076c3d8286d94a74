"""Counting whole cells of rows at once where angles to a centre decide all their pairs."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .degree import count_tile

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
# columns of a tile are filled up to so many, for loops without a remainder
LANES = 32


@njit(cache=True, nogil=True)
def split(
    s: Floats,
    start: int,
    miss: Floats,
    reach: Floats,
    others: int,
    counts: NDArray[np.int64],
    sure: Places,
    undecided: Places,
    word: NDArray[np.uint32],
) -> int:
    """Count what is decided for rows against a cell of `others` rows; list the rows that are not.

    Parameters
    ----------
    s : ndarray, shape (p,), float32
        Cosines between the rows and the centre of the cell.
    start : int
        The first of the rows, which follow each other.
    miss, reach : ndarray, shape (t,), float32
        A row below `miss` reaches the threshold with none of the cell, one from `reach` on with all; both
        rise with the thresholds.
    others : int
        Rows of the cell.
    counts : ndarray, shape (t, n), int64
        Degrees, added to in place.
    sure : ndarray, shape (t,), int64
        Set to the number of rows that reach each threshold with all of the cell.
    undecided : ndarray, shape (at least p,), int64
        Set to the rows that are not decided at every threshold.
    word : ndarray, shape (at least p,), uint32
        To work in.

    Returns
    -------
    int
        How many are not decided.
    """
    p = s.size
    word[:p] = 0
    for t in range(miss.size):
        low, high = miss[t], reach[t]
        for r in range(p):
            # reached for sure in the lower half of the word, not missed for sure in the upper
            one = np.uint32(np.uint32(s[r] >= low) << np.uint32(16))
            word[r] = np.uint32(word[r] + np.uint32(one + np.uint32(s[r] >= high)))
    m, some = 0, np.uint32(0)
    for r in range(p):
        undecided[m] = start + r
        number = np.uint32(word[r] & np.uint32(0xFFFF))
        open_row = (word[r] >> np.uint32(16)) != number
        word[r] = np.uint32(0) if open_row else number
        some = np.uint32(some | word[r])
        m += open_row
    sure[:] = 0
    if some:
        for t in range(miss.size):
            for r in range(p):
                yes = np.int64(word[r] > t)
                counts[t, start + r] += others * yes
                sure[t] += yes
    return m


@njit(cache=True, nogil=True)
def gather(x: Floats, rows: Places, buffer: Floats, whole: int) -> Floats:
    """Return the rows of `x`, and zeros to a multiple of `whole`; no copy where they follow each other."""
    rest = -rows.size % whole
    if rest == 0 and rows[-1] - rows[0] == rows.size - 1:
        return x[rows[0] : rows[-1] + 1]
    for r in range(rows.size):
        buffer[r] = x[rows[r]]
    buffer[rows.size : rows.size + rest] = 0.0
    return buffer[: rows.size + rest]


@njit(cache=True, nogil=True)
def count_cluster(
    a: int,
    x: Floats,
    centre: Floats,
    first_cell: Places,
    first_row: Places,
    miss: Floats,
    reach: Floats,
    tau: NDArray[np.float64],
    low: Floats,
    high: Floats,
    counts: NDArray[np.int64],
    per_cell: NDArray[np.int64],
) -> int:
    """Count the pairs of cluster `a` with itself and the clusters after it.

    Parameters
    ----------
    a : int
        The cluster.
    x : ndarray, shape (n, d), float32
        Rows in the order of cells.
    centre : ndarray, shape (k, d), float32
        Centres of the clusters, unit rows.
    first_cell : ndarray, shape (k + 1,), int64
        First cell of each cluster.
    first_row : ndarray, shape (cells + 1,), int64
        First row of each cell.
    miss, reach : ndarray, shape (cells, t), float32
        See :func:`split`.
    tau : ndarray, shape (t,), float64
        Thresholds, rising.
    low, high : ndarray, shape (t,), float32
        See :func:`~chandra_embed.inference.kernels.degree.count_tile`.
    counts : ndarray, shape (t, n), int64
        Degrees so far, added to in place; owned by the calling thread.
    per_cell : ndarray, shape (t, cells), int64
        What every row of a cell is still to be given; owned by the calling thread.

    Returns
    -------
    int
        Pairs whose similarity was computed.
    """
    start, stop = first_row[first_cell[a]], first_row[first_cell[a + 1]]
    if start == stop:
        return 0
    most = 0
    for cell in range(first_row.size - 1):
        most = max(most, first_row[cell + 1] - first_row[cell])
    most += -most % LANES
    d = x.shape[1]
    values = np.empty(most * most, np.float32)
    left, right = np.empty((most, d), np.float32), np.empty((most, d), np.float32)
    rows, columns = np.empty(most + 1, np.int64), np.empty(most + 1, np.int64)
    sure, word = np.empty(tau.size, np.int64), np.empty(most, np.uint32)
    to_centres = np.dot(centre[a:], x[start:stop].T)
    computed = 0
    for b in range(a, centre.shape[0]):
        begin, end = first_row[first_cell[b]], first_row[first_cell[b + 1]]
        if begin == end:
            continue
        to_a = np.dot(x[begin:end], centre[a])
        for i in range(first_cell[a], first_cell[a + 1]):
            p0, p1 = first_row[i], first_row[i + 1]
            for j in range(i if a == b else first_cell[b], first_cell[b + 1]):
                q0, q1 = first_row[j], first_row[j + 1]
                if i == j:
                    p, q = p1 - p0, q1 - q0
                    for r in range(p):
                        rows[r] = columns[r] = p0 + r
                else:
                    s = to_centres[b - a, p0 - start : p1 - start]
                    p = split(s, p0, miss[j], reach[j], q1 - q0, counts, sure, rows, word)
                    for t in range(tau.size):
                        per_cell[t, j] += sure[t]
                    if p == 0:
                        continue
                    s = to_a[q0 - begin : q1 - begin]
                    q = split(s, q0, miss[i], reach[i], p, counts, sure, columns, word)
                    for t in range(tau.size):
                        if sure[t]:
                            for r in range(p):
                                counts[t, rows[r]] += sure[t]
                    if q == 0:
                        continue
                one, other = gather(x, rows[:p], left, 1), gather(x, columns[:q], right, LANES)
                wide = other.shape[0]
                tile = values[: p * wide].reshape((p, wide))
                np.dot(one, other.T, tile)
                tile[:, q:] = -np.inf
                count_tile(tile, x, rows[:p], columns[:q], tau, low, high, counts)
                computed += p * q
    return computed
