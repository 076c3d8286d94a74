"""FITS files opened for ingest: tables of the plain forms read straight from the bytes, all else by astropy.

Astropy builds an object for every card and column, 4 to 11 ms a spectrum; a catalog of a million files
needs a few keywords and columns of each. What is read here is what the standard writes in one way only;
where a file, a header or a column has any other form, astropy's word counts.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ChandraEmbedError, Quarantined
from .file_bytes import FileBytes, file_bytes
from .headers import BLOCK, Header, Span, column_width, walk

_NUMBERS = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_REST = {"": re.compile("$"), "A": re.compile(r"\d*$")}  # what may follow the letter of a TFORM
_REST["P"] = _REST["Q"] = re.compile(r"[LXBIJKAEDCM]\(\d*\)$")
_NAME = re.compile(r"\w+$", re.ASCII)
_SCALED = ("TSCAL", "TZERO", "TNULL", "TDIM")


class PlainHdu:
    """A primary array or an image extension: its name and header."""

    def __init__(self, header: Header, name: str) -> None:
        self.header, self.name = header, str(header.get("EXTNAME", name))


class PlainColumn:
    """Name and TFORM of a column, and where it lies in a row."""

    def __init__(self, name: str, form: str, offset: int, code: str | None) -> None:
        self.name, self.format, self.offset, self.code = name, form, offset, code


class PlainColumns:
    """The columns of a table, by name."""

    def __init__(self, columns: list[PlainColumn]) -> None:
        self._columns = columns
        self.names = [column.name for column in columns]

    def __getitem__(self, name: str) -> PlainColumn:
        found = self._columns[self.names.index(name)] if name in self.names else self.find(name)
        if found is None:
            raise KeyError(name)
        return found

    def find(self, name: str) -> PlainColumn | None:
        """Return the one column of this name, in whatever case where none has it exactly."""
        for same in (str, str.lower):
            found = [column for column in self._columns if same(column.name) == same(name)]
            if found:
                return found[0] if len(found) == 1 else None
        return None


class PlainTable(PlainHdu):
    """A binary table: `columns`, and `data` by column name, as astropy's tables have them."""

    def __init__(self, header: Header, span: Span, data: bytes, theirs: Callable[[], Any]) -> None:
        super().__init__(header, "")
        self._raw, self._span, self._theirs = data, span, theirs
        self._rows, self._row = header.whole("NAXIS2"), header.whole("NAXIS1")
        self._columns: PlainColumns | None = None

    @property
    def columns(self) -> PlainColumns:
        """The columns."""
        if self._columns is None:
            self._columns = PlainColumns(_columns(self.header))
        return self._columns

    @property
    def data(self) -> "PlainTable":
        """The table itself, which holds its data."""
        return self

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self.columns.find(name)
        if column is None or column.code is None:
            column_of_theirs: NDArray[Any] = self._theirs().data[name]
            return column_of_theirs
        start = self._span.data + column.offset
        return np.ndarray((self._rows,), np.dtype(column.code), self._raw, start, (self._row,))


def _columns(header: Header) -> list[PlainColumn]:
    """The columns that a header of plain form declares."""
    columns, offset = [], 0
    for i, (name, form) in enumerate(header.columns, 1):
        assert form is not None, "checked by _is_plain"
        single = form[1] in ("", "1") and not form[3]
        scaled = single and any(f"{key}{i}" in header for key in _SCALED)
        code = _NUMBERS.get(form[2]) if single and not scaled else None
        columns.append(PlainColumn(name, form.string, offset, code))
        offset += column_width(form)
    return columns


def _is_plain(number: int, header: Header) -> bool:
    """Whether an extension is a primary array, an image or a binary table written in the usual way."""
    if not header.printable or not header.usual():
        return False
    if number == 0:
        return header.own("SIMPLE") is True and "GROUPS" not in header
    kind = header.own("XTENSION")
    if header.own("GCOUNT") != 1 or header.own("PCOUNT") is None:
        return False
    if kind != "BINTABLE":
        return bool(kind == "IMAGE")
    if "ZIMAGE" in header or header.own("NAXIS") != 2 or not header.own("NAXIS2"):
        return False
    if header.own("BITPIX") != 8 or header.own("TFIELDS") is None:
        return False
    width = 0
    for name, form in header.columns:
        if form is None or not isinstance(name, str) or not _NAME.match(name):
            return False
        if not _REST[form[2] if form[2] in "APQ" else ""].match(form[3]):
            return False
        width += column_width(form)
    return bool(width == header.own("NAXIS1"))


