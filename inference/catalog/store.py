"""The HDF5 files this package writes: creation, checks on opening, columns with units.

A file is written in place with ``complete`` False and finished by :func:`finish`; datasets have their
final size from the start and every chunk of rows is flushed, which survives a kill of the process.
"""

import hashlib
import json
import logging
import os
import re
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from .contents import check_contents
from .lock import writing
from .schema import BY_NAME

logger = logging.getLogger("chandra_embed")

SPECTRA = "chandra-embed/spectra"
EMBEDDINGS = "chandra-embed/embeddings"
FORMAT_VERSION = 1


def versions() -> str:
    """Return the versions of what writes the file, as canonical JSON."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("chandra-embed", "numpy", "h5py", "astropy", "numba", "onnxruntime-gpu", "onnxruntime"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def command_line() -> str:
    """Return the command that is running, as typed but for the folder of the program."""
    return " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])


def without_folders(command: str) -> str:
    """Return a command line with every path cut to its last part; where files lay is nobody's business."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return shlex.join(re.sub(r"^(--?[\w-]+=)?(?:[^=]*/)([^/]+)/*$", r"\1\2", word) for word in words)


def may_write(path: Path, overwrite: bool) -> None:
    """Refuse to replace a file, but for one of ours that a killed run left unfinished.

    Raises
    ------
    StoreError
        The file exists, is no unfinished file of ours, and `overwrite` is False; it is being written; or it
        is a folder.
    """
    if not path.exists():
        return
    if path.is_dir():
        raise StoreError(f"{path}: is a folder; give the name of a file in it")
    with writing(path):  # an unfinished file may be one that is being written
        pass
    if overwrite:
        return
    try:
        with h5py.File(path, "r") as file:
            unfinished = file.attrs.get("format") in (SPECTRA, EMBEDDINGS) and not file.attrs["complete"]
    except (OSError, KeyError):
        unfinished = False
    if not unfinished:
        raise StoreError(f"{path}: exists already; give --overwrite to replace it")
    logger.warning("%s: unfinished, from a run that was stopped; starting it again", path)


def create(path: Path, kind: str, attributes: Mapping[str, Any]) -> h5py.File:
    """Create a file and write its root attributes; ``complete`` is False until :func:`finish`.

    Parameters
    ----------
    path : Path
        Where; an existing file is replaced.
    kind : str
        :data:`SPECTRA` or :data:`EMBEDDINGS`.
    attributes : mapping
        Further root attributes: fingerprints, seeds, counts.
    """
    if not path.parent.is_dir():
        raise StoreError(f"{path}: there is no folder {path.parent}; make it first")
    try:
        file = h5py.File(path, "w")
    except OSError as error:
        raise unwritable(path, error, "give another name, or change the permissions") from error
    begin(file, kind, attributes)
    return file


def begin(file: h5py.File, kind: str, attributes: Mapping[str, Any]) -> None:
    """Write the root attributes of a new file, as :func:`create` does."""
    file.attrs["format"] = kind
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["complete"] = np.False_
    file.attrs["created"] = datetime.now(UTC).isoformat(timespec="seconds")
    file.attrs["command"] = command_line()
    file.attrs["versions"] = versions()
    for name, value in attributes.items():
        file.attrs[name] = value


def reason(error: OSError) -> str:
    """Return why the system refused, in a word or two; h5py buries the number in a long text."""
    number = error.errno or next(map(int, re.findall(r"errno = (\d+)", str(error))), 0)
    return os.strerror(number) if number else str(error)


def unwritable(path: Path, error: OSError, then: str) -> StoreError:
    """Return the error for a file that the system will not write; `then` tells what to do."""
    return StoreError(f"{path}: cannot be written ({reason(error)}); {then}")


def finish(file: h5py.File) -> None:
    """Mark a file complete, once everything else is on its way to the disk."""
    file.flush()
    file.attrs.modify("complete", np.True_)  # in place: a kill leaves the old or the new value
    file.flush()


def open_store(
    path: Path, kind: str, *, mode: str = "r", unfinished: bool = False, once: bool = False
) -> h5py.File:
    """Open one of our files, after checking that it is one.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What it must be.
    mode : str
        ``"r"`` or ``"r+"``.
    unfinished : bool
        Take a file that its writer did not finish.
    once : bool
        It will be read once, from front to back: HDF5 then keeps no chunks (otherwise a MiB of each dataset)
        and little of their index, so that memory does not grow with the file.

    Raises
    ------
    StoreError
        Not HDF5, of another kind, of a newer format, unfinished, or with datasets that do not fit each
        other; see :func:`.contents.check_contents`.
    """
    if path.is_dir() or not path.exists():
        raise StoreError(f"{path}: {'is a folder, not an HDF5 file' if path.is_dir() else 'does not exist'}")
    try:
        file = h5py.File(path, mode, **({"rdcc_nbytes": 0, "rdcc_nslots": 1} if once else {}))
    except BlockingIOError as error:
        raise StoreError(f"{path}: is open in another process; wait for that to end") from error
    except OSError as error:
        raise StoreError(f"{path}: not an HDF5 file that can be opened ({error})") from error
    try:
        if once:
            _keep_little(file)
        _check(file, path, kind, unfinished)
    except StoreError:
        file.close()
        raise
    except (OSError, RuntimeError, LookupError, TypeError, ValueError) as error:  # what h5py says of damage
        file.close()
        raise StoreError(f"{path}: is damaged ({error}); make it again") from error
    return file


