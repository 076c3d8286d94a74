"""Reading one input for ingest: what decides its fate, and its rows, ready to be written."""

from dataclasses import dataclass, field

from ..errors import Quarantined
from ..preprocess import resample
from ..recipe import Recipe
from .entry import Entry, entry
from .event_files import open_event_file
from .file_bytes import file_bytes
from .fits import Companions
from .inputs import Given, Look, look, unreadable
from .joins import Identity, identity
from .kinds import EVENTS, LIGHTCURVE, SPECTRUM
from .multimodal import read_collection
from .regions import Region
from .rows import Row, event_row, lightcurve_row, source_id, spectrum_row, with_part

NONE = Companions()


@dataclass(frozen=True)
class Job:
    """One input to read, with what goes with it.

    Parameters
    ----------
    given : Given
        The input.
    companions : Companions
        Background and responses that no header names.
    parts : tuple of Given
        Event file and light curve that joined it.
    rows : (int, int), optional
        Of a collection: the first row, and the one after the last.
    first : bool
        Whether it is the first look: fates are not decided yet, so event files and light curves are only
        identified.
    """

    given: Given
    companions: Companions = NONE
    parts: tuple[Given, ...] = ()
    rows: tuple[int, int] | None = None
    first: bool = False


@dataclass(frozen=True)
class Ready:
    """One row ready to be written.

    `files` are the files it was read from, with their SHA-256 (``""``: there was none of that kind), `notes`
    what is missing in them or was replaced.
    """

    entry: Entry
    files: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Reading:
    """What reading one input gave.

    `problem` is why there is no row, where there is none; `parts` are the parts that could not be read, by
    number; `regions` holds (region, number of its row or -1, reason), `aside` (label, reason) of the rows of
    a collection that were set aside.
    """

    look: Look | None = None
    identity: Identity | None = None
    rows: list[Ready] = field(default_factory=list)
    problem: Quarantined | None = None
    parts: dict[int, Quarantined] = field(default_factory=dict)
    regions: list[tuple[str, int, str]] = field(default_factory=list)
    aside: list[tuple[str, str]] = field(default_factory=list)


def read(job: Job, recipe: Recipe, regions: dict[str, Region]) -> Reading:
    """Read one input; nothing that is wrong with it is raised.

    Parameters
    ----------
    job : Job
        The input.
    recipe : Recipe
        Quantity, grouping and grid.
    regions : dict of str to Region
        Regions of event files by name.
    """
    found, kind = Reading(), job.given.kind
    try:
        if job.rows is not None:
            _collection(job, recipe, found)
            return found
        if job.first:
            found.identity = identity(job.given.path)
        if job.first and kind == SPECTRUM:
            found.look = look(job.given, job.companions.background)
            if found.look.heading is None or found.look.heading.named_background:
                return found  # no row before its fate is known
        if not job.first or kind == SPECTRUM:
            _rows(job, recipe, regions, found)
    except Quarantined as problem:
        found.problem = problem
    except Exception as error:  # whatever is wrong with one file, the others go on
        found.problem = unreadable(error)
    if found.problem is not None:
        found.rows = []
    return found


def _rows(job: Job, recipe: Recipe, regions: dict[str, Region], found: Reading) -> None:
    """Add the rows of a spectrum, an event file or a light curve."""
    one = job.given
    if one.kind == EVENTS and regions:
        table, problems = open_event_file(one.path), list[Quarantined]()
        for name, region in regions.items():
            try:
                row = event_row(one, table, region, f"{one.label}#{name}", job.companions, recipe)
                found.rows.append(_ready(_with_parts(row, job, region, found)))
                found.regions.append((name, len(found.rows) - 1, ""))
            except Quarantined as problem:
                problems.append(problem)
                found.regions.append((name, -1, str(problem)))
        if not found.rows:
            raise problems[0]
        return
    if one.kind == LIGHTCURVE:
        row = lightcurve_row(one, recipe)
    elif one.kind == EVENTS:
        row = event_row(one, open_event_file(one.path), None, one.label, job.companions, recipe)
    else:
        row = spectrum_row(one, job.companions, recipe)
    found.rows.append(_ready(_with_parts(row, job, next(iter(regions.values()), None), found)))


def _with_parts(row: Row, job: Job, region: Region | None, found: Reading) -> Row:
    """Add the events and the light curve that joined an input; it is as good without one that is damaged."""
    for number, part in enumerate(job.parts):
        try:
            row = with_part(row, part, region)
        except Quarantined as problem:
            found.parts[number] = problem
        except Exception as error:  # the spectrum is as good without it
            found.parts[number] = unreadable(error)
    return row


def _ready(row: Row) -> Ready:
    files = tuple((str(path), file_bytes(path).sha256) if path else ("", "") for path in row.paths)
    made = entry(row.detection, row.value, row.error, row.observation, row.events, row.lightcurve)
    return Ready(made, files, row.notes)


def _collection(job: Job, recipe: Recipe, found: Reading) -> None:
    """Add rows of a collection."""
    for row in read_collection(job.given.path, recipe, job.rows):
        label = f"{job.given.label}#{row.number}"
        try:
            if row.grouped is None:
                raise row.problem or Quarantined("unreadable")
            detection = {"file": label, **row.detection}
            detection["source_id"] = source_id(detection)
            found.rows.append(Ready(entry(detection, *resample(row.grouped, recipe), None)))
        except Quarantined as problem:
            found.aside.append((label, str(problem)))
