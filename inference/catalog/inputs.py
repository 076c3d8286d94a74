"""Which files are given, and of spectra the one fate of each: used, companion of another, or quarantined.

HDUCLAS2 alone cannot be trusted (backgrounds say TOTAL), so a background is what another file's BACKFILE
names, or what pairs with a source of the same ObsID and exposure by its name.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..errors import ChandraEmbedError, Quarantined
from .archives import is_archive, unpack
from .fits import CSC_NAME, find_named
from .fits_tables import open_tables
from .kinds import SPECTRUM, found_kind, kind_of
from .pha import read_pha, spectrum_extensions

logger = logging.getLogger("chandra_embed")

FEW_COUNTS = 20
BACKGROUND_WORDS = {"bg", "bkg", "bgd", "back", "background"}


@dataclass(frozen=True)
class Given:
    """One input file: where it lies, its name relative to the PATH given, and its kind (see `kinds`)."""

    path: Path
    label: str
    kind: str = SPECTRUM

    @cached_property
    def real(self) -> str:
        """Where the file lies, links followed."""
        return os.path.realpath(self.path)


@dataclass(frozen=True)
class Heading:
    """What decides the fate of one readable spectrum."""

    obs_id: str
    exposure: float
    digest: str
    total: float
    grouped: bool
    says_background: bool
    has_background: bool
    backfile: Path | None
    responses: int
    stem: str
    folder: str

    @property
    def place(self) -> tuple[str, str]:
        """Folder and ObsID, where a background without a name in any header is looked for."""
        return self.folder, self.obs_id

    @property
    def named_background(self) -> bool:
        """Whether the header, or a word of the file name, says background; a file that has one is none."""
        words = re.split(r"[^a-z]+", self.stem)
        by_name = any(word in BACKGROUND_WORDS or "bkg" in word for word in words)
        return self.says_background or (by_name and not self.has_background)


@dataclass(frozen=True)
class Look:
    """What one look into a spectrum tells of its fate.

    `backfile` is the file that BACKFILE or a table names, known whatever else is wrong with the spectrum;
    either `heading` or `problem` is None.
    """

    backfile: Path | None
    heading: Heading | None
    problem: Quarantined | None


@dataclass
class Fates:
    """Every input once: `used`, `companions` (path -> of, why) or `quarantined` (path -> reason).

    `paired` are the backgrounds found by name, `joined` the event files and light curves that are companions,
    `copies` the grouped copies of a used spectrum.
    """

    used: list[Given] = field(default_factory=list)
    companions: dict[Given, tuple[Given, str]] = field(default_factory=dict)
    quarantined: dict[Given, Quarantined] = field(default_factory=dict)
    paired: dict[Given, Path] = field(default_factory=dict)
    joined: dict[Given, list[Given]] = field(default_factory=dict)
    copies: dict[Given, list[Given]] = field(default_factory=dict)

    @property
    def given(self) -> int:
        """How many inputs there are."""
        return len(self.used) + len(self.companions) + len(self.quarantined)


@dataclass
class Discovery:
    """What lies under the paths given.

    Parameters
    ----------
    given : list of Given
        The inputs, in order.
    refused : list of (Given, Quarantined)
        Tar files and members of tar files that cannot be read, with the reason.
    responses : dict of str to list of Path
        ARF and RMF files of the catalog by name, in lower case and without ``.gz``.
    """

    given: list[Given] = field(default_factory=list)
    refused: list[tuple[Given, Quarantined]] = field(default_factory=list)
    responses: dict[str, list[Path]] = field(default_factory=dict)


class _Search:
    """The search for inputs, path after path."""

    def __init__(self, unpacked: Path | None, goes_on: Callable[[], None]) -> None:
        self.found: dict[str, tuple[Path, Path, Path, str]] = {}  # file, as shown, below which folder, kind
        self.refused: list[tuple[Path, Path, Quarantined]] = []
        self.responses: dict[str, list[Path]] = {}
        self._unpacked, self._goes_on = unpacked, goes_on
        self._seen: set[str] = set()
        self._folders: dict[Path, str] = {}

    def folder(self, path: Path) -> None:
        """Take what is found in a directory."""
        skip = os.path.realpath(self._unpacked.parent) if self._unpacked else ""
        for file in _walk(path, skip):
            if is_archive(file.name) and self._unpacked is not None and file.is_file():
                self.archive(file, path)
            else:
                self._file(file, file, path)

    def named(self, path: Path) -> None:
        """Take a file given by name."""
        if is_archive(path.name) and self._unpacked is not None and path.is_file():
            before = len(self.found) + len(self.refused)
            self.archive(path, path.parent)
            if len(self.found) + len(self.refused) == before:
                self.refused.append((path, path.parent, Quarantined("bad-archive", "it holds no input")))
            return
        self.found.setdefault(_real(path, self._folders), (path, path, path.parent, kind_of(path)))

    def archive(self, path: Path, root: Path) -> None:
        """Take what is found in a tar file."""
        assert self._unpacked is not None
        real = _real(path, self._folders)
        if real in self._seen:
            return
        self._seen.add(real)
        try:
            made = unpack(path, self._unpacked, self._goes_on)
        except PermissionError as error:
            self.refused.append((path, root, Quarantined("bad-archive", str(error.strerror))))
            return
        for file in _walk(made.folder):
            self._file(file, path / file.relative_to(made.folder), root)
        for name, problem in made.refused:
            self.refused.append((path / name.lstrip("/"), root, problem))

    def _file(self, file: Path, shown: Path, root: Path) -> None:
        """Take one file found in a directory, if it is an input."""
        real = _real(file, self._folders)
        if real in self.found or real in self._seen:
            return
        kind = found_kind(file)
        if kind is not None:
            self.found[real] = file, shown, root, kind
            return
        self._seen.add(real)
        if CSC_NAME.match(file.name):
            self.responses.setdefault(_plain_name(file.name), []).append(file)


def _plain_name(name: str) -> str:
    return name.lower().removesuffix(".gz")


def discover(
    paths: Sequence[Path], unpacked: Path | None = None, goes_on: Callable[[], None] = lambda: None
) -> Discovery:
    """List the inputs: files given by name, and in directories all that :func:`kinds.found_kind` knows.

    A file reached twice counts once. Names are relative to the directory given; where two directories
    hold the same name, the directory's own name goes in front. Tar files are like directories of their name.

    Parameters
    ----------
    paths : sequence of Path
        Files and directories.
    unpacked : Path, optional
        Where to lay out the members of tar files; without it they are no inputs.
    goes_on : callable
        Called now and then; raises where the run was asked to stop.

    Raises
    ------
    ChandraEmbedError
        A path does not exist.
    """
    search = _Search(unpacked, goes_on)
    for path in paths:
        if path.is_dir():
            search.folder(path)
        elif path.exists() or path.is_symlink():
            search.named(path)
        else:
            raise ChandraEmbedError(f"{path}: no such file or directory")
    shown = [(shown, root) for _, shown, root, _ in search.found.values()]
    labels = _labels(shown + [(shown, root) for shown, root, _ in search.refused])
    kinds = [(file, kind) for file, _, _, kind in search.found.values()]
    given = [Given(file, label, kind) for (file, kind), label in zip(kinds, labels, strict=False)]
    rest = zip(search.refused, labels[len(given) :], strict=True)
    refused = [(Given(shown, label), problem) for (shown, _, problem), label in rest]
    return Discovery(given, refused, search.responses)


def found_responses(one: Given, responses: Mapping[str, Sequence[Path]]) -> tuple[Path | None, Path | None]:
    """Return the ARF and the RMF of a catalog spectrum, by name, where they lie in another folder.

    None where one lies beside the spectrum, or where there is not exactly one.
    """
    name = _plain_name(one.path.name)
    if one.kind != SPECTRUM or not CSC_NAME.match(name) or "pha3" not in name:
        return None, None
    found: list[Path | None] = []
    for kind in ("arf3", "rmf3"):
        places = responses.get(name.replace("pha3", kind), ())
        beside = any(place.parent == one.path.parent for place in places)
        found.append(places[0] if len(places) == 1 and not beside else None)
    return found[0], found[1]


def _real(path: Path, folders: dict[Path, str]) -> str:
    """Where a file lies, links followed; loops of links lead to themselves. `folders` are those known."""
    if path.is_symlink():
        return os.path.realpath(path)
    if path.parent not in folders:
        folders[path.parent] = os.path.realpath(path.parent)
    return os.path.join(folders[path.parent], path.name)


def _labels(found: Sequence[tuple[Path, Path]]) -> list[str]:
    """Name files relative to the path given; where names collide, with as much of that path as it takes."""
    deepest = max((len(root.resolve().parts) for _, root in set(found)), default=0)
    names = [file.relative_to(root) for file, root in found]
    for depth in range(1, deepest + 2):
        labels = [_printable(name.as_posix()) for name in names]
        times = Counter(labels)
        if max(times.values(), default=1) == 1:
            return labels
        for i, (file, root) in enumerate(found):
            if times[labels[i]] > 1:
                above = root.resolve().parts[1:][-depth:]
                names[i] = Path(*above) / file.relative_to(root)
    return [f"{label} ({i})" if times[label] > 1 else label for i, label in enumerate(labels, 1)]


def _printable(name: str) -> str:
    """A file name on one line: what is no UTF-8 or cannot be printed is written with a backslash."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _walk(root: Path, skip: str = "") -> Iterable[Path]:
    """Yield the files below a folder, in order; links to folders are followed, each folder once.

    The folder `skip`, a real path, is left out.
    """
    seen = {skip}
    for folder, folders, files in os.walk(root, followlinks=True, onerror=_warn):
        place = os.path.realpath(folder)
        if place in seen:
            folders.clear()
            continue
        seen.add(place)
        folders.sort()
        for name in sorted(files):
            path = Path(folder) / name
            if path.is_file() or path.is_symlink():
                yield path


