"""Freezing: one checkpoint in, one checked bundle out, or nothing at all."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.catalog.store import command_line, sha256_file, without_folders
from ..inference.errors import ChandraEmbedError
from ..models.registry import MANIFEST, verify
from ..training.autoencoder import Autoencoder
from ..training.checkpoint import Checkpoint
from ..training.datasets import Spectra, is_seen, read_spectra
from ..training.evaluation.sample import BASELINE
from ..training.reconstruction import Baseline, figures
from .evaluation import read_evaluation
from .manifest import list_files, make_manifest, version_numbers, write_manifest
from .model_card import model_card
from .parity import TOLERANCE, awkward_spectra, check_parity, measure_parity
from .to_onnx import to_onnx

ENCODER_OUTPUTS = ("latent_out", "normalised_out", "scale_out", "embedding_out")
DECODER_OUTPUTS = ("reconstruction_out",)
NEIGHBOURS, TREES = 10, 200
PARITY_ROWS = 4096
# fewer than this the score command leaves out, and so does the sample it is measured against
MIN_COUNTS = 40.0


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


def replace_bundle(
    output: Path,
    version: str,
    meta: Mapping[str, Any],
    fill: Callable[[Path, list[dict[str, Any]]], dict[str, Any]],
) -> dict[str, Any]:
    """Make a bundle under a temporary name and rename it into place; a kill leaves the old or the new one.

    Parameters
    ----------
    output : Path
        The bundle's folder.
    version : str
        Above that of the bundle there.
    meta : mapping
        Of the checkpoint.
    fill : callable
        Takes a folder and the figures of earlier versions, writes every file, returns the manifest.

    Raises
    ------
    ChandraEmbedError
        An unfinished run, or a version not above the one there.
    """
    if not meta["finished"]:
        raise ChandraEmbedError(
            "the run is not finished; run chandra-embed train again, it goes on by itself"
        )
    numbers = version_numbers(version)
    temporary = output.parent / f".{output.name}.unfinished"
    aside = output.parent / f".{output.name}.replaced"
    if aside.exists() and not output.exists():  # killed between the two renames below
        os.rename(aside, output)
    earlier = _earlier(output, numbers)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        manifest = fill(temporary, earlier)
        shutil.rmtree(aside, ignore_errors=True)
        if output.exists():
            os.rename(output, aside)
        os.rename(temporary, output)
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return manifest


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
    extra: dict[str, Any] = {"earlier": earlier, "commands": distinct_commands(commands, unseen)}
    if unseen:
        write_manifest(folder, make_manifest(folder, name, version, meta, {}))
        baseline = Baseline(checkpoint.baseline["mean"].numpy(), checkpoint.baseline["components"].numpy())
        measured["reconstruction"], extra["anomaly_reference"] = write_reference(folder, baseline, unseen)
    if evaluation:
        measured["evaluation"] = read_evaluation(evaluation, sha256_file(folder / "encoder.onnx"))
    manifest = {**make_manifest(folder, name, version, meta, measured), **extra}
    (folder / "MODEL_CARD.md").write_text(model_card(manifest), encoding="utf-8")
    manifest["files"] = list_files(folder)
    write_manifest(folder, manifest)
    verify(folder)
    return manifest


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
    """Compare both frozen files with torch; raise on a difference on made-up or given spectra.

    On the many rows of the reference those beyond the tolerance are counted instead.
    """
    inputs = {"made up": awkward_spectra(model.config.n_bins)}
    if real:
        simulated = real.files[0]["simulated"]
        inputs["simulated, given with --real" if simulated else "observed"] = real.value[:PARITY_ROWS]
    with torch.inference_mode():
        latents = {label: model.encoder(torch.from_numpy(rows))[0].numpy() for label, rows in inputs.items()}
    found: dict[str, Any] = {
        "tolerance": TOLERANCE,
        "rows": {label: len(rows) for label, rows in inputs.items()},
        "files": {
            "encoder.onnx": check_parity(model.encoder, folder / "encoder.onnx", ENCODER_OUTPUTS, inputs),
            "decoder.onnx": check_parity(model.decoder, folder / "decoder.onnx", DECODER_OUTPUTS, latents),
        },
    }
    if unseen:
        rows = unseen.value[:PARITY_ROWS]
        found["reference"] = measure_parity(model.encoder, folder / "encoder.onnx", ENCODER_OUTPUTS, rows)
    return found


def _stored_figures(meta: dict[str, Any]) -> dict[str, Any]:
    """Return the figures that training ended with."""
    return {"data": _kind(meta["data"]["files"]), "figures": meta["figures"]}


def _kind(files: Iterable[Mapping[str, Any]]) -> str:
    """Say what the figures were measured on; simulated spectra are called so."""
    return (
        "simulated " if all(file["simulated"] for file in files) else ""
    ) + "spectra of sources not trained on"


def distinct_commands(commands: Iterable[str], unseen: Spectra | None) -> list[str]:
    """Return the commands that print the figures again, each once, in order, without folders.

    Those of a reference, and the one that is running, come after the given ones.
    """
    commands = list(commands)
    if unseen:
        commands += [*(file["command"] for file in unseen.files), command_line()]
    return list(dict.fromkeys(map(without_folders, commands)))


def write_reference(
    folder: Path, baseline: Baseline, unseen: Spectra
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write ``anomaly.npz``, made with the frozen files of a folder; return figures and facts of its rows.

    Parameters
    ----------
    folder : Path
        Holds encoder, decoder and a manifest.
    baseline : Baseline
        What reconstructions are shown beside.
    unseen : Spectra
        Rows of sources that no part of the model has seen.

    Returns
    -------
    measured : dict
        ``data`` and ``figures`` of the reconstructions.
    facts : dict
        file, sha256, simulated, rows, min_counts of the reference.
    """
    from ..inference.encoder import Encoder
    from ..inference.reference import Reference

    encoded = Encoder.load(folder.resolve(), "cpu").run(unseen.value)
    enough = unseen.net_counts >= MIN_COUNTS
    file = unseen.files[0]
    reference = Reference.build(
        encoded.embedding[enough],
        encoded.reconstruction_error[enough],
        unseen.net_counts[enough],
        unseen.source_id[enough],
        k=NEIGHBOURS,
        n_trees=TREES,
        random_state=0,
    )
    reference.save(folder / "anomaly.npz")
    errors = {"autoencoder": encoded.reconstruction_error, **baseline.errors(unseen.value)}
    found = figures(errors, unseen.net_counts, unseen.source_id)
    facts = {
        "file": file["name"],
        "sha256": file["sha256"],
        "simulated": file["simulated"],
        "rows": int(enough.sum()),
        "min_counts": MIN_COUNTS,
    }
    return {"data": _kind(unseen.files), "figures": found}, facts