def plain_tables(opened: FileBytes) -> list[PlainHdu] | None:
    """Return the extensions of a file of plain form, None where astropy is to read it.

    Raises
    ------
    Quarantined
        The headers declare what cannot be; see :func:`.headers.walk`.
    """
    data = opened.data
    if data is None:
        with opened.stream() as stream:
            read = _Forward(stream).read
            *_, last = walk(read, opened.most, packed=opened.packed)
            if read(last.end, 1):  # astropy would look for an extension in zeros, for ever
                raise Quarantined("trailing-bytes", "bytes follow the last extension")
        return None
    theirs: list[Any] = []

    def ask(number: int) -> Callable[[], Any]:
        def extension() -> Any:
            if not theirs:
                theirs.append(_astropy(opened))
            return theirs[0][number]

        return extension

    whole = len(data) % BLOCK == 0
    found: list[PlainHdu] = []
    for number, span in enumerate(walk(lambda at, n: data[at : at + n], len(data))):
        whole = whole and _is_plain(number, span.header)
        if whole and span.header.own("XTENSION") == "BINTABLE":
            found.append(PlainTable(span.header, span, data, ask(number)))
        elif whole:
            found.append(PlainHdu(span.header, "" if number else "PRIMARY"))
        opened.kept["end"] = span.end
    return found if whole else None


class _Forward:
    """Reads from a stream that should only go forward; the last block is kept."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._at, self._last = stream, 0, b""

    def read(self, at: int, n: int) -> bytes:
        """Return n bytes from `at` on, fewer at the end."""
        if at != self._at or len(self._last) < n:
            if self._stream.tell() != at:
                self._stream.seek(at)
            self._at, self._last = at, self._stream.read(n)
        return self._last[:n]


def _astropy(opened: FileBytes) -> Any:
    """The file as astropy opens it, from the bytes already in memory where they are."""
    from astropy.io import fits

    data = opened.data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if data is None:
            return fits.open(opened.path, memmap=False)
        return fits.open(io.BytesIO(data[: opened.kept["end"]]), memmap=False)


@contextmanager
def _said() -> Iterator[None]:
    """Turn what goes wrong in reading into a reason; of damaged files astropy raises anything."""
    try:
        yield
    except ChandraEmbedError:
        raise
    except EOFError as error:
        raise Quarantined("truncated", f"the file ends before its end ({error})") from error
    except Exception as error:
        raise Quarantined("unreadable", f"{type(error).__name__}: {error}") from error


@contextmanager
def open_tables(path: Path) -> Iterator[Any]:
    """Open a FITS file (plain or gzip), silently: a sequence of extensions with name, header and columns.

    Raises
    ------
    Quarantined
        As :func:`open_fits`.
    """
    opened = file_bytes(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _said():
            if "tables" not in opened.kept:
                opened.kept["tables"] = plain_tables(opened)
            if opened.kept["tables"] is not None:
                yield opened.kept["tables"]
                return
    with _open_astropy(opened) as file:
        yield file


@contextmanager
def open_fits(path: Path) -> Iterator[Any]:
    """Open a FITS file (plain or gzip) as astropy does, silently, and close it.

    Raises
    ------
    Quarantined
        ``not-a-file``, ``empty-file``, ``truncated``, ``damaged-gzip``, ``too-large``, ``bad-header``,
        ``trailing-bytes``, ``not-fits`` or ``unreadable``.
    """
    opened = file_bytes(path)
    with _said():
        if "tables" not in opened.kept:
            opened.kept["tables"] = plain_tables(opened)
    with _open_astropy(opened) as file:
        yield file


@contextmanager
def _open_astropy(opened: FileBytes) -> Iterator[Any]:
    """Give a file whose headers have been walked to astropy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            file = _astropy(opened)
        except Exception as error:  # whatever astropy raises, it is no FITS file to it
            raise Quarantined("not-fits", f"astropy cannot open it ({error})") from error
        with file, _said():
            yield file
