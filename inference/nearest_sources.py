"""Ranking the rows of an embeddings file by similarity to one vector, one detection a source."""

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from .catalog import store
from .errors import StoreError
from .similarity import Floats, unit_rows

BLOCK = 65536


def read_embedding(file: h5py.File, name: str = "embedding") -> Floats:
    """Return the unit rows of an embeddings file.

    Parameters
    ----------
    file : h5py.File
        An open embeddings file.
    name : str
        Dataset to read.

    Returns
    -------
    ndarray, shape (n, d), float32
        Unit rows; a row that is NaN throughout has no embedding.

    Raises
    ------
    StoreError
        The dataset is missing, of another length, or holds a row that is neither.
    """
    if name not in file or len(file[name]) != store.row_count(file):
        raise StoreError(f"{file.filename}: /{name} is missing or of another length; embed again")
    rows: Floats = file[name][...]
    absent = np.isnan(rows).all(axis=-1)
    checked = rows
    if absent.any():
        checked = rows.copy()
        checked[absent] = np.eye(1, rows.shape[1], dtype=np.float32)
    try:
        unit_rows(checked, f"/{name}")
    except ValueError as error:
        raise StoreError(f"{file.filename}: {error}; embed again") from error
    return rows


def similarity_to(rows: Floats, query: Floats) -> NDArray[np.float64]:
    """Return the float64 dot product of each row with one vector, summed in index order.

    Parameters
    ----------
    rows : ndarray, shape (n, d), float32
        Unit rows, or NaN.
    query : ndarray, shape (d,), float32
        A unit vector.

    Returns
    -------
    ndarray, shape (n,), float64
        NaN where the row is.
    """
    found = np.zeros(len(rows))
    for start in range(0, len(rows), BLOCK):  # columns of a block lie close together
        block = rows[start : start + BLOCK]
        total = found[start : start + BLOCK]
        for j, value in enumerate(query.astype(np.float64)):
            total += block[:, j] * value
    return found


def most_similar(
    similarity: NDArray[np.float64],
    source_id: NDArray[Any],
    k: int,
    *,
    usable: NDArray[np.bool_] | None = None,
    all_detections: bool = False,
) -> NDArray[np.int64]:
    """Return the `k` rows of highest similarity, one of each source.

    Parameters
    ----------
    similarity : ndarray, shape (n,), float64
        NaN: never taken.
    source_id : ndarray, shape (n,)
        Source of each row; an empty name is a source of its own.
    k : int
        Rows to take, fewer where there are no more.
    usable : ndarray, shape (n,), bool, optional
        Rows that may be taken.
    all_detections : bool
        Take several rows of one source too.

    Returns
    -------
    ndarray, shape (at most k,), int64
        The most similar first; of equal ones the lower row.
    """
    order = np.argsort(-similarity, kind="stable")
    keep = ~np.isnan(similarity) if usable is None else usable & ~np.isnan(similarity)
    order = order[keep[order]]
    if all_detections:
        return order[:k].astype(np.int64)
    chosen: list[int] = []
    seen: set[str] = set()
    for row in order:
        if len(chosen) == k:
            break
        source = str(source_id[row])
        if not source or source not in seen:
            chosen.append(int(row))
            seen.add(source)
    return np.array(chosen, np.int64)
