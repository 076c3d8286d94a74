"""The state of a run that trains an autoencoder of events; same files as a spectrum's run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..inference.errors import ChandraEmbedError
from ..inference.event_map import EventRecipe
from . import checkpoint as store
from .checkpoint import Checkpoint
from .event_autoencoder import EventAutoencoder, EventAutoencoderConfig, build_events

KIND = "events"


@dataclass(frozen=True)
class EventCheckpoint:
    """A run of ``train events``, as far as it came.

    Parameters
    ----------
    state : Checkpoint
        Weights, optimizer and meta; ``meta["kind"]`` is ``"events"``.
    """

    state: Checkpoint

    @property
    def meta(self) -> dict[str, Any]:
        """Plain values: kind, model and training (the configurations), recipe, data, history, figures."""
        return self.state.meta

    @property
    def recipe(self) -> EventRecipe:
        """How event lists became the rows it was trained on."""
        stored = self.meta["recipe"]
        return EventRecipe(**{**stored, "interval_edges": tuple(stored["interval_edges"])})

    @property
    def seen(self) -> Tensor:
        """Hashes of the sources in training and validation; see :func:`~.datasets.source_keys`."""
        return self.state.seen

    def model(self) -> EventAutoencoder:
        """Return the autoencoder with its best weights, in evaluation mode."""
        return store.restored(
            lambda: build_events(self.recipe, EventAutoencoderConfig(**self.meta["model"]), 0),
            self.state.best,
        )


def load_events(folder: Path) -> EventCheckpoint:
    """Read a run of ``train events``; nothing in the file is executed.

    Parameters
    ----------
    folder : Path
        Run folder, or its ``checkpoint.pt``.

    Raises
    ------
    ChandraEmbedError
        No checkpoint there, one of another kind of model, or none that this version reads.
    """
    path = folder / store.FILE if folder.is_dir() else folder
    if not path.is_file():
        raise ChandraEmbedError(f"{path}: no such checkpoint; make one with: chandra-embed train events")
    found = store.load(path)
    if found.meta.get("kind") != KIND:
        raise ChandraEmbedError(
            f"{path}: holds no model of events; make one with: chandra-embed train events"
        )
    return EventCheckpoint(found)
