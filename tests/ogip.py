"""OGIP files made for the tests: small, simulated, written with astropy."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

WIDTH = 0.0146
N = 1024


def pha_hdu(counts: Any, *, backscal: Any = 1e-6, areascal: Any = 1.0, extver: int = 1, **more: Any) -> Any:
    """A SPECTRUM extension; upper-case keywords go to the header, lower-case ones are columns."""
    counts = np.asarray(counts)
    n = len(counts)
    columns = {"CHANNEL": np.arange(1, n + 1, dtype=np.int32)}
    name = more.pop("counts_column", "COUNTS")
    columns[name] = counts
    for key in [k for k in more if k.islower()]:
        columns[key.upper()] = np.asarray(more.pop(key))
    header = {
        "TELESCOP": "CHANDRA",
        "INSTRUME": "ACIS",
        "HDUCLAS1": "SPECTRUM",
        "HDUCLAS2": "TOTAL",
        "EXPOSURE": 10000.0,
        "DETCHANS": n,
        "POISSERR": True,
        "OBS_ID": "123",
        "OBI_NUM": 0,
        "BACKFILE": "none",
        "RESPFILE": "none",
        "ANCRFILE": "none",
    }
    for key, value in (("BACKSCAL", backscal), ("AREASCAL", areascal)):
        if np.ndim(value):
            columns[key] = np.asarray(value, float)
        else:
            header[key] = value
    header |= more
    formats = {"i": "J", "f": "D", "u": "J"}
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column(k, (f"{v.shape[1]}" if v.ndim > 1 else "") + formats[v.dtype.kind], array=v)
            for k, v in columns.items()
        ],
        name="SPECTRUM",
        ver=extver,
    )
    for key, value in header.items():
        if value is not None:
            table.header[key] = value
    return table


def write_pha(path: Path, counts: Any, background: Any = None, **more: Any) -> Path:
    """Write a PHA file, with the background as second extension where one is given (CSC level 3)."""
    hdus = [fits.PrimaryHDU(), pha_hdu(counts, **more)]
    if background is not None:
        hdus.append(pha_hdu(background, backscal=1e-5, extver=2, HDUCLAS2="BKG"))
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def write_arf(path: Path, area: float = 500.0) -> Path:
    """Write a flat ARF over 0.3-11 keV."""
    edges = np.linspace(0.3, 11.0, 108)
    columns = {"ENERG_LO": edges[:-1], "ENERG_HI": edges[1:], "SPECRESP": np.full(107, area)}
    table = fits.BinTableHDU.from_columns(
        [fits.Column(k, "E", array=v) for k, v in columns.items()], name="SPECRESP"
    )
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)
    return path


def write_rmf(path: Path, n: int = N, first: int = 1, offset: float = 0.0) -> Path:
    """Write an RMF that sends each of 107 energies to one channel, with EBOUNDS of 14.6 eV."""
    edges = np.linspace(0.3, 11.0, 108)
    channel = np.arange(first, first + n)
    lo = (channel - first) * WIDTH + offset
    target = np.searchsorted(lo, (edges[:-1] + edges[1:]) / 2, side="right") - 1 + first
    matrix = fits.BinTableHDU.from_columns(
        [
            fits.Column("ENERG_LO", "E", array=edges[:-1]),
            fits.Column("ENERG_HI", "E", array=edges[1:]),
            fits.Column("N_GRP", "I", array=np.ones(107)),
            fits.Column("F_CHAN", "J", array=target),
            fits.Column("N_CHAN", "J", array=np.ones(107)),
            fits.Column("MATRIX", "E", array=np.ones(107)),
        ],
        name="MATRIX",
    )
    matrix.header["TLMIN4"] = first
    bounds = fits.BinTableHDU.from_columns(
        [
            fits.Column("CHANNEL", "J", array=channel),
            fits.Column("E_MIN", "E", array=lo),
            fits.Column("E_MAX", "E", array=lo + WIDTH),
        ],
        name="EBOUNDS",
    )
    fits.HDUList([fits.PrimaryHDU(), matrix, bounds]).writeto(path, overwrite=True)
    return path


def counts(seed: int = 0, mean: float = 0.5, n: int = N) -> Any:
    """Poisson counts by channel."""
    return np.random.default_rng(seed).poisson(mean, n).astype(np.int32)