def _warn(error: OSError) -> None:
    logger.warning("%s: cannot be listed (%s), so nothing in it is read", error.filename, error.strerror)


def look(one: Given, named: Path | None) -> Look:
    """Look into a spectrum for what decides its fate.

    Parameters
    ----------
    one : Given
        The file.
    named : Path or None
        The background that a table names for it.
    """
    backfile = None
    try:
        backfile = named or _backfile(one.path)
        return Look(backfile, _heading(one, backfile), None)
    except Quarantined as error:
        return Look(backfile, None, error)
    except Exception as error:  # whatever is wrong with one file, the others go on
        return Look(backfile, None, unreadable(error))


def unreadable(error: Exception) -> Quarantined:
    """Return the reason for an error that no reader foresaw."""
    return Quarantined("unreadable", f"{type(error).__name__}: {error}")


def decide(looks: Mapping[Given, Look]) -> Fates:
    """Decide the fate of every spectrum, as far as headers and counts tell.

    Parameters
    ----------
    looks : mapping
        The spectra among the inputs, in order, with what a look into each told.
    """
    fates = Fates()
    headings: dict[Given, Heading] = {}
    claims: list[tuple[Given, str]] = []
    for one, found in looks.items():
        if found.backfile is not None and (real := os.path.realpath(found.backfile)) != one.real:
            claims.append((one, real))
        if found.heading is not None:
            headings[one] = found.heading
        elif found.problem is not None:
            fates.quarantined[one] = found.problem
    _claim_backgrounds(headings, claims, fates)
    _pair_by_name(headings, fates)
    _copies(headings, fates)
    fates.used = [one for one in looks if one not in fates.companions and one not in fates.quarantined]
    return fates


