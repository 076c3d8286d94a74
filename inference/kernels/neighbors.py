"""The k best of each row, gathered tile by tile in short lists of candidates.

A list holds float32 values of tiles; what may be among the k nearest for all that rounding allows stays
in it, and only the last candidates, or many that tie, are computed again in float64.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tiles import any_reaches, exact_dot

Floats = NDArray[np.float32]
Marks = NDArray[np.uint8]
# exact similarities, marks and places
Workspace = tuple[NDArray[np.float64], Marks, NDArray[np.int32]]
# marks of candidates are looked at so many at once, as one word
_EIGHT = 8
# below any value of a tile, but for the -inf that stands for a row with itself
NO_LIMIT = np.float32(-3e38)


@njit(cache=True, nogil=True)
def exact_dots(a: Floats, x: Floats, where: NDArray[np.int32], out: NDArray[np.float64]) -> None:
    """Write the dot products of `a` with ``x[where]`` as :func:`exact_dot` gives them, four at a time."""
    done = where.size - where.size % 4
    for m in range(0, done, 4):
        e, f, g, h = x[where[m]], x[where[m + 1]], x[where[m + 2]], x[where[m + 3]]
        s, t, u, v = 0.0, 0.0, 0.0, 0.0
        for i in range(a.size):
            value = np.float64(a[i])
            s += value * np.float64(e[i])
            t += value * np.float64(f[i])
            u += value * np.float64(g[i])
            v += value * np.float64(h[i])
        out[m], out[m + 1], out[m + 2], out[m + 3] = s, t, u, v
    for m in range(done, where.size):
        out[m] = exact_dot(a, x[where[m]])


@njit(cache=True, nogil=True)
def _below(value: float) -> Any:
    """Round to float32, downwards."""
    return np.nextafter(np.float32(value), np.float32(-np.inf))


@njit(cache=True, nogil=True)
def sort_exactly(
    row: Floats, x: Floats, value: Floats, where: NDArray[np.int32], exact: NDArray[np.float64]
) -> None:
    """Sort candidates by the float64 dot product with `row`, then by index; `exact` gets the products."""
    exact_dots(row, x, where, exact)
    for m in range(1, where.size):
        e, v, w = exact[m], value[m], where[m]
        at = m
        while at > 0 and (exact[at - 1] < e or (exact[at - 1] == e and where[at - 1] > w)):
            exact[at], value[at], where[at] = exact[at - 1], value[at - 1], where[at - 1]
            at -= 1
        exact[at], value[at], where[at] = e, v, w


@njit(cache=True, nogil=True)
def _largest(value: Floats, k: int) -> float:
    """Return the k-th largest of a short list; counting all against all beats a sort of so few."""
    least: Any = np.float32(np.inf)
    for i in range(value.size):
        v, above = value[i], np.uint32(0)
        for j in range(value.size):
            above = np.uint32(above + np.uint32(value[j] > v))
        if above < k and v < least:
            least = v
    return float(least)


@njit(cache=True, nogil=True)
def _shorten(
    row: Floats,
    x: Floats,
    k: int,
    band: float,
    value: Floats,
    where: NDArray[np.int32],
    exact: NDArray[np.float64],
) -> tuple[int, float]:
    """Drop from a full list what cannot be among the k nearest; return what is left and the new limit."""
    limit = _below(_largest(value, k) - 2.0 * band)
    m = 0
    for at in range(value.size):
        if value[at] >= limit:
            value[m], where[m] = value[at], where[at]
            m += 1
    if m - k <= (value.size - k) // 2:
        return m, limit
    # too many within rounding of the k-th
    sort_exactly(row, x, value[:m], where[:m], exact)
    return k, max(limit, _below(exact[k - 1] - band))


@njit(cache=True, nogil=True)
def space_to_work(room: int, most: int) -> Workspace:
    """Return what offering rows of up to `most` values to lists of `room` candidates works in."""
    marks = np.empty(most + -most % _EIGHT, np.uint8)
    return np.empty(room), marks, np.empty(marks.size, np.int32)


@njit(cache=True, nogil=True)
def _list_marked(n: int, marks: Marks, places: NDArray[np.int32]) -> int:
    """List the places of the first `n` marks that are 1, the others 0; return how many there are.

    What stands behind them is set to 0, up to a multiple of eight, which `marks` and `places` have room for.
    """
    whole = n + -n % _EIGHT
    marks[n:whole] = 0
    words, m = marks[:whole].view(np.uint64), np.int64(0)
    for w in range(words.size):
        if words[w]:
            for c in range(_EIGHT * w, _EIGHT * (w + 1)):
                places[m] = c
                m += np.int64(marks[c])
    return int(m)


@njit(cache=True, nogil=True)
def _any_reaches_own(row: Floats, limits: Floats) -> bool:
    """Tell whether a value reaches its limit."""
    found = np.uint32(0)
    for c in range(row.size):
        found = np.uint32(found + np.uint32(row[c] >= limits[c]))
    return bool(found != 0)


@njit(cache=True, nogil=True)
def offer_row(
    values: Floats,
    others: NDArray[np.int32],
    row: Floats,
    x: Floats,
    k: int,
    band: float,
    value: Floats,
    where: NDArray[np.int32],
    work: Workspace,
    held: int,
    limit: Any,
) -> tuple[int, Any]:
    """Offer the values of one row of a tile to its list; return how many it holds now, and the new limit.

    See :func:`offer_rows`; `work` is of :func:`space_to_work`.
    """
    exact, marks, places = work
    for c in range(values.size):
        marks[c] = np.uint8(values[c] >= limit)
    for m in range(_list_marked(values.size, marks, places)):
        c = places[m]
        if values[c] < limit:  # it has risen since
            continue
        value[held], where[held] = values[c], others[c]
        held += 1
        if held == value.size:
            held, higher = _shorten(row, x, k, band, value, where, exact)
            limit = np.float32(higher)
    return held, limit


@njit(cache=True, nogil=True)
def offer_rows(
    tile: Floats,
    others: NDArray[np.int32],
    rows: Floats,
    x: Floats,
    k: int,
    band: float,
    value: Floats,
    where: NDArray[np.int32],
    held: NDArray[np.int64],
    limit: Floats,
) -> None:
    """Offer the columns of a tile to its rows.

    Parameters
    ----------
    tile : ndarray, shape (p, q), float32
        ``rows @ x[others].T``, rounded in any order of summation; -inf is no candidate.
    others : ndarray, shape (q,), int32
        What rows of `x` the columns are.
    rows : ndarray, shape (p, d), float32
        The rows whose nearest are looked for.
    x : ndarray, shape (n, d), float32
        All rows.
    k : int
        Nearest to be kept, at least 1.
    band : float
        Bound of the rounding error of a tile value.
    value, where : ndarray, shape (p, c), float32 and int32
        Lists of candidates, c > k: tile values and rows of `x`; changed in place.
    held : ndarray, shape (p,), int64
        Candidates in each list, changed in place.
    limit : ndarray, shape (p,), float32
        A tile value below it is surely not among the k nearest; changed in place.
    """
    work = space_to_work(value.shape[1], tile.shape[1])
    for r in range(tile.shape[0]):
        if any_reaches(tile[r], limit[r]):  # most rows of a tile offer nothing
            held[r], limit[r] = offer_row(
                tile[r], others, rows[r], x, k, band, value[r], where[r], work, held[r], limit[r]
            )


@njit(cache=True, nogil=True)
def offer_columns(
    tile: Floats,
    others: NDArray[np.int32],
    columns: Floats,
    x: Floats,
    k: int,
    band: float,
    value: Floats,
    where: NDArray[np.int32],
    held: NDArray[np.int64],
    limit: Floats,
) -> None:
    """Offer the rows of a tile, ``x[others]``, to its columns; see :func:`offer_rows`.

    `columns`, shape (q, d), are the rows whose nearest are looked for, the lists theirs.
    """
    room = value.shape[1]
    exact, marks, places = space_to_work(room, tile.shape[1])
    for r in range(tile.shape[0]):
        if not _any_reaches_own(tile[r], limit):
            continue
        for c in range(tile.shape[1]):
            marks[c] = np.uint8(tile[r, c] >= limit[c])
        for m in range(_list_marked(tile.shape[1], marks, places)):
            c = places[m]
            value[c, held[c]], where[c, held[c]] = tile[r, c], others[r]
            held[c] += 1
            if held[c] == room:
                held[c], limit[c] = _shorten(columns[c], x, k, band, value[c], where[c], exact)


@njit(cache=True, nogil=True)
def offer_lists(
    values: Floats,
    names: NDArray[np.int32],
    begin: int,
    size: int,
    rows: Floats,
    x: Floats,
    itself: int,
    k: int,
    band: float,
    value: Floats,
    where: NDArray[np.int32],
    held: NDArray[np.int64],
    limit: Floats,
) -> None:
    """Offer to rows the largest values of a tile; all of it where those left out may matter.

    Parameters
    ----------
    values : ndarray, shape (p, m), float32
        The m largest of each row, falling; changed in place.
    names : ndarray, shape (p, m), int32
        Rows of `x`; a name from ``begin + size`` on fills the tile up and stands last.
    begin, size : int
        The rows of `x` in the tile: `size` of them from `begin` on.
    itself : int
        What the first of the rows is in `x`, below ``-p`` where they are none of it.
    rows, x, k, band, value, where, held, limit
        See :func:`offer_rows`.
    """
    whole, work = np.empty(size, np.float32), space_to_work(value.shape[1], max(size, values.shape[1]))
    all_names = np.arange(begin, begin + size).astype(np.int32)
    for r in range(values.shape[0]):
        least, filled = values[r, -1], names[r, -1] >= begin + size
        kth, found = NO_LIMIT, 0
        for c in range(values.shape[1]):
            if names[r, c] == itself + r or names[r, c] >= begin + size:
                values[r, c] = -np.inf
                continue
            found += 1
            if found == k:
                kth = _below(values[r, c] - 2.0 * band)
        line, others = values[r], names[r]
        if not filled and values.shape[1] < size and least >= max(kth, limit[r]):
            for c in range(size):
                whole[c] = exact_dot(rows[r], x[begin + c])
            if begin <= itself + r < begin + size:
                whole[itself + r - begin] = -np.inf
            line, others = whole, all_names
        held[r], limit[r] = offer_row(
            line, others, rows[r], x, k, band, value[r], where[r], work, held[r], limit[r]
        )


@njit(cache=True, nogil=True)
def settle(
    rows: Floats,
    x: Floats,
    value: Floats,
    where: NDArray[np.int32],
    held: NDArray[np.int64],
    best: NDArray[np.float64],
    index: NDArray[np.int64],
) -> None:
    """Write the k nearest of each row, the nearest first, of equal ones the lower index.

    Parameters
    ----------
    rows : ndarray, shape (p, d), float32
        The rows whose nearest are looked for.
    x : ndarray, shape (n, d), float32
        All rows.
    value, where, held
        As :func:`offer_rows` left them, at least k held.
    best, index : ndarray, shape (p, k), float64 and int64
        Set to the similarities and rows of `x`.
    """
    k = best.shape[1]
    exact = np.empty(value.shape[1])
    for r in range(rows.shape[0]):
        m = held[r]
        sort_exactly(rows[r], x, value[r, :m], where[r, :m], exact)
        best[r], index[r] = exact[:k], where[r, :k]
