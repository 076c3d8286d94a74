"""The state of a training run: ``checkpoint.pt`` for the program, ``meta.json`` beside it for people.

The checkpoint holds everything, ``meta`` too, and is replaced in one step, so a kill at any moment leaves
a whole one; ``meta.json`` is a copy that is never read back, and goes first: what a kill leaves ahead of the
checkpoint the resumed run writes again.
"""

import json
import os
import pickle
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..inference.errors import ChandraEmbedError
from ..inference.recipe import Recipe, recipe_from_json
from .autoencoder import Autoencoder, AutoencoderConfig, build

FILE, META = "checkpoint.pt", "meta.json"
FORMAT_VERSION = 1
# settings that came later, and what earlier runs did
ADDED = {"kind": "transformer", "noise": 0.0, "mask": 0.0, "weighted": False, "denoise": 0.0, "rows": None}
# what torch.load and a file of another kind raise
UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    struct.error,
    pickle.UnpicklingError,
)
# what every run says of itself, and the PCA that an autoencoder of spectra has beside it
MUST = {"model": dict, "training": dict, "data": dict, "history": list, "finished": bool, "versions": dict}
BASELINE = {"mean", "components"}
Module = TypeVar("Module", bound=nn.Module)


@dataclass
class Checkpoint:
    """Everything a run needs to go on, and an export to freeze it.

    Parameters
    ----------
    meta : dict
        Plain values: format_version, model and training (the configurations), recipe and its
        fingerprint, data, parameters, versions, history (one dict an epoch), finished, figures.
    weights, best : dict of str to Tensor
        State of the autoencoder after the last epoch, and after the best one.
    optimizer : dict
        State of the optimizer.
    baseline : dict of str to Tensor
        ``mean`` (n_bins,) and ``components`` (n_latent, n_bins) of the PCA fitted to the training rows.
    seen : Tensor, shape (number of sources,), int64
        Hashes of the sources in training and validation; see :func:`~.datasets.source_keys`.
    """

    meta: dict[str, Any]
    weights: dict[str, Tensor]
    best: dict[str, Tensor]
    optimizer: dict[str, Any]
    baseline: dict[str, Tensor]
    seen: Tensor

    def autoencoder(self) -> Autoencoder:
        """Return the autoencoder with its best weights, in evaluation mode."""
        return restored(lambda: build(AutoencoderConfig(**self.meta["model"]), 0), self.best)

    @property
    def recipe(self) -> Recipe:
        """The recipe of the spectra it was trained on."""
        return Recipe(**self.meta["recipe"])


def restored(make: Callable[[], Module], weights: Mapping[str, Tensor]) -> Module:
    """Return a model with weights of a checkpoint, in evaluation mode.

    Raises
    ------
    ChandraEmbedError
        The settings or the weights are not those of such a model.
    """
    try:
        model = make()
        model.load_state_dict(weights)
    except (TypeError, LookupError, RuntimeError, ValueError) as error:
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise ChandraEmbedError(
            f"the checkpoint does not fit its own settings ({said}); train again"
        ) from error
    return model.eval()


def make_folder(folder: Path) -> None:
    """Make a run folder where it is missing.

    Raises
    ------
    ChandraEmbedError
        It cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ChandraEmbedError(
            f"{folder}: no run folder can be made there ({error.strerror or error}); give another -o"
        ) from error
    if not os.access(folder, os.W_OK):
        raise ChandraEmbedError(f"{folder}: may not be written; change its permissions, or give another -o")


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace ``meta.json`` of a run folder, and the checkpoint after it.

    Raises
    ------
    ChandraEmbedError
        The folder cannot be made, or the disk refuses.
    """
    make_folder(folder)
    try:
        _save(folder, checkpoint)
    except (OSError, RuntimeError) as error:  # torch says the latter where a disk is full
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise ChandraEmbedError(
            f"{folder}: the state after epoch {len(checkpoint.meta['history'])} cannot be written ({said}); "
            "make room and run the same command again, it goes on from the state before"
        ) from error


