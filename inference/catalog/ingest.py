"""From files to ``spectra.h5``: every input gets one fate, and what can be used one row.

How a run is resumed. Inputs are read in chunks, in the order given, each file opened once: what decides its
fate and the row that it would make come of one look. The answer for each chunk is one file of the journal,
the folder ``<output>.parts``, written under another name and renamed, so that a kill, a full disk or a
signal leaves it whole or not at all (`journal`). Which process reads a chunk, and when, changes nothing in
it (`workers`). Only when all are there are the fates decided, the few inputs read again that need what
another holds (a background paired by name, events, light curves: `settle`), and ``spectra.h5`` is written
inside that folder, from the journal alone, and renamed over the output; then the folder is removed. A run
that starts again finds the answers to the same questions (same inputs of the same size and time, same recipe
and versions) and reads the rest; what has changed is another question, so nothing old is ever mixed in. One
run at a time writes an output (`lock`).
"""

import contextlib
import errno
import hashlib
import logging
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ..errors import ChandraEmbedError, StoreError
from ..recipe import Recipe
from ..stopping import stopping
from ..threads import thread_count
from . import journal
from .catalog_join import CatalogTable, read_catalog_table
from .discovery import discover
from .entry import Entry
from .inputs import Given
from .kinds import EVENTS
from .lock import writing
from .reading import Reading, Ready
from .regions import Region
from .response_table import read_response_table
from .settle import Found, Place, Settings, settle
from .spectra_file import CHUNK, SpectraWriter
from .store import sha256_file

logger = logging.getLogger("chandra_embed")

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ROW_BYTES = 2 << 10  # of /detection and of what is counted by row


@dataclass(frozen=True)
class Summary:
    """What became of the inputs; used + companions + quarantined = given.

    An event file counts once, however many rows its regions give: it is used where one region at least
    gave a row. `rows` counts the rows. `quarantine` holds (path, reason), `companion` (path, of, why) and
    `regions_aside` (path, region, reason) the regions of used files that gave no row; `without` counts the
    used spectra that lack a background, an ARF or an RMF, and `catalog` the rows by how they were found in
    the table, ``"none"`` those that were not; None without a table.
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
    catalog: dict[str, int] | None = None


def ingest(
    paths: Sequence[Path],
    output: Path,
    recipe: Recipe,
    responses: Path | None = None,
    regions: Sequence[Region] = (),
    *,
    catalog: Path | None = None,
    radius: float | None = None,
    jobs: int | None = None,
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
    catalog : Path, optional
        Table of detections or sources whose columns are joined to the rows, on ObsID, interval and region,
        else on name and ObsID, else on the position; see :func:`.catalog_join.read_catalog_table`.
    radius : float, optional
        Greatest distance of a match by position, arcsec; without it positions do not match.
    jobs : int, optional
        How many processes read; default :func:`.threads.thread_count`. The file is the same with any.

    Returns
    -------
    Summary
        The fates; the same stand in the file.

    Raises
    ------
    ChandraEmbedError
        A path or a file that the table names does not exist, regions are given and no event file, or the
        run was asked to stop.
    StoreError
        The output cannot be written, or another process writes it.
    """
    with writing(output), stopping() as stop:
        real = output.resolve()
        folder = real.with_name(f"{real.name}.parts")
        settings = Settings(output, folder, recipe, _by_name(regions), {}, {}, jobs or thread_count(), stop)
        try:
            folder.mkdir(exist_ok=True)
            discovery = discover(paths, folder / "unpacked", settings.go_on)
            given, settings.responses = discovery.given, discovery.responses
            _check(output, given, (responses, catalog), regions)
            settings.table = read_response_table(responses, given) if responses else {}
            table = read_catalog_table(catalog, radius) if catalog else None
            found = settle(given, settings)
            found.refused = discovery.refused + found.refused
            summary = _Writing(settings, found, table).write(folder / real.name)
            os.replace(folder / real.name, real)
        except OSError as error:
            raise _refused(settings, error) from error
        except ChandraEmbedError:
            with contextlib.suppress(OSError):
                folder.rmdir()  # where it has not come to reading
            raise
        shutil.rmtree(folder, ignore_errors=True)
        return summary


def _refused(settings: Settings, error: OSError) -> StoreError:
    """What the disk refused, and what to do about it."""
    if error.errno in NO_ROOM or "No space left" in str(error):
        return StoreError(
            f"{settings.output}: no room on the disk ({error.strerror or error}); make room and run the same "
            f"command again to go on: what has been read is kept in {settings.folder.name}"
        )
    return StoreError(f"{settings.output}: cannot be written ({error})")


def _by_name(regions: Sequence[Region]) -> dict[str, Region]:
    """Regions by what they are called in the file; equal names are numbered."""
    names = Counter(region.text for region in regions)
    return {
        region.text if names[region.text] == 1 else f"{region.text} ({i})": region
        for i, region in enumerate(regions, 1)
    }


