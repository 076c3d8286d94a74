"""Freezing: one checkpoint in, one checked bundle out, or nothing at all."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..training.autoencoder import Autoencoder
from ..training.checkpoint import Checkpoint
from ..training.datasets import Spectra
from ..training.evaluation.sample import BASELINE
from ..training.reconstruction import Baseline
from .freeze import (
    ENCODER_OUTPUTS,
    complete,
    distinct_commands,
    kind,
    of_recipe,
    parity_inputs,
    parity_record,
    replace_bundle,
    unseen_rows,
)
from .manifest import make_manifest
from .model_card import model_card
from .parity import check_parity
from .to_onnx import to_onnx

DECODER_OUTPUTS = ("reconstruction_out",)


def export_bundle(
    checkpoint: Checkpoint,
    output: Path,
    version: str = "1.0.0",
    real: Path | None = None,
    reference: Path | None = None,
    evaluation: Path | None = None,
) -> dict[str, Any]:
    """Freeze an autoencoder.

    Parameters
    ----------
    checkpoint : Checkpoint
        Of a finished run.
    output : Path
        The bundle's folder; its name is the bundle's. A bundle of a lower version there is replaced,
        and its figures stay in the new one.
    version : str
        Semantic version, raised at each freeze.
    real : Path, optional
        ``spectra.h5`` whose rows join the parity check.
    reference : Path, optional
        ``spectra.h5`` of which the rows of sources that training has not seen become the reference of
        the anomaly scores; the figures are then measured anew, with the frozen files, on these rows.
    evaluation : Path, optional
        Folder that ``evaluate`` wrote for the same encoder; its tables go into the manifest and the card.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    ChandraEmbedError
        An unfinished run, a version not above the one there, another recipe, no unseen source, tables of
        another encoder, or a frozen file that does not give what torch gives. Nothing is left at `output`
        then.
    """
    real_spectra = of_recipe(real, checkpoint.meta["recipe_fingerprint"]) if real else None
    seen = checkpoint.seen.numpy()
    unseen = unseen_rows(reference, checkpoint.meta["recipe_fingerprint"], seen) if reference else None

    def fill(folder: Path, earlier: list[dict[str, Any]]) -> dict[str, Any]:
        return _fill(folder, output.name, version, checkpoint, real_spectra, unseen, evaluation, earlier)

    return replace_bundle(output, version, checkpoint.meta, fill)


def _fill(
    folder: Path,
    name: str,
    version: str,
    checkpoint: Checkpoint,
    real: Spectra | None,
    unseen: Spectra | None,
    evaluation: Path | None,
    earlier: list[dict[str, Any]],
) -> dict[str, Any]:
    """Write every file of the bundle and check them; return the manifest."""
    model, meta = checkpoint.autoencoder(), checkpoint.meta
    n_bins, n_latent = meta["model"]["n_bins"], meta["model"]["n_latent"]
    (folder / "encoder.onnx").write_bytes(to_onnx(model.encoder, n_bins, "spectrum", ENCODER_OUTPUTS))
    (folder / "decoder.onnx").write_bytes(to_onnx(model.decoder, n_latent, "latent_in", DECODER_OUTPUTS))
    save_baseline(folder / BASELINE, checkpoint)

    measured = {"parity": _parity(folder, model, real, unseen), "reconstruction": _stored_figures(meta)}
    commands = [*(file["command"] for file in meta["data"]["files"]), meta["command"]]
    extra = {"earlier": earlier, "commands": distinct_commands(commands, unseen)}
    baseline = Baseline(checkpoint.baseline["mean"].numpy(), checkpoint.baseline["components"].numpy())
    make = partial(make_manifest, folder, name, version, meta)
    return complete(folder, make, model_card, measured, extra, baseline, unseen, evaluation)


def save_baseline(path: Path, checkpoint: Checkpoint) -> None:
    """Write what a model is measured against: the PCA of its training rows, and which sources it has seen."""
    with open(path, "wb") as file:
        np.savez(
            file,
            mean=checkpoint.baseline["mean"].numpy(),
            components=checkpoint.baseline["components"].numpy(),
            seen=checkpoint.seen.numpy(),
        )


def _parity(folder: Path, model: Autoencoder, real: Spectra | None, unseen: Spectra | None) -> dict[str, Any]:
    """Compare both frozen files with torch; raise on a difference on made-up or given spectra."""
    inputs = parity_inputs(model.config.n_bins, real)
    with torch.inference_mode():
        latents = {label: model.encoder(torch.from_numpy(rows))[0].numpy() for label, rows in inputs.items()}
    path = folder / "encoder.onnx"
    files = {
        path.name: check_parity(model.encoder, path, ENCODER_OUTPUTS, inputs),
        "decoder.onnx": check_parity(model.decoder, folder / "decoder.onnx", DECODER_OUTPUTS, latents),
    }
    return parity_record(model.encoder, path, inputs, files, unseen)


def _stored_figures(meta: dict[str, Any]) -> dict[str, Any]:
    """Return the figures that training ended with."""
    return {"data": kind(meta["data"]["files"]), "figures": meta["figures"]}
