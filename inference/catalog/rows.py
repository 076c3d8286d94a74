"""From one input to one row of ``spectra.h5``: of a spectrum, of the events in a region, of a light curve."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ChandraEmbedError, Quarantined
from ..event_list import EventList
from ..hardness import hardness_columns
from ..preprocess import Observation, band_counts, preprocess
from ..recipe import Recipe
from ..variability import variability_columns
from .event_files import EventFile, EventTable, open_event_file
from .fits import Companions, find_named, read_spectrum
from .inputs import Given
from .kinds import EVENTS
from .lightcurves import LightCurve, read_lightcurve
from .pha import MAX_CHANNELS
from .region_files import read_region_file
from .regions import Region
from .responses import nominal_ebounds, read_arf, read_ebounds


@dataclass(frozen=True)
class Row:
    """One row, the files it was read from, and what is missing in them or was replaced."""

    detection: dict[str, Any]
    value: NDArray[np.float32]
    error: NDArray[np.float32]
    observation: Observation | None
    events: EventList | None = None
    lightcurve: LightCurve | None = None
    paths: tuple[Path | None, ...] = ()
    notes: tuple[str, ...] = ()


def spectrum_row(one: Given, companions: Companions, recipe: Recipe) -> Row:
    """Return the row of a PHA file.

    Raises
    ------
    Quarantined
        It cannot be used.
    """
    spectrum = read_spectrum(one.path, companions)
    paths = (one.path, spectrum.background_path, spectrum.arf_path, spectrum.rmf_path)
    facts = {"file": one.label, **spectrum.detection}
    return _measured(facts, spectrum.observation, recipe, paths=paths, notes=spectrum.notes)


def event_row(
    one: Given, table: EventTable, region: Region | None, label: str, companions: Companions, recipe: Recipe
) -> Row:
    """Return the row of the events in a region: the spectrum is that of their energies, no background.

    Parameters
    ----------
    one : Given
        The event file.
    table : EventTable
        What :func:`open_event_file` read from it.
    region : Region or None
        Which events; None: see :func:`own_region`.
    label : str
        What to write as the row's file.
    companions : Companions
        ARF and RMF that a table names; without an RMF the channels are the nominal ACIS PI grid.
    recipe : Recipe
        Quantity, grouping and grid.

    Raises
    ------
    Quarantined
        It cannot be used.
    """
    found, path, notes = _select(one.path, table, region)
    grid = read_ebounds(companions.rmf) if companions.rmf else nominal_ebounds(1, MAX_CHANNELS)
    counts = found.channel_counts(grid.lo, grid.hi)
    if not counts[(grid.hi > 0.5) & (grid.lo < 8.0)].any():
        raise Quarantined("no-counts", "no events in 0.5-8.0 keV")
    area = read_arf(companions.arf) if companions.arf else None
    if companions.background:
        notes = (*notes, f"{companions.background.name} is not used: an event file has no BACKSCAL")
    observation = Observation(
        counts=counts,
        exposure=found.exposure,
        energy_lo=grid.lo,
        energy_hi=grid.hi,
        area_lo=area.energ_lo if area else None,
        area_hi=area.energ_hi if area else None,
        area=area.area if area else None,
    )
    facts = {"file": label, **found.detection}
    if label != one.label:
        facts["region_id"] = -1  # the region is the user's, not the catalog's
    facts |= {"has_background": False, "has_arf": area is not None, "has_rmf": companions.rmf is not None}
    facts |= variability_columns(found.events)
    paths = (one.path, path, companions.arf, companions.rmf)
    return _measured(facts, observation, recipe, events=found.events, paths=paths, notes=notes)


def lightcurve_row(one: Given, recipe: Recipe) -> Row:
    """Return the row of a light curve that has neither spectrum nor events: its spectrum is zero.

    Raises
    ------
    Quarantined
        It cannot be used, or the recipe wants an effective area.
    """
    if recipe.quantity == "flux":
        raise Quarantined("no-arf", "a light curve alone has no effective area")
    read = read_lightcurve(one.path)
    zero = np.zeros(recipe.n_bins, np.float32)
    facts = {"file": one.label, **read.detection, "has_arf": False, "has_rmf": False}
    facts["source_id"] = source_id(facts)
    notes = ("light curve alone: the spectrum is zero",)
    return Row(facts, zero, zero, None, lightcurve=read.curve, paths=(one.path,), notes=notes)


def with_part(row: Row, part: Given, region: Region | None) -> Row:
    """Return a row with the events or the light curve of a file that joined it.

    Variability is that of the events, and of a light curve where its header states it: the catalog's own.

    Raises
    ------
    Quarantined
        The file cannot be used; the row is as good as before.
    """
    detection = dict(row.detection)
    if part.kind == EVENTS:
        found, path, notes = _select(part.path, open_event_file(part.path), region)
        if row.lightcurve is None or not np.isfinite(row.lightcurve.prob):
            detection |= variability_columns(found.events)
        paths, notes = (*row.paths, part.path, path), (*row.notes, *notes)
        return replace(row, detection=detection, events=found.events, paths=paths, notes=notes)
    read = read_lightcurve(part.path)
    if np.isfinite(read.curve.prob):
        detection |= {name: read.detection[name] for name in ("var_prob_b", "var_index_b")}
    return replace(row, detection=detection, lightcurve=read.curve, paths=(*row.paths, part.path))


def own_region(path: Path) -> Path | None:
    """Return the reg3 file that holds the source region of a CSC regevt3 file, None where none lies there.

    A regevt3 file covers the background region too.
    """
    name = path.name.lower()
    at = name.find("regevt3")
    return find_named(path, path.name[:at] + "reg3" + path.name[at + len("regevt3") :]) if at >= 0 else None


def _select(
    path: Path, table: EventTable, region: Region | None
) -> tuple[EventFile, Path | None, tuple[str, ...]]:
    """The events of a region, or of the file's own, with the file of that and what is worth a note."""
    own = own_region(path) if region is None else None
    more: Sequence[str] = ()
    if own is not None:
        try:
            region = read_region_file(own)
        except ChandraEmbedError as error:
            raise Quarantined("bad-region", str(error)) from error
    elif region is None and "regevt3" in path.name.lower():
        more = ("no reg3 file beside it: events of the background region are among them",)
    found = table.select(region)
    return found, own, (*found.notes, *more)


def _measured(facts: dict[str, Any], observation: Observation, recipe: Recipe, **more: Any) -> Row:
    """A row with what is measured on the counts."""
    with np.errstate(over="ignore", invalid="ignore"):
        value, error = preprocess(observation, recipe)
    if not (np.isfinite(value).all() and np.isfinite(error).all()):
        raise Quarantined("not-finite", "the spectrum is beyond single precision: absurd exposure or scaling")
    source, _, net = band_counts(observation)
    detection = facts | {
        "counts": source,
        "background_counts": source - net,
        "net_counts": net,
        **hardness_columns(observation),
    }
    detection["source_id"] = source_id(detection)
    return Row(detection, value, error, observation, **more)


def source_id(detection: dict[str, Any]) -> str:
    """Return what identifies the source of a detection: its name, else ObsID and region, else its file."""
    if detection.get("name"):
        return str(detection["name"])
    if detection.get("obsid", -1) >= 0 and detection.get("region_id", -1) >= 0:
        return f"{detection['obsid']}_{detection.get('obi', -1)}_{detection['region_id']}"
    return str(detection["file"])
