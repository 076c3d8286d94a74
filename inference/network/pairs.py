"""Pairs of detections of one source, which are no neighbours of each other."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ChandraEmbedError

MAX_PAIRS = 50_000_000
Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def same_source_pairs(source_id: ArrayLike) -> Pairs:
    """List all pairs of rows that belong to one source.

    Parameters
    ----------
    source_id : array_like, shape (n,)
        Source of each row, text or whole numbers; a row whose name is empty is a source of its own.

    Returns
    -------
    i, j : ndarray, shape (m,), int64
        The pairs, i < j, ordered by i, then by j.

    Raises
    ------
    ValueError
        `source_id` is not one-dimensional.
    ChandraEmbedError
        There are more than 50 million pairs: many rows share a name that can hardly be a source's.

    Examples
    --------
    >>> [list(map(int, one)) for one in same_source_pairs(["a", "b", "a", "", "", "a"])]
    [[0, 0, 2], [2, 5, 5]]
    """
    ids = np.asarray(source_id)
    if ids.ndim != 1:
        raise ValueError(f"source_id has shape {ids.shape}: give one source a row")
    if not len(ids):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if ids.dtype.kind in "OST":
        ids = ids.astype(str)
    names, group, size = np.unique(ids, return_inverse=True, return_counts=True)
    if names.dtype.kind == "U":
        size[names == ""] = 1  # below, a size of 1 makes no pairs
    many = size.astype(np.float64) * (size - 1) / 2
    if many.sum() > MAX_PAIRS:
        worst = int(np.argmax(size))
        raise ChandraEmbedError(
            f"source_id {str(names[worst])!r} stands in {size[worst]:,} rows: the pairs of one source "
            "are too many to leave out; count other detections as neighbours (--all-detections)"
        )
    order = np.argsort(group, kind="stable")  # the rows of a source in a run, ascending
    length = size[group[order]]
    return _pairs_of_runs(order, group[order], length)


def _pairs_of_runs(order: NDArray[np.int64], group: NDArray[np.int64], length: NDArray[np.int64]) -> Pairs:
    """Pair each row of a run with those that follow it in the run."""
    n = len(order)
    place = np.arange(n)
    first = np.searchsorted(group, group)
    follow = np.maximum(first + length - place - 1, 0)
    left = np.repeat(place, follow)
    step = np.arange(len(left)) - np.repeat(np.cumsum(follow) - follow, follow)
    i, j = order[left].astype(np.int64), order[left + 1 + step].astype(np.int64)
    by = np.lexsort((j, i))
    return i[by], j[by]
