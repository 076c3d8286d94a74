"""Finished training runs as small JSON records, from which tables over seeds and settings are made.

A record keeps sums of errors for 200 groups of sources, so that two runs can be compared source by source,
with a bootstrap over the groups, long after their checkpoints are gone.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...inference.catalog import store
from ...inference.errors import ChandraEmbedError
from ..datasets import is_seen
from .errors import all_errors
from .spectra_rows import Rows, read_rows
from .tables import Interval, count_bins, mean_interval, source_count

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint

FORMAT_VERSION = 1
GROUPS = 200
FOLDER = Path(__file__).parent / "records"
BLOCK = 4096


@dataclass(frozen=True)
class Record:
    """What is kept of a finished run, measured on sources it has not seen.

    Parameters
    ----------
    name, kind : str
        Name of the run, and of its model: ``transformer`` or ``recurrent``.
    model, training : dict
        The configurations.
    seed, parameters, epochs, threads : int
        Of the run.
    seconds : float
        Time of all epochs.
    versions : dict of str to str
        Of what trained it.
    recipe_fingerprint : str
        Recipe of all spectra.
    data, test : dict
        Training files with their rows by part, and the file measured on, with rows and sources.
    mae, truth_mae, input_truth_mae, pca_mae, pca_truth_mae, minus_pca : dict or None
        Mean absolute errors of normalised spectra with intervals over sources; `minus_pca` is the paired
        difference. Those against the truth are None where it is not known.
    by_counts : list of dict
        The same for bins of net counts.
    groups : dict of str to list
        For groups of sources: ``rows``, and the sums of the errors ``mae``, ``pca_mae``, ``truth_mae``.
    scores : dict of str to dict
        Further figures, such as the balanced accuracy of clusters.
    """

    name: str
    kind: str
    model: dict[str, Any]
    training: dict[str, Any]
    seed: int
    parameters: int
    epochs: int
    seconds: float
    threads: int
    versions: dict[str, str]
    recipe_fingerprint: str
    data: dict[str, Any]
    test: dict[str, Any]
    mae: dict[str, float]
    truth_mae: dict[str, float] | None
    input_truth_mae: dict[str, float] | None
    pca_mae: dict[str, float]
    pca_truth_mae: dict[str, float] | None
    minus_pca: dict[str, float]
    by_counts: list[dict[str, Any]]
    groups: dict[str, list[float]]
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def simulated(self) -> bool:
        """Whether the spectra measured on were made by a simulator."""
        return bool(self.test["simulated"])

    @property
    def same_data(self) -> tuple[str, ...]:
        """What records must share to be compared: recipe, training files, file measured on."""
        return (self.recipe_fingerprint, *(f["sha256"] for f in self.data["files"]), self.test["sha256"])


def group_of(source_id: Iterable[str]) -> NDArray[np.int64]:
    """Return the group of each source, a hash of its name, shape (n,), int64, 0 to 199."""
    first = (hashlib.sha256(text.encode()).digest()[:8] for text in source_id)
    return np.array([int.from_bytes(digest, "big") % GROUPS for digest in first], np.int64)


def evaluate_run(run: Path, rows: Rows) -> Record:
    """Measure the best weights of a finished run on the sources that it has not seen.

    Parameters
    ----------
    run : Path
        Run folder of ``train``.
    rows : Rows
        Spectra, with the truth where it is known.

    Raises
    ------
    ChandraEmbedError
        No checkpoint there, an unfinished run, another recipe, or no source that the run has not seen.
    """
    from ..checkpoint import load_whole

    checkpoint = load_whole(run)
    meta, name = checkpoint.meta, (run.parent if run.is_file() else run).resolve().name
    if meta.get("kind") is not None:
        raise ChandraEmbedError(f"{run}: holds a model of {meta['kind']}; give runs of train autoencoder")
    if not meta["finished"]:
        raise ChandraEmbedError(f"{run}: the run is not finished; run chandra-embed train again")
    if meta["recipe_fingerprint"] != rows.recipe.fingerprint:
        raise ChandraEmbedError(
            f"{rows.facts['name']}: recipe fingerprint {rows.recipe.fingerprint}, "
            f"{run} was trained with {meta['recipe_fingerprint']}; make the spectra with that recipe"
        )
    kept = ~is_seen(rows.detection["source_id"], checkpoint.seen.numpy())
    if not kept.any():
        raise ChandraEmbedError(f"{rows.facts['name']}: {run} has seen all of its sources; give others")
    value = rows.value[kept]
    truth = None if rows.truth_value is None else rows.truth_value[kept]
    normalised, given_back = _reconstruct(checkpoint, value)
    errors = all_errors(value, normalised, truth, given_back)
    source_id, net_counts = (rows.detection[column][kept] for column in ("source_id", "net_counts"))
    return Record(
        name=name,
        kind=str(meta["model"].get("kind", "transformer")),
        model=meta["model"],
        training=meta["training"],
        seed=meta["training"]["seed"],
        parameters=meta["parameters"],
        epochs=len(meta["history"]),
        seconds=round(sum(entry["seconds"] for entry in meta["history"]), 1),
        threads=meta["training"]["threads"],
        versions=meta["versions"],
        recipe_fingerprint=meta["recipe_fingerprint"],
        data={"files": [_named(file) for file in meta["data"]["files"]], "rows": meta["data"]["rows"]},
        test={**_named(rows.facts), "rows": int(kept.sum()), "sources": source_count(source_id)},
        **_figures(errors, source_id, net_counts),
    )


def _named(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names a file, without folders."""
    facts = {key: file[key] for key in ("name", "sha256", "simulated")}
    return {**facts, "command": store.without_folders(file["command"])}


