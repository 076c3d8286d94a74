"""Groups ``/event`` and ``/lightcurve`` of ``spectra.h5``: rows of unequal length, flat, with offsets.

A row without an event file has no good time interval; one with a file and no event in it has.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..event_block import EventBlock
from ..event_list import EventList

if TYPE_CHECKING:
    from .lightcurves import LightCurve

FLAT_CHUNK, ROW_CHUNK = 8192, 256


@dataclass(frozen=True)
class _Flat:
    """One dataset of a group: `of` is ``row`` (n), or the offsets by which it is cut into rows."""

    name: str
    dtype: str
    unit: str
    description: str
    of: str = "row"


EVENT = (
    _Flat("offset", "int64", "", "row i holds events offset[i] to offset[i + 1] - 1", "offset"),
    _Flat("time", "float64", "s", "arrival time since zero, ascending within a row", "flat"),
    _Flat("energy", "float32", "keV", "energy of the event", "flat"),
    _Flat("zero", "float64", "s", "mission time of time 0 of the row (MJD 50814.0 TT on); NaN: not known"),
    _Flat(
        "gti_offset",
        "int64",
        "",
        "row i holds intervals gti_offset[i] to gti_offset[i + 1] - 1; none: no events read",
        "offset",
    ),
    _Flat("gti_start", "float64", "s", "start of a good time interval since zero", "flat"),
    _Flat("gti_stop", "float64", "s", "stop of a good time interval since zero", "flat"),
)
LIGHTCURVE = (
    _Flat("offset", "int64", "", "row i holds bins offset[i] to offset[i + 1] - 1", "offset"),
    _Flat("start", "float64", "s", "start of the bin since the start of the row's first bin", "flat"),
    _Flat("width", "float64", "s", "width of the bin", "flat"),
    _Flat(
        "counts", "float64", "count", "counts in the bin, background of the source region included", "flat"
    ),
    _Flat(
        "fraction",
        "float64",
        "",
        "fraction of the bin and of the aperture in which the source was watched",
        "flat",
    ),
    _Flat(
        "rate_error", "float64", "count s^-1", "error of counts/(width fraction); as the file states", "flat"
    ),
    _Flat("prob", "float64", "", "Gregory-Loredo probability of variability in the file's header; NaN: none"),
    _Flat("index", "float64", "", "Gregory-Loredo variability index in the file's header; NaN: none"),
)


def create_event_groups(file: h5py.File) -> None:
    """Create ``/event`` and ``/lightcurve``, both without rows."""
    for name, datasets in (("event", EVENT), ("lightcurve", LIGHTCURVE)):
        group = file.create_group(name)
        for d in datasets:
            rows = 1 if d.of == "offset" else 0
            chunk = FLAT_CHUNK if d.of == "flat" else ROW_CHUNK
            made = group.create_dataset(
                d.name,
                shape=(rows,),
                maxshape=(None,),
                chunks=(chunk,),
                dtype=np.dtype(d.dtype).newbyteorder("<"),
            )
            made.attrs["unit"], made.attrs["description"] = d.unit, d.description


def write_events(file: h5py.File, events: Sequence[EventList | None]) -> None:
    """Add one row to ``/event`` for each event list; None: no event file was read.

    Parameters
    ----------
    file : h5py.File
        A file with the groups of :func:`create_event_groups`.
    events : sequence of EventList or None
        The rows to add, in order.
    """
    group, some = file["event"], [e for e in events if e is not None]
    _extend(group, "time", [e.time for e in some])
    _extend(group, "energy", [e.energy for e in some])
    _extend(group, "gti_start", [e.gti[:, 0] for e in some])
    _extend(group, "gti_stop", [e.gti[:, 1] for e in some])
    _extend(group, "zero", [np.array([np.nan if e is None else e.zero for e in events])])
    _count(group, "offset", [0 if e is None else len(e) for e in events])
    _count(group, "gti_offset", [0 if e is None else len(e.gti) for e in events])


def write_lightcurves(file: h5py.File, curves: Sequence["LightCurve | None"]) -> None:
    """Add one row to ``/lightcurve`` for each light curve; None: a row without bins."""
    group, some = file["lightcurve"], [c for c in curves if c is not None]
    for name in ("start", "width", "counts", "fraction", "rate_error"):
        _extend(group, name, [getattr(c, name) for c in some])
    for name in ("prob", "index"):
        _extend(group, name, [np.array([np.nan if c is None else getattr(c, name) for c in curves])])
    _count(group, "offset", [0 if c is None else len(c.counts) for c in curves])


def _extend(group: h5py.Group, name: str, parts: Sequence[NDArray[np.floating]]) -> None:
    """Append arrays to a flat dataset."""
    values = np.concatenate(parts) if parts else np.zeros(0)
    dataset = group[name]
    before = len(dataset)
    if values.size:
        dataset.resize(before + values.size, axis=0)
        dataset[before:] = values


def _count(group: h5py.Group, name: str, lengths: Sequence[int]) -> None:
    """Append the ends of rows of these lengths to a dataset of offsets."""
    dataset = group[name]
    before = len(dataset)
    if lengths:
        ends = int(dataset[before - 1]) + np.cumsum(lengths, dtype=np.int64)
        dataset.resize(before + len(lengths), axis=0)
        dataset[before:] = ends


def has_events(file: h5py.File) -> bool:
    """Whether any row of the file has an event list."""
    return "event" in file and int(file["event/gti_offset"][-1]) > 0


def read_events(file: h5py.File, start: int, stop: int) -> list[EventList | None]:
    """Return the event lists of rows [start, stop); None where a row has none.

    Parameters
    ----------
    file : h5py.File
        An open ``spectra.h5``; one written before events were kept has none.
    start, stop : int
        Rows, 0 <= start <= stop <= n.

    Returns
    -------
    list of EventList or None
        One a row.

    Raises
    ------
    ValueError
        Rows that the file does not have.
    StoreError
        What is stored is no event list.
    """
    if not _checked(file, start, stop) or "event" not in file:
        return [None] * (stop - start)
    block, zero = _flat(file, start, stop), file["event/zero"][start:stop]
    at, gti_at = block.offset, block.gti_offset
    rows: list[EventList | None] = []
    for i in range(stop - start):
        own, good = slice(at[i], at[i + 1]), slice(gti_at[i], gti_at[i + 1])
        if good.start == good.stop:
            rows.append(None)
            continue
        try:
            rows.append(EventList(block.time[own], block.energy[own], block.gti[good], float(zero[i])))
        except ValueError as error:
            raise StoreError(
                f"{file.filename}: row {start + i} of /event: {error}; ingest the file again"
            ) from error
    return rows


def read_block(file: h5py.File, start: int, stop: int) -> EventBlock:
    """Return the events of rows [start, stop) as flat arrays.

    Parameters and errors are those of :func:`read_events`.
    """
    if not _checked(file, start, stop) or "event" not in file:
        return EventBlock.of([None] * (stop - start))
    block = _flat(file, start, stop)
    if fault := block.fault():
        raise StoreError(
            f"{file.filename}: row {start + fault[0]} of /event: {fault[1]}; ingest the file again"
        )
    return block


def spans(file: h5py.File, start: int, stop: int, step: int, most: int) -> Iterator[range]:
    """Cut rows [start, stop) into spans of whole steps that hold at most `most` events, or are one step."""
    if "event" not in file:
        yield range(start, stop)
        return
    ends = file["event/offset"][start : stop + 1]
    first = start
    for at in range(start + step, stop, step):
        if ends[min(at + step, stop) - start] - ends[first - start] > most:
            yield range(first, at)
            first = at
    if first < stop:
        yield range(first, stop)


def _checked(file: h5py.File, start: int, stop: int) -> int:
    """Return how many rows [start, stop) are; raise where the file does not have them."""
    n = int(file["detection/obsid"].shape[0])
    if not 0 <= start <= stop <= n:
        raise ValueError(f"rows {start} to {stop} of a file of {n}")
    return stop - start


def _flat(file: h5py.File, start: int, stop: int) -> EventBlock:
    """Read rows [start, stop), at least one."""
    group = file["event"]
    at, gti_at = (group[name][start : stop + 1].astype(np.int64) for name in ("offset", "gti_offset"))
    for name, ends in (("offset", at), ("gti_offset", gti_at)):
        down = np.flatnonzero(np.diff(ends, prepend=0) < 0)
        if len(down):
            raise StoreError(
                f"{file.filename}: row {start + int(down[0])} of /event/{name} goes back; "
                "ingest the file again"
            )
    own, good = slice(at[0], at[-1]), slice(gti_at[0], gti_at[-1])
    time, energy = group["time"][own].astype(np.float64), group["energy"][own].astype(np.float32)
    gti = np.stack([group[name][good].astype(np.float64) for name in ("gti_start", "gti_stop")], axis=1)
    return EventBlock(at - at[0], time, energy, gti_at - gti_at[0], gti)
