"""The one fate of each spectrum given: used, companion of another, or quarantined.

HDUCLAS2 alone cannot be trusted (backgrounds say TOTAL), so a background is what another file's BACKFILE
names, or what pairs with a source of the same ObsID and exposure by its name.
"""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..errors import Quarantined
from .fits import find_named
from .fits_tables import open_tables
from .kinds import SPECTRUM
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
        obs_id=source.text("OBS_ID").lstrip("0"),
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
