"""Degree and strength of every row at several thresholds, in one pass over the tiles of similarities."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..similarity import Floats, checked_thresholds, unit_rows
from .order import moved, near_together
from .tile_walk import Pairs, limits, walk


def degrees_and_strengths(
    x: ArrayLike,
    tau: Sequence[float] | NDArray[np.float64],
    *,
    excluded: Pairs | None = None,
    on_pairs: Callable[[int], None] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count the neighbours of every row at each threshold, and add up their similarities.

    Two rows are neighbours where the float64 dot product of their float32 values, summed in index order,
    reaches the threshold; the degrees are exact for that number. The strength adds up float32 products,
    each rounded to 2^-22, and is good to 2^-23 plus the rounding of a float32 product for each neighbour.
    Neither depends on the number of threads.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Unit rows; rounded to float32 where they are not.
    tau : sequence of float, shape (t,)
        Finite thresholds, at least one, in any order.
    excluded : tuple of two ndarray, shape (m,), int64, optional
        Pairs of rows, i and j, that are no neighbours whatever their similarity.
    on_pairs : callable, optional
        Called with the number of pairs decided after each tile, by one thread at a time.

    Returns
    -------
    degree : ndarray, shape (t, n), int64
        Neighbours; a row is none of its own.
    strength : ndarray, shape (t, n), float64
        Sum of the similarities to the neighbours.

    Raises
    ------
    ValueError
        A row of `x` is not finite or not of unit length to 1e-5; a threshold is not finite; there is none;
        `excluded` names a row that there is not.

    Examples
    --------
    >>> degree, strength = degrees_and_strengths([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], [0.5, 0.7])
    >>> degree.tolist(), strength.round(5).tolist()
    ([[1, 2, 1], [0, 1, 1]], [[0.6, 1.4, 0.8], [0.0, 0.8, 0.8]])
    """
    from ..kernels.strength import UNIT, count_and_add

    given, thresholds = unit_rows(x), checked_thresholds(np.asarray(tau, np.float64).tolist())
    low, high = _in_units(*limits(thresholds, given.shape[1]), UNIT)
    order = near_together(given)
    rows, excluded = given[order], moved(excluded, order)
    shape = (2, len(thresholds), len(rows))

    def visit(state: NDArray[np.int64], tile: Floats, a: int, b: int) -> None:
        count_and_add(tile, rows, a, b, thresholds, low, high, state[0], state[1])

    parts = walk(rows, lambda: np.zeros(shape, np.int64), visit, excluded=excluded, on_pairs=on_pairs)
    total = np.empty(shape, np.int64)
    total[..., order] = np.sum(parts, axis=0, dtype=np.int64)
    return total[0], total[1] / UNIT


def _in_units(low: Floats, high: Floats, unit: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return limits of tile values as limits of their units, wider by what rounding to units may change."""
    lowest, highest = np.floor(low * np.float64(unit)), np.floor(high * np.float64(unit)) + 1
    return lowest.astype(np.int32), highest.astype(np.int32)
