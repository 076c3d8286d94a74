"""The state of a run of the aligner: a checkpoint like any other, of another kind."""

from pathlib import Path

from ..inference.errors import ChandraEmbedError
from . import checkpoint as store
from .align_recall import BagOfWords
from .aligner import Aligner, AlignerConfig, build_aligner
from .checkpoint import Checkpoint

KIND = "aligner"


class AlignCheckpoint(Checkpoint):
    """A run of the aligner; ``meta["kind"]`` is ``"aligner"`` and ``baseline`` holds the bag of words."""

    def aligner(self) -> Aligner:
        """Return the aligner with its best weights, in evaluation mode."""
        return store.restored(lambda: build_aligner(AlignerConfig(**self.meta["model"]), 0), self.best)

    def bag_of_words(self) -> BagOfWords:
        """Return the linear baseline."""
        return BagOfWords(**{name: tensor.numpy() for name, tensor in self.baseline.items()})


def load_aligner(path: Path) -> AlignCheckpoint:
    """Read the checkpoint of an aligner, a run folder or its ``checkpoint.pt``.

    Raises
    ------
    ChandraEmbedError
        No checkpoint there, or none of an aligner.
    """
    return as_aligner(store.load(path), path)


def as_aligner(found: Checkpoint, path: Path) -> AlignCheckpoint:
    """Return a checkpoint as that of an aligner; raise ChandraEmbedError naming `path` where it is none."""
    if found.meta.get("kind") != KIND:
        raise ChandraEmbedError(f"{path}: no run of an aligner; make one with: chandra-embed train aligner")
    return AlignCheckpoint(**vars(found))
