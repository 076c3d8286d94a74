"""The ways of clustering that are tried: four algorithms with variants, on latents scaled in four ways."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
SCALINGS = ("as they are", "standardised", "whitened", "unit")
ALGORITHMS = (
    "k-means",
    "Gaussian mixture, full",
    "Gaussian mixture, tied",
    "Gaussian mixture, diagonal",
    "agglomerative, Ward",
    "agglomerative, average cosine",
    "HDBSCAN",
)
_COVARIANCE = {"full": "full", "tied": "tied", "diagonal": "diag"}


@dataclass(frozen=True)
class Method:
    """One way of clustering.

    Parameters
    ----------
    algorithm : str
        One of :data:`ALGORITHMS`.
    scaling : str
        One of :data:`SCALINGS`.
    """

    algorithm: str
    scaling: str

    @property
    def name(self) -> str:
        """Name in tables."""
        return f"{self.algorithm}; {self.scaling}"

    @property
    def random(self) -> bool:
        """Whether the seed matters."""
        return self.algorithm.startswith(("k-means", "Gaussian"))

    def runs(self, x: NDArray[np.floating], k: int, seeds: tuple[int, ...]) -> Labels:
        """Cluster rows once a seed, shape (s, n), int64; s is 1 where the seed does not matter.

        Arguments and errors as :func:`cluster`.
        """
        scaled = scale(x, self.scaling)
        used = seeds if self.random else seeds[:1]
        return np.stack([cluster(scaled, k, self.algorithm, seed) for seed in used])


METHODS = tuple(Method(*pair) for pair in product(ALGORITHMS, SCALINGS))


@contextmanager
def one_thread() -> Iterator[None]:
    """Run BLAS and OpenMP on one thread: on matrices so small more only wait for one another."""
    # the limit reaches only libraries that are loaded by then
    import sklearn.cluster
    import sklearn.mixture  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def check_rows(x: NDArray[np.floating], what: str = "latents") -> Array:
    """Return rows in float64, shape (n, d).

    Raises
    ------
    ValueError
        Not a table, or a row that is not finite (the first such row is named).
    """
    rows = np.asarray(x, np.float64)
    if rows.ndim != 2 or not rows.shape[1]:
        raise ValueError(f"{what} of shape {rows.shape}: give one row of numbers a spectrum")
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise ValueError(f"{what}: row {int(np.argmax(bad))} is not finite; {int(bad.sum())} such rows")
    return rows


def scale(x: NDArray[np.floating], scaling: str) -> Array:
    """Scale rows before they are clustered.

    Parameters
    ----------
    x : ndarray, shape (n, d), float
        Finite rows.
    scaling : str
        ``as they are``; ``standardised``: mean 0 and variance 1 of each column; ``whitened``: principal
        components of variance 1, those without variance left out; ``unit``: centred, then rows of length 1.

    Returns
    -------
    ndarray, shape (n, d), float64
        Fewer columns where whitening leaves some out, one of zeros where there is no variance at all.

    Raises
    ------
    ValueError
        An unknown scaling, or rows that are not finite.
    """
    rows = check_rows(x)
    if scaling not in SCALINGS:
        raise ValueError(f"scaling {scaling!r}: give one of {', '.join(SCALINGS)}")
    if scaling == "as they are" or not len(rows):
        return rows
    centred = rows - rows.mean(axis=0)
    # columns of one value keep a rest of rounding, which must not be blown up
    centred[:, np.ptp(rows, axis=0) == 0] = 0.0
    if scaling == "standardised":
        width = centred.std(axis=0)
        standard: Array = centred / np.where(width > 0, width, 1.0)
        return standard
    if scaling == "unit":
        length = np.linalg.norm(centred, axis=1, keepdims=True)
        unit: Array = centred / np.where(length > 0, length, 1.0)
        return unit
    variance, axes = np.linalg.eigh(centred.T @ centred / len(rows))
    kept = variance > 1e-10 * max(float(variance[-1]), 1e-300)
    if not kept.any():
        return np.zeros((len(rows), 1))
    white: Array = centred @ axes[:, kept] / np.sqrt(variance[kept])
    return white


def cluster(x: Array, k: int, algorithm: str, seed: int = 0) -> Labels:
    """Cluster rows.

    Parameters
    ----------
    x : ndarray, shape (n, d), float64
        Finite rows, scaled.
    k : int
        Number of clusters; HDBSCAN finds its own.
    algorithm : str
        One of :data:`ALGORITHMS`. k-means is the best of 10 starts, a mixture the best of 2; HDBSCAN's
        smallest cluster holds a hundredth of the rows, at least 5.
    seed : int
        Of k-means and the mixtures; the others are determined by the rows.

    Returns
    -------
    ndarray, shape (n,), int64
        From 0; -1 is HDBSCAN's noise. Where fewer than `k` rows differ there may be fewer clusters.

    Raises
    ------
    ValueError
        An unknown algorithm, rows that are not finite, or fewer rows than clusters.
    """
    from sklearn.exceptions import ConvergenceWarning

    rows = check_rows(x)
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm {algorithm!r}: give one of {', '.join(ALGORITHMS)}")
    if not 1 <= k <= len(rows):
        raise ValueError(f"{k} clusters of {len(rows)} rows: give at least one, and no more than rows")
    with warnings.catch_warnings():
        # many equal rows: fewer clusters than asked for is what there is to find
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(_fit(rows, k, algorithm, seed), np.int64)


def _fit(x: Array, k: int, algorithm: str, seed: int) -> NDArray[np.integer]:
    """Call scikit-learn."""
    from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans
    from sklearn.mixture import GaussianMixture

    labels: NDArray[np.integer]
    if algorithm == "k-means":
        labels = KMeans(k, n_init=10, random_state=seed).fit_predict(x)
    elif algorithm.startswith("Gaussian"):
        # the floor of the variances follows the unit of the rows
        floor = 1e-6 * max(float(x.var(axis=0).mean()), 1e-12)
        kind = _COVARIANCE[algorithm.split(", ")[1]]
        mixture = GaussianMixture(k, covariance_type=kind, n_init=2, reg_covar=floor, random_state=seed)
        labels = mixture.fit_predict(x)
    elif algorithm == "agglomerative, Ward":
        labels = AgglomerativeClustering(k).fit_predict(x)
    elif algorithm == "agglomerative, average cosine":
        model = AgglomerativeClustering(k, linkage="average", metric="precomputed")
        labels = model.fit_predict(_cosine_distances(x)) if len(x) > 1 else np.zeros(1, np.int64)
    else:
        least = min(max(5, len(x) // 100), len(x))
        if least < 2:
            return np.full(len(x), -1)
        labels = HDBSCAN(min_cluster_size=least, copy=True).fit_predict(x)
    return labels


def _cosine_distances(x: Array) -> Array:
    """1 - cosine of every pair; rows of zeros are at a right angle to all others and equal one another."""
    length = np.linalg.norm(x, axis=1)
    zero = length == 0
    unit = x / np.where(zero, 1.0, length)[:, None]
    distance: Array = np.clip(1.0 - unit @ unit.T, 0.0, 2.0)
    distance[np.ix_(zero, zero)] = 0.0
    np.fill_diagonal(distance, 0.0)
    return distance