def _check(
    output: Path, given: Sequence[Given], tables: Sequence[Path | None], regions: Sequence[Region]
) -> None:
    """Refuse to write over what is to be read, and regions of nothing."""
    for path in (*(one.path for one in given), *(one for one in tables if one)):
        if output.exists() and path.exists() and output.samefile(path):
            raise ChandraEmbedError(f"{output}: is one of the inputs; give another name to -o")
    if regions and not any(one.kind == EVENTS for one in given):
        raise ChandraEmbedError("--region takes events from event files, and none is among the inputs")


@dataclass
class _Writing:
    """From the journal to the file."""

    settings: Settings
    found: Found
    catalog: CatalogTable | None
    without: Counter[str] = field(default_factory=Counter)
    regions_used: list[tuple[str, str, int, str]] = field(default_factory=list)
    aside: list[tuple[str, str]] = field(default_factory=list)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def write(self, path: Path) -> Summary:
        """Write the file; return the fates."""
        self._check_room()
        for name, region in self.settings.regions.items():
            self.digest.update(f"{name} {region.shapes!r}".encode())
        with SpectraWriter(path, self.settings.recipe, {"simulated": False}) as writer:
            for one in self.found.fates.used:
                self._add(one, self.found.rows[one], writer)
            collected = self._add_collections(writer)
            summary = self._summary(writer.rows_with_pending, *collected)
            counts = {name: getattr(summary, name) for name in ("given", "used", "companions", "quarantined")}
            if summary.used + summary.companions + summary.quarantined != summary.given:
                raise ChandraEmbedError(
                    f"{self.settings.output}: the fates of the inputs do not add up ({counts}); report this"
                )
            attributes = {**counts, "input_sha256": self.digest.hexdigest()}
            attributes |= self.catalog.attributes if self.catalog else {}
            writer.close(summary.companion, summary.quarantine, attributes, self.regions_used)
        return summary

    def _check_room(self) -> None:
        """Raise where the disk has no room for the file, before it is begun."""
        rows = len(self.found.fates.used)
        need = rows * (8 * self.settings.recipe.n_bins + 8 * 1024 + ROW_BYTES)
        free = shutil.disk_usage(self.settings.folder).free
        if free < need:
            raise OSError(errno.ENOSPC, f"{need / 1e6:,.0f} MB needed, {free / 1e6:,.0f} MB free")

    def _add(self, one: Given, place: Place, writer: SpectraWriter) -> None:
        """Write the rows of a file."""
        reading, first = _reading(place), writer.rows_with_pending
        for row in reading.rows:
            self._add_row(row, writer)
        for name, number, reason in reading.regions:
            row_number = first + number if number >= 0 else -1
            self.regions_used.append((one.label, name, row_number, reason))

    def _add_row(self, row: Ready, writer: SpectraWriter) -> None:
        """Write one row and say what it lacks."""
        detection = row.entry.detection
        writer.add(self._joined(row.entry))
        self.digest.update(str(detection["file"]).encode())
        for _, sha256 in row.files:
            self.digest.update(sha256.encode() or b"-")
        for note in row.notes:
            logger.info("%s: %s", detection["file"], note)
        for what in ("background", "arf", "rmf") if row.entry.channels is not None else ():
            self.without[what] += not detection[f"has_{what}"]
        if self.settings.stop and writer.rows_with_pending % CHUNK == 0:
            raise self.settings.stopped("while it was written; all inputs are read")

    def _joined(self, one: Entry) -> Entry:
        """A row with what the catalog's table says of it."""
        return one if self.catalog is None else one._replace(detection=self.catalog.join(one.detection))

    def _add_collections(self, writer: SpectraWriter) -> tuple[int, int]:
        """Write the rows of collections; return how many rows were given and used."""
        before = writer.rows_with_pending
        for one, places in self.found.collections:
            self.digest.update(one.label.encode() + sha256_file(one.path).encode())
            for place in places:
                reading = _reading(place)
                if reading.problem is not None:
                    raise ChandraEmbedError(f"{one.label}: {reading.problem}; it changed while it was read")
                for row in reading.rows:
                    writer.add(self._joined(row.entry))
                self.aside += reading.aside
        used = writer.rows_with_pending - before
        given = used + len(self.aside) + len(self.found.refused)
        self.aside += [(one.label, str(problem)) for one, problem in self.found.refused]
        return given, used

    def _summary(self, rows: int, collected: int, used: int) -> Summary:
        """Put the fates together."""
        fates = self.found.fates
        quarantine = [(one.label, str(error)) for one, error in fates.quarantined.items()] + self.aside
        companion = [(one.label, of.label, why) for one, (of, why) in fates.companions.items()]
        return Summary(
            given=fates.given + collected,
            used=len(fates.used) + used,
            companions=len(companion),
            quarantined=len(quarantine),
            rows=rows,
            companion=companion,
            quarantine=quarantine,
            regions_aside=[(path, text, why) for path, text, row, why in self.regions_used if row < 0],
            without=dict(self.without),
            catalog=self.catalog.counts if self.catalog else None,
        )


def _reading(place: Place) -> Reading:
    return _readings(place.path)[place.number]


@lru_cache(maxsize=4)
def _readings(path: Path) -> list[Reading]:
    return journal.readings(path)
