"""From files to ``spectra.h5``: every input gets one fate, and what can be used one row."""

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ..errors import ChandraEmbedError, Quarantined
from ..preprocess import resample
from ..progress import Progress
from ..recipe import Recipe
from . import inputs
from .event_files import open_event_file
from .fits import Companions
from .inputs import Fates, Given
from .joins import join, stand_in
from .kinds import EVENTS, LIGHTCURVE, SPECTRUM
from .multimodal import is_collection, read_collection
from .regions import Region
from .response_table import read_response_table
from .rows import Row, event_row, lightcurve_row, source_id, spectrum_row, with_part
from .spectra_file import SpectraWriter
from .store import sha256_file

logger = logging.getLogger("chandra_embed")


@dataclass(frozen=True)
class Summary:
    """What became of the inputs; used + companions + quarantined = given.

    An event file counts once, however many rows its regions give: it is used where one region at least
    gave a row. `rows` counts the rows. `quarantine` holds (path, reason), `companion` (path, of, why) and
    `regions_aside` (path, region, reason) the regions of used files that gave no row; `without` counts the
    used spectra that lack a background, an ARF or an RMF.
    """

    given: int
    used: int
    companions: int
    quarantined: int
    rows: int
    companion: list[tuple[str, str, str]]
    quarantine: list[tuple[str, str]]
    regions_aside: list[tuple[str, str, str]]
    without: dict[str, int]


@dataclass
class _Work:
    """What reading one input after the other needs and gathers."""

    recipe: Recipe
    writer: SpectraWriter
    fates: Fates
    table: dict[Path, Companions]
    regions: dict[str, Region]
    without: Counter[str] = field(default_factory=Counter)
    regions_used: list[tuple[str, str, int, str]] = field(default_factory=list)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)


def ingest(
    paths: Sequence[Path],
    output: Path,
    recipe: Recipe,
    responses: Path | None = None,
    regions: Sequence[Region] = (),
) -> Summary:
    """Read every input, put each usable spectrum on the grid, and write ``spectra.h5``.

    Parameters
    ----------
    paths : sequence of Path
        Files and directories: spectra, event files, light curves, collections.
    output : Path
        The file to write; replaced where it exists.
    recipe : Recipe
        Quantity, grouping and grid.
    responses : Path, optional
        Table of responses and backgrounds that headers do not name.
    regions : sequence of Region
        Which events of the event files: without one those of the whole file (of a regevt3 file, of the
        reg3 file beside it); with several each file gives a row for each and joins no spectrum.

    Returns
    -------
    Summary
        The fates; the same stand in the file.

    Raises
    ------
    ChandraEmbedError
        A path or a file that the table names does not exist, or regions are given and no event file.
    """
    given = inputs.discover(paths)
    _check_output(output, given, responses)
    if regions and not any(one.kind == EVENTS for one in given):
        raise ChandraEmbedError("--region takes events from event files, and none is among the inputs")
    table = read_response_table(responses, given) if responses else {}
    collections = [one for one in given if one.kind == SPECTRUM and is_collection(one.path)]
    files = [one for one in given if one not in collections]
    fates = inputs.decide([one for one in files if one.kind == SPECTRUM], table)
    join([one for one in files if one.kind != SPECTRUM], fates, len(regions))
    with SpectraWriter(output, recipe, {"simulated": False}) as writer:
        work = _Work(recipe, writer, fates, table, _by_name(regions))
        for name, region in work.regions.items():
            work.digest.update(f"{name} {region.shapes!r}".encode())
        with Progress(len(fates.used), "ingest", unit="files") as progress:
            waiting = list(fates.used)
            while waiting:
                one = waiting.pop(0)
                if not _use(one, work):
                    waiting = stand_in(one, fates) + waiting
                progress.update(1)
        collected, used, aside = _use_collections(collections, work)
        summary = _summary(work, len(files) + collected, len(fates.used) + used, aside)
        counts = {name: getattr(summary, name) for name in ("given", "used", "companions", "quarantined")}
        if summary.used + summary.companions + summary.quarantined != summary.given:
            raise ChandraEmbedError(
                f"{output}: the fates of the inputs do not add up ({counts}); report this"
            )
        attributes = {**counts, "input_sha256": work.digest.hexdigest()}
        writer.close(summary.companion, summary.quarantine, attributes, work.regions_used)
    return summary


def _use_collections(collections: Sequence[Given], work: _Work) -> tuple[int, int, list[tuple[str, str]]]:
    """Write the rows of collections; return how many were given and used, and those set aside."""
    collected, before, quarantine = 0, work.writer.rows_with_pending, list[tuple[str, str]]()
    for one in collections:
        work.digest.update(one.label.encode() + sha256_file(one.path).encode())
        count, aside = _use_collection(one, work.recipe, work.writer)
        collected, quarantine = collected + count, quarantine + aside
    return collected, work.writer.rows_with_pending - before, quarantine


