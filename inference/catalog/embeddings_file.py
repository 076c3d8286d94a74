"""Making ``embeddings.h5`` so that a run can be killed at any moment and gone on with.

HDF5 is not safe against a kill by itself: whatever moves or grows may be half written. So the whole file
is laid out first as a draft under a hidden name, every dataset contiguous, in its final size and place, with
its room on the disk taken. From then on only bytes at fixed places are overwritten: a chunk of rows, a
flush, then the number ``rows_done``, a flush. A kill in a chunk leaves rows beyond ``rows_done``, which the
next run writes again. The draft takes the output's name in one rename, once its input is known by its
SHA-256 and rows are done; so what stands at that name can always be opened and gone on with, and a draft
that a kill left is replaced. A lock beside the file keeps a second writer out and dies with its process.
"""

import contextlib
import errno
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from . import store

# rows of text of variable length copied at once
COPY = 16384
# bytes of the file besides its datasets
SPARE = 1 << 20
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# shape and description of a dataset
Made: TypeAlias = tuple[tuple[int, ...], str]


def draft_of(output: Path) -> Path:
    """Return the name a file is laid out under."""
    return output.with_name(f".{output.name}.part")


def lay_out(
    source: h5py.File, output: Path, datasets: Mapping[str, Made], attributes: Mapping[str, Any]
) -> None:
    """Make the whole file with ``rows_done`` 0 as a draft; :class:`Filling` gives it its name.

    Parameters
    ----------
    source : h5py.File
        The file of spectra, whose ``/detection`` will be carried over.
    output : Path
        The file to make.
    datasets : mapping of str to (shape, description)
        Float32 datasets of a row a detection, to be filled in later; ``embedding`` and
        ``embedding_<modality>`` get the attribute ``modality``.
    attributes : mapping
        Further root attributes.

    Raises
    ------
    StoreError
        There is no such folder, too little room, or the file cannot be written.
    """
    if not output.parent.is_dir():
        raise StoreError(f"{output}: there is no folder {output.parent}; make it first")
    rows, draft = store.row_count(source), draft_of(output)
    draft.unlink(missing_ok=True)
    wanted = _check_room(source, output, datasets)
    try:
        _take_room(draft, wanted)  # a disk that is full unawares refuses here, and not HDF5
        with store.create(draft, store.EMBEDDINGS, {**attributes, "rows_done": np.int64(0)}) as file:
            _create_detections(source, file, rows)
            for name, (shape, text) in datasets.items():
                made = store.create_dataset(file, name, shape, "float32", "", text)
                if name.startswith("embedding"):
                    made.attrs["modality"] = name.removeprefix("embedding").lstrip("_") or "spectrum"
                if rows:  # one write gives a contiguous dataset its place in the file
                    made[rows - 1] = 0
        _take_room(draft, draft.stat().st_size)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise store.unwritable(output, error, "make room, or give another disk") from error
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


