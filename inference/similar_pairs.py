"""Similarities themselves: block by block, the most similar pairs, or the whole matrix of few rows."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .similarity import Floats, rounding_band, unit_rows
from .tiling import TILE, in_threads, multiply, one_at_a_time

# rows whose whole matrix takes 1.6 GB
MOST_ROWS = 20_000
# candidates that a list holds beyond the pairs asked for: as many again, and these
ROOM = 4096


def similarity_blocks(x: ArrayLike, rows: int = TILE) -> Iterator[tuple[slice, Floats]]:
    """Yield the matrix of cosine similarities, some rows at a time; it is never whole in memory.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Unit rows; rounded to float32 where they are not.
    rows : int
        Rows of a block, at least 1; each takes 4 n bytes, and 8 n more while it is made.

    Yields
    ------
    which : slice
        The rows of `x` the block is of.
    similarity : ndarray, shape (at most rows, n), float32
        Their similarities to all rows, summed in float64 and rounded.

    Raises
    ------
    ValueError
        A row of `x` is not finite or not of unit length to 1e-5; `rows` is below 1.

    Examples
    --------
    >>> for which, block in similarity_blocks([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], rows=2):
    ...     print(which.start, block.round(2).tolist())
    0 [[1.0, 0.6000000238418579, 0.0], [0.6000000238418579, 1.0, 0.800000011920929]]
    2 [[0.0, 0.800000011920929, 1.0]]
    """
    if rows < 1:
        raise ValueError(f"rows={rows}: give at least 1")
    wide = unit_rows(x).astype(np.float64)
    return (
        (slice(a, min(a + rows, len(wide))), (wide[a : a + rows] @ wide.T).astype(np.float32))
        for a in range(0, len(wide), rows)
    )


def similarity_matrix(x: ArrayLike) -> Floats:
    """Return all cosine similarities of up to 20,000 rows.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Unit rows; rounded to float32 where they are not.

    Returns
    -------
    similarity : ndarray, shape (n, n), float32
        Summed in float64 and rounded.

    Raises
    ------
    ValueError
        A row of `x` is not finite or not of unit length to 1e-5, or there are more than 20,000 of them.
    """
    rows = unit_rows(x)
    n = len(rows)
    if n > MOST_ROWS:
        raise ValueError(
            f"x has {n:,} rows, their matrix {n * n * 4 / 1e9:,.1f} GB: give at most {MOST_ROWS:,}, "
            "or take similarity_blocks"
        )
    whole = np.empty((n, n), np.float32)
    for which, block in similarity_blocks(rows):
        whole[which] = block
    return whole


def top_pairs(
    x: ArrayLike, k: int = 100, *, on_pairs: Callable[[int], None] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the `k` pairs of different rows with the highest cosine similarity, exactly.

    Pairs are ordered by the float64 dot product of the float32 values, summed in index order; of equal
    ones that with the lower rows stands first.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Unit rows; rounded to float32 where they are not.
    k : int
        Pairs, 0 to n (n - 1) / 2.
    on_pairs : callable, optional
        Called with the number of pairs seen after each tile, by one thread at a time.

    Returns
    -------
    pairs : ndarray, shape (k, 2), int64
        Rows of `x`, the lower first.
    similarity : ndarray, shape (k,), float32
        Falling.

    Raises
    ------
    ValueError
        A row of `x` is not finite or not of unit length to 1e-5; `k` is negative or more than the pairs.

    Examples
    --------
    >>> top_pairs([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], k=1)[0].tolist()
    [[1, 2]]
    """
    rows = unit_rows(x)
    n = len(rows)
    most = n * (n - 1) // 2
    if isinstance(k, bool) or k != int(k) or not 0 <= k <= most:
        raise ValueError(f"k={k}: give a whole number from 0 to {most} ({n} rows)")
    if not k:
        return np.empty((0, 2), np.int64), np.empty(0, np.float32)
    from .kernels.top_pairs import sort_pairs

    found = _gather(rows, int(k), on_pairs)
    left, right = (np.concatenate(part) for part in zip(*found, strict=True))
    exact = np.empty(len(left))
    best = sort_pairs(rows, left, right, exact)[:k]
    return np.stack([left[best], right[best]], axis=1), exact[best].astype(np.float32)


def _gather(
    x: Floats, k: int, on_pairs: Callable[[int], None] | None
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return, of each thread, what may be among the `k` best of the tiles it has seen."""
    from .kernels.neighbors import NO_LIMIT
    from .kernels.top_pairs import gather_pairs

    n, band, report = len(x), rounding_band(x.shape[1]), one_at_a_time(on_pairs)
    corners = ((a, b) for a in range(0, n, TILE) for b in range(a, n, TILE))

    def work(take: Iterator[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        room = min(2 * k + ROOM, n * (n - 1) // 2 + 1)
        value, left, right = np.empty(room, np.float32), np.empty(room, np.int64), np.empty(room, np.int64)
        buffer = np.empty(min(TILE, n) ** 2, np.float32)
        held, limit = 0, NO_LIMIT
        for a, b in take:
            tile = multiply(x[a : a + TILE], x[b : b + TILE], buffer)
            held, limit = gather_pairs(tile, x, a, b, k, band, value, left, right, held, limit)
            p, q = tile.shape
            report(p * (p - 1) // 2 if a == b else p * q)
        return left[:held], right[:held]

    blocks = -(-n // TILE)
    return in_threads(work, corners, blocks * (blocks + 1) // 2)
