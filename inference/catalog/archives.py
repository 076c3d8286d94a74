"""Tar files among the inputs: their members laid out in the journal, none outside it, none without measure.

A tar file may name any path, link anywhere and unpack to anything. Here plain files alone are written, under
the names they have, inside one folder; what is no input is passed over, and what could be one but is a link,
lies elsewhere or is too much is refused with a name.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tarfile import EmptyHeaderError, InvalidHeaderError, ReadError, TruncatedHeaderError  # type: ignore[attr-defined]
from typing import IO, Any

from ..errors import Quarantined
from .file_bytes import EXPANSION, GZIP, SMALL
from .kinds import RESPONSE_NAME, kind_by_name

ARCHIVE = re.compile(r"\.(tar|tar\.gz|tgz)$")
STARTS = (b"SIMPLE  =", GZIP, b"\x89HDF\r\n\x1a\n")
LONGEST_NAME = 1 << 20  # bytes of what stands for a long name
MOST_MEMBERS = 10_000  # and one for every 100 bytes


@dataclass
class Unpacked:
    """What came of a tar file: the folder of its members, and the members refused with the reason."""

    folder: Path
    refused: list[tuple[str, Quarantined]] = field(default_factory=list)


def is_archive(name: str) -> bool:
    """Whether a file is a tar file by its name."""
    return bool(ARCHIVE.search(name.lower()))


LONG_NAMES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class _Member(tarfile.TarInfo):
    """A member whose name is no bomb; an archive that ends without an end is an error."""

    @classmethod
    def fromtarfile(cls, tarfile: Any) -> Any:
        """Read the next member."""
        try:
            return super().fromtarfile(tarfile)
        except (TruncatedHeaderError, InvalidHeaderError, EmptyHeaderError) as error:
            raise ReadError(f"after {tarfile.offset:,} bytes: {error}") from error

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type in LONG_NAMES and self.size > LONGEST_NAME:
            raise ReadError(f"a member's name of {self.size:,} bytes")
        return super()._proc_member(archive)  # type: ignore[misc]


def unpack(path: Path, folder: Path, goes_on: Callable[[], None]) -> Unpacked:
    """Lay out the members of a tar file that may be inputs, or that inputs may name.

    Members that an earlier run laid out are not written again.

    Parameters
    ----------
    path : Path
        The tar file, plain or packed by gzip.
    folder : Path
        Where; a folder is made in it.
    goes_on : callable
        Called between members; raises where the run was asked to stop.

    Raises
    ------
    OSError
        The disk refuses.
    """
    status = path.stat()
    asked = f"{os.path.realpath(path)} {status.st_size} {status.st_mtime_ns}"
    place = folder / hashlib.sha256(asked.encode(errors="surrogateescape")).hexdigest()[:16]
    done, made = place.with_suffix(".json"), Unpacked(place)
    if done.exists():
        made.refused = [(name, Quarantined(*why)) for name, *why in json.loads(done.read_text())]
        return made
    place.mkdir(parents=True, exist_ok=True)
    try:
        _lay_out(path, status.st_size, made, goes_on)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        made.refused.append(("", Quarantined("bad-archive", f"it can be read no further ({error})")))
    except Quarantined as problem:
        made.refused.append(("", problem))
    draft = done.with_suffix(".draft")
    draft.write_text(json.dumps([[name, why.reason, why.detail] for name, why in made.refused]))
    os.replace(draft, done)
    return made


def _lay_out(path: Path, size: int, made: Unpacked, goes_on: Callable[[], None]) -> None:
    """Go through the members, in the order of the file."""
    written, seen = 0, set[str]()
    with _opened(path) as archive:
        for count, member in enumerate(archive):
            goes_on()
            if count > MOST_MEMBERS + size // 100:
                raise Quarantined("bad-archive", f"more than {count - 1:,} members in {size:,} bytes")
            try:
                name = _name(member, seen)
                if name is None:
                    continue
                written += member.size
                if written > SMALL + EXPANSION * size:
                    raise Quarantined("bad-archive", f"it declares {written:,} bytes in {size:,}")
                _write(archive.extractfile(member), member, made.folder / name)
            except Quarantined as problem:
                if problem.reason == "bad-archive":
                    raise
                made.refused.append((member.name, problem))


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar file to be read once, from start to end."""
    with open(path, "rb") as raw:
        packed = raw.read(2) == GZIP
    opener: Callable[..., Any] = gzip.open if packed else open
    with opener(path, "rb") as source, tarfile.open(fileobj=source, mode="r|", tarinfo=_Member) as archive:
        yield archive


def _name(member: tarfile.TarInfo, seen: set[str]) -> PurePosixPath | None:
    """Where a member goes, None where it is no input and named by none.

    Raises
    ------
    Quarantined
        ``bad-member``.
    """
    name = PurePosixPath(member.name)
    matters = kind_by_name(name.name) is not None or is_archive(name.name)
    if member.isdir() or not (matters or member.isreg()):
        return None
    if name.is_absolute() or ".." in name.parts or "\0" in member.name or not name.parts:
        raise Quarantined("bad-member", "its name leads out of the archive")
    if not member.isreg() or member.issparse():
        raise Quarantined("bad-member", "a link, a device or a sparse file")
    if is_archive(name.name):
        raise Quarantined("bad-member", "an archive within an archive; unpack it first")
    if str(name) in seen:
        raise Quarantined("bad-member", "a second member of this name")
    seen.add(str(name))
    return name


def _write(source: IO[bytes] | None, member: tarfile.TarInfo, target: Path) -> None:
    """Write one member, whole or not at all, if it may be of use."""
    if source is None:
        return
    changed = min(max(int(member.mtime), 0), 2**32)
    try:
        if target.exists() and target.stat().st_size == member.size and target.stat().st_mtime == changed:
            return
        start = source.read(9)
        name = target.name.lower().removesuffix(".gz")
        if not (start.startswith(STARTS) or kind_by_name(target.name) or RESPONSE_NAME.search(name)):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise Quarantined("bad-member", "another member stands where its folder would") from error
    except OSError as error:
        if error.errno is None or error.strerror is None or "name" not in error.strerror.lower():
            raise
        raise Quarantined("bad-member", f"its name cannot be written ({error.strerror})") from error
    draft = target.with_name(f".{hashlib.sha256(target.name.encode(errors='surrogateescape')).hexdigest()}")
    with open(draft, "wb") as file:
        file.write(start)
        shutil.copyfileobj(source, file)
    os.utime(draft, (changed, changed))
    os.replace(draft, target)