def _save(folder: Path, checkpoint: Checkpoint) -> None:
    temporary = folder / f"{META}.tmp"
    temporary.write_text(json.dumps(checkpoint.meta, indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, folder / META)
    temporary = folder / f"{FILE}.tmp"
    torch.save(
        {
            "meta": json.dumps(checkpoint.meta),
            "weights": checkpoint.weights,
            "best": checkpoint.best,
            "optimizer": checkpoint.optimizer,
            "baseline": checkpoint.baseline,
            "seen": checkpoint.seen,
        },
        temporary,
    )
    os.replace(temporary, folder / FILE)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing in the file is executed.

    Parameters
    ----------
    path : Path
        ``checkpoint.pt``, or the run folder that holds it.

    Raises
    ------
    ChandraEmbedError
        No checkpoint there, or none that this version reads.
    """
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise ChandraEmbedError(f"{path}: no such checkpoint; make one with: chandra-embed train autoencoder")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        meta = json.loads(content.pop("meta"))
        newer = meta["format_version"] > FORMAT_VERSION
        checkpoint = Checkpoint(meta=meta, **content)
    except UNREADABLE as error:
        raise ChandraEmbedError(
            f"{path}: not a checkpoint of chandra-embed ({type(error).__name__})"
        ) from error
    if newer:
        raise ChandraEmbedError(
            f"{path}: has format version {meta['format_version']}, this program reads up to "
            f"{FORMAT_VERSION}: upgrade chandra-embed"
        )
    return checkpoint


def load_whole(path: Path) -> Checkpoint:
    """Read a checkpoint that is to be used for more than going on with its run, as :func:`load`.

    Raises
    ------
    ChandraEmbedError
        Also where it lacks something that every run writes.
    """
    checkpoint = load(path)
    meta = checkpoint.meta
    lacking = [name for name, kind in MUST.items() if not isinstance(meta.get(name), kind)]
    if meta.get("kind") is None:
        lacking += sorted(BASELINE - set(checkpoint.baseline))
    if lacking:
        raise ChandraEmbedError(f"{path}: says nothing of {', '.join(lacking)}; train again")
    if meta.get("kind") is None:
        recipe = recipe_from_json(json.dumps(meta.get("recipe")))
        if recipe.fingerprint != meta.get("recipe_fingerprint"):
            raise ChandraEmbedError(f"{path}: its recipe is not that of its fingerprint; train again")
    return checkpoint


def first_difference(stored: dict[str, Any], asked: dict[str, Any]) -> str:
    """Name the first setting in which two runs differ, with both values; ``""`` where they agree."""
    for part in ("model", "training"):
        for name in sorted(stored[part].keys() | asked[part].keys()):
            ours, theirs = (side[part].get(name, ADDED.get(name)) for side in (stored, asked))
            if ours != theirs:
                return f"{name} {ours}, this command says {theirs}"
    if stored["recipe_fingerprint"] != asked["recipe_fingerprint"]:
        return f"recipe {stored['recipe_fingerprint']}, the spectra have {asked['recipe_fingerprint']}"
    files = [
        [f"{file['name']} {file['sha256']}" for file in meta["data"]["files"]] for meta in (stored, asked)
    ]
    if files[0] != files[1]:
        return f"spectra {', '.join(files[0])}; this command names {', '.join(files[1])}"
    return ""


def versions() -> dict[str, str]:
    """Return the versions that shape the numbers of a run."""
    return {"torch": str(torch.__version__), "numpy": np.__version__}


def plain(config: Any) -> dict[str, Any]:
    """Return a configuration dataclass as a dict of plain values."""
    return asdict(config)


def remove(folder: Path) -> None:
    """Delete the files of a run, and nothing else in the folder."""
    for name in (FILE, META, f"{FILE}.tmp", f"{META}.tmp"):
        (folder / name).unlink(missing_ok=True)
