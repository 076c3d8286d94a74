"""Connected components of the similarity graph, without its edges."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..similarity import Floats, checked_thresholds, unit_rows
from .tile_walk import Pairs, limits, walk


def connected_components(
    x: ArrayLike,
    tau: float,
    *,
    excluded: Pairs | None = None,
    on_pairs: Callable[[int], None] | None = None,
) -> NDArray[np.int64]:
    """Label the rows that neighbours, and neighbours of neighbours, connect.

    Union-find in a pass of its own; a tile whose rows a thread has already joined is not computed.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Unit rows; rounded to float32 where they are not.
    tau : float
        Two rows are neighbours where the float64 dot product of their float32 values, summed in index
        order, reaches this.
    excluded : tuple of two ndarray, shape (m,), int64, optional
        Pairs of rows, i and j, that are no neighbours whatever their similarity.
    on_pairs : callable, optional
        Called with the number of pairs decided after each tile, by one thread at a time.

    Returns
    -------
    labels : ndarray, shape (n,), int64
        The lowest row of each row's component; an isolated row has its own number.

    Raises
    ------
    ValueError
        A row of `x` is not finite or not of unit length to 1e-5; `tau` is not finite; `excluded` names a
        row that there is not.

    Examples
    --------
    >>> connected_components([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]], 0.7).tolist()
    [0, 1, 0]
    """
    from ..kernels.components import all_joined, join, join_tile, root

    rows, threshold = unit_rows(x), checked_thresholds([tau])
    low, high = (side[0] for side in limits(threshold, rows.shape[1]))

    def visit(parent: NDArray[np.int64], tile: Floats, a: int, b: int) -> None:
        join_tile(tile, rows, a, b, threshold[0], low, high, parent)

    def needed(parent: NDArray[np.int64], block: slice, columns: slice) -> bool:
        return not all_joined(parent, block.start, block.stop, columns.start, columns.stop)

    first, *others = walk(
        rows, lambda: np.arange(len(rows)), visit, excluded=excluded, needed=needed, on_pairs=on_pairs
    )
    for other in others:
        join(first, other)
    return np.array([root(first, i) for i in range(len(rows))], np.int64)
