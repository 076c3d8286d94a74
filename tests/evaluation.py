"""Bundles, spectra with truth, and records that the tests of evaluation start from."""

import hashlib
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
from chandra_embed.models import registry
from chandra_embed.training.datasets import source_keys
from chandra_embed.training.evaluation.records import GROUPS, Record
from small import write_spectra


def bundle(folder: Path, seen=(), *, baseline=True) -> Path:
    """Copy spectrum-8, with a made-up PCA and the sources named as seen; or without a PCA."""
    shutil.copytree(registry.find("spectrum-8"), folder)
    path = folder / "baseline.npz"
    path.unlink(missing_ok=True)
    if baseline:
        rng = np.random.default_rng(0)
        components = np.linalg.qr(rng.normal(size=(400, 8)))[0].T.astype(np.float32)
        mean = np.full(400, 0.3, np.float32)
        keys = source_keys(seen) if len(seen) else np.zeros(0, np.int64)
        np.savez(path, mean=mean, components=components, seen=keys)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"].pop("baseline.npz", None)
    if baseline:
        manifest["files"]["baseline.npz"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def spectra_with_truth(path: Path, n: int = 60, **settings) -> Path:
    """Write spectra whose row 5 is constant, with a smooth truth beside them."""
    write_spectra(path, n, **settings)
    with h5py.File(path, "r+") as file:
        value = file["spectrum/value"][...]
        value[5] = 0.5
        file["spectrum/value"][...] = value
        kernel = np.ones(25) / 25
        smooth = np.stack([np.convolve(row, kernel, "same") for row in value]).astype(np.float32)
        file["truth/value"] = smooth
        file["truth/gamma"] = np.arange(n, dtype=np.float64)
        file["truth/shape"] = np.array([b"powerlaw", b"thermal"] * (n // 2), "S32")
    return path


def made_record(
    name: str, *, factor=1.0, seed=0, rows=None, test="t", recipe="r", kind="transformer", **model
):
    """Return a record whose errors are those of its seed times a factor."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(1, 5, GROUPS) if rows is None else np.asarray(rows)
    error = factor * 0.05 * rows * rng.uniform(0.8, 1.2, GROUPS)
    value = float(error.sum() / rows.sum())

    def figure(x):
        return {"value": x, "low": 0.99 * x, "high": 1.01 * x, "low95": 0.98 * x, "high95": 1.02 * x}

    return Record(
        name=name,
        kind=kind,
        model={"depth": 2, "width": 80, "n_latent": 8, "kind": kind, **model},
        training={"epochs": 3, "seed": seed, "threads": 1},
        seed=seed,
        parameters=1000,
        epochs=3,
        seconds=1.0,
        threads=1,
        versions={"numpy": "2"},
        recipe_fingerprint=recipe,
        data={"files": [{"name": "a.h5", "sha256": "a", "simulated": True, "command": "x"}], "rows": {}},
        test={"name": "t.h5", "sha256": test, "simulated": True, "command": "y", "rows": 1, "sources": 1},
        mae=figure(value),
        truth_mae=figure(0.5 * value),
        input_truth_mae=figure(0.06),
        pca_mae=figure(1.1 * value),
        pca_truth_mae=figure(0.7 * value),
        minus_pca=figure(-0.1 * value),
        by_counts=[],
        groups={
            "rows": rows.tolist(),
            "mae": error.tolist(),
            "pca_mae": (1.1 * error).tolist(),
            "truth_mae": (0.5 * error).tolist(),
        },
    )
