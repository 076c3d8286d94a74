"""Thresholds chosen by edge density: the similarity that a given share of all pairs reaches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..similarity import Floats

Array = NDArray[np.float64]
EXACT = 4000  # rows up to which every pair is looked at
SAMPLED = 4_000_000  # pairs drawn beyond
_BLOCK = 1 << 18
# an edge density above or below which a threshold tells nothing
DENSEST, SPARSEST = 0.95, 1e-4


@dataclass(frozen=True)
class Quantile:
    """The similarity that a share of the pairs of different nodes reaches.

    Parameters
    ----------
    density : float
        The share asked for.
    tau : float
        The similarity.
    pairs : int
        Pairs looked at.
    exact : bool
        Whether these were all; else a random sample of them.
    """

    density: float
    tau: float
    pairs: int
    exact: bool

    @property
    def how(self) -> str:
        """How it was found, in words."""
        kind = "exact" if self.exact else "sampled"
        return f"edge density {self.density:g}, {kind} quantile of {self.pairs:,} pairs"


def informative(edge_density: float) -> bool:
    """Whether a graph of this edge density is neither nearly complete nor nearly empty."""
    return SPARSEST <= edge_density <= DENSEST


def thresholds_at(
    x: Floats, densities: list[float], source: NDArray[np.int64] | None = None, *, seed: int = 0
) -> list[Quantile]:
    """Return the thresholds at which the graph has given edge densities.

    Up to :data:`EXACT` rows every pair is computed; beyond, :data:`SAMPLED` random pairs stand for all: the
    standard error of the density at the threshold found is sqrt(q (1 - q) / pairs).

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows, n at least 2.
    densities : list of float
        Shares of pairs that shall be edges, above 0 and at most 1.
    source : ndarray, shape (n,), int64, optional
        Source of each row, 0 where it is not known; pairs of one source do not count. Default: all count.
    seed : int
        Of the sample.

    Returns
    -------
    list of Quantile
        In the order of `densities`; none where there is no pair of different sources.
    """
    if not densities:
        return []
    exact = len(x) <= EXACT
    values = _all_pairs(x, source) if exact else _random_pairs(x, source, seed)
    if not len(values):
        return []
    found = []
    for density in densities:
        place = len(values) - max(1, round(density * len(values)))
        tau = float(np.partition(values, place)[place])
        found.append(Quantile(density, tau, len(values), exact))
    return found


def _all_pairs(x: Floats, source: NDArray[np.int64] | None) -> Array:
    """Return the similarities of all pairs i < j that count."""
    parts = []
    for i in range(len(x) - 1):
        other = np.arange(i + 1, len(x))
        if source is not None and source[i]:
            other = other[source[other] != source[i]]
        parts.append(_dots(x[other], x[i : i + 1]))
    return np.concatenate(parts) if parts else np.zeros(0)


def _random_pairs(x: Floats, source: NDArray[np.int64] | None, seed: int) -> Array:
    """Return the similarities of random pairs of different rows that count, drawn with replacement."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    parts = []
    for _ in range(-(-SAMPLED // _BLOCK)):
        i, j = rng.integers(0, len(x), (2, _BLOCK))
        counts = i != j
        if source is not None:
            counts &= (source[i] != source[j]) | (source[i] == 0)
        parts.append(_dots(x[i[counts]], x[j[counts]]))
    return np.concatenate(parts)


def _dots(a: Floats, b: Floats) -> Array:
    """Return the float64 dot products of rows, summed in index order; `b` may be one row."""
    total = np.zeros(len(a))
    for k in range(a.shape[1]):
        total += a[:, k].astype(np.float64) * b[:, k].astype(np.float64)
    return total