def _backfile(path: Path) -> Path | None:
    """The file that BACKFILE names, whatever else is wrong with this one."""
    with open_tables(path) as file:
        for hdu in spectrum_extensions(file)[:1]:
            return find_named(path, str(hdu.header.get("BACKFILE", "")))
    return None


def _heading(one: Given, backfile: Path | None) -> Heading:
    source, own = read_pha(one.path)
    named = backfile is not None and os.path.realpath(backfile) != one.real
    place = [source.text(name) for name in ("OBS_ID", "REGIONID", "RA", "DEC")]
    key = (source.counts_digest, *place, str(source.backscal))
    responses = [find_named(one.path, source.text(name)) for name in ("RESPFILE", "ANCRFILE", "BACKFILE")]
    return Heading(
        obs_id=source.text("OBS_ID"),
        exposure=source.exposure,
        digest="|".join(key),
        total=float(source.counts.sum()),
        grouped=source.grouped,
        says_background=source.text("HDUCLAS2").upper().startswith("BKG"),
        has_background=own is not None or named,
        backfile=backfile if named else None,
        responses=sum(path is not None for path in responses),
        stem=Path(one.path.name.lower().removesuffix(".gz")).stem,
        folder=os.path.realpath(one.path.parent),
    )


def _claim_backgrounds(headings: dict[Given, Heading], claims: list[tuple[Given, str]], fates: Fates) -> None:
    by_place = {one.real: one for one in headings}
    for claimer, real in claims:
        target = by_place.get(real)
        if target is None or target in fates.companions:
            continue
        mutual = fates.companions.get(claimer, (None, ""))[0] == target
        if not mutual:
            fates.companions[target] = (claimer, "background named by its BACKFILE")


