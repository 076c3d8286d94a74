"""Event files, light curves and regions made for the tests: small, simulated, written with astropy."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

HEADER = {"TELESCOP": "CHANDRA", "INSTRUME": "ACIS", "MJDREF": 50814.0, "OBS_ID": "123", "OBI_NUM": 0}
WCS = {"TCTYP": ("RA---TAN", "DEC--TAN"), "TCRPX": (4096.5, 4096.5), "TCRVL": (150.0, 60.0)}
PIXEL = 0.492 / 3600  # deg


def events(n: int = 200, seed: int = 0) -> dict[str, Any]:
    """Columns of events around (4000, 4100), in 1000 to 2000 s."""
    rng = np.random.default_rng(seed)
    return {
        "time": np.sort(rng.uniform(1000, 2000, n)),
        "ccd_id": np.full(n, 7, np.int16),
        "x": rng.normal(4000, 5, n).astype(np.float32),
        "y": rng.normal(4100, 5, n).astype(np.float32),
        "energy": rng.uniform(300, 7500, n).astype(np.float32),
    }


def table(columns: dict[str, Any], name: str, **header: Any) -> Any:
    """A binary table of float, int and text columns."""
    made = []
    for key, values in columns.items():
        array = np.asarray(values)
        width = array.shape[1] if array.ndim > 1 else ""
        form = f"{array.dtype.itemsize // 4}A" if array.dtype.kind == "U" else None
        form = (
            form or f"{width}" + {"i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}[array.dtype.str[1:]]
        )
        made.append(fits.Column(key, form, array=array))
    hdu = fits.BinTableHDU.from_columns(made, name=name)
    for key, value in header.items():
        if value is not None:
            hdu.header[key] = value
    return hdu


def write_events(
    path: Path, columns: dict[str, Any] | None = None, *, gti: Any = ((1000, 2000),), **header: Any
) -> Path:
    """Write an event file with one GTI of CCD 7; `gti` may map CCDs to intervals, or be None."""
    columns = events() if columns is None else columns
    hdu = table(columns, "EVENTS", **(HEADER | {"DTCOR": 0.98, "RA_PNT": 150.0, "DEC_PNT": 60.0} | header))
    names = [name.lower() for name in columns]
    for i, name in enumerate(n for n in ("x", "y") if n in names):
        for key, values in WCS.items():
            hdu.header[f"{key}{names.index(name) + 1}"] = values[i]
        hdu.header[f"TCDLT{names.index(name) + 1}"] = (-PIXEL, PIXEL)[i]
    hdus = [fits.PrimaryHDU(), hdu]
    for ccd, intervals in (gti if isinstance(gti, dict) else {7: gti}).items() if gti is not None else ():
        a = np.array(intervals, float).reshape(-1, 2)
        hdus.append(table({"START": a[:, 0], "STOP": a[:, 1]}, "GTI", CCD_ID=ccd))
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def write_lightcurve(path: Path, rate: Any, width: float = 100.0, **header: Any) -> Path:
    """Write a CSC light curve; its rates are what they are, TOTCTS the sum of the counts they expect."""
    rate = np.asarray(rate, float)
    time = 5000.0 + width * (np.arange(len(rate)) + 0.5)
    facts = HEADER | {
        "EXPOSURE": 0.98 * width * len(rate),
        "TIMEDEL": width,
        "INTEGTIM": 0.5 * width * len(rate),
        "TOTCTS": round(float(np.nansum(rate)) * width * 0.5),
        "BACKSCAL": 1e-6,
        "BAND": "broad",
        "PROB": 0.75,
        "VARINDEX": 3,
        "REGIONID": "0043",
    }
    columns = {"Time": time, "COUNT_RATE": rate, "COUNT_RATE_ERR": 0.1 * rate}
    source = table(columns, "LIGHTCURVE", **(facts | header))
    behind = table(columns, "BKGLIGHTCURVE", TOTCTS=20, BACKSCAL=1e-5)
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(), source, behind]).writeto(path, overwrite=True)
    return path


def write_region(path: Path, rows: list[tuple[str, Any, Any, Any, float]], component: Any = None) -> Path:
    """Write a reg3 file of (SHAPE, X, Y, R, ROTANG)."""
    widest = max(np.size(row[1]) for row in rows)

    def padded(values: Any, n: int) -> Any:
        values = np.atleast_1d(np.asarray(values, float))
        return np.concatenate([values, np.full(n - values.size, np.nan)])

    columns = {
        "SHAPE": np.array([row[0] for row in rows], "U12"),
        "X": np.array([padded(row[1], widest) for row in rows]),
        "Y": np.array([padded(row[2], widest) for row in rows]),
        "R": np.array([padded(row[3], 2) for row in rows]),
        "ROTANG": np.array([row[4] for row in rows], float),
    }
    if component is not None:
        columns["COMPONENT"] = np.array(component, np.int32)
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(), table(columns, "SRCREG")]).writeto(path, overwrite=True)
    return path
