"""An order of the rows in which near ones stand together, so that most rows of most tiles hold no edge."""

import numpy as np
from numpy.typing import NDArray

from ..similarity import Floats
from .tile_walk import TILE, Pairs

SAMPLE = 1000  # rows, at most, that say which column varies most


def near_together(x: Floats, leaf: int = min(TILE)) -> NDArray[np.int64]:
    """Order rows as the leaves of a k-d tree.

    Rows are halved at the median of the column that varies most, until few are left. Nothing but the time
    that later work takes depends on the quality of the order.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Rows.
    leaf : int
        Rows that are not halved any more, at least 1.

    Returns
    -------
    order : ndarray, shape (n,), int64
        Every row once.
    """
    leaves, waiting = [np.zeros(0, np.int64)], [np.arange(len(x))]
    while waiting:
        rows = waiting.pop()
        if len(rows) <= leaf:
            leaves.append(rows)
            continue
        some = x[rows[:: -(-len(rows) // SAMPLE)]]
        column, half = int(np.argmax(some.var(axis=0))), len(rows) // 2
        ranked = rows[np.argpartition(x[rows, column], half)]
        waiting += [ranked[half:], ranked[:half]]
    return np.concatenate(leaves)


def moved(pairs: Pairs | None, order: NDArray[np.int64]) -> Pairs | None:
    """Return the places that pairs of rows have in an order.

    Parameters
    ----------
    pairs : tuple of two ndarray, shape (m,), int64, or None
        Rows i and j of each pair.
    order : ndarray, shape (n,), int64
        Rows, in order.

    Raises
    ------
    ValueError
        A pair names a row that there is not.
    """
    if pairs is None:
        return None
    for rows in pairs:
        if len(rows) and not 0 <= np.min(rows) <= np.max(rows) < len(order):
            raise ValueError(
                f"an excluded pair names row {np.min(rows)} or {np.max(rows)}: "
                f"give rows from 0 to {len(order) - 1}"
            )
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place[pairs[0]], place[pairs[1]]
