"""Responses: effective area (ARF), redistribution (RMF) and channel energies (EBOUNDS), read with astropy."""

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Quarantined

Array = NDArray[np.float64]
CHANNEL_WIDTH = 0.0146  # keV, ACIS PI
MATRIX_NAMES = ("MATRIX", "RSP_MATRIX", "SPECRESP MATRIX")


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


@contextmanager
def open_fits(path: Path) -> Iterator[Any]:
    """Open a FITS file (plain or gzip) as astropy does, silently, and close it.

    Raises
    ------
    Quarantined
        ``empty-file``, ``not-fits`` or ``unreadable``.
    """
    from astropy.io import fits
    from astropy.io.fits.verify import VerifyError

    damaged = (OSError, EOFError, ValueError, TypeError, KeyError, IndexError, zlib.error, VerifyError)
    try:
        if path.stat().st_size == 0:
            raise Quarantined("empty-file", "the file holds no bytes")
    except OSError as error:
        raise Quarantined("unreadable", str(error.strerror or error)) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            file = fits.open(path, memmap=False)
        except damaged as error:
            raise Quarantined("not-fits", f"astropy cannot open it ({error})") from error
        with file:
            try:
                yield file
            except Quarantined:
                raise
            except damaged as error:
                raise Quarantined("unreadable", f"{type(error).__name__}: {error}") from error


def column(hdu: Any, name: str) -> Array:
    """Return a scalar column as float64, TSCAL and TZERO applied.

    Raises
    ------
    Quarantined
        ``unreadable``: no such column.
    """
    if name not in hdu.columns.names:
        raise Quarantined("unreadable", f"extension {hdu.name} has no column {name}")
    return np.asarray(hdu.data[name], dtype=np.float64)


def _table(file: Any, names: tuple[str, ...]) -> Any:
    for hdu in file[1:]:
        if hdu.name in names and hasattr(hdu, "columns"):
            return hdu
    raise Quarantined("bad-response", f"no extension named {' or '.join(names)}")


@lru_cache(maxsize=64)
def read_arf(path: Path) -> Arf:
    """Read an ARF (extension SPECRESP).

    Raises
    ------
    Quarantined
        ``bad-response``: no such extension, or energies or areas that are not finite and ascending.
    """
    with open_fits(path) as file:
        hdu = _table(file, ("SPECRESP",))
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


@lru_cache(maxsize=64)
def read_ebounds(path: Path) -> Ebounds:
    """Read the channel energies of an RMF (extension EBOUNDS), in ascending energy.

    Raises
    ------
    Quarantined
        ``bad-response``: no such extension, or energies that are not finite and ascending.
    """
    with open_fits(path) as file:
        return _ebounds(path, _table(file, ("EBOUNDS",)))


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
    number = hdu.columns.names.index("F_CHAN") + 1
    return int(hdu.header.get(f"TLMIN{number}", fallback))