class Filling:
    """An embeddings file while its rows are filled in; use it in a ``with`` block.

    Parameters
    ----------
    source : h5py.File
        The file of spectra, whose ``/detection`` is carried over row by row.
    output : Path
        The file.
    drafted : bool
        It is a draft of :func:`lay_out` still, and takes its name with the first :meth:`done`.

    Attributes
    ----------
    file : h5py.File
        Open for writing.
    rows, rows_done : int
        Rows of the file, and those that a kill will not undo.
    """

    def __init__(self, source: h5py.File, output: Path, drafted: bool) -> None:
        self.output, self._drafted = output, drafted
        columns = {f"detection/{name}": column for name, column in source["detection"].items()}
        self._carried = {name: column for name, column in columns.items() if not _grows(column)}
        self._open(draft_of(output) if drafted else output)
        self.rows = store.row_count(self.file)
        self.rows_done = int(self.file.attrs["rows_done"])

    def _open(self, path: Path) -> None:
        with store.open_store(path, store.EMBEDDINGS, unfinished=True):
            pass
        access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        # nothing is held back: what a full disk refused would be tried again at the end, and crash
        access.set_sieve_buf_size(0)
        self.file = h5py.File(h5py.h5f.open(os.fsencode(path), h5py.h5f.ACC_RDWR, fapl=access))
        # looked up once: a name costs HDF5 as long as the bytes
        made = [name for name in self.file if isinstance(self.file[name], h5py.Dataset)]
        self._datasets = {name: self.file[name] for name in (*self._carried, *made)}

    def write(self, start: int, columns: Mapping[str, NDArray[np.float32]]) -> None:
        """Write rows from `start` on, with their ``/detection``; `columns` are datasets by name.

        Raises
        ------
        StoreError
            The disk is full or refuses, or the spectra's file cannot be read.
        """
        rows = slice(start, start + len(columns["embedding"]))
        carried = self._read(rows)
        try:
            for name, values in (*carried.items(), *columns.items()):
                self._datasets[name][rows] = values
            self.file.flush()
        except OSError as error:
            raise self._refused(error) from error

    def _read(self, rows: slice) -> dict[str, NDArray[Any]]:
        """Read rows of every column of /detection that has a fixed place, by path."""
        try:
            return {name: column[rows] for name, column in self._carried.items()}
        except OSError as error:
            name = next(iter(self._carried.values())).file.filename
            raise StoreError(f"{name}: /detection cannot be read ({error}); make it again") from error

    def done(self, rows: int, attributes: Mapping[str, Any]) -> None:
        """Say that the first `rows` rows are done; `attributes` are added where the file gets its name.

        Raises
        ------
        StoreError
            The disk is full or refuses.
        """
        try:
            if self._drafted:
                for name, value in attributes.items():
                    self.file.attrs[name] = value
            # modify writes the value where it stands; plain assignment would make a new attribute
            self.file.attrs.modify("rows_done", np.int64(rows))
            self.file.flush()
            if self._drafted:
                self.file.close()
                os.replace(draft_of(self.output), self.output)
                self._drafted = False
                self._open(self.output)
        except OSError as error:
            raise self._refused(error) from error
        self.rows_done = rows

    def finish(self) -> None:
        """Say that the file is complete.

        Raises
        ------
        StoreError
            The disk is full or refuses.
        """
        try:
            store.finish(self.file)
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> StoreError:
        then = "make room, then the same command without --overwrite goes on from there"
        return store.unwritable(
            self.output, error, f"{self.rows_done:,} of {self.rows:,} rows are done; {then}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.file.close()
            return
        with contextlib.suppress(OSError, RuntimeError):  # a full disk refuses this too; the cause is told
            self.file.close()
        if self._drafted:
            draft_of(self.output).unlink(missing_ok=True)


def _check_room(source: h5py.File, output: Path, datasets: Mapping[str, Made]) -> int:
    """Return the bytes that the file needs; raise where they are not free, if any disk has them."""
    carried = sum(int(column.size * column.dtype.itemsize) for column in source["detection"].values())
    made = sum(4 * math.prod(shape) for shape, _ in datasets.values())
    wanted, free = carried + made + SPARE, shutil.disk_usage(output.parent).free
    if wanted > free:
        raise StoreError(
            f"{output}: needs {wanted / 1e6:,.0f} MB and {free / 1e6:,.0f} MB are free; "
            "make room, or give another disk"
        )
    return wanted


def _take_room(path: Path, size: int) -> None:
    """Have the disk set aside what the file will fill, where the system can, rather than run out later."""
    if not hasattr(os, "posix_fallocate"):
        return
    with open(path, "a+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise


def _create_detections(source: h5py.File, file: h5py.File, rows: int) -> None:
    """Make the columns of /detection; those whose bytes have no fixed place are copied at once."""
    group = file.create_group("detection")
    for name, column in source["detection"].items():
        text = h5py.check_string_dtype(column.dtype)
        dtype = column.dtype if text is None else "text" if text.length is None else f"str:{text.length}"
        attrs = column.attrs
        made = store.create_dataset(
            group, name, column.shape, dtype, attrs.get("unit", ""), attrs.get("description", "")
        )
        if _grows(column):
            for start in range(0, rows, COPY):
                made[start : start + COPY] = column[start : start + COPY]
        elif rows:
            made[rows - 1] = column[rows - 1]


def _grows(column: h5py.Dataset) -> bool:
    """Whether it is text of variable length, which lies wherever there was room."""
    return bool(column.dtype.kind == "O")
