"""What the aligner is fitted to: numbers of spectra, event lists and texts, row by row, split by source."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..inference.errors import ChandraEmbedError
from .aligner import MODALITIES
from .datasets import PARTS, split

Array = NDArray[np.float32]
# the split of the spectrum encoders, so that a source they were tested on is no source aligned on
SEED, VALIDATION, TEST = 0, 0.1, 0.5


@dataclass(frozen=True)
class AlignmentData:
    """Rows of pairs: one detection with one text each.

    Parameters
    ----------
    text : ndarray, shape (n, t), float32
        Vectors of the texts.
    source_id : ndarray, shape (n,), str
        Source of each row: the unit of the split, and never its own negative.
    spectrum : ndarray, shape (n, l), float32, optional
        Latents of the spectra.
    event : ndarray, shape (n, e), float32, optional
        Latents of the event lists; rows of NaN where there are none.
    level : ndarray, shape (n,), float32, optional
        log10 of the range of each spectrum, see :func:`~.datasets.log_range`: goes into the head beside the
        latent.
    split : ndarray, shape (n,), str, optional
        ``"train"``, ``"validation"`` or ``"test"``; default by :func:`~.datasets.split` of seed 0, a tenth
        of the sources for validation and half for the test.

    Raises
    ------
    ChandraEmbedError
        Arrays of different lengths, a number that is not finite (but for whole rows of `event`), an
        unknown part, a source in two parts, or a part without sources.
    """

    text: Array
    source_id: NDArray[np.str_]
    spectrum: Array | None = None
    event: Array | None = None
    level: Array | None = None
    split: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, "U1"))

    def __post_init__(self) -> None:
        n = len(self.source_id)
        if not self.split.size and n:
            object.__setattr__(self, "split", split_of(self.source_id))
        self._check_split(n)
        for name in MODALITIES:
            rows = self.rows(name)
            if rows is None:
                continue
            if rows.ndim != 2 or len(rows) != n:
                raise ChandraEmbedError(f"{name} has shape {rows.shape}: give ({n}, numbers), one row a pair")
            bad = ~np.isfinite(rows).all(axis=1)
            if name == "event":
                bad &= ~np.isnan(rows).all(axis=1)
            if bad.any():
                raise ChandraEmbedError(f"row {int(np.argmax(bad))} of {name} is not finite; leave it out")
            if np.isfinite(rows[self.split == "train"][:, :1]).sum() < 2:
                raise ChandraEmbedError(f"fewer than two training rows have numbers of {name}; leave it out")
        if self.level is not None and self.spectrum is None:
            raise ChandraEmbedError("levels without spectra: give the latents too")
        if self.spectrum is None and self.event is None:
            raise ChandraEmbedError("neither spectra nor event lists: give latents of one at least")

    def _check_split(self, n: int) -> None:
        """Every row is in a known part, every source in one, and no part is empty."""
        if self.split.shape != (n,) or not set(np.unique(self.split)) <= set(PARTS):
            raise ChandraEmbedError(f"split must name one of {', '.join(PARTS)} for each of {n} rows")
        for name in PARTS:
            if not (self.split == name).any():
                raise ChandraEmbedError(f"{n} pairs leave no source for the {name} part; give more")
        _, source = np.unique(self.source_id, return_inverse=True)
        part = np.searchsorted(np.sort(PARTS), self.split)
        first = np.full(source.max() + 1, -1)
        first[source] = part
        if (first[source] != part).any():
            row = int(np.argmax(first[source] != part))
            raise ChandraEmbedError(
                f"source {self.source_id[row]} is in two parts of the split; a source is in one"
            )

    def __len__(self) -> int:
        return len(self.source_id)

    def rows(self, modality: str) -> Array | None:
        """Return what goes into a head, ``"spectrum"``, ``"event"`` or ``"text"``, shape (n, width)."""
        found: Array | None = getattr(self, modality)
        if modality != "spectrum" or found is None or self.level is None:
            return found
        return np.hstack([found, self.level[:, None]])

    def width(self, modality: str) -> int:
        """Return how many numbers a latent or vector of a modality has, 0 where there are none."""
        found: Array | None = getattr(self, modality)
        return 0 if found is None else found.shape[1]

    def take(self, part: str) -> "Part":
        """Return the rows of a part of the split."""
        mask = self.split == part
        rows = {name: rows[mask] for name in MODALITIES if (rows := self.rows(name)) is not None}
        return Part(rows, self.source_id[mask])

    def digest(self) -> str:
        """Return the SHA-256 of all rows, so that another run on other data is told apart."""
        found = hashlib.sha256()
        for name in MODALITIES:
            rows = self.rows(name)
            found.update(name.encode() if rows is None else np.ascontiguousarray(rows, "<f4").tobytes())
        found.update("\n".join([*self.source_id, *self.split]).encode())
        return found.hexdigest()


@dataclass(frozen=True)
class Part:
    """The rows of one part: numbers by modality, (m, width) each, and the source of each row, (m,)."""

    rows: dict[str, Array]
    source_id: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.source_id)

    def present(self, modality: str) -> NDArray[np.bool_]:
        """Return which rows have numbers of a modality, shape (m,), bool."""
        return np.isfinite(self.rows[modality][:, 0])


def split_of(source_id: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return the part of each row's source in the split that every model here shares, shape (n,), str."""
    masks = split(source_id, SEED, VALIDATION, TEST)
    return np.select([masks[name] for name in PARTS], list(PARTS), "").astype(np.str_)
