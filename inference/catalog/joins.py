"""Which event files and light curves belong to which detection, and so the fate of each.

An event file joins the spectrum of the same detection, and a light curve that spectrum or event file: the
same ObsID, observation interval and region, or the same file name up to what kind of file it is.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Quarantined
from .fits import CSC_NAME, header_facts
from .fits_tables import open_tables
from .inputs import Fates, Given
from .kinds import EVENTS, LIGHTCURVE, REGION

ENDING = re.compile(r"\.(fits|fit|pi|pha|evt)$")
KIND = re.compile(r"_?(pha[23]?|regevt3|evt[23]|lc3|reg3|pi)$")
VERSION = re.compile(r"acisf\d{5}_\d{3}n(\d{3})_")
FIRST_OF_CSC2 = 20  # file versions N001 to N019 are of release 1, whose regions bear other numbers


@dataclass(frozen=True)
class Identity:
    """What tells which detection a file is of."""

    obsid: int
    obi: int
    region_id: int
    release: int
    folder: str
    stem: str

    @property
    def key(self) -> tuple[int, int, int, int] | None:
        """Catalog key and release, None where the file is of no catalog detection."""
        known = self.obsid >= 0 and self.region_id >= 0
        return (self.obsid, self.obi, self.region_id, self.release) if known else None


def identity(path: Path) -> Identity:
    """Return which detection a file is of: a CSC name tells, else header and name."""
    header: Any = {}
    if not CSC_NAME.match(path.name):
        try:
            with open_tables(path) as file:
                header = next((hdu.header for hdu in file if hasattr(hdu, "columns")), {})
        except Quarantined:
            header = {}  # the name is left
    facts = header_facts(path, header)
    name = path.name.lower().removesuffix(".gz")
    return Identity(
        facts["obsid"],
        facts["obi"],
        facts["region_id"],
        release(path.name),
        os.path.realpath(path.parent),
        KIND.sub("", ENDING.sub("", name)),
    )


def release(name: str) -> int:
    """Return the release of the catalog, 1 or 2, whose regions the name of a file counts."""
    version = VERSION.match(name.lower())
    return 1 if version and int(version[1]) < FIRST_OF_CSC2 else 2


class _Hosts:
    """Inputs that others may join, by catalog key and by name."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[int, int, int, int], Given] = {}
        self._by_name: dict[tuple[str, str], tuple[int, Given]] = {}

    def add(self, mine: Identity, one: Given) -> None:
        """Take an input in; the first of one key or name stays."""
        if mine.key is not None:
            self._by_key.setdefault(mine.key, one)
        self._by_name.setdefault((mine.folder, mine.stem), (mine.obsid, one))

    def find(self, mine: Identity) -> Given | None:
        """Return what is of the same detection."""
        if mine.key in self._by_key:
            return self._by_key[mine.key]
        obsid, host = self._by_name.get((mine.folder, mine.stem), (-1, None))
        return host if obsid < 0 or mine.obsid < 0 or obsid == mine.obsid else None


def join(others: Sequence[Given], fates: Fates, identities: Mapping[Given, Identity], n_regions: int) -> None:
    """Give event files, light curves and source regions their fates, beside those of the spectra.

    Parameters
    ----------
    others : sequence of Given
        Inputs that are no spectra.
    fates : Fates
        The fates of the spectra; the others' are added. What has no detection to join is `used` itself.
    identities : mapping
        What :func:`identity` tells of each of the others, and of the spectra used.
    n_regions : int
        How many regions were asked for: with several an event file makes rows of its own.
    """
    hosts, event_files = _Hosts(), _Hosts()
    for one in fates.used if others else []:
        hosts.add(identities[one], one)
    for one in (one for one in others if one.kind == EVENTS):
        mine = identities[one]
        event_files.add(mine, one)
        host = hosts.find(mine) if n_regions < 2 else None
        _place(one, host, fates, "events of the same detection")
        if host is None and n_regions < 2:
            hosts.add(mine, one)
    for one in (one for one in others if one.kind == LIGHTCURVE):
        mine = identities[one]
        host = hosts.find(mine)
        _place(one, host, fates, "light curve of the same detection")
        if host is None:
            hosts.add(mine, one)
    for one in (one for one in others if one.kind == REGION):
        host = event_files.find(identities[one])
        if host is None:
            fates.quarantined[one] = Quarantined("orphan-region", "no event file of this detection is given")
        else:
            fates.companions[one] = (host, "source region of the same detection")


def _place(one: Given, host: Given | None, fates: Fates, why: str) -> None:
    """Let a file join its host, or stand for itself; a second of one kind is a duplicate."""
    if host is None:
        fates.used.append(one)
    elif one.kind == host.kind or any(other.kind == one.kind for other in fates.joined.get(host, [])):
        fates.quarantined[one] = Quarantined("duplicate", f"a further {one.kind} file of {host.label}")
    else:
        fates.companions[one] = (host, why)
        fates.joined.setdefault(host, []).append(one)


def stand_in(one: Given, fates: Fates) -> list[Given]:
    """Return what takes the place of an input that could not be used: a copy of it, else what joined it.

    Whatever else had joined it goes with the first that takes its place. `fates.used` is left to the caller.
    """
    copies, joined = fates.copies.pop(one, []), fates.joined.pop(one, [])
    heirs = (copies or joined)[:1]
    for heir in heirs:
        del fates.companions[heir]
        rest = [other for other in joined if other != heir]
        for other in (*copies[1:], *rest):
            fates.companions[other] = (heir, fates.companions[other][1])
        if copies[1:]:
            fates.copies[heir] = copies[1:]
        if rest:
            fates.joined[heir] = rest
    return heirs
