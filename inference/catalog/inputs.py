"""Which files are given, and of spectra the one fate of each: used, companion of another, or quarantined.

HDUCLAS2 alone cannot be trusted (backgrounds say TOTAL), so a background is what another file's BACKFILE
names, or what pairs with a source of the same ObsID and exposure by its name.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ChandraEmbedError, Quarantined
from .fits import Companions, find_named
from .kinds import SPECTRUM, found_kind, kind_of
from .pha import read_pha, spectrum_extensions
from .responses import open_fits

logger = logging.getLogger("chandra_embed")

FEW_COUNTS = 20
BACKGROUND_WORDS = {"bg", "bkg", "bgd", "back", "background"}


@dataclass(frozen=True)
class Given:
    """One input file: where it lies, its name relative to the PATH given, and its kind (see `kinds`)."""

    path: Path
    label: str
    kind: str = SPECTRUM


@dataclass(frozen=True)
class Heading:
    """What decides the fate of one readable spectrum."""

    given: Given
    obs_id: str
    exposure: float
    digest: str
    total: float
    grouped: bool
    says_background: bool
    has_background: bool
    backfile: Path | None
    responses: int

    @property
    def stem(self) -> str:
        """File name without ``.gz`` and ending, in lower case."""
        return Path(self.given.path.name.lower().removesuffix(".gz")).stem

    @property
    def place(self) -> tuple[str, str]:
        """Folder and ObsID, where a background without a name in any header is looked for."""
        return os.path.realpath(self.given.path.parent), self.obs_id

    @property
    def named_background(self) -> bool:
        """Whether the header, or a word of the file name, says background; a file that has one is none."""
        words = re.split(r"[^a-z]+", self.stem)
        by_name = any(word in BACKGROUND_WORDS or "bkg" in word for word in words)
        return self.says_background or (by_name and not self.has_background)


@dataclass
class Fates:
    """Every input once: `used`, `companions` (path -> of, why) or `quarantined` (path -> reason).

    `paired` are the backgrounds found by name, `joined` the event files and light curves that are companions.
    """

    used: list[Given] = field(default_factory=list)
    companions: dict[Given, tuple[Given, str]] = field(default_factory=dict)
    quarantined: dict[Given, Quarantined] = field(default_factory=dict)
    paired: dict[Given, Path] = field(default_factory=dict)
    joined: dict[Given, list[Given]] = field(default_factory=dict)

    @property
    def given(self) -> int:
        """How many inputs there are."""
        return len(self.used) + len(self.companions) + len(self.quarantined)


def discover(paths: Sequence[Path]) -> list[Given]:
    """List the inputs: files given by name, and in directories all that :func:`kinds.found_kind` knows.

    A file reached twice counts once. Names are relative to the directory given; where two directories
    hold the same name, the directory's own name goes in front.

    Raises
    ------
    ChandraEmbedError
        A path does not exist.
    """
    found: dict[Path, tuple[Path, Path]] = {}
    kinds: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            for file in _walk(path):
                kind = None if file.resolve() in kinds else found_kind(file)
                if kind is not None:
                    found[file.resolve()], kinds[file.resolve()] = (file, path), kind
        elif path.exists():
            if path.resolve() not in kinds:
                found[path.resolve()], kinds[path.resolve()] = (path, path.parent), kind_of(path)
        else:
            raise ChandraEmbedError(f"{path}: no such file or directory")
    labels = _labels(list(found.values()))
    files = zip(found.values(), labels, kinds.values(), strict=True)
    return [Given(file, label, kind) for (file, _), label, kind in files]


def _labels(found: Sequence[tuple[Path, Path]]) -> list[str]:
    """Name files relative to the path given; where names collide, with as much of that path as it takes."""
    depth = 0
    names = [file.relative_to(root) for file, root in found]
    while True:
        labels = [os.fsencode(name.as_posix()).decode("utf-8", "backslashreplace") for name in names]
        times = Counter(labels)
        if max(times.values(), default=1) == 1:
            return labels
        depth += 1
        for i, (file, root) in enumerate(found):
            if times[labels[i]] > 1:
                above = root.resolve().parts[1:][-depth:]
                names[i] = Path(*above) / file.relative_to(root)


def _walk(root: Path) -> Iterable[Path]:
    """Yield the files below a folder, in order; links to folders are followed, each folder once."""
    seen = set()
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


def decide(given: Sequence[Given], companions: Mapping[Path, Companions]) -> Fates:
    """Decide the fate of every spectrum, as far as headers and counts tell.

    Parameters
    ----------
    given : sequence of Given
        The spectra among the inputs.
    companions : mapping
        Path to the background and responses that a table names for it.
    """
    fates = Fates()
    headings: dict[Path, Heading] = {}
    claims: list[tuple[Given, Path]] = []
    for one in given:
        named = companions.get(one.path.resolve(), Companions()).background
        try:
            backfile = named or _backfile(one.path)
            if backfile is not None and backfile.resolve() != one.path.resolve():
                claims.append((one, backfile.resolve()))
            headings[one.path.resolve()] = _heading(one, backfile)
        except Quarantined as error:
            fates.quarantined[one] = error
        except Exception as error:  # whatever is wrong with one file, the others go on
            fates.quarantined[one] = Quarantined("unreadable", f"{type(error).__name__}: {error}")
    _claim_backgrounds(headings, claims, fates)
    _pair_by_name(headings, fates)
    _copies(headings, fates)
    fates.used = [one for one in given if one not in fates.companions and one not in fates.quarantined]
    return fates


def _backfile(path: Path) -> Path | None:
    """The file that BACKFILE names, whatever else is wrong with this one."""
    with open_fits(path) as file:
        for hdu in spectrum_extensions(file)[:1]:
            return find_named(path, str(hdu.header.get("BACKFILE", "")))
    return None


def _heading(one: Given, backfile: Path | None) -> Heading:
    source, own = read_pha(one.path)
    named = backfile is not None and backfile.resolve() != one.path.resolve()
    place = [source.text(name) for name in ("OBS_ID", "REGIONID", "RA", "DEC")]
    key = (source.counts_digest, *place, str(source.backscal))
    responses = [find_named(one.path, source.text(name)) for name in ("RESPFILE", "ANCRFILE", "BACKFILE")]
    return Heading(
        given=one,
        obs_id=source.text("OBS_ID"),
        exposure=source.exposure,
        digest="|".join(key),
        total=float(source.counts.sum()),
        grouped=source.grouped,
        says_background=source.text("HDUCLAS2").upper().startswith("BKG"),
        has_background=own is not None or named,
        backfile=backfile if named else None,
        responses=sum(path is not None for path in responses),
    )


def _claim_backgrounds(headings: dict[Path, Heading], claims: list[tuple[Given, Path]], fates: Fates) -> None:
    for claimer, path in claims:
        if path not in headings or headings[path].given in fates.companions:
            continue
        target = headings[path].given
        mutual = fates.companions.get(claimer, (None, ""))[0] == target
        if not mutual:
            fates.companions[target] = (claimer, "background named by its BACKFILE")


def _pair_by_name(headings: dict[Path, Heading], fates: Fates) -> None:
    """Give sources without a background one of the same folder, ObsID and exposure whose name says so."""
    free = [h for h in headings.values() if h.given not in fates.companions]
    backgrounds: dict[tuple[str, str], list[Heading]] = {}
    for h in free:
        if h.named_background:
            backgrounds.setdefault(h.place, []).append(h)
    for source in free:
        if source.has_background or source.named_background or not source.obs_id:
            continue
        near = [b for b in backgrounds.get(source.place, []) if _same_exposure(source, b)]
        if len(near) > 1:
            number = re.sub(r"\D", "", source.stem)
            near = [b for b in near if re.sub(r"\D", "", b.stem) == number]
        if len(near) == 1:
            fates.paired[source.given] = near[0].given.path
            fates.companions.setdefault(
                near[0].given, (source.given, "background by its name, same ObsID and exposure")
            )
    for b in (b for group in backgrounds.values() for b in group):
        if b.given not in fates.companions:
            fates.quarantined[b.given] = Quarantined(
                "orphan-background", "a background that no source names; name it with --responses"
            )


def _same_exposure(source: Heading, background: Heading) -> bool:
    return abs(source.exposure - background.exposure) <= 1e-6 * source.exposure


def _copies(headings: dict[Path, Heading], fates: Fates) -> None:
    """Of spectra with equal counts keep the one with most responses, and of these the ungrouped one."""
    same: dict[str, list[Heading]] = {}
    for h in headings.values():
        if h.given not in fates.companions and h.given not in fates.quarantined:
            same.setdefault(h.digest, []).append(h)
    for group in same.values():
        kept = max(group, key=lambda h: (h.responses, not h.grouped))
        for h in group:
            if h is kept or not _one_spectrum(h, kept):
                continue
            if h.grouped or kept.grouped:
                fates.companions[h.given] = (
                    kept.given,
                    f"{'' if h.grouped else 'un'}grouped copy, equal counts",
                )
            else:
                fates.quarantined[h.given] = Quarantined("duplicate", f"same counts as {kept.given.label}")


def _one_spectrum(a: Heading, b: Heading) -> bool:
    """Whether equal counts are no chance: not with two backgrounds, nor with few counts and two names."""
    if a.backfile and b.backfile and a.backfile.name != b.backfile.name:
        return False
    return a.total >= FEW_COUNTS or a.grouped != b.grouped or a.stem == b.stem
