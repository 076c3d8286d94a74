"""Adding a group to a finished file without risk to what is in it: a whole new copy, then one rename."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from ..errors import StoreError
from .lock import writing
from .store import reason

SPARE = 1 << 20  # bytes left over for attributes and the file system's own needs


def make_room(path: Path, more: int) -> None:
    """Remove copies that killed runs left; raise where one `more` bytes larger does not fit beside `path`.

    Call it inside :func:`~.lock.writing`, or it removes the copy of a run that is alive.

    Raises
    ------
    StoreError
        Too little room, or the file or its folder may not be written.
    """
    real = path.resolve()
    for place in (real, real.parent):
        if not os.access(place, os.W_OK):
            raise StoreError(f"{path}: {place} may not be written; change its permissions, or work on a copy")
    for other in list(real.parent.iterdir()):
        if other.name.startswith(_stem(real)):
            other.unlink(missing_ok=True)
    wanted, free = real.stat().st_size + more + SPARE, shutil.disk_usage(real.parent).free
    if wanted > free:
        raise StoreError(
            f"{path}: a new copy beside it needs {wanted / 1e6:,.0f} MB and {free / 1e6:,.0f} MB are free; "
            "make room, or move the file to a larger disk"
        )


def _stem(real: Path) -> str:
    return f".{real.name}.copy-"


@contextmanager
def rewritten(path: Path, group: str, more: int) -> Iterator[h5py.File]:
    """Open a copy of `path` that lacks `group`; when the block ends well, it replaces the file.

    Whatever stops the block or the process, the file stays as it was.

    Parameters
    ----------
    path : Path
        The file; a link stays a link.
    group : str
        Name of the group to be written anew.
    more : int
        Bytes that will be added, for :func:`make_room`.

    Raises
    ------
    StoreError
        Too little room, the disk refuses, or another process is writing the file.
    """
    with writing(path):
        real = path.resolve()
        make_room(path, more)
        handle, name = tempfile.mkstemp(prefix=_stem(real), dir=real.parent)
        os.close(handle)
        copy = Path(name)
        try:
            with h5py.File(copy, "w") as file:
                _copy_all_but(real, group, file)
                yield file
            shutil.copymode(real, copy)
            _sync(copy)
            os.replace(copy, real)
            if hasattr(os, "O_DIRECTORY"):
                _sync(real.parent)
        except OSError as error:
            raise StoreError(
                f"{path}: could not be rewritten and is as it was ({reason(error)}); make room, then repeat"
            ) from error
        finally:
            copy.unlink(missing_ok=True)


def _copy_all_but(real: Path, group: str, file: h5py.File) -> None:
    """Copy a file object by object; a group deleted from a copy of its bytes would leave a hole."""
    with h5py.File(real, "r") as source:
        for name, value in source.attrs.items():
            file.attrs[name] = value
        for name in source:
            if name != group:
                source.copy(name, file)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
