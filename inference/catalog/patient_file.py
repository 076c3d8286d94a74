"""A file for HDF5 to write to that never refuses: what the disk refuses is told afterwards.

HDF5 keeps what it could not write and tries again at every close, down to a crash when the program ends.
Here the first refusal is kept, nothing is written any more, HDF5 closes in peace, and the refusal is raised.
"""

import contextlib
import os
from pathlib import Path
from typing import Any


class PatientFile:
    """What h5py needs of a file object, over a file of the system.

    Parameters
    ----------
    path : Path
        The file to make.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._failure: OSError | None = None
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """Return the bytes from here on."""
        return self._file.read(size)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from here on."""
        done, view = 0, memoryview(buffer)
        while done < len(view) and (more := self._file.readinto(view[done:])):
            done += more
        return done

    def write(self, data: Any) -> int:
        """Write, as long as the disk takes it."""
        view, done = memoryview(data), 0
        try:
            while done < len(view) and not self._failure:
                done += self._file.write(view[done:])
        except OSError as error:
            self._failure = error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Cut or lengthen the file."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._failure = self._failure or error
            return size or 0

    def flush(self) -> None:
        """Nothing is held back."""

    def check(self) -> None:
        """Raise what the disk has refused.

        Raises
        ------
        OSError
            With the file's name.
        """
        if self._failure is not None:
            number = self._failure.errno or 0
            raise OSError(number, os.strerror(number), str(self.path)) from self._failure

    def close(self) -> None:
        """Close the file of the system."""
        with contextlib.suppress(OSError):
            self._file.close()