def _reconstruct(
    checkpoint: "Checkpoint", value: NDArray[np.float32]
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """Return spectra as normalised, and what the autoencoder and its PCA make of them."""
    import torch

    model = checkpoint.autoencoder()
    mean, components = (checkpoint.baseline[name].numpy() for name in ("mean", "components"))
    normalised, given_back = np.empty_like(value), np.empty_like(value)
    with torch.inference_mode():
        for start in range(0, len(value), BLOCK):
            rows = slice(start, start + BLOCK)
            before, after = model(torch.from_numpy(value[rows]))[:2]
            normalised[rows], given_back[rows] = before.numpy(), after.numpy()
    pca = (normalised - mean) @ components.T @ components + mean
    return normalised, {"autoencoder": given_back, "pca": pca.astype(np.float32)}


def _figures(
    errors: Mapping[str, Mapping[str, NDArray[np.float64]]],
    source_id: NDArray[np.str_],
    net_counts: NDArray[np.float64],
) -> dict[str, Any]:
    """Return the fields of a record that hold errors."""
    columns = {
        "mae": errors["autoencoder"]["mae"],
        "truth_mae": errors["autoencoder"].get("truth_mae"),
        "input_truth_mae": errors["input"].get("truth_mae"),
        "pca_mae": errors["pca"]["mae"],
        "pca_truth_mae": errors["pca"].get("truth_mae"),
        "minus_pca": errors["autoencoder"]["mae"] - errors["pca"]["mae"],
    }
    by_counts: list[dict[str, Any]] = []
    for label, mask in count_bins(net_counts):
        row: dict[str, Any] = {
            "net_counts": label,
            "rows": int(mask.sum()),
            "sources": source_count(source_id[mask]),
        }
        for name, values in columns.items():
            row[name] = None if values is None else _rounded(mean_interval(values[mask], source_id[mask]))
        by_counts.append(row)
    group = group_of(source_id)
    sums: dict[str, list[float]] = {"rows": np.bincount(group, minlength=GROUPS).tolist()}
    for name in ("mae", "pca_mae", "truth_mae"):
        values = columns[name]
        if values is not None:
            sums[name] = [round(float(x), 6) for x in np.bincount(group, values, GROUPS)]
    overall = by_counts[0]
    return {**{name: overall[name] for name in columns}, "by_counts": by_counts[1:], "groups": sums}


def _rounded(interval: Interval) -> dict[str, float]:
    return {name: round(value, 6) for name, value in asdict(interval).items()}


def write_record(path: Path, record: Record) -> None:
    """Write a record, one field a line, so that its changes can be read; an existing file is replaced."""
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in asdict(record).items()]
    draft = path.with_name(f".{path.name}.part")
    draft.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    draft.replace(path)  # whole or not at all


def read_record(path: Path) -> Record:
    """Read a record.

    Raises
    ------
    ChandraEmbedError
        The file is no record, or one of a newer version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["format_version"]
        if version <= FORMAT_VERSION:
            return Record(**content)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ChandraEmbedError(
            f"{path}: is no record of a run ({error}); make one with: chandra-embed evaluate record"
        ) from error
    raise ChandraEmbedError(
        f"{path}: has format version {version}, this program reads up to {FORMAT_VERSION}: "
        "upgrade chandra-embed"
    )


def read_records(folder: Path = FOLDER) -> list[Record]:
    """Read every record of a folder, by name; by default those of the package."""
    return [read_record(path) for path in sorted(folder.glob("*.json"))]


def add_scores(path: Path, scores: Mapping[str, Interval]) -> None:
    """Add figures measured elsewhere to a record, or replace those of the same name.

    Parameters
    ----------
    path : Path
        The record.
    scores : mapping of str to Interval
        Such as ``{"balanced accuracy, 8 classes": Interval(...)}``.
    """
    record = read_record(path)
    record.scores.update({name: _rounded(interval) for name, interval in scores.items()})
    write_record(path, record)


def record_runs(runs: Sequence[Path], spectra: Path, folder: Path, overwrite: bool = False) -> list[Record]:
    """Write one record for each run folder into `folder`, named as the run; return them.

    Raises
    ------
    ChandraEmbedError
        As :func:`evaluate_run`; or a record of that name is there and `overwrite` is False.
    """
    paths = [folder / f"{run.resolve().name}.json" for run in runs]
    for path in paths:
        if path.exists() and not overwrite:
            raise ChandraEmbedError(f"{path}: exists already; give --overwrite to replace it")
        if paths.count(path) > 1:
            raise ChandraEmbedError(f"{path.stem}: two runs of this name; give them one at a time")
    rows = read_rows(spectra)
    made = [evaluate_run(run, rows) for run in runs]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ChandraEmbedError(
            f"{folder}: the folder cannot be made ({error.strerror or error}); give another -o"
        ) from error
    for record, path in zip(made, paths, strict=True):  # all or none, but for a kill right here
        write_record(path, record)
    return made
