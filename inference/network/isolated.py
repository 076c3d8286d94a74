"""The most isolated detections of a network: few or no edges, and what is nearest to them all the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..neighbors import find_neighbors
from ..similarity import Floats
from .select import FLAGS, HARDNESS

LISTED = 20
TIED = 5000  # equally isolated rows whose nearest neighbours are all compared


def most_isolated(
    x: Floats,
    degree: NDArray[np.int64],
    strength: NDArray[np.float64],
    source: NDArray[np.int64] | None,
    columns: Mapping[str, NDArray[Any]],
    rows: NDArray[np.int64],
    *,
    listed: int = LISTED,
) -> list[dict[str, Any]]:
    """List the detections of lowest degree, of equal ones those farthest from their nearest neighbour.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    degree : ndarray, shape (n,), int64
        Neighbours of each.
    strength : ndarray, shape (n,), float64
        Sum of their similarities.
    source : ndarray, shape (n,), int64, optional
        Source of each, 0 where not known; other detections of a source are no neighbours. Default: they are.
    columns : mapping of str to ndarray, shape (n,)
        As :class:`.select.Selection` has them.
    rows : ndarray, shape (n,), int64
        Rows of the file.
    listed : int
        How many; fewer where there are no more. Where more than :data:`TIED` may be meant, those of lower
        strength, then the lower rows, are looked at.

    Returns
    -------
    list of dict
        ``rank`` from 1, ``row`` of the file, ``name``, ``file``, ``obsid``, ``class``, the three hardness
        ratios, ``net_counts``, ``degree``, ``nearest_row``, ``nearest_name``, ``nearest_class``,
        ``similarity`` to it (-1, empty and NaN where there is no other source) and ``flags``, those set.
    """
    order = np.lexsort((np.arange(len(degree)), strength, degree))
    last = degree[order[min(listed, len(order)) - 1]]
    candidates = order[: max(min(int((degree <= last).sum()), TIED), min(listed, len(order)))]
    found = find_neighbors(
        x,
        np.zeros(len(x), np.int64) if source is None else source,
        candidates,
        k=1,
        all_detections=source is None,
    )
    nearest = np.array([near.rows[0] if len(near.rows) else -1 for near in found], np.int64)
    similarity = np.array([near.similarity[0] if len(near.rows) else np.nan for near in found], np.float64)
    # no neighbour at all is the farthest
    chosen = np.lexsort((candidates, np.where(np.isnan(similarity), -np.inf, similarity), degree[candidates]))
    return [
        {
            "rank": rank,
            **_facts(int(candidates[i]), int(nearest[i]), float(similarity[i]), degree, columns, rows),
        }
        for rank, i in enumerate(chosen[:listed], 1)
    ]


def _facts(
    node: int,
    near: int,
    similarity: float,
    degree: NDArray[np.int64],
    columns: Mapping[str, NDArray[Any]],
    rows: NDArray[np.int64],
) -> dict[str, Any]:
    """Return what is known of one node and of its nearest neighbour."""
    own = {name: columns[name][node] for name in ("name", "file", "obsid", "class", *HARDNESS, "net_counts")}
    return {
        "row": int(rows[node]),
        **own,
        "degree": int(degree[node]),
        "nearest_row": int(rows[near]) if near >= 0 else -1,
        "nearest_name": (columns["name"][near] or columns["file"][near]) if near >= 0 else "",
        "nearest_class": columns["class"][near] if near >= 0 else "",
        "similarity": similarity,
        "flags": " ".join(name.removesuffix("_flag") for name in FLAGS if columns[name][node] == 1),
    }
