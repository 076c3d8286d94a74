"""What a long command has found so far, kept beside the file that it works on.

One small file a stage, written under another name and renamed: a kill leaves the last one whole. Each tells
what it was made from; what was made from anything else counts as not there.
"""

import logging
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger("chandra_embed")


class Kept:
    """One stage of one command on one file.

    Parameters
    ----------
    path : Path
        The file the command works on; the caller holds its lock.
    stage : str
        Name of the stage, such as ``"score-degree"``.
    key : str
        Tells all that the results depend on.
    """

    def __init__(self, path: Path, stage: str, key: str) -> None:
        real = path.resolve()
        self._path, self._key, self._warned = real.with_name(f".{real.name}.{stage}.npz"), key, False

    def load(self) -> dict[str, NDArray[Any]]:
        """Return the arrays saved last; none where there are none, or of other data."""
        try:
            with open(self._path, "rb") as bytes_of, np.load(bytes_of, allow_pickle=False) as file:
                found = {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile):
            return {}
        return found if str(found.pop("key", "")) == self._key else {}

    def save(self, **arrays: Any) -> None:
        """Replace what was saved; where the disk refuses, the run goes on without."""
        draft = self._path.with_suffix(".part")
        try:
            with open(draft, "wb") as file:
                np.savez(file, key=np.array(self._key), **arrays)
            os.replace(draft, self._path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            if not self._warned:
                logger.warning(
                    "%s cannot be written (%s); a stopped run will begin anew", draft, error.strerror
                )
            self._warned = True

    def clear(self) -> None:
        """Remove it: the results stand in the file."""
        for path in (self._path, self._path.with_suffix(".part")):
            path.unlink(missing_ok=True)
