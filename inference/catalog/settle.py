"""Reading the inputs of ingest: one look into each, the fates, and again the few that need another's file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ChandraEmbedError, Quarantined
from ..progress import Progress
from ..recipe import Recipe
from ..stopping import Stop
from . import inputs, journal, store
from .discovery import found_responses
from .fits import Companions
from .inputs import Fates, Given, Look, unreadable
from .joins import Identity, join, stand_in
from .kinds import COLLECTED, SPECTRUM
from .multimodal import collection_rows
from .reading import Job, Reading
from .regions import Region
from .workers import perform_all

CHUNK = 128  # files; about a second's work at most
CHUNK_BYTES = 64 << 20
COLLECTION_CHUNK = 1024  # rows


@dataclass
class Settings:
    """What all steps of one run share.

    Parameters
    ----------
    output : Path
        The file that is made, for messages.
    folder : Path
        The journal.
    recipe, regions
        What rows are made with.
    table : dict of Path to Companions
        Background and responses that a table names, by where the spectrum lies.
    responses : dict of str to list of Path
        ARF and RMF files of the catalog by name, see :class:`.discovery.Discovery`.
    workers : int
        How many processes read.
    stop : Stop
        Whether the run was asked to stop.
    """

    output: Path
    folder: Path
    recipe: Recipe
    regions: dict[str, Region]
    table: dict[Path, Companions]
    responses: dict[str, list[Path]]
    workers: int
    stop: Stop
    versions: str = field(default_factory=store.versions)

    def named(self, one: Given) -> Companions:
        """Return what the table names for an input, or what is found by its name in another folder."""
        named = self.table.get(Path(one.real), Companions()) if self.table else Companions()
        arf, rmf = found_responses(one, self.responses) if self.responses else (None, None)
        return Companions(named.background, named.arf or arf, named.rmf or rmf)

    def go_on(self) -> None:
        """Raise where the run was asked to stop."""
        if self.stop:
            raise self.stopped("while inputs were looked for")

    def stopped(self, what: str) -> ChandraEmbedError:
        """Return the error of a run that was asked to stop."""
        return ChandraEmbedError(
            f"{self.output}: stopped by {self.stop.signal} {what}; run the same command again to go on"
        )


@dataclass(frozen=True)
class Place:
    """Where the answer for one input stands in the journal."""

    path: Path
    number: int


@dataclass(frozen=True)
class _Answer:
    """What reading one input with certain companions and parts gave."""

    companions: Companions
    parts: tuple[Given, ...]
    place: Place
    problem: Quarantined | None


@dataclass
class Found:
    """What the inputs hold.

    `fates.used` is in the order of the rows, and `rows` tells where those of each stand; `collections` and
    `refused` are the collections, with where their rows stand, and those that cannot be read.
    """

    fates: Fates = field(default_factory=Fates)
    rows: dict[Given, Place] = field(default_factory=dict)
    collections: list[tuple[Given, list[Place]]] = field(default_factory=list)
    refused: list[tuple[Given, Quarantined]] = field(default_factory=list)


def settle(given: Sequence[Given], settings: Settings) -> Found:
    """Read all inputs and decide their fates.

    Raises
    ------
    ChandraEmbedError
        The run was asked to stop.
    OSError
        The journal cannot be written.
    """
    found = Found()
    answers = _first_look(given, settings, found)
    fates, order = found.fates, list(found.fates.used)
    while True:
        order, unread = _with_answers(order, answers, settings, fates)
        if not unread:
            break
        _read_again(unread, answers, settings, fates)
    fates.used = order
    rank = {one: number for number, one in enumerate(given)}
    fates.quarantined = dict(sorted(fates.quarantined.items(), key=lambda item: rank[item[0]]))
    found.rows = {one: answers[one].place for one in order}
    return found


def _first_look(given: Sequence[Given], settings: Settings, found: Found) -> dict[Given, _Answer]:
    """Read all inputs once; decide the fates, as far as headers and counts tell."""
    files = [one for one in given if one.kind != COLLECTED]
    jobs = [Job(one, settings.named(one), first=True) for one in files]
    jobs += _collections([one for one in given if one.kind == COLLECTED], found)
    answers: dict[Given, _Answer] = {}
    looks: dict[Given, Look] = {}
    identities: dict[Given, Identity] = {}
    unread: dict[Given, Quarantined] = {}
    places: dict[Given, list[Place]] = {}
    for job, place, reading in _perform(jobs, settings, "ingest"):
        one = job.given
        if one.kind == COLLECTED:
            places.setdefault(one, []).append(place)
            continue
        if reading.identity is not None:
            identities[one] = reading.identity
        if reading.look is not None:
            looks[one] = reading.look
            if reading.look.heading is not None and not reading.look.heading.named_background:
                answers[one] = _Answer(job.companions, (), place, reading.problem)
        elif reading.problem is not None:
            unread[one] = reading.problem
    found.collections = list(places.items())
    found.fates = inputs.decide(looks)
    found.fates.quarantined |= unread
    others = [one for one in files if one.kind != SPECTRUM and one not in unread]
    join(others, found.fates, identities, len(settings.regions))
    return answers


def _collections(given: Sequence[Given], found: Found) -> list[Job]:
    """Cut collections into chunks of rows."""
    jobs: list[Job] = []
    for one in given:
        try:
            n = collection_rows(one.path)
        except Quarantined as problem:
            found.refused.append((one, problem))
        except Exception as error:  # whatever is wrong with one file, the others go on
            found.refused.append((one, unreadable(error)))
        else:
            cuts = range(0, n, COLLECTION_CHUNK)
            jobs += [Job(one, rows=(at, min(at + COLLECTION_CHUNK, n))) for at in cuts]
    return jobs


def _with_answers(
    order: Sequence[Given], answers: dict[Given, _Answer], settings: Settings, fates: Fates
) -> tuple[list[Given], list[Job]]:
    """Go through what is used: quarantine what cannot be, let another stand in; return what is to be read."""
    kept: list[Given] = []
    unread: list[Job] = []
    for first in order:
        waiting = [first]
        while waiting:
            one = waiting.pop(0)
            job = Job(one, _companions(one, settings, fates), tuple(fates.joined.get(one, ())))
            answer = answers.get(one)
            if answer is None or (answer.companions, answer.parts) != (job.companions, job.parts):
                unread.append(job)
            elif answer.problem is not None:
                fates.quarantined[one] = answer.problem
                waiting = stand_in(one, fates) + waiting
                continue
            kept.append(one)
    return kept, unread


def _companions(one: Given, settings: Settings, fates: Fates) -> Companions:
    named = settings.named(one)
    return Companions(named.background or fates.paired.get(one), named.arf, named.rmf)


def _read_again(jobs: Sequence[Job], answers: dict[Given, _Answer], settings: Settings, fates: Fates) -> None:
    """Read inputs with what goes with them; parts that cannot be read are quarantined."""
    for job, place, reading in _perform(jobs, settings, "ingest, what goes together"):
        one, parts = job.given, job.parts
        if reading.problem is None:
            for number, problem in reading.parts.items():
                fates.quarantined[parts[number]] = problem
                del fates.companions[parts[number]]
            parts = tuple(part for number, part in enumerate(parts) if number not in reading.parts)
            fates.joined[one] = list(parts)
        answers[one] = _Answer(job.companions, parts, place, reading.problem)


def _perform(jobs: Sequence[Job], settings: Settings, label: str) -> Iterator[tuple[Job, Place, Reading]]:
    """Have jobs done, then yield the answers in order, without their rows."""
    chunks = list(_chunks(jobs))
    tasks = [journal.task(chunk, settings.recipe, settings.regions, settings.versions) for chunk in chunks]
    finished = 0
    with Progress(len(jobs), label, unit="files") as progress:

        def done(number: int) -> None:
            nonlocal finished
            finished += len(chunks[number])
            progress.update(len(chunks[number]))

        paths = perform_all(tasks, settings.folder, settings.workers, settings.stop, done)
    if finished < len(jobs):
        raise settings.stopped(f"after {finished:,} of {len(jobs):,} files")
    for chunk, path in zip(chunks, paths, strict=True):
        for number, (job, reading) in enumerate(zip(chunk, journal.looks(path), strict=True)):
            yield job, Place(path, number), reading


def _chunks(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Cut jobs into chunks, by number and by bytes, in order; rows of a collection are one each."""
    chunk: list[Job] = []
    size = 0
    for job in jobs:
        files = () if job.first and job.given.kind != SPECTRUM else (job.given, *job.parts)
        more = CHUNK_BYTES if job.rows else sum(journal.status(str(one.path))[0] for one in files)
        if chunk and (len(chunk) == CHUNK or size + more > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(job)
        size += more
    if chunk:
        yield chunk
