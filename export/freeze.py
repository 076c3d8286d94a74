"""What every freeze shares: the swap of folders, the reference, parity, and the manifest with its card."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ..inference.catalog.store import command_line, sha256_file, without_folders
from ..inference.errors import ChandraEmbedError
from ..models.registry import MANIFEST, check_name, verify
from ..training.datasets import Spectra, is_seen, read_spectra
from ..training.reconstruction import Baseline, figures
from .evaluation import read_evaluation
from .manifest import list_files, version_numbers, write_manifest
from .parity import TOLERANCE, awkward_spectra, measure_parity

ENCODER_OUTPUTS = ("latent_out", "normalised_out", "scale_out", "embedding_out")
NEIGHBOURS, TREES = 10, 200
PARITY_ROWS = 4096
# fewer than this the score command leaves out, and so does the sample it is measured against
MIN_COUNTS = 40.0


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
    check_name(output.name, output)
    temporary = output.parent / f".{output.name}.unfinished"
    aside = output.parent / f".{output.name}.replaced"
    if aside.exists() and not output.exists():  # killed between the two renames below
        os.rename(aside, output)
    earlier = _earlier(output, numbers)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise ChandraEmbedError(
            f"{output}: no folder can be made there ({error.strerror or error}); give another -o"
        ) from error
    try:
        manifest = fill(temporary, earlier)
        shutil.rmtree(aside, ignore_errors=True)
        if output.exists():
            os.rename(output, aside)
        os.rename(temporary, output)
        shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise ChandraEmbedError(
            f"{output}: cannot be written ({error.strerror or error}); make room, or give another -o"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return manifest


def complete(
    folder: Path,
    manifest: Callable[[Mapping[str, Any]], dict[str, Any]],
    card: Callable[[Mapping[str, Any]], str],
    measured: dict[str, Any],
    extra: Mapping[str, Any],
    baseline: Baseline,
    unseen: Spectra | None,
    evaluation: Path | None,
) -> dict[str, Any]:
    """Add to a bundle's models what is measured with them, then its card and manifest, and verify it.

    Parameters
    ----------
    folder : Path
        Holds the frozen models.
    manifest : callable
        Takes the measured figures, returns the manifest but for `extra`.
    card : callable
        Takes the manifest, returns ``MODEL_CARD.md``.
    measured : dict
        Figures from training and of parity; those of the reference and of ``evaluate`` are put in.
    extra : mapping
        What else stands in the manifest.
    baseline : Baseline
        What reconstructions are shown beside.
    unseen : Spectra or None
        Rows of the reference.
    evaluation : Path or None
        Folder that ``evaluate`` wrote.

    Returns
    -------
    dict
        The manifest.
    """
    reference = {}
    if unseen:
        write_manifest(folder, manifest({}))
        measured["reconstruction"], reference["anomaly_reference"] = write_reference(folder, baseline, unseen)
    if evaluation:
        measured["evaluation"] = read_evaluation(evaluation, sha256_file(folder / "encoder.onnx"))
    made = {**manifest(measured), **extra, **reference}
    (folder / "MODEL_CARD.md").write_text(card(made), encoding="utf-8")
    made["files"] = list_files(folder)
    write_manifest(folder, made)
    verify(folder)
    return made


def parity_inputs(n_bins: int, real: Spectra | None) -> dict[str, NDArray[np.float32]]:
    """Return the spectra on which frozen files must be as torch is, by what they are: made up, and `real`."""
    inputs = {"made up": awkward_spectra(n_bins)}
    if real:
        simulated = real.files[0]["simulated"]
        inputs["simulated, given with --real" if simulated else "observed"] = real.value[:PARITY_ROWS]
    return inputs


def parity_record(
    encoder: nn.Module,
    path: Path,
    inputs: Mapping[str, NDArray[np.float32]],
    files: Mapping[str, Mapping[str, float]],
    unseen: Spectra | None,
) -> dict[str, Any]:
    """Return what the manifest says of parity.

    On the many rows of the reference those beyond the tolerance are counted instead of refused.

    Parameters
    ----------
    encoder, path
        The torch side of the encoder of spectra, and its frozen file.
    inputs : mapping of str to ndarray, shape (n, n_bins), float32
        Of :func:`parity_inputs`.
    files : mapping
        Largest differences on them, by file and output.
    unseen : Spectra or None
        Rows of the reference.
    """
    found: dict[str, Any] = {
        "tolerance": TOLERANCE,
        "rows": {label: len(rows) for label, rows in inputs.items()},
        "files": dict(files),
    }
    if unseen:
        found["reference"] = measure_parity(encoder, path, ENCODER_OUTPUTS, unseen.value[:PARITY_ROWS])
    return found


def kind(files: Iterable[Mapping[str, Any]]) -> str:
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
    return {"data": kind(unseen.files), "figures": found}, facts


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
    try:
        old = json.loads((output / MANIFEST).read_text(encoding="utf-8"))
        earlier = [{"version": old["version"], "measured": old["measured"]}, *old.get("earlier", [])]
        there = version_numbers(old["version"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ChandraEmbedError(
            f"{output / MANIFEST}: cannot be read ({error}), so its figures would be lost; give another -o, "
            "or remove the folder"
        ) from error
    if there >= numbers:
        raise ChandraEmbedError(f"{output}: holds version {old['version']}; give a higher --version")
    return earlier
