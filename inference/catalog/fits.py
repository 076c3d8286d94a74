"""Reading one spectrum: an OGIP type I PHA file with its background, ARF and RMF.

CSC level 3 files (background in the same file), CIAO ``.pi`` files with BACKFILE, merged and
real-valued spectra, rates instead of counts; see OGIP/92-007 for the keywords.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Quarantined
from ..preprocess import Observation
from .responses import Array, Ebounds, column, nominal_ebounds, open_fits, read_arf, read_ebounds

MAX_CHANNELS = 1024
CSC_NAME = re.compile(r"acisf(\d{5})_(\d{3})N\d{3}_(?:[a-z]\d_)?r(\d{4})[a-z]*_", re.IGNORECASE)


@dataclass(frozen=True)
class Pha:
    """One SPECTRUM extension: counts by channel and what its header says.

    `counts` and `error` have shape (n,), float64; `error` is None where Poisson errors hold.
    """

    channel: NDArray[np.int64]
    counts: Array
    error: Array | None
    exposure: float
    backscal: float | Array
    areascal: float | Array
    grouped: bool
    header: Any

    def text(self, key: str) -> str:
        """Return a keyword as text, ``""`` where missing."""
        return str(self.header.get(key, "") or "").strip()

    @property
    def counts_digest(self) -> str:
        """SHA-256 of channels, counts and exposure: equal for grouped copies of one spectrum."""
        data = self.channel.tobytes() + self.counts.tobytes() + np.float64(self.exposure).tobytes()
        return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Companions:
    """Files that go with a spectrum and are not named in its header; None: as the header says."""

    background: Path | None = None
    arf: Path | None = None
    rmf: Path | None = None


@dataclass(frozen=True)
class Spectrum:
    """One observation of one source, as read: counts, background, responses and header facts.

    Parameters
    ----------
    path : Path
        The PHA file.
    observation : Observation
        Counts, background, scaling, channel energies and effective area.
    detection : dict
        Header facts by the names of ``/detection``: obs_id, obsid, obi, region_id, ra, dec, theta,
        exposure, date_obs, has_background, has_arf, has_rmf.
    background_path, arf_path, rmf_path : Path or None
        What was read beside the PHA file; the background of a level 3 file is the file itself.
    notes : tuple of str
        What is missing or was replaced.
    """

    path: Path
    observation: Observation
    detection: dict[str, Any]
    background_path: Path | None
    arf_path: Path | None
    rmf_path: Path | None
    notes: tuple[str, ...]


def spectrum_extensions(file: Any) -> list[Any]:
    """Return the SPECTRUM tables of an open FITS file, in order."""
    return [
        hdu
        for hdu in file
        if hasattr(hdu, "columns") and (hdu.name == "SPECTRUM" or hdu.header.get("HDUCLAS1") == "SPECTRUM")
    ]


def is_background(hdu: Any) -> bool:
    """Whether a header calls itself background; a TOTAL may be one all the same."""
    return str(hdu.header.get("HDUCLAS2", "")).strip().upper().startswith("BKG")


def read_pha(path: Path) -> tuple[Pha, Pha | None]:
    """Read the source spectrum of a file, and the background that stands in the same file.

    Returns
    -------
    source : Pha
        The first SPECTRUM extension that is not a background (a file of backgrounds: the first).
    background : Pha or None
        A further extension with HDUCLAS2 = BKG.

    Raises
    ------
    Quarantined
        Not a Chandra ACIS type I spectrum, or one that cannot be read; see :func:`check_kind`.
    """
    with open_fits(path) as file:
        tables = spectrum_extensions(file)
        if not tables:
            raise Quarantined("no-spectrum", "no extension named SPECTRUM")
        sources = [hdu for hdu in tables if not is_background(hdu)]
        source = sources[0] if sources else tables[0]
        check_kind(source)
        behind = [hdu for hdu in tables if is_background(hdu) and hdu is not source]
        return _pha(source), _pha(behind[0]) if behind else None


def check_kind(hdu: Any) -> None:
    """Refuse what is not an ACIS imaging type I spectrum.

    Raises
    ------
    Quarantined
        ``not-chandra``, ``hrc``, ``type-2``, ``grating`` or ``bad-channels``.
    """
    header, names = hdu.header, set(hdu.columns.names)
    telescope = str(header.get("TELESCOP", "")).strip().upper()
    instrument = str(header.get("INSTRUME", "")).strip().upper()
    if instrument.startswith("HRC"):
        raise Quarantined("hrc", "HRC spectra carry no usable energies; only ACIS is read")
    if telescope not in ("CHANDRA", "AXAF", "") or instrument not in ("ACIS", ""):
        raise Quarantined(
            "not-chandra", f"TELESCOP {telescope or 'missing'}, INSTRUME {instrument or 'missing'}"
        )
    if not telescope and not instrument:
        raise Quarantined("not-chandra", "neither TELESCOP nor INSTRUME is in the header")
    vectors = [
        n for n in ("CHANNEL", "COUNTS", "RATE") if n in names and hdu.columns[n].format[:-1] not in ("", "1")
    ]
    types = {str(header.get(key, "")).strip().upper() for key in ("HDUCLAS3", "HDUCLAS4")}
    if vectors or "TYPE:II" in types or "SPEC_NUM" in names:
        raise Quarantined("type-2", "a PHA type II file: split it into type I files, zeroth order only")
    dispersed = (
        str(header.get("GRATING", "NONE")).strip().upper() not in ("NONE", "")
        and len(hdu.data) > MAX_CHANNELS
    )
    if {"BIN_LO", "BIN_HI"} <= names or "TG_PART" in header or "TG_M" in header or dispersed:
        raise Quarantined("grating", "a dispersed grating spectrum: only imaging spectra are read")
    if len(hdu.data) > MAX_CHANNELS:
        raise Quarantined("bad-channels", f"{len(hdu.data)} channels; ACIS PI has at most {MAX_CHANNELS}")


def _pha(hdu: Any) -> Pha:
    header, names = hdu.header, hdu.columns.names
    exposure = _number(header, "EXPOSURE")
    if not exposure > 0 or not np.isfinite(exposure):
        raise Quarantined("no-exposure", f"EXPOSURE is {header.get('EXPOSURE', 'missing')}")
    if "COUNTS" in names:
        counts, factor = column(hdu, "COUNTS"), 1.0
    elif "RATE" in names:
        counts, factor = column(hdu, "RATE") * exposure, exposure
    else:
        raise Quarantined("unreadable", "neither a COUNTS nor a RATE column")
    if not np.isfinite(counts).all():
        raise Quarantined(
            "not-finite", f"{np.count_nonzero(~np.isfinite(counts))} channels are NaN or infinite"
        )
    if (counts < 0).any():
        raise Quarantined("negative-counts", f"{np.count_nonzero(counts < 0)} channels hold negative counts")
    first = _first_channel(hdu)
    channel = (
        column(hdu, "CHANNEL").astype(np.int64) if "CHANNEL" in names else first + np.arange(len(counts))
    )
    order = np.argsort(channel, kind="stable")
    if (np.diff(channel[order]) < 1).any():
        raise Quarantined("bad-channels", "a channel number stands twice")
    error = _error(hdu, counts, factor)
    grouping = column(hdu, "GROUPING") if "GROUPING" in names else np.ones(1)
    return Pha(
        channel=channel[order],
        counts=counts[order],
        error=None if error is None else error[order],
        exposure=exposure,
        backscal=_scaling(hdu, "BACKSCAL", order),
        areascal=_scaling(hdu, "AREASCAL", order),
        grouped=bool((grouping < 0).any()),
        header=header.copy(),
    )


def _number(header: Any, key: str) -> float:
    value = header.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _first_channel(hdu: Any) -> int:
    names = hdu.columns.names
    return int(hdu.header.get(f"TLMIN{names.index('CHANNEL') + 1}", 1)) if "CHANNEL" in names else 1


def _error(hdu: Any, counts: Array, factor: float) -> Array | None:
    """STAT_ERR counts where errors are said not to be Poisson, or where counts are not whole."""
    if "STAT_ERR" not in hdu.columns.names:
        return None
    poisson = bool(hdu.header.get("POISSERR", False))
    if poisson and (counts == np.round(counts)).all():
        return None
    error = column(hdu, "STAT_ERR") * factor
    if not np.isfinite(error).all() or (error < 0).any():
        raise Quarantined("not-finite", "STAT_ERR holds negative or non-finite errors")
    return error


def _scaling(hdu: Any, key: str, order: NDArray[np.int64]) -> float | Array:
    """BACKSCAL or AREASCAL: a keyword, or a column; 1 where missing."""
    if key in hdu.columns.names:
        values: float | Array = column(hdu, key)[order]
    else:
        values = _number(hdu.header, key) if key in hdu.header else 1.0
    if not (np.isfinite(values).all() and (np.asarray(values) > 0).all()):
        raise Quarantined("bad-scaling", f"{key} is not a positive number")
    return values


def find_named(folder: Path, name: str) -> Path | None:
    """Return the file a header names, as it lies in `folder`, also with ``.gz`` added or taken off."""
    name = re.sub(r"[\[{].*$", "", name.strip().strip("'\"")).strip()
    if not name or name.lower() == "none":
        return None
    base = Path(name).name
    for candidate in (name, base, base + ".gz", base.removesuffix(".gz")):
        path = folder / candidate
        if path.is_file():
            return path
    return None


def read_spectrum(path: str | Path, companions: Companions | None = None) -> Spectrum:
    """Read one spectrum with its background and responses.

    Parameters
    ----------
    path : str or Path
        PHA file, plain or gzip.
    companions : Companions, optional
        Background and responses that the header does not name; they win over the header.

    Returns
    -------
    Spectrum
        Counts, background, channel energies (nominal ACIS PI grid without an RMF), effective area,
        header facts and notes on what is missing.

    Raises
    ------
    Quarantined
        The file, or a file it needs, cannot be used; the reason says why.
    """
    path = Path(path)
    given = companions or Companions()
    pha, own_background = read_pha(path)
    notes: list[str] = []
    background, background_path = _background(path, pha, own_background, given.background, notes)
    rmf = given.rmf or _named(path, pha, "RESPFILE", notes)
    arf = given.arf or _named(path, pha, "ANCRFILE", notes)
    channel, counts, ebounds = _on_channels(pha, rmf)
    if rmf is None:
        notes.append("no RMF: channel energies are the nominal ACIS PI grid")
    area = read_arf(arf) if arf else None
    if not counts[(ebounds.hi > 0.5) & (ebounds.lo < 8.0)].sum() > 0:
        raise Quarantined("no-counts", "no source counts in 0.5-8.0 keV")
    observation = Observation(
        counts=counts,
        exposure=pha.exposure,
        energy_lo=ebounds.lo,
        energy_hi=ebounds.hi,
        background=None if background is None else _spread(background.channel, background.counts, channel),
        scale=_scale(pha, background, channel),
        areascal=_per_channel(pha, pha.areascal, channel),
        counts_error=None if pha.error is None else _spread(pha.channel, pha.error, channel),
        background_error=None
        if background is None or background.error is None
        else _spread(background.channel, background.error, channel),
        area_lo=area.energ_lo if area else None,
        area_hi=area.energ_hi if area else None,
        area=area.area if area else None,
    )
    facts = _facts(path, pha)
    facts |= {
        "has_background": background is not None,
        "has_arf": area is not None,
        "has_rmf": rmf is not None,
    }
    return Spectrum(path, observation, facts, background_path, arf, rmf, tuple(notes))


def _named(path: Path, pha: Pha, key: str, notes: list[str]) -> Path | None:
    name = pha.text(key)
    found = find_named(path.parent, name)
    if found is None and name and name.lower() != "none":
        notes.append(f"{key} {name} is named in the header but not there")
    return found


def _background(
    path: Path, pha: Pha, own: Pha | None, given: Path | None, notes: list[str]
) -> tuple[Pha | None, Path | None]:
    """The background: given by hand, else in the same file, else by BACKFILE."""
    if given is None and own is not None:
        return own, path
    found = given or _named(path, pha, "BACKFILE", notes)
    if found is None:
        return None, None
    if found.resolve() == path.resolve():
        notes.append("BACKFILE names the file itself, which holds no background extension")
        return None, None
    try:
        return read_pha(found)[0], found
    except Quarantined as error:
        raise Quarantined("bad-background", f"{found.name}: {error}") from error


def _on_channels(pha: Pha, rmf: Path | None) -> tuple[NDArray[np.int64], Array, Ebounds]:
    """Lay the counts on the channels of EBOUNDS, or of the nominal grid."""
    if rmf is None:
        last = max(int(pha.channel.max()), int(pha.header.get("DETCHANS", 0) or 0))
        first = int(pha.channel.min()) if pha.channel.min() < 1 else 1
        if last - first + 1 > MAX_CHANNELS:
            raise Quarantined("bad-channels", f"channel {last}; ACIS PI has at most {MAX_CHANNELS}")
        ebounds = nominal_ebounds(first, last - first + 1)
    else:
        ebounds = read_ebounds(rmf)
    if ebounds.channel.size > MAX_CHANNELS or not np.isin(pha.channel[pha.counts > 0], ebounds.channel).all():
        raise Quarantined(
            "response-mismatch", f"{rmf.name if rmf else 'grid'}: channels differ from the spectrum's"
        )
    return ebounds.channel, _spread(pha.channel, pha.counts, ebounds.channel), ebounds


def _spread(channel: NDArray[np.int64], values: Array, onto: NDArray[np.int64]) -> Array:
    """Put values by channel number onto other channels; channels that are not listed hold zero."""
    if np.array_equal(channel, onto):
        return values
    order = np.argsort(onto)
    place = np.searchsorted(onto, channel, sorter=order).clip(max=onto.size - 1)
    fits = onto[order[place]] == channel
    out = np.zeros(onto.size)
    out[order[place[fits]]] = values[fits]
    return out


def _per_channel(pha: Pha, value: float | Array, onto: NDArray[np.int64]) -> float | Array:
    if isinstance(value, np.ndarray):
        spread = _spread(pha.channel, value, onto)
        return np.where(spread > 0, spread, 1.0)
    return value


def _scale(source: Pha, background: Pha | None, onto: NDArray[np.int64]) -> float | Array:
    """(T BACKSCAL AREASCAL) of the source over that of the background."""
    if background is None:
        return 1.0
    factors = [
        pha.exposure * _per_channel(pha, pha.backscal, onto) * _per_channel(pha, pha.areascal, onto)
        for pha in (source, background)
    ]
    return factors[0] / factors[1]


def _facts(path: Path, pha: Pha) -> dict[str, Any]:
    """Header facts by the names of ``/detection``; the file name helps where a header is silent."""
    obs_id = pha.text("OBS_ID")
    name = CSC_NAME.match(path.name)
    obsid = int(obs_id) if obs_id.isdecimal() and len(obs_id) < 9 else -1
    obi = pha.header.get("OBI_NUM", int(name[2]) if name else -1)
    region = re.match(r"\d{1,8}$", pha.text("REGIONID"))
    ra, dec = _number(pha.header, "RA"), _number(pha.header, "DEC")
    return {
        "obs_id": obs_id,
        "obsid": obsid if obsid >= 0 or obs_id or not name else int(name[1]),
        "obi": int(obi) if isinstance(obi, int) and obsid >= 0 else -1,
        "region_id": int(region[0]) if region else int(name[3]) if name else -1,
        "ra": ra,
        "dec": dec,
        "theta": off_axis(ra, dec, _number(pha.header, "RA_PNT"), _number(pha.header, "DEC_PNT")),
        "exposure": pha.exposure,
        "date_obs": pha.text("DATE-OBS"),
    }


def off_axis(ra: float, dec: float, ra_pnt: float, dec_pnt: float) -> float:
    """Return the angle between source and pointing (arcmin; degrees in), by the haversine formula."""
    a, d, a0, d0 = np.radians([ra, dec, ra_pnt, dec_pnt])
    h = np.sin((d - d0) / 2) ** 2 + np.cos(d) * np.cos(d0) * np.sin((a - a0) / 2) ** 2
    return float(np.degrees(2 * np.arcsin(np.sqrt(h))) * 60)