def _pair_by_name(headings: dict[Given, Heading], fates: Fates) -> None:
    """Give sources without a background one of the same folder, ObsID and exposure whose name says so."""
    free = {one: h for one, h in headings.items() if one not in fates.companions}
    backgrounds: dict[tuple[str, str], dict[Given, Heading]] = {}
    for one, h in free.items():
        if h.named_background:
            backgrounds.setdefault(h.place, {})[one] = h
    for one, source in free.items():
        if source.has_background or source.named_background or not source.obs_id:
            continue
        beside = backgrounds.get(source.place, {})
        near = [b for b, h in beside.items() if _same_exposure(source, h)]
        if len(near) > 1:
            number = re.sub(r"\D", "", source.stem)
            near = [b for b in near if re.sub(r"\D", "", beside[b].stem) == number]
        if len(near) == 1:
            fates.paired[one] = near[0].path
            fates.companions.setdefault(near[0], (one, "background by its name, same ObsID and exposure"))
    for b in (b for group in backgrounds.values() for b in group):
        if b not in fates.companions:
            fates.quarantined[b] = Quarantined(
                "orphan-background", "a background that no source names; name it with --responses"
            )


def _same_exposure(source: Heading, background: Heading) -> bool:
    return abs(source.exposure - background.exposure) <= 1e-6 * source.exposure


def _copies(headings: dict[Given, Heading], fates: Fates) -> None:
    """Of spectra with equal counts keep the one with most responses, and of these the ungrouped one."""
    same: dict[str, list[Given]] = {}
    for one, h in headings.items():
        if one not in fates.companions and one not in fates.quarantined:
            same.setdefault(h.digest, []).append(one)
    for group in same.values():
        if len(group) < 2:
            continue
        kept = max(group, key=lambda one: (headings[one].responses, not headings[one].grouped))
        for one in group:
            h, of = headings[one], headings[kept]
            if one is kept or not _one_spectrum(h, of):
                continue
            if h.grouped or of.grouped:
                fates.companions[one] = (kept, f"{'' if h.grouped else 'un'}grouped copy, equal counts")
                fates.copies.setdefault(kept, []).append(one)
            else:
                fates.quarantined[one] = Quarantined("duplicate", f"same counts as {kept.label}")


def _one_spectrum(a: Heading, b: Heading) -> bool:
    """Whether equal counts are no chance: not with two backgrounds, nor with few counts and two names."""
    if a.backfile and b.backfile and a.backfile.name != b.backfile.name:
        return False
    return a.total >= FEW_COUNTS or a.grouped != b.grouped or a.stem == b.stem
