"""``manifest.json``: what a bundle is, what it takes and gives, and the SHA-256 of every other file in it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..inference.catalog.store import sha256_file, without_folders
from ..inference.errors import ChandraEmbedError
from ..models.registry import FORMAT_VERSION, MANIFEST, package_version

# the first package that reads these files
MIN_PACKAGE = "0.1.0"
LICENCE = "BSD-3-Clause"


def make_manifest(
    folder: Path, name: str, version: str, meta: Mapping[str, Any], measured: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe the files of a bundle.

    Parameters
    ----------
    folder : Path
        Where they lie; every file but ``manifest.json`` is listed.
    name, version : str
        Name and semantic version of the bundle.
    meta : mapping
        Of the checkpoint; see :class:`~chandra_embed.training.checkpoint.Checkpoint`.
    measured : mapping
        Figures, with their uncertainty.

    Returns
    -------
    dict
        Plain values, ready for JSON.
    """
    import onnx

    models = {path.name: onnx.load(path) for path in sorted(folder.glob("*.onnx"))}
    return {
        "format_version": FORMAT_VERSION,
        "name": name,
        "version": version,
        "min_package": MIN_PACKAGE,
        "opset": max(opset.version for model in models.values() for opset in model.opset_import),
        "ir_version": max(model.ir_version for model in models.values()),
        "recipe": meta["recipe"],
        "recipe_fingerprint": meta["recipe_fingerprint"],
        "inputs": {file: _tensors(model.graph.input) for file, model in models.items()},
        "outputs": {file: _tensors(model.graph.output) for file, model in models.items()},
        "files": list_files(folder),
        "model": meta["model"],
        "training": meta["training"],
        "parameters": meta["parameters"],
        "seed": meta["training"]["seed"],
        "epochs": len(meta["history"]),
        "versions": {**meta["versions"], "chandra-embed": package_version()},
        "trained_on": [_source(file) for file in meta["data"]["files"]],
        "rows": meta["data"]["rows"],
        "measured": dict(measured),
        "licence": LICENCE,
    }


def list_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a bundle but its manifest, by path within it, folders included."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name: sha256_file(folder / name) for name in sorted(found) if name != MANIFEST}


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``manifest.json``, sorted, so that the same content has the same bytes."""
    text = json.dumps(manifest, indent=2, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _tensors(values: Any) -> dict[str, dict[str, Any]]:
    """Return shape and dtype by name; a symbolic dimension by its name."""
    import onnx

    found = {}
    for value in values:
        tensor = value.type.tensor_type
        found[value.name] = {
            "shape": [d.dim_param or d.dim_value for d in tensor.shape.dim],
            "dtype": onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name,
        }
    return found


def _source(file: Mapping[str, Any]) -> dict[str, Any]:
    """Say of one training file what it is and under which licence."""
    command = without_folders(file["command"])
    if file["simulated"]:
        description, licence = (
            f"simulated by: {command}",
            f"{LICENCE} (made by this program, observed by nobody)",
        )
    else:
        description, licence = f"observed; made by: {command}", "that of the observations"
    return {
        "file": file["name"],
        "sha256": file["sha256"],
        "simulated": file["simulated"],
        "rows": file["rows"],
        "rows_left_out": file["constant"],
        "description": description,
        "licence": licence,
    }


def version_numbers(version: str) -> tuple[int, ...]:
    """Return the three numbers of a version such as ``1.0.0``.

    Raises
    ------
    ChandraEmbedError
        The text is no such version.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ChandraEmbedError(f"version {version!r}: give three numbers, such as 1.0.0")
    return tuple(map(int, version.split(".")))
