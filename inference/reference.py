"""The frozen sample that a bundle's anomalies are measured against: ``anomaly.npz``.

Half of the sources give the rows that neighbours and trees are taken from, the other half the scores that
new scores are placed among; no row stands in both.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .anomaly import checked_errors, knn_distance
from .errors import BundleError
from .isolation import Forest, fit_forest
from .significance import binned_pvalue, midrank_quantile
from .similarity import unit_rows

Array = NDArray[np.float64]
METHODS = ("knn_distance", "isolation", "reconstruction_error")
FORMAT_VERSION = 1
CALIBRATION_SHARE = 0.5


@dataclass(frozen=True)
class Reference:
    """A fit set with its trees, and the scores of a calibration set of other sources.

    Parameters
    ----------
    embedding : ndarray, shape (m, d), float32
        Unit rows of the fit set: the neighbours of ``knn_distance``.
    forest : Forest
        Isolation forest fitted to them.
    k : int
        Neighbour that ``knn_distance`` measures to unless told otherwise.
    calibration_embedding : ndarray, shape (n, d), float32
        Unit rows of the calibration set, so that another k can be calibrated.
    calibration_knn_distance, calibration_isolation : ndarray, shape (n,), float64
    calibration_reconstruction_error : ndarray, shape (n,), float64
        Scores of the calibration rows, made as those of a new row are.
    calibration_net_counts : ndarray, shape (n,), float64
        Their net counts; NaN where unknown.
    """

    embedding: NDArray[np.float32]
    forest: Forest
    k: int
    calibration_embedding: NDArray[np.float32]
    calibration_knn_distance: Array
    calibration_isolation: Array
    calibration_reconstruction_error: Array
    calibration_net_counts: Array

    @classmethod
    def build(
        cls,
        embedding: ArrayLike,
        reconstruction_error: ArrayLike,
        net_counts: ArrayLike,
        source_id: ArrayLike,
        *,
        k: int = 10,
        n_trees: int = 200,
        random_state: int = 0,
    ) -> Self:
        """Split rows by source and freeze what scoring needs.

        Give the rows that a run would score: those it leaves out (few counts, artefacts) do not belong here.

        Parameters
        ----------
        embedding : array_like, shape (n, d)
            Unit rows.
        reconstruction_error : array_like, shape (n,)
            Reconstruction errors.
        net_counts : array_like, shape (n,)
            Net counts; NaN where unknown.
        source_id : array_like, shape (n,)
            Source of each row; all rows of one fall in the same half.
        k : int
            Neighbour to measure to.
        n_trees, random_state : int
            Trees, and seed of the split and of the trees.

        Returns
        -------
        Reference

        Raises
        ------
        ValueError
            A row is not valid, the lengths differ, there are fewer than two sources, or `k` is below 1 or
            larger than the fit set.
        """
        rows = unit_rows(embedding, "embedding")
        errors = checked_errors(reconstruction_error, "reconstruction_error")
        counts, sources = np.asarray(net_counts, np.float64), np.asarray(source_id)
        for name, array in (("reconstruction_error", errors), ("net_counts", counts), ("source_id", sources)):
            if array.shape != (len(rows),):
                raise ValueError(f"{name} has shape {array.shape}, embedding has {len(rows)} rows")
        held = _calibration_rows(sources, random_state)
        fit, calibration = rows[~held], rows[held]
        forest = fit_forest(fit, n_trees, random_state)
        return cls(
            embedding=fit,
            forest=forest,
            k=k,
            calibration_embedding=calibration,
            calibration_knn_distance=knn_distance(fit, k, calibration),
            calibration_isolation=forest.score_samples(calibration),
            calibration_reconstruction_error=errors[held],
            calibration_net_counts=counts[held],
        )

    def score(
        self,
        embedding: ArrayLike,
        reconstruction_error: ArrayLike,
        net_counts: ArrayLike | None = None,
        *,
        k: int | None = None,
        device: str = "cpu",
    ) -> dict[str, Array]:
        """Score rows against the reference.

        ``anomaly`` is the mean over the methods of the mid-rank quantile among the calibration scores. The
        p-value counts the calibration rows whose own ``anomaly``, made the same way, is as large: a
        calibration row stands half below itself in each method's sample, which makes the p-value of one
        method exact and that of their mean exact to about one rank. Detections of one source are alike, so
        that the number of independent calibration rows is that of their sources. A row that also stands in
        the fit set is its own neighbour and comes out less strange than it is.

        Parameters
        ----------
        embedding : array_like, shape (n, d)
            Unit rows of the same bundle.
        reconstruction_error : array_like, shape (n,)
            Their reconstruction errors.
        net_counts : array_like, shape (n,), optional
            Their net counts; where NaN or not given, p-values are among all calibration rows, elsewhere
            among those of like net counts.
        k : int, optional
            Neighbour to measure to, if not the frozen one; the calibration scores are made again.
        device : {"cpu", "cuda"}
            Where to run; the scores are the same.

        Returns
        -------
        dict of str to ndarray, shape (n,), float64
            ``knn_distance``, ``isolation``, ``reconstruction_error``, ``anomaly`` (0..1, larger is
            stranger) and ``anomaly_pvalue``.

        Raises
        ------
        ValueError
            A row is not valid, lengths or columns differ, or `k` is below 1 or larger than the fit set.
        """
        rows = unit_rows(embedding, "embedding")
        errors = checked_errors(reconstruction_error, "reconstruction_error")
        counts = np.full(len(rows), np.nan) if net_counts is None else np.asarray(net_counts, np.float64)
        for name, array in (("reconstruction_error", errors), ("net_counts", counts)):
            if array.shape != (len(rows),):
                raise ValueError(f"{name} has shape {array.shape}, embedding has {len(rows)} rows")
        measured = self.k if k is None else k
        found = {
            "knn_distance": knn_distance(self.embedding, measured, rows, device=device),
            "isolation": self.forest.score_samples(rows, device),
            "reconstruction_error": errors,
        }
        calibration = self.calibration_scores(measured)
        anomaly = combine(calibration, found)
        pvalue = binned_pvalue(
            combine(calibration, calibration), self.calibration_net_counts, anomaly, counts
        )
        return {**found, "anomaly": anomaly, "anomaly_pvalue": pvalue}

    def calibration_scores(self, k: int) -> dict[str, Array]:
        """Return the scores of the calibration rows by method, shape (n,) each, for the k-th neighbour."""
        found = {name: getattr(self, f"calibration_{name}") for name in METHODS}
        if k != self.k:
            found["knn_distance"] = knn_distance(self.embedding, k, self.calibration_embedding)
        return found

    def save(self, path: Path) -> None:
        """Write the reference to an ``.npz`` file, the same bytes for the same reference.

        Parameters
        ----------
        path : Path
            The file; replaced where it exists.
        """
        arrays: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "k": self.k,
            "embedding": self.embedding,
            "calibration_embedding": self.calibration_embedding,
            "calibration_net_counts": self.calibration_net_counts,
            **{f"calibration_{name}": values for name, values in self.calibration_scores(self.k).items()},
            **{f"forest_{name}": values for name, values in self.forest.to_arrays().items()},
        }
        with open(path, "wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote; nothing in the file is run.

        Raises
        ------
        BundleError
            The file cannot be read, is of a newer format, or its arrays do not fit together.
        """
        try:
            with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise BundleError(f"{path}: cannot be read ({error}); get the bundle again") from error
        try:
            version = int(arrays["format_version"])
            if version > FORMAT_VERSION:
                raise BundleError(
                    f"{path}: has format version {version}, this program reads {FORMAT_VERSION}; "
                    "upgrade chandra-embed"
                )
            return cls._from_arrays(arrays)
        except (KeyError, ValueError, TypeError) as error:
            raise BundleError(f"{path}: is no anomaly reference ({error}); get the bundle again") from error

    @classmethod
    def _from_arrays(cls, arrays: dict[str, Any]) -> Self:
        """Check and assemble the arrays of a file."""
        fit = unit_rows(arrays["embedding"], "embedding")
        calibration = unit_rows(arrays["calibration_embedding"], "calibration_embedding")
        columns = [f"calibration_{name}" for name in (*METHODS, "net_counts")]
        scores = {name: np.asarray(arrays[name], np.float64) for name in columns}
        for name, values in scores.items():
            if values.shape != (len(calibration),):
                raise ValueError(f"{name} has shape {values.shape} for {len(calibration)} calibration rows")
            if name != "calibration_net_counts" and not np.isfinite(values).all():
                raise ValueError(f"{name} is not finite")
        forest = Forest.from_arrays(
            {n.removeprefix("forest_"): v for n, v in arrays.items() if n.startswith("forest_")}
        )
        if not fit.shape[1] == calibration.shape[1] == forest.columns:
            raise ValueError("rows and trees differ in columns")
        k = int(arrays["k"])
        if not 1 <= k <= len(fit) or not len(calibration):
            raise ValueError(f"k={k}, {len(fit)} rows to fit to and {len(calibration)} to calibrate with")
        return cls(embedding=fit, forest=forest, k=k, calibration_embedding=calibration, **scores)


def combine(reference: dict[str, Array], scores: dict[str, Array]) -> Array:
    """Return the mean over :data:`METHODS` of the mid-rank quantile among reference scores, shape (n,)."""
    quantiles = [midrank_quantile(reference[name], scores[name]) for name in METHODS]
    mean: Array = np.mean(quantiles, axis=0)
    return mean


def _calibration_rows(source_id: NDArray[Any], random_state: int) -> NDArray[np.bool_]:
    """Choose whole sources at random until they hold the calibration share of the rows; one stays."""
    names, source = np.unique(source_id, return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            f"{len(names)} source: a reference needs at least two, to fit to and to calibrate with"
        )
    shuffled = np.random.default_rng(random_state).permutation(len(names))
    rows_before = np.cumsum(np.bincount(source)[shuffled]) - np.bincount(source)[shuffled]
    chosen = shuffled[:-1][rows_before[:-1] < CALIBRATION_SHARE * len(source)]
    return np.isin(source, chosen)
