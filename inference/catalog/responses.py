"""Responses: effective area (ARF), redistribution (RMF) and channel energies (EBOUNDS), read with astropy."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import Quarantined
from .file_bytes import file_bytes
from .fits_tables import open_fits as open_fits  # what other readers of responses open with
from .fits_tables import open_tables
from .keywords import names_acis, text

Array = NDArray[np.float64]
Response = TypeVar("Response")
CHANNEL_WIDTH = 0.0146  # keV, ACIS PI
KEPT = 256  # responses
MATRIX_NAMES = ("MATRIX", "RSP_MATRIX", "SPECRESP MATRIX")


_read: OrderedDict[tuple[str, str], Any] = OrderedDict()


@dataclass(frozen=True)
class Arf:
    """Effective area: energies (keV) and area (cm^2), each shape (k,), float64."""

    energ_lo: Array
    energ_hi: Array
    area: Array


@dataclass(frozen=True)
class Ebounds:
    """Nominal energies of the channels: numbers (int64) and keV (float64), each shape (n,)."""

    channel: NDArray[np.int64]
    lo: Array
    hi: Array


@dataclass(frozen=True)
class Rmf:
    """Redistribution: energies (keV), shape (k,), and the matrix, shape (k, n), rows summing to about 1."""

    energ_lo: Array
    energ_hi: Array
    matrix: Array
    ebounds: Ebounds


def column_names(hdu: Any) -> list[str]:
    """Return the names of the columns of a table in upper case; FITS knows no case in them."""
    return [str(name).upper() for name in hdu.columns.names]


def column(hdu: Any, name: str) -> Array:
    """Return a scalar column as float64, TSCAL and TZERO applied; `name` is in upper case.

    Raises
    ------
    Quarantined
        ``unreadable``: no such column.
    """
    if name not in column_names(hdu):
        raise Quarantined("unreadable", f"extension {hdu.name} has no column {name}")
    return np.asarray(hdu.data[name], dtype=np.float64)


def _table(file: Any, names: tuple[str, ...]) -> Any:
    for hdu in file[1:]:
        if hdu.name in names and hasattr(hdu, "columns"):
            return hdu
    raise Quarantined("bad-response", f"no extension named {' or '.join(names)}")


def _by_content(kind: str, path: Path, read: Callable[[Path], Response]) -> Response:
    """Read a response, or return what the same bytes gave before, under whatever name."""
    try:
        key = kind, file_bytes(path).sha256
        if key not in _read:
            _read[key] = read(path)
    except Quarantined as problem:
        if problem.reason in ("bad-response", "response-mismatch"):
            raise
        raise Quarantined("bad-response", f"{path.name}: {problem}") from problem
    _read.move_to_end(key)
    while len(_read) > KEPT:
        _read.popitem(last=False)
    found: Response = _read[key]
    return found


def read_arf(path: Path) -> Arf:
    """Read an ARF (extension SPECRESP); of files with the same bytes one is read.

    Raises
    ------
    Quarantined
        ``bad-response``: no such extension, or energies or areas that are not finite and ascending;
        ``response-mismatch``: of another detector.
    """
    return _by_content("arf", path, _arf)


def _arf(path: Path) -> Arf:
    with open_tables(path) as file:
        hdu = _table(file, ("SPECRESP",))
        _check_detector(path, hdu)
        arf = Arf(column(hdu, "ENERG_LO"), column(hdu, "ENERG_HI"), column(hdu, "SPECRESP"))
    _check_energies(path, arf.energ_lo, arf.energ_hi)
    if not np.isfinite(arf.area).all() or (arf.area < 0).any():
        raise Quarantined("bad-response", f"{path.name}: SPECRESP holds negative or non-finite areas")
    return arf


def _check_energies(path: Path, lo: Array, hi: Array) -> None:
    fine = lo.size > 0 and np.isfinite(lo).all() and np.isfinite(hi).all() and (hi > lo).all()
    # single precision rounds neighbouring edges apart: a hair of overlap is no fault
    if not fine or (np.diff(lo) <= 0).any() or (lo[1:] < hi[:-1] - 1e-4).any():
        raise Quarantined("bad-response", f"{path.name}: energies are not finite and ascending")


def read_ebounds(path: Path) -> Ebounds:
    """Read the channel energies of an RMF (extension EBOUNDS), in ascending energy; the matrix is not read.

    Raises
    ------
    Quarantined
        ``bad-response``: no such extension, or energies that are not finite and ascending;
        ``response-mismatch``: of another detector.
    """
    return _by_content("ebounds", path, _bounds)


def _bounds(path: Path) -> Ebounds:
    with open_tables(path) as file:
        hdu = _table(file, ("EBOUNDS",))
        _check_detector(path, hdu)
        return _ebounds(path, hdu)


def _check_detector(path: Path, hdu: Any) -> None:
    """Refuse a response that says it is of another detector; one that does not say may be of ours."""
    said = [text(hdu.header, key).upper() for key in ("TELESCOP", "INSTRUME")]
    if not names_acis(said[0], said[1]):
        raise Quarantined("response-mismatch", f"{path.name} is of {' '.join(said)}")


def _ebounds(path: Path, hdu: Any) -> Ebounds:
    channel = column(hdu, "CHANNEL").astype(np.int64)
    lo, hi = column(hdu, "E_MIN"), column(hdu, "E_MAX")
    order = np.argsort(lo, kind="stable")
    found = Ebounds(channel[order], lo[order], hi[order])
    _check_energies(path, found.lo, found.hi)
    return found


def nominal_ebounds(first: int, n: int) -> Ebounds:
    """Return the nominal ACIS PI grid: 14.6 eV a channel, channel 1 from 0 keV."""
    channel = np.arange(first, first + n, dtype=np.int64)
    number = channel.astype(np.float64)
    return Ebounds(channel, (number - 1) * CHANNEL_WIDTH, number * CHANNEL_WIDTH)


@lru_cache(maxsize=8)
def read_rmf(path: Path) -> Rmf:
    """Read an RMF: the redistribution matrix, unpacked, and EBOUNDS.

    Raises
    ------
    Quarantined
        ``bad-response``: an extension is missing, or groups point outside the channels.
    """
    with open_fits(path) as file:
        hdu = _table(file, MATRIX_NAMES)
        lo, hi = column(hdu, "ENERG_LO"), column(hdu, "ENERG_HI")
        ebounds = _ebounds(path, _table(file, ("EBOUNDS",)))
        first = _first_channel(hdu, int(ebounds.channel.min()))
        matrix = np.zeros((lo.size, ebounds.channel.size))
        rows = zip(hdu.data["F_CHAN"], hdu.data["N_CHAN"], hdu.data["MATRIX"], hdu.data["N_GRP"], strict=True)
        for i, (f_chan, n_chan, values, n_grp) in enumerate(rows):
            used = 0
            groups = zip(np.atleast_1d(f_chan)[:n_grp], np.atleast_1d(n_chan)[:n_grp], strict=True)
            for start, n in groups:
                begin = int(start) - first
                if begin < 0 or begin + int(n) > matrix.shape[1]:
                    raise Quarantined("bad-response", f"{path.name}: row {i} points outside the channels")
                matrix[i, begin : begin + int(n)] = np.atleast_1d(values)[used : used + int(n)]
                used += int(n)
    _check_energies(path, lo, hi)
    by_energy = ebounds.channel - ebounds.channel.min()  # columns so far stand in the order of channels
    return Rmf(lo, hi, matrix[:, by_energy], ebounds)


def _first_channel(hdu: Any, fallback: int) -> int:
    """Number of the first channel as F_CHAN counts: its TLMIN, else as EBOUNDS has it."""
    number = column_names(hdu).index("F_CHAN") + 1
    return int(hdu.header.get(f"TLMIN{number}", fallback))
