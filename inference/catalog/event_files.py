"""Reading ACIS event files: arrival times and energies in a region, good time, header facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Quarantined
from ..event_list import EventList
from .fits import header_facts, off_axis
from .fits_tables import open_tables
from .keywords import check_acis, number
from .pha import MAX_CHANNELS
from .regions import Region, Wcs, event_wcs
from .responses import CHANNEL_WIDTH

Array = NDArray[np.float64]
MJDREF = 50814.0
TOP = MAX_CHANNELS * CHANNEL_WIDTH  # keV; events above pile up in the last PI channel


@dataclass(frozen=True)
class EventFile:
    """The events of one region of one file.

    Parameters
    ----------
    path : Path
        The file.
    events : EventList
        Events in the region, in good time, with an energy on the PI grid.
    exposure : float
        Good time less dead time, s.
    detection : dict
        Header facts by the names of ``/detection``: obs_id, obsid, obi, region_id, ra, dec (of the region
        where it has a position), theta, exposure, date_obs.
    notes : tuple of str
        What was dropped or is missing.
    """

    path: Path
    events: EventList
    exposure: float
    detection: dict[str, Any]
    notes: tuple[str, ...]

    def channel_counts(self, lo: Array, hi: Array) -> Array:
        """Return counts by channel of ascending energies `lo` to `hi` (keV), shape (n,), float64."""
        energy = self.events.energy.astype(np.float64)
        place = np.searchsorted(lo, energy, side="right") - 1
        inside = (place >= 0) & (energy < hi[place.clip(min=0)])
        return np.bincount(place[inside], minlength=lo.size).astype(np.float64)


@dataclass(frozen=True)
class EventTable:
    """All events of one file, as read; :meth:`select` takes those of a region.

    Parameters
    ----------
    path : Path
        The file.
    header : astropy.io.fits.Header
        Of the extension EVENTS.
    time, energy : ndarray, shape (n,), float64
        s of mission time, and keV; NaN where the file has none.
    x, y : ndarray, shape (n,), float64
        Sky pixels; NaN where the file has none.
    ccd : ndarray, shape (n,), int64
        CCD of each event, -1 where the file does not say.
    gti : dict of int to ndarray, shape (m, 2)
        Good time intervals by CCD, s of mission time; -1: of all CCDs.
    wcs : Wcs or None
        Projection of x and y.
    """

    path: Path
    header: Any
    time: Array
    energy: Array
    x: Array
    y: Array
    ccd: NDArray[np.int64]
    gti: dict[int, Array]
    wcs: Wcs | None

    def select(self, region: Region | None = None) -> EventFile:
        """Return the events in a region, of the whole file without one.

        The good time is that of the CCD on which most of them fell; events outside it are dropped.

        Raises
        ------
        Quarantined
            ``no-counts``: none of its events lies in the region and in good time; ``no-gti``;
            ``no-wcs``; ``no-exposure``.
        """
        mine = np.ones(self.time.shape, bool) if region is None else region.contains(self.x, self.y, self.wcs)
        where = f" in region {region.text}" if region else ""
        if not mine.any():
            raise Quarantined("no-counts", f"no events{where}")
        ccd = self.ccd[mine]
        most = int(np.bincount(ccd + 1).argmax()) - 1
        gti = self._good_time(most)
        bad = [~np.isfinite(self.time[mine]), ~_energetic(self.energy[mine]), ~_within(self.time[mine], gti)]
        kept = ~(bad[0] | bad[1] | bad[2])
        notes = _dropped(bad)
        if np.unique(ccd).size > 1:
            notes.append(f"events of CCDs {', '.join(map(str, np.unique(ccd)))}; good time is that of {most}")
        if not kept.any():
            raise Quarantined(
                "no-counts", f"no events in good time{where}" + "".join(f"; {n}" for n in notes)
            )
        time, energy = self.time[mine][kept], self.energy[mine][kept].astype(np.float32)
        order = np.argsort(time, kind="stable")
        start = gti[0, 0]
        events = EventList(time[order] - start, energy[order], gti - start, self._mission_time(start))
        exposure = self._exposure(events.livetime)
        return EventFile(self.path, events, exposure, self._facts(region, exposure), tuple(notes))

    def _good_time(self, ccd: int) -> Array:
        found = self.gti.get(ccd, self.gti.get(-1))
        if found is None and ccd < 0 and len(self.gti) == 1:
            found = next(iter(self.gti.values()))
        if found is None:
            raise Quarantined("no-gti", f"no good time intervals of CCD {ccd}")
        return found

    def _mission_time(self, start: float) -> float:
        """`start` in s since MJD 50814.0, NaN where the file counts from another day."""
        reference = number(self.header, "MJDREF")
        if not np.isfinite(reference):
            reference = number(self.header, "MJDREFI") + number(self.header, "MJDREFF")
        if np.isfinite(reference) and abs(reference - MJDREF) > 1e-6:
            return float("nan")
        clock = number(self.header, "TIMEZERO")
        return float(start + (clock if np.isfinite(clock) else 0.0))

    def _exposure(self, livetime: float) -> float:
        """Good time less dead time: DTCOR is the live fraction (ASC-FITS keyword dictionary)."""
        live = number(self.header, "DTCOR")
        if not np.isfinite(live):
            return livetime
        if not 0 < live <= 1:
            raise Quarantined("no-exposure", f"DTCOR is {live:g}")
        return livetime * live

    def _facts(self, region: Region | None, exposure: float) -> dict[str, Any]:
        facts = header_facts(self.path, self.header) | {"exposure": exposure}
        if region is not None:
            ra, dec = region.centre(self.wcs)
            if np.isfinite([ra, dec]).all():
                pointing = number(self.header, "RA_PNT"), number(self.header, "DEC_PNT")
                facts |= {"ra": ra, "dec": dec, "theta": off_axis(ra, dec, *pointing)}
        return facts


def _energetic(energy: Array) -> NDArray[np.bool_]:
    """Which events have an energy on the PI grid; float32 as they are kept."""
    single = energy.astype(np.float32)
    known: NDArray[np.bool_] = np.isfinite(single) & (single > 0) & (single.astype(np.float64) < TOP)
    return known


def _within(time: Array, gti: Array) -> NDArray[np.bool_]:
    """Which times lie in an interval, both ends included."""
    k = np.searchsorted(gti[:, 0], time, side="right") - 1
    inside: NDArray[np.bool_] = (k >= 0) & (time <= gti[k.clip(min=0), 1])
    return inside


def _dropped(bad: Sequence[NDArray[np.bool_]]) -> list[str]:
    """Say how many events were dropped, each for its first fault."""
    without_time, without_energy, outside = bad
    reasons = (
        ("without a time", without_time),
        (f"without an energy in 0-{TOP:.2f} keV", without_energy & ~without_time),
        ("outside the good time", outside & ~without_time & ~without_energy),
    )
    return [f"dropped {np.count_nonzero(which)} events {text}" for text, which in reasons if which.any()]


def read_event_file(path: str | Path, region: Region | None = None) -> EventFile:
    """Read the events of a region of an ACIS event file.

    Parameters
    ----------
    path : str or Path
        evt2 or regevt3, plain or gzip.
    region : Region, optional
        Which events; all of the file without one.

    Returns
    -------
    EventFile
        Events in order of time, exposure and header facts.

    Raises
    ------
    Quarantined
        The file cannot be used; the reason says why.
    """
    return open_event_file(path).select(region)


def open_event_file(path: str | Path) -> EventTable:
    """Read an ACIS event file whole, so that several regions can be taken from it.

    Energies are ENERGY in keV, or (PI - 1/2) 14.6 eV where there is no ENERGY.

    Raises
    ------
    Quarantined
        ``no-events``, ``hrc``, ``not-chandra``, ``no-gti``, ``no-energy`` or ``unreadable``.
    """
    path = Path(path)
    with open_tables(path) as file:
        tables = event_extensions(file)
        if not tables:
            raise Quarantined("no-events", "no extension named EVENTS")
        hdu = tables[0]
        check_acis(hdu.header)
        n, names = len(hdu.data), {name.upper() for name in hdu.columns.names}

        def values(name: str) -> Array:
            given = name in names
            return np.asarray(hdu.data[name], np.float64) if given else np.full(n, np.nan)

        if "TIME" not in names:
            raise Quarantined("unreadable", "extension EVENTS has no column TIME")
        ccd = values("CCD_ID")
        return EventTable(
            path=path,
            header=hdu.header.copy(),
            time=values("TIME"),
            energy=_energy(hdu, values),
            x=values("X"),
            y=values("Y"),
            ccd=np.where((ccd >= 0) & (ccd < 10), ccd, -1).astype(np.int64),
            gti=_good_times(file),
            wcs=event_wcs(hdu),
        )


def event_extensions(file: Any) -> list[Any]:
    """Return the EVENTS tables of an open FITS file, in order."""
    return [
        hdu
        for hdu in file
        if hasattr(hdu, "columns")
        and (hdu.name == "EVENTS" or str(hdu.header.get("HDUCLAS1", "")).strip().upper() == "EVENTS")
    ]


def _energy(hdu: Any, values: Any) -> Array:
    """Energies in keV."""
    names = [name.upper() for name in hdu.columns.names]
    if "ENERGY" in names:
        unit = str(hdu.header.get(f"TUNIT{names.index('ENERGY') + 1}", "eV")).strip().lower()
        energy: Array = values("ENERGY") / (1.0 if unit == "kev" else 1000.0)
        return energy
    if "PI" not in names:
        raise Quarantined("no-energy", "extension EVENTS has neither ENERGY nor PI")
    channel = values("PI")
    middle: Array = np.where(channel >= 1, (channel - 0.5) * CHANNEL_WIDTH, np.nan)
    return middle


def _good_times(file: Any) -> dict[int, Array]:
    """Good time intervals by CCD, -1 where an extension names none."""
    found: dict[int, Array] = {}
    for hdu in file:
        if not (hasattr(hdu, "columns") and str(hdu.name).upper().startswith("GTI")):
            continue
        said = hdu.header.get("CCD_ID")
        digits = [str(hdu.header.get(key, ""))[3:].strip() for key in ("EXTNAME", "HDUNAME")]
        numbers = [int(text) for text in digits if text.isdecimal()]
        ccd = int(said) if isinstance(said, int) else numbers[0] if numbers else -1
        intervals = _merged(
            np.asarray(hdu.data["START"], np.float64), np.asarray(hdu.data["STOP"], np.float64)
        )
        if len(intervals):
            found.setdefault(ccd, intervals)
    if not found:
        raise Quarantined("no-gti", "no extension GTI with good time intervals")
    return found


def _merged(start: Array, stop: Array) -> Array:
    """Intervals in order, overlapping and touching ones united; shape (m, 2)."""
    real = np.isfinite(start) & np.isfinite(stop) & (stop > start)
    out: list[list[float]] = []
    for a, b in sorted(zip(start[real].tolist(), stop[real].tolist(), strict=True)):
        if out and a <= out[-1][1]:
            out[-1][1] = max(out[-1][1], b)
        else:
            out.append([a, b])
    return np.array(out, np.float64).reshape(-1, 2)
