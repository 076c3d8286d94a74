"""What every evaluation starts from: spectra, what a frozen model and its PCA make of them, and the truth."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ...inference.catalog import store
from ...inference.catalog.spectra_file import spectra_block
from ...inference.encoder import Encoder
from ...inference.errors import BundleError, ChandraEmbedError, StoreError
from ...inference.recipe import Recipe, recipe_from_json
from ...models.registry import Manifest
from ..datasets import is_seen

Array = NDArray[np.float32]
DATA = "CHANDRA_EMBED_DATA"
BASELINE = "baseline.npz"
TABLE, SEED = "muwclass_TD.csv", 7
BLOCK = 65536


class DataNotNamed(ChandraEmbedError):
    """Outside data are needed and ``CHANDRA_EMBED_DATA`` does not say where they are."""


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


@dataclass(frozen=True)
class Rows:
    """The rows of a file that hold a shape; fields as in :class:`Sample`."""

    value: Array
    detection: dict[str, NDArray[Any]]
    truth: dict[str, NDArray[Any]]
    truth_value: Array | None
    recipe: Recipe
    facts: dict[str, Any]


def read_rows(path: Path) -> Rows:
    """Read the rows of a ``spectra.h5`` that hold a shape, with ``/detection`` and ``/truth``.

    Raises
    ------
    StoreError
        The file cannot be read or holds no such row.
    """
    with store.open_store(path, store.SPECTRA) as file:
        recipe = recipe_from_json(str(file.attrs["recipe"]))
        n = store.row_count(file)
        blocks = [spectra_block(file, start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
        value = np.concatenate(blocks) if blocks else np.zeros((0, recipe.n_bins), np.float32)
        keep = np.ptp(value, axis=1) > 0
        if not keep.any():
            raise StoreError(f"{path}: holds no spectrum that is not constant; nothing to evaluate")
        truth, truth_value = {}, None
        if "truth" in file:
            truth = _columns(file["truth"], keep)
            truth_value = file["truth/value"][...][keep] if "value" in file["truth"] else None
        facts = {
            "name": path.name,
            "sha256": store.sha256_file(path),
            "command": str(file.attrs.get("command", "")),
            "simulated": bool(file.attrs.get("simulated", False)),
            "rows": n,
            "constant": int(n - keep.sum()),
        }
        return Rows(value[keep], _columns(file["detection"], keep), truth, truth_value, recipe, facts)


def _columns(group: h5py.Group, keep: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Read the one-dimensional datasets of a group, text as str arrays."""
    found: dict[str, NDArray[Any]] = {}
    for name, column in group.items():
        if column.ndim != 1:
            continue
        data = column.asstr()[...].astype(str) if column.dtype.kind == "O" else column[...]
        found[name] = (np.char.decode(data, "utf-8") if data.dtype.kind == "S" else data)[keep]
    return found


def data_folder() -> Path:
    """Return the folder that ``CHANDRA_EMBED_DATA`` names.

    Raises
    ------
    DataNotNamed
        The variable is not set, or names no folder.
    """
    text = os.environ.get(DATA, "")
    if not text or not Path(text).is_dir():
        raise DataNotNamed(
            f"{DATA}={text!r}: set it to the folder with tables/{TABLE}, or name a file of spectra"
        )
    return Path(text)


def evaluation_catalog(folder: Path, recipe: Recipe, spread: float = 1.0) -> list[Path]:
    """Return the default evaluation catalog, simulating it where it is not there yet.

    One spectrum for every row of ``tables/muwclass_TD.csv`` under ``CHANDRA_EMBED_DATA``, seed 7.
    Another one, of another seed, table or recipe, is replaced.

    Parameters
    ----------
    folder : Path
        Where it is kept, as ``evaluation-muwclass.h5`` (flux density: ``evaluation-muwclass-flux.h5``);
        made where missing.
    recipe : Recipe
        What the spectra are put through.
    spread : float
        Width of the physics within a class over the literature's; another than 1 stands in the name.

    Raises
    ------
    DataNotNamed
        ``CHANDRA_EMBED_DATA`` is not set, or names no folder.
    ChandraEmbedError
        The table is not there or cannot be read.
    """
    table = data_folder() / "tables" / TABLE
    if not table.is_file():
        raise ChandraEmbedError(f"{table}: no such table; name a file of spectra instead")
    marks = ["evaluation-muwclass"]
    if recipe.quantity != "rate":
        marks.append(recipe.quantity)
    if spread != 1:
        marks.append(f"{spread:g}")
    path = folder / f"{'-'.join(marks)}.h5"
    wanted = {
        "seed": SEED,
        "catalog_sha256": store.sha256_file(table),
        "recipe_fingerprint": recipe.fingerprint,
        "spread": spread,
    }
    if not is_there(path, wanted):
        folder.mkdir(parents=True, exist_ok=True)
        _simulate(table, path, recipe, spread)
    return [path]


def _simulate(table: Path, path: Path, recipe: Recipe, spread: float) -> None:
    """Simulate one spectrum for every row of a table."""
    from ...inference.progress import Progress
    from ...inference.simulate.catalog import read_catalog
    from ...inference.simulate.conditioned import Conditions
    from ...inference.simulate.impute import find_pool
    from ...inference.simulate.output import write_catalog_simulation

    conditions = Conditions(read_catalog(table), SEED, recipe, find_pool(), spread=spread)
    n = len(conditions.catalog.rows)
    with Progress(n, "simulate the evaluation catalog", unit="spectra") as progress:
        write_catalog_simulation(path, conditions, n, progress.update)


def is_there(path: Path, wanted: Mapping[str, Any]) -> bool:
    """Whether a complete file with these root attributes is there; one of another kind is not replaced."""
    if not path.exists():
        return False
    with store.open_store(path, store.SPECTRA, unfinished=True) as file:
        same = all(file.attrs.get(name) == value for name, value in wanted.items())
        return same and bool(file.attrs.get("complete", False))
