"""Scores of strangeness against normal rows, in an embedding or in the three hardness ratios."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.anomaly import knn_distance
from ...inference.isolation import fit_forest
from ...inference.significance import midrank_quantile

Array = NDArray[np.float64]
Rows = NDArray[Any]
NEIGHBOUR, TREES = 10, 200
KNN, ISOLATION, COMBINATION = "knn", "isolation", "combination"
MAHALANOBIS = "mahalanobis"
STEEPEST = 0.98  # a ratio beyond says no more than that a band is empty


class Space:
    """Unit rows of normal detections, and what strangeness is measured with: 1 - cosine, and a forest.

    A normal row is never its own neighbour; it may stand in a tree, as one of 256 rows.

    Parameters
    ----------
    normal : ndarray, shape (m, d), float32
        The normal rows, m above 10.
    seed : int
        Of the forest.

    Attributes
    ----------
    own : dict of str to ndarray, shape (m,), float64
        Scores of the normal rows, as :meth:`score` returns those of others.
    """

    def __init__(self, normal: Rows, seed: int = 0) -> None:
        from sklearn.covariance import LedoitWolf

        self.normal = self._prepared(normal)
        self._forest = fit_forest(self.normal, TREES, seed)
        self._cloud = LedoitWolf().fit(self._unbounded(normal))
        self._single = {
            KNN: self._distance(None),
            ISOLATION: self._forest.score_samples(self.normal),
            MAHALANOBIS: self._from_middle(normal),
        }
        self.own = self._combined(self._single)

    def score(self, rows: Rows) -> dict[str, Array]:
        """Score other rows against the normal ones.

        Parameters
        ----------
        rows : ndarray, shape (n, d)
            As those the space was made of.

        Returns
        -------
        dict of str to ndarray, shape (n,), float64
            ``knn`` (distance to the 10th nearest normal row), ``isolation``, ``mahalanobis`` (squared
            distance from the middle of the normal rows, by their covariance shrunk after Ledoit and Wolf),
            and ``combination``: the mean of the first two's mid-rank quantiles among the normal rows. Larger
            is stranger.
        """
        prepared = self._prepared(rows)
        return self._combined(
            {
                KNN: self._distance(prepared),
                ISOLATION: self._forest.score_samples(prepared),
                MAHALANOBIS: self._from_middle(rows),
            }
        )

    def _prepared(self, rows: Rows) -> Rows:
        return rows

    def _unbounded(self, rows: Rows) -> Rows:
        """Return what a covariance says something of."""
        return np.asarray(rows, np.float64)

    def _from_middle(self, rows: Rows) -> Array:
        found: Array = self._cloud.mahalanobis(self._unbounded(rows))
        return found

    def _distance(self, rows: Rows | None) -> Array:
        """Distance to the 10th nearest normal row; None: from each normal row to the others."""
        return knn_distance(self.normal, NEIGHBOUR, rows)

    def _combined(self, scores: dict[str, Array]) -> dict[str, Array]:
        quantiles = [midrank_quantile(self._single[name], scores[name]) for name in (KNN, ISOLATION)]
        return {**scores, COMBINATION: np.mean(quantiles, axis=0)}


class HardnessSpace(Space):
    """The same with hardness ratios, shape (m, 3), float64, and Euclidean distances.

    Each ratio is standardised with mean and standard deviation of the normal rows; one that is not defined
    takes the mean. For the covariance a ratio counts as its inverse hyperbolic tangent, half the logarithm of
    one band over the other, since ratios pile up at -1 and 1.
    """

    def __init__(self, normal: Rows, seed: int = 0) -> None:
        self._centre, scale = np.nanmean(normal, axis=0), np.nanstd(normal, axis=0)
        self._scale = np.where(scale > 0, scale, 1.0)
        super().__init__(normal, seed)

    def _prepared(self, rows: Rows) -> Rows:
        prepared: Rows = np.nan_to_num((rows - self._centre) / self._scale, nan=0.0)
        return prepared

    def _unbounded(self, rows: Rows) -> Rows:
        known = np.where(np.isfinite(rows), rows, self._centre)
        unbounded: Rows = np.arctanh(np.clip(known, -STEEPEST, STEEPEST))
        return unbounded

    def _distance(self, rows: Rows | None) -> Array:
        from scipy.spatial import cKDTree

        tree = cKDTree(self.normal)
        if rows is None:  # the nearest is the row itself, or a twin at distance 0
            return np.asarray(tree.query(self.normal, NEIGHBOUR + 1)[0])[:, -1]
        return np.asarray(tree.query(rows, NEIGHBOUR)[0])[:, -1]


def in_top(score: Array, share: float, group: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which rows are among the highest `share` of their group.

    Parameters
    ----------
    score : ndarray, shape (n,), float64
        Larger is stranger.
    share : float
        Of the rows of each group, rounded down to whole places.
    group : ndarray, shape (n,), intp
        Group of each row.

    Returns
    -------
    ndarray, shape (n,), bool
        Rows that tie for the last place are all left out.
    """
    found = np.zeros(len(score), np.bool_)
    for each in np.unique(group):
        inside = group == each
        own = score[inside]
        rank = len(own) - np.searchsorted(np.sort(own), own, "left")
        found[inside] = rank <= int(share * len(own))
    return found
