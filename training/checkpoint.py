"""The state of a training run: ``checkpoint.pt`` for the program, ``meta.json`` beside it for people.

The checkpoint holds everything, ``meta`` too, and is replaced in one step, so a kill at any moment leaves
a whole one; ``meta.json`` is a copy that is never read back.
"""

import json
import os
import pickle
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..inference.errors import ChandraEmbedError
from ..inference.recipe import Recipe
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
    pickle.UnpicklingError,
)


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
        model = build(AutoencoderConfig(**self.meta["model"]), 0)
        model.load_state_dict(self.best)
        return model.eval()

    @property
    def recipe(self) -> Recipe:
        """The recipe of the spectra it was trained on."""
        return Recipe(**self.meta["recipe"])


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint of a run folder, and ``meta.json`` after it."""
    folder.mkdir(parents=True, exist_ok=True)
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
    temporary = folder / f"{META}.tmp"
    temporary.write_text(json.dumps(checkpoint.meta, indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, folder / META)


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
