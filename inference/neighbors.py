"""The nearest other sources of chosen detections."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .catalog import store
from .errors import ChandraEmbedError
from .nearest import find_nearest

SHOWN = 5


@dataclass(frozen=True)
class Neighbors:
    """What is near to one detection.

    Parameters
    ----------
    row : int
        The detection.
    rows : ndarray, shape (k,), int64
        Its neighbours, the nearest first.
    similarity : ndarray, shape (k,), float32
        Their cosine similarities.
    same_source : int
        Other detections of the same source in the file.
    embedded : bool
        Whether the detection has an embedding; it has no neighbours otherwise.
    """

    row: int
    rows: NDArray[np.int64]
    similarity: NDArray[np.float32]
    same_source: int
    embedded: bool = True


def find_neighbors(
    embedding: ArrayLike,
    source_id: NDArray[Any],
    rows: NDArray[np.int64],
    *,
    k: int = 10,
    all_detections: bool = False,
) -> list[Neighbors]:
    """Find the `k` nearest detections of other sources, exactly.

    Parameters
    ----------
    embedding : array_like, shape (n, d)
        Unit rows; one that is NaN throughout has no embedding and is nobody's neighbour.
    source_id : ndarray, shape (n,)
        Source of each row; an empty name is no source.
    rows : ndarray, shape (m,), int64
        Detections to find the neighbours of.
    k : int
        Neighbours of each, at least 1; fewer where the file has no more.
    all_detections : bool
        Take other detections of the same source as neighbours too.

    Returns
    -------
    list of Neighbors
        One for each of `rows`; of equal similarities the lower row stands first.

    Raises
    ------
    ValueError
        A row of `embedding` is partly not finite or not of unit length, or `k` is below 1.
    """
    if k < 1:
        raise ValueError(f"k={k}: give at least 1")
    x = np.asarray(embedding)
    there = np.flatnonzero(~np.isnan(x).all(axis=1))
    same = {int(row): _same_source(source_id, int(row)) for row in rows}
    asked = [row for row in same if not np.isnan(x[row]).all()]
    queries = x[np.array(asked, np.int64)]
    most = min(len(there), k + max((len(same[row]) for row in asked), default=0) + 1)
    usable = x if len(there) == len(x) else x[there]
    indices, similarity = find_nearest(usable, most, queries)
    nearest = dict(zip(asked, zip(there[indices], similarity, strict=True), strict=True))
    found = []
    for row in map(int, rows):
        others = same[row]
        if row not in nearest:
            nobody = np.zeros(0, np.int64), np.zeros(0, np.float32)
            found.append(Neighbors(row, *nobody, len(others), embedded=False))
            continue
        near, value = nearest[row]
        keep = ~np.isin(near, [row] if all_detections else [row, *others])
        best = np.flatnonzero(keep)[:k]
        found.append(Neighbors(row, near[best], value[best].astype(np.float32), len(others)))
    return found


def _same_source(source_id: NDArray[Any], row: int) -> NDArray[np.int64]:
    """Return the other rows of the source of `row`."""
    if not source_id[row]:
        return np.zeros(0, np.int64)
    rows = np.flatnonzero(source_id == source_id[row])
    others: NDArray[np.int64] = rows[rows != row]
    return others


def select_rows(
    file: h5py.File, *, name: str | None = None, obsid: int | None = None, member: str | None = None
) -> NDArray[np.int64]:
    """Return the detections that one selector names.

    Parameters
    ----------
    file : h5py.File
        An embeddings file.
    name : str, optional
        Catalog name; case, spaces and a leading 2CXO do not matter.
    obsid : int, optional
        ObsID.
    member : str, optional
        Input file as in ``/detection/file``, or its base name.

    Returns
    -------
    rows : ndarray, shape (m,), int64
        At least one.

    Raises
    ------
    ValueError
        Not exactly one selector.
    ChandraEmbedError
        Nothing matches; the message lists a few values that do.
    """
    if sum(given is not None for given in (name, obsid, member)) != 1:
        raise ValueError("give exactly one of name, obsid and member")
    wanted: Any
    if obsid is not None:
        column, wanted, values = "obsid", obsid, store.read_column(file, "obsid")
        found = values == obsid
    elif name is not None:
        column, wanted, values = "name", name, store.read_column(file, "name")
        found = np.array([_plain(value) == _plain(name) for value in values], np.bool_) & (values != "")
    else:
        column, wanted, values = "file", member, store.read_column(file, "file")
        found = values == member
        if not found.any():
            base = PurePosixPath(str(member)).name
            found = np.array([PurePosixPath(value).name == base for value in values], np.bool_)
    if not found.any():
        raise ChandraEmbedError(f"{file.filename}: no detection has {column} {wanted!r}; {_some(values)}")
    return np.flatnonzero(found)


def _plain(name: str) -> str:
    """Reduce a catalog name to what tells it from others."""
    return "".join(name.split()).upper().removeprefix("2CXO")


def _some(values: NDArray[Any]) -> str:
    """List a few values of a column."""
    known = [str(value) for value in np.unique(values) if str(value) not in ("", "-1")]
    if not known:
        return "the column is empty"
    more = f" and {len(known) - SHOWN:,} more" if len(known) > SHOWN else ""
    return f"there are {', '.join(known[:SHOWN])}{more}"
