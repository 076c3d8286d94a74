"""The long steps of a command that adds to a file: stopped between two of them, and not done twice."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .catalog.kept import Kept
from .errors import ChandraEmbedError
from .progress import Progress
from .stopping import Stop


class Steps:
    """The long steps of one run: when to stop, and what an earlier run of the same has found already."""

    def __init__(self, path: Path, stop: Stop, embedding: NDArray[np.float32]) -> None:
        self.path, self._stop, self._kept = path, stop, list[Kept]()
        self._rows = hashlib.sha256(np.ascontiguousarray(embedding).data).hexdigest()

    def look(self) -> None:
        """Raise where the run is to stop."""
        if self._stop:
            raise ChandraEmbedError(
                f"{self.path}: stopped by {self._stop.signal} and as it was; the steps that ended are kept "
                "beside it, the same command goes on from there"
            )

    def once(self, name: str, settings: Any, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Return what `make` gives, or gave for the same rows and `settings` to a run that was stopped."""
        kept = Kept(self.path, f"score-{name}", f"{self._rows} {settings}")
        self._kept.append(kept)
        found = kept.load().get(name)
        if found is None:
            self.look()
            found = make()
            kept.save(**{name: found})
        return found

    def counted(self, progress: Progress) -> Callable[[int], None]:
        """Return what a step calls with the number of pairs or rows done; it raises where to stop."""

        def update(n: int) -> None:
            progress.update(n)
            self.look()

        return update

    def clear(self) -> None:
        """Remove what is kept: it stands in the file."""
        for kept in self._kept:
            kept.clear()
