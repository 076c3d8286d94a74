"""Degrees and nearest neighbours of unit vectors by cosine similarity, exact and never n x n in memory.

BLAS computes float32 tiles of similarities, one thread each; compiled kernels decide every pair that the
rounding bound of a tile value allows to decide, and compute the others again in float64, in index order.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .tiling import TILE, in_threads, one_at_a_time

if TYPE_CHECKING:
    from .cells import Cells

UNIT_TOLERANCE = 1e-5
Floats = NDArray[np.float32]


def degree(
    x: ArrayLike, thresholds: Sequence[float] = (0.5, 0.7, 0.9), device: str = "cpu"
) -> NDArray[np.int64]:
    """Count, for every row, the other rows whose cosine similarity reaches each threshold.

    The similarity of two rows is the float64 dot product of their float32 values, summed in index order;
    the counts are exact for that number, whatever the number of threads.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Unit rows; rounded to float32 where they are not.
    thresholds : sequence of float, shape (t,)
        Finite thresholds, at least one, in any order.
    device : {"cpu", "cuda"}
        Where to run; the counts are the same.

    Returns
    -------
    degrees : ndarray, shape (t, n), int64
        One row a threshold, in the order given; a row does not count itself.

    Raises
    ------
    ValueError
        A row of `x` is not finite or not of unit length to 1e-5; a threshold is not finite; there is none.
    DeviceError
        CUDA was asked for and does not answer.

    Examples
    --------
    >>> degree([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], [0.5, 0.9])
    array([[1, 2, 1],
           [0, 0, 0]])
    """
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device {device!r}: give cpu or cuda")
    return count_degrees(unit_rows(x), checked_thresholds(thresholds), device=device)


def nearest_neighbors(
    x: ArrayLike, k: int = 10, queries: ArrayLike | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the `k` rows of highest cosine similarity, exactly.

    Rows are ordered by the float64 dot product of the float32 values, summed in index order; of equal
    ones the lower index stands first.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Unit rows; rounded to float32 where they are not.
    k : int
        Neighbours of each row.
    queries : array_like, shape (m, d), optional
        Unit rows to find the neighbours of; by default the rows of `x`, none its own neighbour.

    Returns
    -------
    indices : ndarray, shape (m, k), int64
        Rows of `x`, the most similar first.
    similarity : ndarray, shape (m, k), float32
        Their cosine similarities.

    Raises
    ------
    ValueError
        A row is not finite or not of unit length to 1e-5; `queries` has another number of columns;
        `k` is negative or larger than n - 1 (n with `queries`).

    Examples
    --------
    >>> nearest_neighbors([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], k=1)[0].tolist()
    [[1], [2], [1]]
    """
    from .nearest import find_nearest

    indices, similarity = find_nearest(x, k, queries)
    return indices, similarity.astype(np.float32)


def unit_rows(x: ArrayLike, name: str = "x") -> Floats:
    """Return `x` as contiguous float32 rows, checked to be of unit length.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Real numbers.
    name : str
        What the message calls the array.

    Returns
    -------
    rows : ndarray, shape (n, d), float32

    Raises
    ------
    ValueError
        Not two-dimensional or not of numbers, or a row is not finite or not of unit length to 1e-5.
    """
    rows = finite_rows(x, name)
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    bad = np.abs(length - 1.0) > UNIT_TOLERANCE
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"row {row} of {name} has length {length[row]:.7g}, not 1: divide each row by its length"
        )
    return rows


def finite_rows(x: ArrayLike, name: str = "x") -> Floats:
    """Return `x` as contiguous float32 rows, shape (n, d), checked to be finite; see :func:`unit_rows`."""
    given = np.asarray(x)
    if given.ndim != 2 or given.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} has shape {given.shape} and type {given.dtype}: give real numbers of shape (n, d)"
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is named below
        rows = np.ascontiguousarray(given, dtype=np.float32)
    finite = np.isfinite(rows)
    if not finite.all():
        raise ValueError(f"row {int(np.argmin(finite.all(axis=1)))} of {name} holds NaN or infinity")
    return rows


def checked_thresholds(thresholds: Sequence[float]) -> NDArray[np.float64]:
    """Return thresholds as float64, shape (t,); raise ValueError where one is not finite, or none given."""
    tau = np.atleast_1d(np.asarray(thresholds, np.float64))
    if tau.ndim != 1 or not tau.size:
        raise ValueError(f"thresholds {thresholds!r}: give at least one number")
    if not np.isfinite(tau).all():
        raise ValueError(f"threshold {tau[np.argmin(np.isfinite(tau))]}: give a finite number")
    return tau


