"""What every evaluation starts from: spectra, what a frozen model and its PCA make of them, and the truth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.encoder import Encoder
from ...inference.errors import BundleError, ChandraEmbedError
from ...inference.recipe import Recipe
from ...models.registry import Manifest
from ..datasets import is_seen
from .spectra_rows import read_rows

Array = NDArray[np.float32]
BASELINE = "baseline.npz"


@dataclass(frozen=True)
class Sample:
    """Spectra that hold a shape (rows of one constant value are left out) and all that is known of them.

    Parameters
    ----------
    value : ndarray, shape (n, n_bins), float32
        The recipe's quantity.
    latent : ndarray, shape (n, l), float32
        The autoencoder's bottleneck.
    normalised, reconstruction : ndarray, shape (n, n_bins), float32
        The spectra scaled to 0..1 each, and what the autoencoder makes of them.
    pca : ndarray, shape (n, l), float32
        As many numbers by the PCA that was fitted to the autoencoder's training rows.
    pca_reconstruction : ndarray, shape (n, n_bins), float32
        What they give back, in normalised units.
    seen : ndarray, shape (n,), bool
        The source is among those of the model's training or validation.
    simulated : bool
        The spectra were made by a simulator.
    detection : dict of str to ndarray, shape (n,)
        Columns of ``/detection``.
    truth : dict of str to ndarray, shape (n,)
        Columns of ``/truth``; empty where the file has none.
    truth_value : ndarray, shape (n, n_bins), float32, or None
        Noise-free spectra in the recipe's quantity.
    model : str
        Name and version of the bundle.
    recipe : Recipe
        What the spectra were made with.
    files : tuple of dict
        Of each file: name, sha256, command, simulated, rows, constant (rows left out).
    embedding : ndarray, shape (n, d), float32
        Unit rows.
    encoder_sha256 : str
        Of the bundle's encoder.
    mean : ndarray, shape (n_bins,), float32, or None
        Mean normalised spectrum of the training rows.
    """

    value: Array
    latent: Array
    normalised: Array
    reconstruction: Array
    pca: Array
    pca_reconstruction: Array
    seen: NDArray[np.bool_]
    simulated: bool
    detection: dict[str, NDArray[Any]]
    truth: dict[str, NDArray[Any]]
    truth_value: Array | None
    model: str
    recipe: Recipe
    files: tuple[dict[str, Any], ...]
    embedding: Array
    encoder_sha256: str
    mean: Array | None = None

    def __len__(self) -> int:
        return len(self.value)

    @property
    def source_id(self) -> NDArray[np.str_]:
        """Source of each row: the unit of every split and of every bootstrap, shape (n,)."""
        return self.detection["source_id"]

    @property
    def net_counts(self) -> NDArray[np.float64]:
        """Net counts of each row, 0.5-7.0 keV, shape (n,)."""
        return self.detection["net_counts"]

    def take(self, rows: NDArray[Any]) -> "Sample":
        """Return the rows of an index or a mask."""
        r = rows
        return replace(
            self,
            value=self.value[r],
            latent=self.latent[r],
            normalised=self.normalised[r],
            reconstruction=self.reconstruction[r],
            pca=self.pca[r],
            pca_reconstruction=self.pca_reconstruction[r],
            seen=self.seen[r],
            embedding=self.embedding[r],
            detection={name: column[r] for name, column in self.detection.items()},
            truth={name: column[r] for name, column in self.truth.items()},
            truth_value=None if self.truth_value is None else self.truth_value[r],
        )


def read_sample(spectra: Path, model: str | Path = "spectrum-8", device: str = "cpu") -> Sample:
    """Read a file of spectra and put it through a frozen model.

    Parameters
    ----------
    spectra : Path
        A ``spectra.h5`` of ingest or simulate.
    model : str or Path
        Bundle: a name or a folder. It must hold ``baseline.npz``.
    device : {"auto", "cpu", "cuda"}
        Where the model runs.

    Returns
    -------
    Sample
        Rows in the order of the file.

    Raises
    ------
    ChandraEmbedError
        The file cannot be read, holds no row with a shape or is of another recipe than the model, or the
        bundle cannot be loaded or holds no PCA baseline.
    """
    encoder = Encoder.load(model, device)
    mean, components, keys = read_baseline(encoder.manifest)
    rows = read_rows(spectra)
    if rows.recipe.fingerprint != encoder.recipe.fingerprint:
        raise ChandraEmbedError(
            f"{spectra}: recipe {rows.recipe.to_json()} is not that of bundle {encoder.manifest.name}: "
            f"{encoder.recipe.to_json()}; make the spectra with the bundle's settings"
        )
    found = encoder.run(rows.value)
    pca: Array = np.matmul(found.normalised - mean, components.T, dtype=np.float32)
    return Sample(
        value=rows.value,
        latent=found.latent,
        normalised=found.normalised,
        reconstruction=found.reconstruction,
        pca=pca,
        pca_reconstruction=np.matmul(pca, components, dtype=np.float32) + mean,
        seen=is_seen(rows.detection["source_id"], keys),
        simulated=rows.facts["simulated"],
        detection=rows.detection,
        truth=rows.truth,
        truth_value=rows.truth_value,
        model=f"{encoder.manifest.name} {encoder.manifest.version}",
        recipe=encoder.recipe,
        files=(rows.facts,),
        embedding=found.embedding,
        encoder_sha256=encoder.manifest.files["encoder.onnx"],
        mean=mean,
    )


def join(samples: Sequence[Sample]) -> Sample:
    """Put samples of one model together, row after row.

    Columns that not all of them have are left out; they count as simulated only if all of them are.

    Raises
    ------
    ValueError
        No samples, or samples of two models.
    """
    if len({s.model for s in samples}) != 1:
        raise ValueError(
            f"{len(samples)} samples of models {sorted({s.model for s in samples})}: give one model"
        )
    first = samples[0]
    if len(samples) == 1:
        return first

    def columns(parts: Sequence[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
        names = [name for name in parts[0] if all(name in part for part in parts)]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    true = [s.truth_value for s in samples if s.truth_value is not None]
    return replace(
        first,
        value=np.concatenate([s.value for s in samples]),
        latent=np.concatenate([s.latent for s in samples]),
        normalised=np.concatenate([s.normalised for s in samples]),
        reconstruction=np.concatenate([s.reconstruction for s in samples]),
        pca=np.concatenate([s.pca for s in samples]),
        pca_reconstruction=np.concatenate([s.pca_reconstruction for s in samples]),
        seen=np.concatenate([s.seen for s in samples]),
        embedding=np.concatenate([s.embedding for s in samples]),
        simulated=all(s.simulated for s in samples),
        detection=columns([s.detection for s in samples]),
        truth=columns([s.truth for s in samples]),
        truth_value=np.concatenate(true) if len(true) == len(samples) else None,
        files=tuple(file for s in samples for file in s.files),
    )


def read_baseline(manifest: Manifest) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return a bundle's PCA (mean (n_bins,), components (l, n_bins)) and the hashes of the sources seen.

    Raises
    ------
    BundleError
        The bundle holds no ``baseline.npz``, or one without these arrays.
    """
    path = manifest.folder / BASELINE
    mend = "freeze the model again with: chandra-embed export"
    if BASELINE not in manifest.files:
        raise BundleError(f"{path}: the bundle holds no PCA baseline; {mend}")
    with np.load(path, allow_pickle=False) as arrays:
        lacking = sorted({"mean", "components", "seen"} - set(arrays.files))
        if lacking:
            raise BundleError(f"{path}: lacks {', '.join(lacking)}; {mend}")
        return arrays["mean"], arrays["components"], arrays["seen"]
