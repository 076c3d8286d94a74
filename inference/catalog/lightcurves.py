"""Light curves: counts in bins of time, with the fraction of each bin in which the source was watched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Quarantined
from .fits import header_facts
from .fits_tables import open_tables
from .keywords import check_acis, number

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LightCurve:
    """A binned light curve of one detection, in order of time.

    Parameters
    ----------
    start : ndarray, shape (n,), float64
        Start of each bin, s since the first one.
    width : ndarray, shape (n,), float64
        Width of each bin, s.
    counts : ndarray, shape (n,), float64
        Counts in each bin, the background of the source region included.
    fraction : ndarray, shape (n,), float64
        Part of the bin in which the source was watched, 0 to 1: good time and the part of the aperture
        that was on the chip.
    prob, index : float
        Gregory-Loredo probability of variability and variability index, as the file states; NaN: it does not.
    error : ndarray, shape (n,), float64, optional
        Error of the rate as the file states, counts a second.
    """

    start: Array
    width: Array
    counts: Array
    fraction: Array
    prob: float = np.nan
    index: float = np.nan
    error: Array | None = None

    def __post_init__(self) -> None:
        if not self.start.shape == self.width.shape == self.counts.shape == self.fraction.shape:
            raise ValueError("start, width, counts and fraction of a light curve differ in length")

    @property
    def rate(self) -> Array:
        """Counts a second of live time, shape (n,); NaN where a bin was not live."""
        return self._per_second(self.counts)

    @property
    def rate_error(self) -> Array:
        """Error of `rate`, shape (n,): as the file states, else sqrt(counts) a second of live time."""
        if self.error is not None:
            return self.error
        return self._per_second(np.sqrt(self.counts))

    def _per_second(self, values: Array) -> Array:
        live = self.width * self.fraction
        out: Array = np.full(live.shape, np.nan)
        np.divide(values, live, out=out, where=live > 0)
        return out


@dataclass(frozen=True)
class LightCurveFile:
    """A light-curve file, as read.

    Parameters
    ----------
    path : Path
        The file.
    curve : LightCurve
        Its bins.
    detection : dict
        Header facts by the names of ``/detection``: obs_id, obsid, obi, region_id, ra, dec, theta, exposure,
        date_obs, counts, background_counts, net_counts, has_background, var_prob_b, var_index_b.
    """

    path: Path
    curve: LightCurve
    detection: dict[str, Any]


def read_lightcurve(path: str | Path) -> LightCurveFile:
    """Read a broad-band ACIS light curve of the Chandra Source Catalog (lc3).

    The rates of an lc3 file are smoothed by the Gregory-Loredo algorithm and made good for the part of the
    aperture that was on the chip. Counts in a bin are therefore what those rates expect, not what was
    counted; what was counted in all stands in the header and in `detection`.

    Parameters
    ----------
    path : str or Path
        lc3 file, plain or gzip.

    Returns
    -------
    LightCurveFile
        Bins and header facts. `fraction` is the mean over the observation: the file states no other.

    Raises
    ------
    Quarantined
        ``no-lightcurve``, ``hrc``, ``not-chandra``, ``not-broad``, ``not-finite``, ``no-exposure`` or
        ``no-counts``.
    """
    path = Path(path)
    with open_tables(path) as file:
        hdu, background = _extensions(file)
        header = hdu.header
        _check_kind(header)
        time, rate, error = (_column(hdu, name) for name in ("TIME", "COUNT_RATE", "COUNT_RATE_ERR"))
        facts = header_facts(path, header) | {"exposure": number(header, "EXPOSURE")}
        facts |= _counted(header, background.header if background is not None else None)
    if not (np.isfinite(time).all() and np.isfinite(rate).all()) or (rate < 0).any():
        raise Quarantined("not-finite", "times or rates are negative, NaN or infinite")
    if not facts["exposure"] > 0:
        raise Quarantined("no-exposure", f"EXPOSURE is {header.get('EXPOSURE', 'missing')}")
    if not time.size or not facts["counts"] > 0:
        raise Quarantined("no-counts", "the light curve holds no counts")
    order = np.argsort(time, kind="stable")
    time, rate, error = time[order], rate[order], error[order]
    width = _width(header, time)
    watched = number(header, "INTEGTIM") / float(width.sum())
    fraction = np.full(time.size, min(watched, 1.0) if watched > 0 else 1.0)
    prob, index = number(header, "PROB"), number(header, "VARINDEX")
    curve = LightCurve(time - time[0], width, rate * width * fraction, fraction, prob, index, error)
    return LightCurveFile(path, curve, facts | {"var_prob_b": prob, "var_index_b": index})


def lightcurve_extensions(file: Any) -> list[Any]:
    """Return the LIGHTCURVE tables of an open FITS file, those of the background included."""
    return [hdu for hdu in file if hasattr(hdu, "columns") and "LIGHTCURVE" in str(hdu.name).upper()]


def _column(hdu: Any, name: str) -> Array:
    """A column, whatever the case of its name."""
    if name not in [other.upper() for other in hdu.columns.names]:
        raise Quarantined("unreadable", f"extension {hdu.name} has no column {name}")
    return np.asarray(hdu.data[name], np.float64)


def _extensions(file: Any) -> tuple[Any, Any]:
    """The source's table and the background's, None where there is none."""
    tables = lightcurve_extensions(file)
    sources = [hdu for hdu in tables if not str(hdu.name).upper().startswith("BKG")]
    if not sources:
        raise Quarantined("no-lightcurve", "no extension named LIGHTCURVE")
    behind = [hdu for hdu in tables if hdu not in sources]
    return sources[0], behind[0] if behind else None


def _check_kind(header: Any) -> None:
    check_acis(header)
    band = str(header.get("BAND", "broad")).strip()
    if band.lower() not in ("broad", "b"):
        raise Quarantined("not-broad", f"the light curve of band {band}; only the broad band is read")


def _width(header: Any, time: Array) -> Array:
    """Width of each bin: TIMEDEL, else the distance of the bins."""
    width = number(header, "TIMEDEL")
    if not width > 0:
        width = float(np.median(np.diff(time))) if time.size > 1 else number(header, "EXPOSURE")
    if not width > 0:
        raise Quarantined("unreadable", "TIMEDEL is missing and bins stand at one time")
    return np.full(time.size, width)


def _counted(header: Any, behind: Any) -> dict[str, Any]:
    """Counts of the source region, and of the background scaled by the areas; TOTCTS counts events."""
    counts = number(header, "TOTCTS")
    if not np.isfinite(counts):
        raise Quarantined("no-counts", "TOTCTS is missing")
    scaled = 0.0
    if behind is not None:
        scale = number(header, "BACKSCAL") / number(behind, "BACKSCAL") if behind.get("BACKSCAL") else np.nan
        scaled = number(behind, "TOTCTS") * scale
    known = behind is not None and np.isfinite(scaled)
    background = float(scaled) if known else 0.0
    return {
        "counts": counts,
        "background_counts": background,
        "net_counts": counts - background,
        "has_background": known,
    }
