"""Vectors of texts made elsewhere, keyed by name: HDF5 or npz with ``name`` and ``embedding``."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ChandraEmbedError

NAME, EMBEDDING = "name", "embedding"


def read_vectors(path: Path) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """Read vectors of any length and the names they belong to.

    Parameters
    ----------
    path : Path
        An HDF5 or npz file with ``name`` (n,), text, and ``embedding`` (n, d), real numbers. A name may
        stand several times (several texts of one source).

    Returns
    -------
    names : ndarray, shape (n,), str
        In the order of the file.
    vectors : ndarray, shape (n, d), float32
        As stored, not normalised.

    Raises
    ------
    ChandraEmbedError
        Neither kind of file, one of the two is missing, shapes that do not fit, a name that is empty or
        no text, or a number that is not finite in float32.
    """
    raw, vectors = _read(path)
    if vectors.ndim != 2 or raw.shape != vectors.shape[:1] or not vectors.size:
        raise ChandraEmbedError(
            f"{path}: {NAME} has shape {raw.shape} and {EMBEDDING} {vectors.shape}; give (n,) and (n, d)"
        )
    if vectors.dtype.kind not in "fiu":
        raise ChandraEmbedError(f"{path}: {EMBEDDING} is {vectors.dtype}; give real numbers")
    names = _names(path, raw)
    empty = names == ""
    if empty.any():
        raise ChandraEmbedError(f"{path}: row {int(np.argmax(empty))} has an empty {NAME}; name every row")
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(vectors, dtype=np.float32)
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise ChandraEmbedError(
            f"{path}: row {row} of {EMBEDDING} ({names[row]}) is not finite; leave it out"
        )
    return names, found


def _read(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the two arrays as they are stored."""
    import h5py

    try:
        if zipfile.is_zipfile(path):
            # opened here: numpy leaves a file open that turns out to be no npz
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
                return stored[NAME], stored[EMBEDDING]
        with h5py.File(path, "r") as store:
            return np.asarray(store[NAME][()]), np.asarray(store[EMBEDDING][()])
    except KeyError as error:
        raise ChandraEmbedError(f"{path}: needs both {NAME} and {EMBEDDING} ({error.args[0]})") from error
    except ValueError as error:  # what numpy says of pickled objects
        raise ChandraEmbedError(f"{path}: {error}; store {NAME} as numpy.array(names, dtype=str)") from error
    except (OSError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ChandraEmbedError(f"{path}: not an HDF5 or npz file of vectors ({error})") from error


def _names(path: Path, raw: NDArray[Any]) -> NDArray[np.str_]:
    """Return names as str; HDF5 gives bytes."""
    try:
        found = [name.decode() if isinstance(name, bytes) else name for name in raw.tolist()]
    except UnicodeDecodeError as error:
        raise ChandraEmbedError(f"{path}: {NAME} is not UTF-8 ({error})") from error
    if not all(isinstance(name, str) for name in found):
        raise ChandraEmbedError(f"{path}: {NAME} is {raw.dtype}; give text")
    return np.array(found, dtype=np.str_)
