"""Small embeddings files as embed writes them, and bundles that hold a reference alone."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.schema import blank
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.reference import Reference
from unit_rows import random_rows


def write_embeddings(
    path: Path, n: int, *, d: int = 8, per_source: int = 1, seed: int = 0, **attributes
) -> Path:
    """Write an `embeddings.h5` of `n` random unit rows; `attributes` go to the root."""
    rng = np.random.default_rng(seed)
    columns = blank(n)
    for i in range(n):
        columns["file"][i] = f"sim/{i}.pi"
        columns["source_id"][i] = columns["name"][i] = f"2CXO J{i // per_source:06d}"
    columns["obsid"][:] = 100 + np.arange(n)
    columns["net_counts"][:] = rng.uniform(50, 2000, n)
    columns["class"][:] = "AGN"
    columns["hard_hm"][:] = rng.uniform(-1, 1, n)
    with store.create(path, store.EMBEDDINGS, attributes) as file:
        store.write_detections(store.create_detections(file, n), 0, columns)
        embedding = store.write_dataset(file, "embedding", random_rows(n, d, seed, 0.3), "", "unit rows")
        embedding.attrs["modality"] = "spectrum"
        errors = rng.gamma(2, 0.01, n).astype(np.float32)
        store.write_dataset(file, "reconstruction_error", errors, "", "mean |normalised - reconstruction|")
        store.finish(file)
    return path


def write_bundle(folder: Path, reference: Reference | None, *, version: str = "1.0.0") -> str:
    """Write a bundle that holds a reference and no model; return the SHA-256 of its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    if reference is not None:
        reference.save(folder / "anomaly.npz")
        files["anomaly.npz"] = hashlib.sha256((folder / "anomaly.npz").read_bytes()).hexdigest()
    manifest = {
        "format_version": 1,
        "name": folder.name,
        "version": version,
        "min_package": "0.1.0",
        "opset": 20,
        "ir_version": 10,
        "recipe": asdict(Recipe()),
        "recipe_fingerprint": Recipe().fingerprint,
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
