"""Scoring a whole embeddings file: degrees, distances, anomalies and how sure they are.

The steps that compare every row with every other are kept beside the file as they end, so that a run that is
killed goes on with the next; the scores come into the file in one rename, all or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from .anomaly import checked_errors, knn_distance
from .catalog import store
from .catalog.lock import writing
from .catalog.rewrite import make_room, rewritten
from .errors import StoreError
from .isolation import fit_forest
from .made_by import bundle_of
from .progress import Progress
from .reference import METHODS, Reference, combine
from .significance import benjamini_hochberg
from .similarity import checked_thresholds, count_degrees, unit_rows
from .steps import Steps
from .stopping import stopping

Array = NDArray[np.float64]
ARTEFACTS = ("pileup_flag", "sat_src_flag", "streak_src_flag", "conf_flag", "dither_warning_flag")
NEIGHBOUR = 10
ANOMALY_FILE = "anomaly.npz"
# rows scored against a reference at once, between two looks at whether to stop
BLOCK = 65536


@dataclass(frozen=True)
class Rows:
    """What scoring needs of a file of `n` detections.

    Parameters
    ----------
    embedding : ndarray, shape (n, d), float32
        Unit rows.
    reconstruction_error, net_counts : ndarray, shape (n,), float64
        Reconstruction errors, and net counts (NaN: unknown).
    left_out : dict of str to ndarray, shape (n,), bool
        Reason to the rows it leaves out; a row may have several.
    """

    embedding: NDArray[np.float32]
    reconstruction_error: Array
    net_counts: Array
    left_out: dict[str, NDArray[np.bool_]]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Rows that are scored, shape (n,)."""
        kept = np.ones(len(self.net_counts), np.bool_)
        for out in self.left_out.values():
            kept &= ~out
        return kept


@dataclass(frozen=True)
class Scores:
    """What one run found for `n` detections.

    Parameters
    ----------
    thresholds : ndarray, shape (t,), float64
        Similarities that degrees count from.
    degree : ndarray, shape (t, n), int64
        Other detections at least so similar.
    knn_distance, isolation, anomaly, anomaly_pvalue, anomaly_qvalue : ndarray, shape (n,), float64
        See the ``score`` command; NaN where left out or not to be had.
    k : int
        Neighbour measured to; 0 where there was none.
    device : {"cpu", "cuda"}
        Where it ran.
    against : str
        ``"file"``, or ``"reference"`` with the name and version of the bundle.
    left_out : dict of str to int
        Reason to the number of rows.
    notes : list of str
        What did not go as asked.
    """

    thresholds: Array
    degree: NDArray[np.int64]
    knn_distance: Array
    isolation: Array
    anomaly: Array
    anomaly_pvalue: Array
    anomaly_qvalue: Array
    k: int
    device: str
    against: str
    left_out: dict[str, int]
    notes: list[str]


def score_file(
    path: Path,
    *,
    thresholds: Sequence[float] = (0.5, 0.7, 0.9),
    k: int | None = None,
    seed: int = 0,
    min_counts: float = 40.0,
    no_artefacts: bool = False,
    device: str = "cpu",
) -> Scores:
    """Score every detection of an embeddings file and write ``/score`` into it.

    Degrees count all pairs of all rows, and neighbours are sought among all rows; rows that are left out
    get no anomaly, and none is ranked against them.

    Parameters
    ----------
    path : Path
        What ``embed`` wrote; an earlier ``/score`` is replaced.
    thresholds : sequence of float
        Similarities that degrees count from.
    k : int, optional
        Neighbour to measure to: by default what the bundle's reference was frozen with, else 10.
    seed : int
        Seed of the isolation forest where there is no frozen one.
    min_counts : float
        Rows of fewer net counts are left out; unknown counts are kept.
    no_artefacts : bool
        Leave out rows with any flag of :data:`ARTEFACTS`.
    device : {"auto", "cpu", "cuda"}
        Where to run; the scores are the same.

    Returns
    -------
    Scores

    Raises
    ------
    StoreError
        The file is not as ``embed`` leaves it, another process writes it, or there is no room for a copy.
    DeviceError
        CUDA was asked for and does not answer.
    BundleError
        The bundle is not found, altered, or not the one that made the embeddings.
    ChandraEmbedError
        Ctrl-C or SIGTERM stopped the run.
    ValueError
        A threshold is not finite, there is none, or `k` is below 1.
    """
    tau = checked_thresholds(thresholds)
    if k is not None and k < 1:
        raise ValueError(f"k={k}: give at least 1")
    device = _device(device)
    settings = {"seed": seed, "min_counts": float(min_counts), "no_artefacts": no_artefacts}
    with writing(path), stopping() as stop:
        with store.open_store(path, store.EMBEDDINGS) as file:
            reference, against = find_reference(file)
            rows = read_rows(file, min_counts, no_artefacts)
        n = len(rows.embedding)
        more = 8 * n * (len(tau) + 5)
        make_room(path, 2 * more)  # the copy, and what is kept beside it
        steps = Steps(path, stop, rows.embedding)
        degree = steps.once("degree", tau.tolist(), lambda: _degrees(rows.embedding, tau, steps, device))
        found = (
            _within_file(rows, k, seed, steps, device)
            if reference is None
            else _within_reference(rows, reference, k, steps, device)
        )
        steps.look()
        reasons = {reason: int(out.sum()) for reason, out in rows.left_out.items() if out.any()}
        scores = Scores(
            thresholds=tau, degree=degree, against=against, device=device, left_out=reasons, **found
        )
        with rewritten(path, "score", more) as file:
            _write(file, scores, settings)
        steps.clear()
    return scores