def _keep_little(file: h5py.File) -> None:
    """Hold HDF5's cache of what is no data to 2 MiB; it would grow to 32."""
    cache = file.id.get_mdc_config()
    cache.initial_size = cache.min_size = 1 << 20
    cache.max_size = 2 << 20
    file.id.set_mdc_config(cache)


def _check(file: h5py.File, path: Path, kind: str, unfinished: bool) -> None:
    """Raise where an open file is not what is wanted."""
    found, form = file.attrs.get("format"), file.attrs.get("format_version", 0)
    complete = bool(np.all(file.attrs.get("complete", False)))
    problem = None
    if not isinstance(found, str) or found != kind:
        problem = f"has format {found!r}, not {kind!r}; " + (
            "make one with: chandra-embed ingest" if kind == SPECTRA else "make one with: chandra-embed embed"
        )
    elif not isinstance(form, int | np.integer):
        problem = f"has format version {form!r}, which is no whole number; make the file again"
    elif form > FORMAT_VERSION:
        problem = (
            f"has format version {form}, this program reads up to {FORMAT_VERSION}; "
            f"it was written by {_writer(file)}: upgrade chandra-embed"
        )
    elif not unfinished and not complete:
        problem = "is not finished; run the command that writes it again"
    if problem:
        raise StoreError(f"{path}: {problem}")
    if complete:
        check_contents(file)


def _writer(file: h5py.File) -> str:
    """Which program wrote a file, as far as it tells."""
    try:
        return f"chandra-embed {json.loads(file.attrs['versions'])['chandra-embed']}"
    except (LookupError, TypeError, ValueError):
        return "an unknown version"


def create_dataset(
    group: h5py.Group, name: str, shape: tuple[int, ...], dtype: Any, unit: str, description: str
) -> h5py.Dataset:
    """Create a contiguous little-endian dataset of its final size, with ``unit`` and ``description``."""
    if isinstance(dtype, str) and dtype.startswith("str:"):
        kind: Any = h5py.string_dtype("utf-8", int(dtype[4:]))
    elif dtype == "text":
        kind = h5py.string_dtype("utf-8")
    else:
        kind = np.dtype(dtype).newbyteorder("<")
    dataset = group.create_dataset(name, shape=shape, dtype=kind)
    dataset.attrs["unit"] = unit
    dataset.attrs["description"] = description
    return dataset


def write_dataset(group: h5py.Group, name: str, data: Any, unit: str, description: str) -> h5py.Dataset:
    """Create a dataset and fill it; lists of str become text of variable length."""
    array = np.asarray(data)
    if array.dtype.kind in "OU" or (isinstance(data, list) and not data):
        dataset = create_dataset(group, name, array.shape, "text", unit, description)
        if array.size:
            dataset[...] = array.astype(object)
        return dataset
    dataset = create_dataset(group, name, array.shape, array.dtype, unit, description)
    dataset[...] = array
    return dataset


def create_detections(file: h5py.File, n: int) -> h5py.Group:
    """Create ``/detection`` with every column of the schema, `n` rows each."""
    group = file.create_group("detection")
    for c in BY_NAME.values():
        create_dataset(group, c.name, (n,), c.dtype, c.unit, c.description)
    return group


def write_detections(group: h5py.Group, start: int, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write rows of ``/detection`` from `start` on; `columns` are as :func:`schema.blank` gives them."""
    for name, values in columns.items():
        dataset = group[name]
        if BY_NAME[name].length:
            data: Any = np.array([str(v).encode() for v in values], dtype=dataset.dtype)
        else:
            data = values
        dataset[start : start + len(values)] = data


def read_column(file: h5py.File, name: str) -> NDArray[Any]:
    """Return one column of ``/detection``: text as a NumPy str array, the others as stored.

    Raises
    ------
    StoreError
        The file has no such column, or one that cannot be read.
    """
    group = file["detection"]
    if name not in group:
        raise StoreError(f"{file.filename}: no column {name!r} in /detection; make the file again")
    return read_dataset(group[name])


def read_dataset(dataset: h5py.Dataset) -> NDArray[Any]:
    """Return a whole dataset: text as a NumPy str array, the others as stored.

    Raises
    ------
    StoreError
        It cannot be read, or is text that is not UTF-8.
    """
    try:
        if dataset.dtype.kind == "O":
            return np.array(dataset.asstr()[...], dtype=np.str_)
        data: NDArray[Any] = dataset[...]
        return np.char.decode(data, "utf-8") if data.dtype.kind == "S" else data
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 ({error})"
    except (OSError, TypeError) as error:
        problem = f"cannot be read ({error})"
    raise StoreError(f"{dataset.file.filename}: {dataset.name} {problem}; make the file again")


def row_count(file: h5py.File) -> int:
    """Return the number of detections in the file."""
    return int(file["detection/obsid"].shape[0])