def rounding_band(d: int) -> float:
    """Bound the difference between a float32 tile value and the float64 sum in index order.

    For a sum of d products in any order, |error| <= gamma_d |x|.|y| <= gamma_d ||x|| ||y|| with
    gamma_d = d u / (1 - d u) (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
    section 3.1); u is 2^-24 for the tile, 2^-53 for the sum; each product may also underflow.

    Parameters
    ----------
    d : int
        Columns.

    Returns
    -------
    float
        The bound for rows of unit length to 1e-5; infinite where d is too large for one.
    """
    if d >= 2**23:
        return float("inf")
    gamma = d * 2.0**-24 / (1 - d * 2.0**-24) + d * 2.0**-53 / (1 - d * 2.0**-53)
    longest = (1 + 2 * UNIT_TOLERANCE) ** 2
    return gamma * longest * 1.0001 + d * 2.0**-125


def count_degrees(
    x: Floats,
    tau: NDArray[np.float64],
    *,
    tile: int = TILE,
    on_pairs: Callable[[int], None] | None = None,
    device: str = "cpu",
) -> NDArray[np.int64]:
    """Count the degrees of checked rows; see :func:`degree`.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        What :func:`unit_rows` returned.
    tau : ndarray, shape (t,), float64
        What :func:`checked_thresholds` returned.
    tile : int
        Rows and columns of a tile (1,023 where more are asked for); no result depends on it.
    on_pairs : callable, optional
        Called with the number of pairs decided after each strip of tiles, or cluster of rows, by one thread
        at a time.
    device : {"cpu", "cuda"}
        Where to run; on CUDA tiles have a size of their own.

    Returns
    -------
    degrees : ndarray, shape (t, n), int64
    """
    if device == "cuda":
        from .gpu import Degrees

        return Degrees(x.shape[1], tau).count(x, one_at_a_time(on_pairs))
    from .cells import find_cells

    order = np.argsort(tau, kind="stable")
    rising = tau[order]
    degrees = np.empty((tau.size, len(x)), np.int64)
    cells = find_cells(x, rising, rounding_band(x.shape[1]))
    if cells is None:
        degrees[order] = _count_tiles(x, rising, tile, on_pairs)
    else:
        degrees[order[:, None], cells.order] = _count_cells(x[cells.order], rising, cells, on_pairs)
    return degrees


def _count_tiles(
    x: Floats, tau: NDArray[np.float64], tile: int, on_pairs: Callable[[int], None] | None
) -> NDArray[np.int64]:
    """Count the tiles on and above the diagonal, one strip of them, the longest first, at a time."""
    import scipy.linalg.cython_blas  # noqa: F401  the BLAS of compiled code, to be held to one thread too

    from .kernels.degree import FIELD, count_strip

    low, high = value_limits(tau, rounding_band(x.shape[1]))
    tile, report = min(tile, FIELD), one_at_a_time(on_pairs)

    def work(take: Iterator[int]) -> NDArray[np.int64]:
        counts = np.zeros((tau.size, len(x)), np.int64)
        for a in take:
            report(count_strip(a, x, tile, tau, low, high, counts))
        return counts

    strips = range(0, len(x), tile)
    parts = in_threads(work, strips, len(strips))
    total: NDArray[np.int64] = np.sum(parts, axis=0, dtype=np.int64)
    return total


def _count_cells(
    x: Floats, tau: NDArray[np.float64], cells: "Cells", on_pairs: Callable[[int], None] | None
) -> NDArray[np.int64]:
    """Count rows in the order of `cells`, one cluster against those after it at a time."""
    import scipy.linalg.cython_blas  # noqa: F401  the BLAS of compiled code, to be held to one thread too

    from .kernels.cells import count_cluster

    low, high = value_limits(tau, rounding_band(x.shape[1]))
    miss, reach = cells.limits(tau)
    report = one_at_a_time(on_pairs)
    first, rows = cells.first_cell, cells.first_row
    size = np.diff(rows)

    def work(take: Iterator[int]) -> NDArray[np.int64]:
        counts = np.zeros((tau.size, len(x)), np.int64)
        per_cell = np.zeros((tau.size, size.size), np.int64)
        for a in take:
            count_cluster(a, x, cells.centre, first, rows, miss, reach, tau, low, high, counts, per_cell)
            p, after = rows[first[a + 1]] - rows[first[a]], len(x) - rows[first[a + 1]]
            report(int(p * (p - 1) // 2 + p * after))
        return np.asarray(counts + np.repeat(per_cell, size, axis=1))

    parts = in_threads(work, range(len(cells.centre)), len(cells.centre))
    total: NDArray[np.int64] = np.sum(parts, axis=0, dtype=np.int64)
    return total


def value_limits(tau: NDArray[np.float64], band: float) -> tuple[Floats, Floats]:
    """Return what a tile value must be below, or reach, to be decided, shape (t,), rounded outwards."""
    near = np.clip(tau, -2.0, 2.0)  # no similarity of unit rows lies outside
    low, high = (near - band).astype(np.float32), (near + band).astype(np.float32)
    return np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))
