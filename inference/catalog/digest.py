"""The SHA-256 of a large file, taken while its content is used."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hashing(path: Path) -> Iterator[Future[str]]:
    """Take the SHA-256 of a file in a thread of its own, which ends with the block at the latest.

    Parameters
    ----------
    path : Path
        The file, of any size; a MiB of it is in memory at a time.

    Yields
    ------
    Future of str
        The digest in hexadecimal; it raises OSError where the file cannot be read.
    """
    stop = threading.Event()

    def digest() -> str:
        found, block = hashlib.sha256(), bytearray(1 << 20)
        with open(path, "rb", buffering=0) as file:
            while not stop.is_set() and (n := file.readinto(block)):
                found.update(memoryview(block)[:n])
        return found.hexdigest()

    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(digest)
        finally:
            stop.set()