def _device(asked: str) -> str:
    """Return the device that will run; ONNX Runtime is only loaded where it may be a GPU."""
    if asked == "cpu":
        return asked
    from .gpu import device_that_runs

    return device_that_runs(asked)


def _degrees(embedding: NDArray[np.float32], tau: Array, steps: Steps, device: str) -> NDArray[np.int64]:
    n = len(embedding)
    with Progress(n * (n - 1) // 2, "score: degrees", unit="pairs") as progress:
        return count_degrees(embedding, tau, on_pairs=steps.counted(progress), device=device)


def find_reference(file: h5py.File) -> tuple[Reference | None, str]:
    """Return the frozen reference of the bundle that made the embeddings, and what scores are taken against.

    Returns
    -------
    reference : Reference or None
        None where the file names no bundle, or its bundle has no reference.
    against : str
        ``"reference <bundle> <version>"``, with ``" (simulated)"`` where it is, or ``"file"``.

    Raises
    ------
    DeviceError
        CUDA was asked for and does not answer.
    BundleError
        The bundle is not found, altered, or not the one that made the embeddings.
    """
    if "bundle" not in file.attrs:
        return None, "file"
    manifest = bundle_of(file)
    if not (manifest.folder / ANOMALY_FILE).is_file():
        return None, "file"
    simulated = manifest.content.get("anomaly_reference", {}).get("simulated", False)
    against = f"reference {manifest.name} {manifest.version}" + (" (simulated)" if simulated else "")
    return Reference.load(manifest.folder / ANOMALY_FILE), against


def read_rows(file: h5py.File, min_counts: float, no_artefacts: bool) -> Rows:
    """Read and check what scoring needs.

    Raises
    ------
    StoreError
        A dataset is missing, of another length, or holds a row that is not valid.
    """
    n = store.row_count(file)
    for name in ("embedding", "reconstruction_error"):
        if name not in file or file[name].shape[0] != n:
            raise StoreError(f"{file.filename}: /{name} is missing or has not {n} rows; embed again")
    try:
        embedding = unit_rows(file["embedding"][...], "/embedding")
        errors = checked_errors(file["reconstruction_error"][...], "/reconstruction_error")
    except ValueError as error:
        raise StoreError(f"{file.filename}: {error}; embed again") from error
    counts = store.read_column(file, "net_counts").astype(np.float64)
    left_out = {f"net counts below {min_counts:g}": counts < min_counts}
    if no_artefacts:
        left_out |= {flag: store.read_column(file, flag) == 1 for flag in ARTEFACTS}
    return Rows(embedding, errors, counts, left_out)


def _within_reference(
    rows: Rows, reference: Reference, k: int | None, steps: Steps, device: str
) -> dict[str, Any]:
    """Score against the bundle's frozen rows."""
    most = len(reference.embedding)
    used = min(reference.k if k is None else k, most)
    notes = _lowered(k, used, f"the reference has {most:,} rows to be near to")
    parts, n = [], len(rows.embedding)
    with Progress(n, "score: against the reference") as progress:
        for start in range(0, max(n, 1), BLOCK):
            of = slice(start, start + BLOCK)
            given = (rows.embedding[of], rows.reconstruction_error[of], rows.net_counts[of])
            parts.append(reference.score(*given, k=used, device=device))
            steps.counted(progress)(len(given[0]))
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    pvalue = np.where(rows.kept, found["anomaly_pvalue"], np.nan)
    return {
        "knn_distance": found["knn_distance"],
        "isolation": found["isolation"],
        "anomaly": np.where(rows.kept, found["anomaly"], np.nan),
        "anomaly_pvalue": pvalue,
        "anomaly_qvalue": benjamini_hochberg(pvalue),
        "k": used,
        "notes": notes,
    }


def _within_file(rows: Rows, k: int | None, seed: int, steps: Steps, device: str) -> dict[str, Any]:
    """Score against the other rows of the file; there are no p-values then."""
    n = len(rows.embedding)
    used = max(min(NEIGHBOUR if k is None else k, n - 1), 0)
    nothing = np.full(n, np.nan)
    scores = dict.fromkeys(METHODS, nothing)
    if used:
        scores["knn_distance"] = steps.once(
            "knn", used, lambda: _distances(rows.embedding, used, steps, device)
        )
        steps.look()
        forest = fit_forest(rows.embedding, random_state=seed)
        scores["isolation"] = forest.score_samples(rows.embedding, device)
        scores["reconstruction_error"] = rows.reconstruction_error
    ranked = {name: np.where(rows.kept, values, np.nan) for name, values in scores.items()}
    sample = {name: values[~np.isnan(values)] for name, values in ranked.items()}
    return {
        "knn_distance": scores["knn_distance"],
        "isolation": scores["isolation"],
        "anomaly": combine(sample, ranked),
        "anomaly_pvalue": nothing,
        "anomaly_qvalue": nothing,
        "k": used,
        "notes": _lowered(NEIGHBOUR if k is None else k, used, f"the file has {n:,} rows"),
    }


def _distances(embedding: NDArray[np.float32], k: int, steps: Steps, device: str) -> Array:
    with Progress(len(embedding), "score: neighbours") as progress:
        return knn_distance(embedding, k, on_rows=steps.counted(progress), device=device)


def _lowered(asked: int | None, used: int, why: str) -> list[str]:
    """Say that k was lowered, where it was."""
    if asked is None or used == asked:
        return []
    if not used:
        return [f"no anomaly scores: {why}, and a row is measured by its distance to others"]
    return [f"k lowered from {asked} to {used}: {why}"]


def _write(file: h5py.File, scores: Scores, attributes: dict[str, Any]) -> None:
    """Write ``/score``, complete with what it was made with."""
    frozen = scores.against != "file"
    group = file.create_group("score")
    written = store.write_dataset(
        group, "degree", scores.degree, "", "other detections of at least each threshold's cosine similarity"
    )
    written.attrs["thresholds"] = scores.thresholds
    place = "the bundle's frozen reference" if frozen else "this file"
    columns = {
        "knn_distance": f"1 - cosine similarity to the k-th nearest detection of {place}",
        "isolation": f"isolation forest fitted to {place}, 0..1, larger is stranger",
        "anomaly": f"mean over methods of the mid-rank quantile within {place}, 0..1, larger is stranger",
        "anomaly_pvalue": "conformal p-value of anomaly among reference rows of like net counts",
        "anomaly_qvalue": "Benjamini-Hochberg false discovery rate of anomaly_pvalue",
    }
    for name, description in columns.items():
        if not frozen and name.endswith("value"):
            description += "; NaN: there is no frozen reference"
        store.write_dataset(group, name, getattr(scores, name), "", description)
    everything = {
        **attributes,
        "k": scores.k,
        "against": scores.against,
        "methods": ", ".join(METHODS),
        "pvalues": "conformal, within bins of net counts" if frozen else "none: no frozen reference",
        "left_out": int(np.isnan(scores.anomaly).sum()),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": store.command_line(),
        "versions": store.versions(),
    }
    for name, value in everything.items():
        group.attrs[name] = value
