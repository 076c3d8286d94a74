"""One writer a file: a lock that dies with the process that holds it.

The lock is the kernel's (``flock``) on a hidden file beside the output, since the output itself may be
replaced while it is written. A process that is killed lets go of it; the file that it leaves does no harm.
"""

import contextlib
import errno
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import StoreError

# what a file system without locks answers: HDF5's own lock is all there is then
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
# lock files this process holds, by their descriptor, and those of each thread, which may ask again
_open: set[int] = set()
_mine = threading.local()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Keep every other writer of a file out while the block runs.

    A block within a block of the same thread and file is let through.

    Parameters
    ----------
    path : Path
        The file that will be made, replaced or added to; it need not exist, its folder must.

    Raises
    ------
    StoreError
        Another process or thread is writing the file, or its folder is missing or may not be written.
    """
    real = path.resolve()
    held: set[Path] = _mine.__dict__.setdefault("held", set())
    if real in held or sys.platform == "win32":  # there HDF5's own lock is all there is
        yield
        return
    lock = real.with_name(f".{real.name}.lock")
    handle = _take(path, lock)
    held.add(real)
    _open.add(handle)
    try:
        yield
    finally:
        held.discard(real)
        _open.discard(handle)
        with contextlib.suppress(OSError):
            lock.unlink()  # while it is held: who has it open already sees below that it is gone
        os.close(handle)


def _take(path: Path, lock: Path) -> int:
    """Return a descriptor of the lock file, locked; it is the one that stands there."""
    while True:
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            raise StoreError(f"{path}: there is no folder {path.parent}; make it first") from None
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be written, {lock} cannot be made ({error.strerror}); "
                "see that its folder may be written and has room"
            ) from error
        try:
            _lock(path, handle)
            if _stands(lock, handle):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(path: Path, handle: int) -> None:
    """Lock an open file and say in it who holds it, or raise."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(
            f"{path}: {_holder(handle)} is writing it; wait for that to end, or give another name"
        ) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise StoreError(f"{path}: cannot be locked ({error.strerror}); give another folder") from error
    with contextlib.suppress(OSError):  # a full disk holds the lock all the same
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)


def _holder(handle: int) -> str:
    """Who holds a lock, as far as it has said."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return os.pread(handle, 300, 0).decode() or "another process"
    return "another process"


def _stands(lock: Path, handle: int) -> bool:
    """Whether the open file is still the one of that name; its holder may have removed it meanwhile."""
    try:
        return os.path.samestat(lock.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _let_go() -> None:
    """In a forked child: close the locks of the parent, which the child would hold past its death."""
    for handle in _open:
        os.close(handle)
    _open.clear()
    _mine.__dict__.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
