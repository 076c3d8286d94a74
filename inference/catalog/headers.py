"""The headers of a FITS file, walked before anything is read: what they declare must fit into the file.

Damaged or hostile headers may declare any size; a reader that believes them runs out of memory. Every
extension is therefore found by its header alone, and one that declares more than the file holds is refused
(FITS standard 4.0, sections 3.3, 4.4 and 7.3).
"""

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from ..errors import Quarantined

BLOCK = 2880
END = b"END" + b" " * 77
LONGEST = 4 << 20  # bytes of one header
MOST = 1000  # extensions, dimensions and columns; the standard has at most 999 of the last two
_WIDTHS = {"L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "E": 4, "K": 8, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
TFORM = re.compile(r"(\d*)([LXBIJKAEDCMPQ])(.*)$")
_KEYWORD = re.compile(rb"[A-Z0-9_-]+ *$")
_SIZES = re.compile(r"(BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|TFORM\d+|TTYPE\d+)$")
_STRUCTURE = re.compile(
    r"(SIMPLE|XTENSION|EXT(END|NAME|VER|LEVEL)|INHERIT|(CHECK|DATA)SUM|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|THEAP|TFIELDS|T[A-Z]+\d+)$"
)
_VALUE = re.compile(
    rb" *(?:(?P<text>'(?:[^']|'')*')|(?P<whole>[+-]?\d+)|(?P<real>[+-]?(?:\d+\.?\d*|\.\d+)(?:[ED][+-]?\d+)?)"
    rb"|(?P<truth>[TF])) *(?:/|$)"
)
_COMMENTARY = (b"COMMENT ", b"HISTORY ", b"        ", b"END     ")
_UNPRINTABLE = bytes(i for i in range(256) if not 32 <= i < 127)


class Header:
    """A header as a mapping from keyword to value.

    Cards of the usual forms are read here, each when it is asked for. Of keywords that stand twice, go on in
    a CONTINUE card or are no plain value, and of a header with cards of no known form, astropy is asked.

    Parameters
    ----------
    raw : bytes
        The header, a whole number of cards.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.odd = False
        self.twice: set[str] = set()
        self._cards: dict[str, int] = {}
        self._own: dict[str, Any] = {}
        self._values: dict[str, Any] = {}
        self._astropy: Any = None
        self._unusual: set[str] = set()  # keywords that astropy is asked for
        last = ""
        for at in range(0, len(raw), 80):
            start = raw[at : at + 8]
            if raw[at + 8 : at + 10] == b"= ":
                last = start.rstrip().decode("latin-1")
                if last in self._cards:
                    self.twice.add(last)
                else:
                    self._cards[last] = at
                    self.odd |= not _KEYWORD.match(start)
            elif start == b"CONTINUE":
                self._unusual.add(last)
            elif start == b"HIERARCH":
                last = raw[at + 9 : at + 80].split(b"=")[0].strip().upper().decode("latin-1")
                self._unusual.add(last)
            elif start not in _COMMENTARY:
                self.odd = True
        self._unusual |= self.twice

    @property
    def printable(self) -> bool:
        """Whether it holds printable ASCII alone."""
        return len(self.raw.translate(None, _UNPRINTABLE)) == len(self.raw)

    def __contains__(self, key: str) -> bool:
        return key in self._theirs() if self.odd or key in self._unusual else key in self._cards

    def __getitem__(self, key: str) -> Any:
        if key not in self._values:
            value = None if self.odd else self.own(key)
            self._values[key] = self._ask(key) if value is None else value
        return self._values[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a keyword, `default` where there is none."""
        return self[key] if key in self else default  # noqa: SIM401

    def copy(self) -> "Header":
        """Return the header itself, which never changes."""
        return self

    def own(self, key: str) -> Any:
        """Return the value of a card of a usual form, None where there is none."""
        if key not in self._own:
            self._own[key] = self._parse(key)
        return self._own[key]

    def _parse(self, key: str) -> Any:
        at = self._cards.get(key) if key not in self._unusual else None
        found = _VALUE.match(self.raw, at + 10, at + 80) if at is not None else None
        if found is None:
            return None
        kind, said = found.lastgroup, found[found.lastindex or 0]
        if kind == "text":
            return said[1:-1].decode("latin-1").replace("''", "'").rstrip()
        if kind == "whole":
            return int(said)
        if kind == "real":
            return float(said.replace(b"D", b"E"))
        return said == b"T"

    def _ask(self, key: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._theirs()[key]

    def _theirs(self) -> Any:
        """The header as astropy reads it."""
        if self._astropy is None:
            from astropy.io import fits

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._astropy = fits.Header.fromstring(self.raw.decode("latin-1"))
        return self._astropy

    def usual(self) -> bool:
        """Whether all cards of structure, those of columns included, are of a usual form."""
        structure = (key for key in self._cards if _STRUCTURE.match(key))
        return all(self.own(key) is not None for key in structure)

    @cached_property
    def columns(self) -> list[tuple[Any, re.Match[str] | None]]:
        """TTYPE of each column, and its TFORM taken apart; None for one of another form."""
        fields = range(1, self.whole("TFIELDS", 0) + 1)
        forms = [self.own(f"TFORM{i}") for i in fields]
        return [
            (self.own(f"TTYPE{i}"), TFORM.match(form) if isinstance(form, str) else None)
            for i, form in zip(fields, forms, strict=True)
        ]

    def whole(self, key: str, default: int | None = None) -> int:
        """Return a keyword that must be a whole number.

        Raises
        ------
        Quarantined
            ``bad-header``: it is missing (without `default`) or something else.
        """
        value = self.own(key)
        if type(value) is int:
            return value
        if default is not None and key not in self._cards:
            return default
        raise Quarantined("bad-header", f"{key} is {'no whole number' if key in self._cards else 'missing'}")


@dataclass(frozen=True)
class Span:
    """Where one header and its data lie in the file; `size` bytes of data from `data` on."""

    header: Header
    data: int
    size: int

    @property
    def end(self) -> int:
        """Where the next extension begins."""
        return self.data + -(-self.size // BLOCK) * BLOCK


def walk(read: Callable[[int, int], bytes], most: int, *, packed: bool = False) -> Iterator[Span]:
    """Yield the extensions of a file, the primary one first.

    Parameters
    ----------
    read : callable
        ``read(at, n)`` gives n bytes from `at` on, fewer where the file ends.
    most : int
        Bytes that the file can hold at most.
    packed : bool
        Whether that is a guess, for a packed file read on the way.

    Raises
    ------
    Quarantined
        ``not-fits``; ``truncated``: data are declared that the file does not hold; ``trailing-bytes``: what
        follows the last extension is none; ``bad-header``; ``too-large``.
    """
    if read(0, 9) != b"SIMPLE  =":
        raise Quarantined("not-fits", "it does not begin as FITS does (SIMPLE)")
    at = 0
    for number in range(MOST):
        header = Header(_header(read, at))
        data = at + -(-len(header.raw) // BLOCK) * BLOCK
        size = _size(header, number)
        if packed and data + size > most:
            raise Quarantined("too-large", f"it unpacks to more than {most:,} bytes")
        if size > most or (size and len(read(data + size - 1, 1)) == 0):
            raise Quarantined(
                "truncated", f"extension {number} declares {size:,} bytes of data, more than the file holds"
            )
        span = Span(header, data, size)
        yield span
        at = span.end
        start = read(at, BLOCK)
        if not start:
            return
        if not start.startswith(b"XTENSION"):
            if start.strip(b"\0"):
                raise Quarantined("trailing-bytes", f"what follows extension {number} is no FITS")
            return
    raise Quarantined("bad-header", f"more than {MOST} extensions")


def _header(read: Callable[[int, int], bytes], at: int) -> bytes:
    """The cards of the header that begins at `at`, END included."""
    raw = b""
    while len(raw) < LONGEST:
        block = read(at + len(raw), BLOCK)
        begun = len(raw)
        raw += block
        found = raw.find(END, begun)
        while found >= 0 and found % 80:
            found = raw.find(END, found + 1)
        if found >= 0:
            return raw[: found + 80]
        if len(block) < BLOCK:
            raise Quarantined("truncated", "the file ends within a header")
    raise Quarantined("bad-header", f"a header without END in {LONGEST:,} bytes")


def _size(header: Header, number: int) -> int:
    """Bytes of data that a header declares."""
    for key in header.twice:
        if _SIZES.match(key):
            raise Quarantined("bad-header", f"{key} stands twice")
    bits, n_axes = header.whole("BITPIX"), header.whole("NAXIS")
    if bits not in (8, 16, 32, 64, -32, -64) or not 0 <= n_axes < MOST:
        raise Quarantined("bad-header", f"BITPIX is {bits}, NAXIS {n_axes}")
    axes = [header.whole(f"NAXIS{i}") for i in range(1, n_axes + 1)]
    more, groups = header.whole("PCOUNT", 0), header.whole("GCOUNT", 1)
    if min([*axes, more, groups]) < 0:
        raise Quarantined("bad-header", f"a negative size (NAXIS {axes}, PCOUNT {more}, GCOUNT {groups})")
    if number == 0 and axes and axes[0] == 0:
        axes = axes[1:]  # random groups
    if header.own("TFIELDS") is not None:
        _check_columns(header, axes[0] if axes else 0)
    return abs(bits) // 8 * groups * (more + prod(axes)) if n_axes else 0


def _check_columns(header: Header, row: int) -> None:
    """Refuse columns that do not fit into a row of `row` bytes."""
    fields = header.whole("TFIELDS")
    if not 0 <= fields < MOST:
        raise Quarantined("bad-header", f"TFIELDS is {fields}")
    width = sum(column_width(form) for _, form in header.columns if form is not None)
    if width > row:
        raise Quarantined("bad-header", f"its columns take {width:,} bytes a row, NAXIS1 is {row:,}")


def column_width(form: re.Match[str]) -> int:
    """Return the bytes of one column in a row, by its TFORM."""
    repeat = int(form[1]) if form[1] else 1
    return -(-repeat // 8) if form[2] == "X" else repeat * _WIDTHS[form[2]]
