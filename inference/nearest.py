"""The search for nearest neighbours, exact: tile by tile, or where it pays by cells of rows."""

from collections.abc import Callable, Iterator
from itertools import chain, combinations
from itertools import product as product_of
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cells import Cells, find_near_cells
from .similarity import Floats, rounding_band, unit_rows
from .tiling import TILE, in_threads, multiply, one_at_a_time
from .twins import find_twins

# what float32 takes off or adds where bounds of cosines are computed
ROUNDING = 1e-6


def find_nearest(
    x: ArrayLike,
    k: int,
    queries: ArrayLike | None = None,
    *,
    tile: int = TILE,
    on_rows: Callable[[int], None] | None = None,
    device: str = "cpu",
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the nearest rows with their similarities in float64; see :func:`nearest_neighbors`.

    Parameters
    ----------
    x, k, queries
        As in :func:`nearest_neighbors`.
    tile : int
        Rows and columns of a tile; no result depends on it.
    on_rows : callable, optional
        Called with the number of query rows finished, by one thread at a time.
    device : {"cpu", "cuda"}
        Where to run; on CUDA tiles have a size of their own.

    Returns
    -------
    indices : ndarray, shape (m, k), int64
    similarity : ndarray, shape (m, k), float64
    """
    rows = unit_rows(x)
    own = queries is None
    ask = rows if queries is None else unit_rows(queries, "queries")
    n, d = rows.shape
    if ask.shape[1] != d:
        raise ValueError(f"queries have {ask.shape[1]} columns, x has {d}")
    most = max(n - 1, 0) if own else n
    if isinstance(k, bool) or k != int(k) or not 0 <= k <= most:
        raise ValueError(
            f"k={k}: give a whole number from 0 to {most} ({n} rows{', without itself' if own else ''})"
        )
    best, index = np.empty((len(ask), int(k))), np.empty((len(ask), int(k)), np.int64)
    if k and own:
        _search_all(rows, tile, best, index, on_rows, device)
    elif k and device == "cuda":
        from .gpu import search

        search(rows, ask, own, best, index, one_at_a_time(on_rows))
    elif k:
        _search(rows, ask, own, tile, best, index, on_rows)
    return index, best


def _search_all(
    x: Floats,
    tile: int,
    best: NDArray[np.float64],
    index: NDArray[np.int64],
    on_rows: Callable[[int], None] | None,
    device: str,
) -> None:
    """Fill `best` and `index` for all rows of `x`, each row of the same numbers searched once."""
    twins = find_twins(x)
    if twins is None:
        _search_different(x, tile, best, index, on_rows, device)
        return
    from .kernels.twins import spread_groups

    k, groups = best.shape[1], len(twins.first)
    shape = groups, min(k, groups - 1)
    similarity, near = np.empty(shape), np.empty(shape, np.int64)
    if shape[1]:
        _search_different(x[twins.first], tile, similarity, near, on_rows, device)
    spread_groups(x, twins.member, twins.start, near, similarity, k, best, index)
    one_at_a_time(on_rows)(len(x) - (groups if shape[1] else 0))


def _search_different(
    x: Floats,
    tile: int,
    best: NDArray[np.float64],
    index: NDArray[np.int64],
    on_rows: Callable[[int], None] | None,
    device: str,
) -> None:
    """Do as :func:`_search_all` of rows of which few repeat another."""
    if device == "cuda":
        from .gpu import search

        search(x, x, True, best, index, one_at_a_time(on_rows))
        return
    cells = find_near_cells(x, best.shape[1], rounding_band(x.shape[1]))
    if cells is None:
        _search(x, x, True, tile, best, index, on_rows)
    else:
        _search_cells(x, cells, best, index, on_rows)


def _search(
    x: Floats,
    queries: Floats,
    own: bool,
    tile: int,
    best: NDArray[np.float64],
    index: NDArray[np.int64],
    on_rows: Callable[[int], None] | None,
) -> None:
    """Fill `best` and `index` from lists of candidates, each block of rows behind a lock of its own.

    Of all pairs only the tiles on and above the diagonal are computed, and offered to the rows of both
    sides, the diagonal first: it raises the limits before the many tiles come.
    """
    from .kernels.neighbors import NO_LIMIT, offer_columns, offer_rows, settle

    k, band = best.shape[1], rounding_band(x.shape[1])
    shape = len(queries), _room(k)
    value, where = np.empty(shape, np.float32), np.empty(shape, np.int32)
    held, limit = np.zeros(len(queries), np.int64), np.full(len(queries), NO_LIMIT)
    names = np.arange(len(x), dtype=np.int32)
    report = one_at_a_time(on_rows)
    blocks, others = -(-len(queries) // tile), -(-len(x) // tile)
    locks, left = [Lock() for _ in range(blocks)], [others] * blocks

    def part(block: int) -> tuple[slice, tuple[NDArray[Any], ...]]:
        rows = slice(block * tile, (block + 1) * tile)
        return rows, (value[rows], where[rows], held[rows], limit[rows])

    def offered(block: int) -> None:
        left[block] -= 1
        if not left[block]:
            rows, (found, at, many, _) = part(block)
            settle(queries[rows], x, found, at, many, best[rows], index[rows])
            report(len(queries[rows]))

    def work(take: Iterator[tuple[int, int]]) -> None:
        buffer = np.empty(min(tile, len(queries)) * min(tile, len(x)), np.float32)
        for a, b in take:
            rows, lists = part(a)
            product = multiply(queries[rows], x[b * tile : (b + 1) * tile], buffer)
            if own and a == b:
                np.fill_diagonal(product, -np.inf)
            with locks[a]:
                offer_rows(product, names[b * tile : (b + 1) * tile], queries[rows], x, k, band, *lists)
                offered(a)
            if own and a != b:
                columns, lists = part(b)
                with locks[b]:
                    offer_columns(product, names[rows], queries[columns], x, k, band, *lists)
                    offered(b)

    if own:
        diagonal, above = ((a, a) for a in range(blocks)), combinations(range(blocks), 2)
        in_threads(work, chain(diagonal, above), blocks * (blocks + 1) // 2)
    else:
        in_threads(work, product_of(range(blocks), range(others)), blocks * others)


def _search_cells(
    x: Floats,
    cells: Cells,
    best: NDArray[np.float64],
    index: NDArray[np.int64],
    on_rows: Callable[[int], None] | None,
) -> None:
    """Fill `best` and `index` one cluster of rows at a time, which meets the nearest clusters first."""
    import scipy.linalg.cython_blas  # noqa: F401  the BLAS of compiled code, to be held to one thread too

    from .kernels.near_cells import search_cluster

    k, band, margin = best.shape[1], rounding_band(x.shape[1]), cells.margin + ROUNDING
    rows, report = x[cells.order], one_at_a_time(on_rows)
    angles = np.stack([np.cos(cells.angle), np.sin(cells.angle)], axis=1).astype(np.float32)
    where = cells.centre, cells.first_cell, cells.first_row, angles

    def work(take: Iterator[int]) -> None:
        for a in take:
            search_cluster(a, x, cells.order, rows, *where, k, _room(k), band, margin, best, index)
            report(int(cells.first_row[cells.first_cell[a + 1]] - cells.first_row[cells.first_cell[a]]))

    in_threads(work, range(len(cells.centre)), len(cells.centre))


def _room(k: int) -> int:
    """Return how many candidates the list of a row holds."""
    return k + max(16, k // 2)
