"""Which files are given: those named, and in directories and tar files all that could be an input."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ChandraEmbedError, Quarantined
from .archives import is_archive, unpack
from .fits import CSC_NAME
from .inputs import Given
from .kinds import SPECTRUM, found_kind, kind_of

logger = logging.getLogger("chandra_embed")


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
