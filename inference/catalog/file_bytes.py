"""The bytes of an input file: read, unpacked and hashed once, and never more than it can honestly hold.

The files read last are kept, up to :data:`KEPT` bytes, so that the readers of one file share one opening.
"""

import gzip
import hashlib
import os
import stat
import zlib
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import Quarantined

SMALL = 64 << 20  # bytes: what is larger, packed or unpacked, is never held whole
KEPT, MOST = 64 << 20, 8  # bytes and files
EXPANSION = 200  # times: no FITS file of counts packs better, bombs do
GZIP = b"\x1f\x8b"


class FileBytes:
    """One regular file as it stood when it was opened.

    Parameters
    ----------
    path : Path
        The file.
    status : os.stat_result
        What the file system says of it.
    """

    def __init__(self, path: Path, status: os.stat_result) -> None:
        self.path, self.size = path, status.st_size
        self.kept: dict[str, Any] = {}  # what its readers made of it
        self.raw: bytes | None = None
        if self.size <= SMALL:
            self.raw = path.read_bytes()

    @property
    def held(self) -> int:
        """Bytes in memory."""
        if self.raw is None:
            return 0
        unpacked = self.__dict__.get("data") if self.packed else None
        return self.size + len(unpacked or b"")

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file as it lies there, in hexadecimal."""
        if self.raw is not None:
            return hashlib.sha256(self.raw).hexdigest()
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def packed(self) -> bool:
        """Whether the file is packed by gzip."""
        if self.raw is not None:
            return self.raw.startswith(GZIP)
        with open(self.path, "rb") as file:
            return file.read(2) == GZIP

    @cached_property
    def data(self) -> bytes | None:
        """The bytes, unpacked; None where they are more than :data:`SMALL`.

        Raises
        ------
        Quarantined
            ``truncated``, ``damaged-gzip`` or ``too-large``.
        """
        if self.raw is None or not self.packed:
            return self.raw
        return _unpack(self.raw)

    def stream(self) -> BinaryIO | gzip.GzipFile:
        """Open the file for reading from the start, unpacked on the way."""
        return gzip.open(self.path) if self.packed else open(self.path, "rb")

    @property
    def most(self) -> int:
        """How many bytes it can hold unpacked."""
        return SMALL + EXPANSION * self.size if self.packed else self.size


def _unpack(raw: bytes) -> bytes | None:
    """Unpack gzip, all members; None where that is more than :data:`SMALL`."""
    parts, total, rest = list[bytes](), 0, raw
    while rest.startswith(GZIP):
        unpacker = zlib.decompressobj(31)
        try:
            part = unpacker.decompress(rest, SMALL - total + 1)
        except zlib.error as error:
            raise Quarantined("damaged-gzip", f"it cannot be unpacked ({error})") from error
        total += len(part)
        parts.append(part)
        if total > SMALL:
            return None
        if not unpacker.eof:
            raise Quarantined("truncated", "the gzip file ends before its end; fetch it again")
        rest = unpacker.unused_data.lstrip(b"\0")
    return parts[0] if len(parts) == 1 else b"".join(parts)


_Key = tuple[str, int, int, int]
_kept: OrderedDict[_Key, FileBytes] = OrderedDict()


def file_bytes(path: Path) -> FileBytes:
    """Return the bytes of a regular file, those kept where it is the same file still.

    Raises
    ------
    Quarantined
        ``not-a-file``, ``empty-file`` or ``unreadable``.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise Quarantined("not-a-file", "a folder, a pipe or a device stands under this name")
        if not status.st_size:
            raise Quarantined("empty-file", "the file holds no bytes")
        key = str(path), status.st_mtime_ns, status.st_size, status.st_ino
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
        found = FileBytes(path, status)
    except OSError as error:
        raise Quarantined("unreadable", str(error.strerror or error)) from error
    _kept[key] = found
    held = sum(one.held for one in _kept.values())
    while len(_kept) > 1 and (held > KEPT or len(_kept) > MOST):
        held -= _kept.popitem(last=False)[1].held
    return found
