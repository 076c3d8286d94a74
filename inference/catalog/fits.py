"""Reading one spectrum: a PHA file with its background, ARF and RMF, and what its header tells."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Quarantined
from ..preprocess import Observation
from .keywords import number, text
from .pha import MAX_CHANNELS, Pha, read_pha
from .responses import Array, Ebounds, nominal_ebounds, read_arf, read_ebounds

NOMINAL_CHANNELS = (685, 1024)  # of 14.6 eV: what ACIS PI spectra come with
CSC_NAME = re.compile(r"acisf(\d{5})_(\d{3})N\d{3}_(?:[a-z]\d_)?r(\d{4})[a-z]*_", re.IGNORECASE)


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


def find_named(beside: Path, name: str) -> Path | None:
    """Return the file that a header or table names, as it lies beside the file `beside`.

    Looked for as named and by its bare name, also with ``.gz`` added or taken off, in the folder of
    `beside` and, where that is a link, in the folder it leads to.
    """
    name = re.sub(r"[\[{].*$", "", name.strip().strip("'\"")).strip()
    if not name or name.lower() == "none":
        return None
    plain = name[:-3] if name.lower().endswith(".gz") else name
    for stem in dict.fromkeys((plain, os.path.basename(plain))):
        for ending in dict.fromkeys((name[len(plain) :], "", ".gz", ".GZ")):
            path = os.path.join(beside.parent, stem + ending)
            if _is_file(path):
                return Path(path)
    real = Path(os.path.realpath(beside))
    return None if real.parent == beside.parent else find_named(real, name)


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:  # a name with a zero byte
        return False


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
    if background is None:
        notes.append("no background: net counts are the counts")
    if rmf is None:
        notes.append("no RMF: channel energies are the nominal ACIS PI grid")
    area = read_arf(arf) if arf else None
    if area is None:
        notes.append("no ARF: no flux density, no hardness ratios")
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
    facts = header_facts(path, pha.header) | {
        "exposure": pha.exposure,
        "has_background": background is not None,
        "has_arf": area is not None,
        "has_rmf": rmf is not None,
    }
    return Spectrum(path, observation, facts, background_path, arf, rmf, tuple(notes))


def _named(path: Path, pha: Pha, key: str, notes: list[str]) -> Path | None:
    name = pha.text(key)
    found = find_named(path, name)
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
        background = read_pha(found)[0]
    except Quarantined as error:
        raise Quarantined("bad-background", f"{found.name}: {error}") from error
    if background.detchans != pha.detchans:
        raise Quarantined(
            "bad-background", f"{found.name}: {background.detchans} channels, the source has {pha.detchans}"
        )
    return background, found


def _on_channels(pha: Pha, rmf: Path | None) -> tuple[NDArray[np.int64], Array, Ebounds]:
    """Lay the counts on the channels of EBOUNDS, or of the nominal grid."""
    if rmf is None:
        if pha.detchans not in NOMINAL_CHANNELS:
            raise Quarantined("no-rmf", f"{pha.detchans} channels, whose energies need an RMF: --responses")
        first = min(int(pha.channel.min()), 1)
        ebounds = nominal_ebounds(first, pha.detchans)
    else:
        ebounds = read_ebounds(rmf)
    # as many channels, numbered otherwise: laid on each other by number they would be off by one
    shifted = pha.channel.size == ebounds.channel.size and pha.channel.min() != ebounds.channel.min()
    if not np.array_equal(pha.channel, ebounds.channel) and (
        shifted
        or ebounds.channel.size > MAX_CHANNELS
        or not np.isin(pha.channel[pha.counts > 0], ebounds.channel).all()
    ):
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


def header_facts(path: Path, header: Any) -> dict[str, Any]:
    """Return what a header tells, by the names of ``/detection``; the file name helps where it is silent.

    Parameters
    ----------
    path : Path
        The file: a CSC name holds ObsID, observation interval and region.
    header : astropy.io.fits.Header
        Of a spectrum, an event list or a light curve.

    Returns
    -------
    dict
        obs_id, obsid, obi, region_id, ra, dec, theta, date_obs.
    """
    obs_id = text(header, "OBS_ID")
    name = CSC_NAME.match(path.name)
    obsid = int(obs_id) if obs_id.isdecimal() and len(obs_id) < 9 else -1
    if not obs_id and name:
        obs_id, obsid = str(int(name[1])), int(name[1])
    obi = text(header, "OBI_NUM") if "OBI_NUM" in header else name[2] if name else ""
    region = re.match(r"\d{1,8}$", text(header, "REGIONID"))
    ra, dec = number(header, "RA"), number(header, "DEC")
    return {
        "obs_id": obs_id,
        "obsid": obsid,
        "obi": int(obi) if obi.isdecimal() and obsid >= 0 else -1,
        "region_id": int(region[0]) if region else int(name[3]) if name else -1,
        "ra": ra,
        "dec": dec,
        "theta": off_axis(ra, dec, number(header, "RA_PNT"), number(header, "DEC_PNT")),
        "date_obs": text(header, "DATE-OBS"),
    }


def off_axis(ra: float, dec: float, ra_pnt: float, dec_pnt: float) -> float:
    """Return the angle between source and pointing (arcmin; degrees in), by the haversine formula."""
    a, d, a0, d0 = np.radians([ra, dec, ra_pnt, dec_pnt])
    h = np.sin((d - d0) / 2) ** 2 + np.cos(d) * np.cos(d0) * np.sin((a - a0) / 2) ** 2
    return float(np.degrees(2 * np.arcsin(np.sqrt(h))) * 60)
