"""Which sources a formula is searched on, which it is chosen by and which it is scored on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..datasets import split

Mask = NDArray[np.bool_]
MIN_SOURCES = 25  # sources of each half that know a quantity


@dataclass(frozen=True)
class Parts:
    """Where each of `n` rows goes: searched on, chosen by, or held out; each shape (n,), bool."""

    searched: Mask
    choosing: Mask
    held_out: Mask

    @property
    def fitted(self) -> Mask:
        """Searched on or chosen by."""
        return self.searched | self.choosing

    def enough(self, source_id: NDArray[np.str_]) -> bool:
        """Whether every part has sources enough for a figure."""
        return all(
            len(np.unique(source_id[part])) >= least
            for part, least in (
                (self.searched, MIN_SOURCES),
                (self.choosing, MIN_SOURCES // 2),
                (self.held_out, MIN_SOURCES),
            )
        )


def halves(source_id: NDArray[np.str_], seen: Mask, seed: int = 0) -> Parts:
    """Hold out about half of the sources, none that the model has seen; choose by a third of the others.

    Parameters
    ----------
    source_id : ndarray, shape (n,), str
        Source of each row.
    seen : ndarray, shape (n,), bool
        The source is among those of the model's training or validation.
    seed : int
        Another seed, another split.

    Returns
    -------
    Parts
        No source stands in two of them.
    """
    unseen = len(np.unique(source_id[~seen])) / max(1, len(np.unique(source_id)))
    share = min(1.0, 0.5 / unseen) if unseen else 0.0
    # salts that the model's own split does not use: an independent hash
    held_out = split(source_id, seed + 101, validation=0.0, test=share)["test"] & ~seen
    choosing = split(source_id, seed + 202, validation=0.0, test=1 / 3)["test"] & ~held_out
    return Parts(~held_out & ~choosing, choosing, held_out)