def _summary(work: _Work, given: int, used: int, aside: list[tuple[str, str]]) -> Summary:
    """Put the fates together; `aside` are the rows of collections set aside."""
    quarantine = [(one.label, str(error)) for one, error in work.fates.quarantined.items()] + aside
    companion = [(one.label, of.label, why) for one, (of, why) in work.fates.companions.items()]
    return Summary(
        given=given,
        used=used,
        companions=len(companion),
        quarantined=len(quarantine),
        rows=work.writer.rows_with_pending,
        companion=companion,
        quarantine=quarantine,
        regions_aside=[(path, text, why) for path, text, row, why in work.regions_used if row < 0],
        without=dict(work.without),
    )


def _by_name(regions: Sequence[Region]) -> dict[str, Region]:
    """Regions by what they are called in the file; equal names are numbered."""
    names = Counter(region.text for region in regions)
    return {
        region.text if names[region.text] == 1 else f"{region.text} ({i})": region
        for i, region in enumerate(regions, 1)
    }


def _check_output(output: Path, given: Sequence[Given], responses: Path | None) -> None:
    """Refuse to write over what is to be read."""
    for path in (*(one.path for one in given), *((responses,) if responses else ())):
        if output.exists() and path.exists() and output.samefile(path):
            raise ChandraEmbedError(f"{output}: is one of the inputs; give another name to -o")


def _use(one: Given, work: _Work) -> bool:
    """Read one input and add its row or rows; False where it is quarantined."""
    fates = work.fates
    try:
        if one.kind == EVENTS and work.regions:
            _use_regions(one, work)
        else:
            _add(_with_parts(one, _row(one, work), work), work)
        return True
    except Quarantined as problem:
        fates.quarantined[one] = problem
    except Exception as error:  # whatever is wrong with one file, the others go on
        fates.quarantined[one] = _unreadable(error)
    fates.used.remove(one)
    return False


def _unreadable(error: Exception) -> Quarantined:
    return Quarantined("unreadable", f"{type(error).__name__}: {error}")


def _companions(one: Given, work: _Work) -> Companions:
    named = work.table.get(one.path.resolve(), Companions())
    return Companions(named.background or work.fates.paired.get(one), named.arf, named.rmf)


def _row(one: Given, work: _Work) -> Row:
    if one.kind == LIGHTCURVE:
        return lightcurve_row(one, work.recipe)
    companions = _companions(one, work)
    if one.kind == EVENTS:
        return event_row(one, open_event_file(one.path), None, one.label, companions, work.recipe)
    return spectrum_row(one, companions, work.recipe)


def _use_regions(one: Given, work: _Work) -> None:
    """Add a row for each region of an event file.

    Raises
    ------
    Quarantined
        None gave a row; the reason is that of the first.
    """
    table, found, problems = open_event_file(one.path), 0, list[Quarantined]()
    told: list[tuple[str, str, int, str]] = []
    for name, region in work.regions.items():
        row_number, reason = -1, ""
        try:
            label = f"{one.label}#{name}"
            row = event_row(one, table, region, label, _companions(one, work), work.recipe)
            row = _with_parts(one, row, work)  # with several regions nothing has joined
            row_number = _add(row, work)
            found += 1
        except Quarantined as problem:
            problems.append(problem)
            reason = str(problem)
        told.append((one.label, name, row_number, reason))
    if not found:
        raise problems[0]
    work.regions_used += told


def _with_parts(one: Given, row: Row, work: _Work) -> Row:
    """Add the events and the light curve that joined an input; what cannot be read is quarantined."""
    region = next(iter(work.regions.values()), None)
    for part in list(work.fates.joined.get(one, [])):
        try:
            row = with_part(row, part, region)
            continue
        except Quarantined as problem:
            work.fates.quarantined[part] = problem
        except Exception as error:  # the spectrum is as good without it
            work.fates.quarantined[part] = _unreadable(error)
        del work.fates.companions[part]
        work.fates.joined[one].remove(part)
    return row


def _add(row: Row, work: _Work) -> int:
    """Write a row and say what it lacks; return its number."""
    number = work.writer.rows_with_pending
    work.writer.append(row.detection, row.value, row.error, row.observation, row.events, row.lightcurve)
    work.digest.update(str(row.detection["file"]).encode())
    for path in row.paths:
        work.digest.update(_sha256(path).encode() if path else b"-")
    for note in row.notes:
        logger.info("%s: %s", row.detection["file"], note)
    for what in ("background", "arf", "rmf") if row.observation is not None else ():
        work.without[what] += not row.detection[f"has_{what}"]
    return number


@lru_cache(maxsize=256)
def _sha256(path: Path) -> str:
    return sha256_file(path)


def _use_collection(one: Given, recipe: Recipe, writer: SpectraWriter) -> tuple[int, list[tuple[str, str]]]:
    """Write the rows of a collection; return their number, and (file#row, reason) of those set aside."""
    aside = []
    count = 0
    try:
        for row in read_collection(one.path, recipe):
            count += 1
            label = f"{one.label}#{row.number}"
            try:
                if row.grouped is None:
                    raise row.problem or Quarantined("unreadable")
                detection = {"file": label, **row.detection}
                detection["source_id"] = source_id(detection)
                writer.append(detection, *resample(row.grouped, recipe), None)
            except Quarantined as problem:
                aside.append((label, str(problem)))
    except Quarantined as problem:
        return 1, [(one.label, str(problem))]
    if not count:
        return 1, [(one.label, str(Quarantined("no-counts", "the collection holds no rows")))]
    return count, aside