def of_recipe(path: Path, fingerprint: str) -> Spectra:
    """Read spectra of the recipe that a model was trained with."""
    spectra = read_spectra([path])
    theirs = spectra.recipe.fingerprint
    if fingerprint != theirs:
        raise ChandraEmbedError(
            f"{path}: recipe fingerprint {theirs}, the model was trained with {fingerprint}; ingest again"
        )
    return spectra


def unseen_rows(path: Path, fingerprint: str, seen: NDArray[np.int64]) -> Spectra:
    """Return the rows of sources whose hashes are not among `seen`; enough of them for a reference."""
    spectra = of_recipe(path, fingerprint)
    unseen = spectra.take(~is_seen(spectra.source_id, seen))
    enough = int((unseen.net_counts >= MIN_COUNTS).sum())
    if enough < 4 * NEIGHBOURS:
        raise ChandraEmbedError(
            f"{path}: {enough} rows of at least {MIN_COUNTS:g} net counts of sources that training has not "
            f"seen, a reference needs {4 * NEIGHBOURS}; give more"
        )
    return unseen


def _earlier(output: Path, numbers: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return the figures of the versions before this one, newest first."""
    if not output.exists():
        return []
    if not (output / MANIFEST).is_file():
        raise ChandraEmbedError(f"{output}: exists and is no bundle; give another -o")
    old = json.loads((output / MANIFEST).read_text(encoding="utf-8"))
    if version_numbers(old["version"]) >= numbers:
        raise ChandraEmbedError(f"{output}: holds version {old['version']}; give a higher --version")
    return [{"version": old["version"], "measured": old["measured"]}, *old.get("earlier", [])]
