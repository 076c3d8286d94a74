"""The walk over the tiles of similarities above the diagonal that all results without edges share."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..similarity import rounding_band
from ..tiling import in_threads, multiply, one_at_a_time

# rows and columns of a tile: its float32 values stay in a core's own cache, sums of them in 32 bits
TILE = (384, 480)
MASKED = np.float32(-3.0)  # stands for a pair that is none; below every similarity
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Pairs = tuple[Ints, Ints]
State = TypeVar("State")


def limits(tau: NDArray[np.float64], d: int) -> tuple[Floats, Floats]:
    """Return what a tile value must be below, or reach, to be decided.

    Parameters
    ----------
    tau : ndarray, shape (t,), float64
        Thresholds.
    d : int
        Columns of the unit rows.

    Returns
    -------
    low, high : ndarray, shape (t,), float32
        A value below `low` surely is no similarity >= tau, one that reaches `high` surely is; rounded
        outwards, `low` above the value that masks a pair.
    """
    near, band = np.clip(tau, -2.0, 2.0), min(rounding_band(d), 4.0)
    low, high = (near - band).astype(np.float32), (near + band).astype(np.float32)
    low, high = np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))
    return np.maximum(low, np.float32(-2.5)), high


def walk(
    x: Floats,
    start: Callable[[], State],
    visit: Callable[[State, Floats, int, int], None],
    *,
    excluded: Pairs | None = None,
    needed: Callable[[State, slice, slice], bool] | None = None,
    tile: tuple[int, int] = TILE,
    on_pairs: Callable[[int], None] | None = None,
) -> list[State]:
    """Visit each pair of rows once, tile by tile, in threads.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    start : callable
        Makes what one thread owns.
    visit : callable
        Takes what the thread owns, the float32 products of a tile, shape (p, q), and the first row and
        column of it in the n x n matrix. Values on and below the diagonal and those of excluded pairs are
        -3. The tile is the visitor's to change, until it returns.
    excluded : tuple of two ndarray, shape (m,), int64, optional
        Pairs of rows that are no neighbours.
    needed : callable, optional
        Takes what the thread owns, and the rows and columns of a tile; where it returns False, the tile
        is not computed.
    tile : tuple of int
        Rows and columns of a tile, at most 500.
    on_pairs : callable, optional
        Called with the number of pairs after each tile, by one thread at a time.

    Returns
    -------
    list
        What each thread owned.

    Raises
    ------
    ValueError
        `excluded` names a row that there is not.
    """
    n, (height, width) = len(x), tile
    report, hide = one_at_a_time(on_pairs), _Hidden(excluded, n, height)
    corners = ((a, b) for a in range(0, n, height) for b in range(a, n, width))

    def work(take: Iterator[tuple[int, int]]) -> State:
        state, buffer = start(), np.empty(min(height, n) * min(width, n), np.float32)
        for a, b in take:
            rows, columns = slice(a, min(a + height, n)), slice(b, min(b + width, n))
            if needed is None or needed(state, rows, columns):
                product = multiply(x[rows], x[columns], buffer)
                hide(product, a, b)
                visit(state, product, a, b)
            report(_pairs_in(rows, columns))
        return state

    return in_threads(work, corners, sum(-(-(n - a) // width) for a in range(0, n, height)))


def _pairs_in(rows: slice, columns: slice) -> int:
    """Count the pairs of a tile: the places above the diagonal."""
    height, width = int(rows.stop - rows.start), int(columns.stop - columns.start)
    if columns.start >= rows.stop:
        return height * width
    above = np.clip(columns.stop - 1 - np.arange(rows.start, rows.stop), 0, width)
    return int(above.sum())


class _Hidden:
    """Masks what is no pair in a tile: excluded ones, and what lies on or below the diagonal."""

    def __init__(self, pairs: Pairs | None, n: int, height: int) -> None:
        first, second = (np.zeros(0, np.int64),) * 2 if pairs is None else map(np.asarray, pairs)
        if first.shape != second.shape or first.ndim != 1:
            raise ValueError(
                f"excluded pairs have shapes {first.shape} and {second.shape}: give i and j alike"
            )
        i, j = np.minimum(first, second), np.maximum(first, second)
        if len(i) and (i.min() < 0 or j.max() >= n):
            raise ValueError(
                f"an excluded pair names row {i.min()} or {j.max()}: give rows from 0 to {n - 1}"
            )
        self._n, self._height = n, height
        key = i // height * n + j
        order = np.argsort(key, kind="stable")
        self._key, self._row, self._column = key[order], i[order], j[order]

    def __call__(self, product: Floats, a: int, b: int) -> None:
        p, q = product.shape
        if b < a + p:
            product[np.tri(p, q, a - b, dtype=bool)] = MASKED
        if not len(self._key):
            return
        start = a // self._height * self._n + b
        part = slice(*np.searchsorted(self._key, (start, start + q)))
        if part.start < part.stop:
            product[self._row[part] - a, self._column[part] - b] = MASKED
