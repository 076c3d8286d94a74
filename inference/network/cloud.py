"""A featureless cloud: random points that have an embedding's mean and covariance, and no other structure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..similarity import Floats
from .embedding_null import sources_of

Array = NDArray[np.float64]
ROUNDS = 5  # of giving the points mean and covariance, and unit length again
_NOTHING = 1e-12  # of the largest variance: a direction without points


@dataclass(frozen=True, eq=False)
class Cloud:
    """What random points are drawn by, for `n` rows of `s` sources.

    Parameters
    ----------
    index : ndarray, shape (n,), int64
        Source of each row, from 0.
    mean : ndarray, shape (d,), float64
        Of the unit rows.
    covariance : ndarray, shape (d, d), float64
        Of the unit rows, about their mean.
    between, within : ndarray, shape (d, d), float64
        Roots of its parts: the scatter of sources, and of the detections of one source about their mean.
    """

    index: NDArray[np.int64]
    mean: Array
    covariance: Array
    between: Array
    within: Array

    @classmethod
    def of(cls, x: Floats, source: NDArray[np.int64] | None) -> "Cloud":
        """Take the moments of an embedding.

        Parameters
        ----------
        x : ndarray, shape (n, d), float32
            Unit rows, n at least 1.
        source : ndarray, shape (n,), int64, or None
            Source of each row; 0: a source of its own. None: every row is.
        """
        index, rows = sources_of(len(x), source), x.astype(np.float64)
        mean, covariance = _moments(rows)
        size = np.bincount(index)
        centre = np.zeros((len(size), x.shape[1]))
        np.add.at(centre, index, rows)
        centre /= size[:, None]
        apart = rows - centre[index]
        within = apart.T @ apart / max(len(x) - len(size), 1)  # unbiased: a mean a source is taken off
        return cls(index, mean, covariance, _root(covariance - within), _root(within))

    @property
    def rank(self) -> int:
        """Directions in which the rows scatter."""
        variance = np.linalg.eigvalsh(self.covariance)
        return int((variance > _NOTHING * max(variance[-1], _NOTHING)).sum())

    def draw(self, rng: np.random.Generator) -> Floats:
        """Draw unit rows of the same mean and covariance, otherwise normal; float32, shape (n, d).

        A point a source and a smaller one about it for each detection are drawn from normal distributions.
        They are moved and stretched to the mean and the covariance of the embedding and brought to unit
        length, in turns, until both hold (to some 1e-4). As they are those of the embedding itself, not of
        what it may be a sample of, so are the mean and the variance of all n x n similarities.
        """
        n, d = len(self.index), len(self.mean)
        rows = self.mean + rng.normal(size=(int(self.index.max()) + 1, d))[self.index] @ self.between
        rows += rng.normal(size=(n, d)) @ self.within
        rows = _unit(rows, self.mean)
        root = _root(self.covariance)
        for _ in range(ROUNDS):
            mean, covariance = _moments(rows)
            stretch = _inverse_root(covariance) @ root
            rows = _unit((rows - mean) @ stretch + self.mean, self.mean)
        return np.ascontiguousarray(rows, np.float32)


def _moments(rows: Array) -> tuple[Array, Array]:
    mean = rows.mean(axis=0)
    apart = rows - mean
    return mean, apart.T @ apart / len(rows)


def _unit(rows: Array, instead: Array) -> Array:
    """Bring rows to unit length; one of no length takes the direction of `instead`."""
    length = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    empty = length[:, 0] == 0
    rows[empty], length[empty] = instead, np.sqrt((instead**2).sum())
    unit: Array = rows / length
    return unit


def _root(covariance: Array) -> Array:
    """Return the symmetric root; negative eigenvalues count as 0."""
    values, vectors = np.linalg.eigh(covariance)
    root: Array = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root


def _inverse_root(covariance: Array) -> Array:
    """Return the symmetric root of the inverse, 0 along directions without points."""
    values, vectors = np.linalg.eigh(covariance)
    there = values > _NOTHING * max(values[-1], _NOTHING)
    root: Array = (vectors[:, there] / np.sqrt(values[there])) @ vectors[:, there].T
    return root
