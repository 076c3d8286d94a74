"""How often the right partner comes first: ranks, recall and median rank of paired embeddings.

Row i of the queries belongs to row i of the targets, one pair a source. Equal similarities are broken at
random in thought: every figure is the exact expectation over their orders, so that many texts of the same
words, or an oracle that knows the class alone, gain and lose nothing by the order of the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tables import Interval, bootstrap, mean_interval

Array = NDArray[np.float64]
SHARES = {"1pct": 0.01, "5pct": 0.05, "10pct": 0.1}
BLOCK = 1024


@dataclass(frozen=True)
class Ranks:
    """Where each query's own target stands among `n` targets.

    Parameters
    ----------
    above : ndarray, shape (n,), int64
        Targets more similar to the query than its own.
    tied : ndarray, shape (n,), int64
        Targets exactly as similar, its own among them: at least 1.
    """

    above: NDArray[np.int64]
    tied: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.above)

    @property
    def rank(self) -> Array:
        """Rank of each query's target, from 1, ties at their mean; shape (n,), float64."""
        found: Array = self.above + (self.tied + 1) / 2
        return found

    def recall(self, share: float) -> Array:
        """Return how probably each target is among the first :func:`places`, shape (n,), float64, 0..1."""
        found: Array = np.clip((places(len(self), share) - self.above) / self.tied, 0.0, 1.0)
        return found


def places(n: int, share: float) -> int:
    """Return how many of `n` places a share of them is: a whole number, at least 1."""
    return max(1, int(np.floor(share * n + 1e-9)))


def rank_pairs(query: NDArray[Any], target: NDArray[Any]) -> Ranks:
    """Rank every query's own target among all targets by cosine similarity.

    Parameters
    ----------
    query, target : ndarray, shape (n, d), float
        Finite rows; row i of the one belongs to row i of the other. They need not be of unit length; a row
        of zeros has similarity 0 to all.

    Returns
    -------
    Ranks
        Of `n` queries.

    Raises
    ------
    ValueError
        No rows, two shapes, or a row that is not finite.
    """
    if query.shape != target.shape or query.ndim != 2 or not len(query):
        raise ValueError(f"queries {query.shape} and targets {target.shape}: give (n, d) twice, n at least 1")
    for name, rows in (("queries", query), ("targets", target)):
        bad = ~np.isfinite(rows).all(axis=1)
        if bad.any():
            raise ValueError(f"row {int(np.argmax(bad))} of the {name} is not finite")
    # equal targets are compared once: a matrix product may round two equal columns differently
    distinct, own, count = np.unique(unit_rows(target), axis=0, return_inverse=True, return_counts=True)
    queries, own = unit_rows(query), own.ravel()
    above, tied = np.empty(len(queries), np.int64), np.empty(len(queries), np.int64)
    for start in range(0, len(queries), BLOCK):
        part = slice(start, start + BLOCK)
        similarity = queries[part] @ distinct.T
        mine = similarity[np.arange(len(similarity)), own[part]][:, None]
        above[part] = (similarity > mine) @ count
        tied[part] = (similarity == mine) @ count
    return Ranks(above, tied)


def unit_rows(x: NDArray[Any]) -> Array:
    """Return rows at unit length, shape (n, d), float64; a row of zeros stays one."""
    rows = np.asarray(x, np.float64)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Array = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return unit


def class_ranks(kind: NDArray[np.str_]) -> Ranks:
    """Return the ranks of an oracle that knows the true class of both sides and nothing else.

    Parameters
    ----------
    kind : ndarray, shape (n,), str
        Class of each pair; empty where not known: there the oracle knows nothing.

    Returns
    -------
    Ranks
        Nothing above, all pairs of the class tied.
    """
    _, index, count = np.unique(kind, return_inverse=True, return_counts=True)
    tied = np.where(kind == "", len(kind), count[index]).astype(np.int64)
    return Ranks(np.zeros(len(kind), np.int64), tied)


def one_each(
    source_id: NDArray[np.str_], usable: NDArray[np.bool_], seed: int = 0, *, whole: int = 100
) -> NDArray[np.intp]:
    """Choose one usable row of every source, at random, and a number of sources that is a multiple of 100.

    A share of 1 % is then a whole number of places, and the null recall exactly 1 %.

    Parameters
    ----------
    source_id : ndarray, shape (n,), str
        Source of each row.
    usable : ndarray, shape (n,), bool
        Rows to choose among.
    seed : int
        Of the choice.
    whole : int
        Sources are left out, at random, until their number is a multiple of this; fewer than `whole`
        sources are all kept.

    Returns
    -------
    ndarray, shape (m,), intp
        Row numbers, ascending.
    """
    order = np.random.default_rng([seed, 404]).permutation(np.flatnonzero(usable))
    _, first = np.unique(source_id[order], return_index=True)
    chosen = order[np.sort(first)]
    kept = len(chosen) // whole * whole or len(chosen)
    return np.sort(chosen[:kept])


def recall_columns(ranks: Ranks, source_id: NDArray[np.str_]) -> dict[str, Any]:
    """Return recalls and median rank with intervals over sources, as columns of a table.

    Parameters
    ----------
    ranks : Ranks
        Of `n` queries.
    source_id : ndarray, shape (n,), str
        Source of each query: the unit of the bootstrap. The targets stay the same.

    Returns
    -------
    dict
        ``recall_1pct``, ``recall_5pct``, ``recall_10pct`` and ``median_rank``, each with ``_low``, ``_high``
        (68 %), ``_low95`` and ``_high95``; ``n``; ``null_recall_1pct``, what chance gives, exact.
    """
    found: dict[str, Any] = {}
    for name, share in SHARES.items():
        found |= mean_interval(ranks.recall(share), source_id).columns(f"recall_{name}")
    rank, n = ranks.rank, len(ranks)
    found |= bootstrap(lambda rows: float(np.median(rank[rows])), source_id).columns("median_rank")
    return {**found, "n": n, "null_recall_1pct": places(n, SHARES["1pct"]) / n}


def more_recall(ranks: Ranks, other: Ranks, share: float, source_id: NDArray[np.str_]) -> Interval:
    """Return by how much one recall is above another of the same pairs, paired over sources."""
    return mean_interval(ranks.recall(share) - other.recall(share), source_id)


def bag_of_words(
    vector: NDArray[Any], latent: NDArray[Any], arrays: Mapping[str, NDArray[Any]]
) -> tuple[Array, Array]:
    """Return what a bundle's linear baseline compares: predicted latents, and the spectra's own.

    Parameters
    ----------
    vector : ndarray, shape (n, t), float
        Text vectors.
    latent : ndarray, shape (n, l), float
        Latents of spectra, with their level where the baseline has it.
    arrays : mapping of str to ndarray
        Of a ridge regression from text vectors to latents: ``weights`` (t, l), ``intercept`` (l,), and
        ``mean``, ``scale`` (l,) of its training latents.

    Returns
    -------
    predicted, own : ndarray, shape (n, l), float64
        Less the mean, over the scale.
    """
    mean, scale = (np.asarray(arrays[name], np.float64) for name in ("mean", "scale"))
    predicted = np.asarray(vector, np.float64) @ arrays["weights"] + arrays["intercept"]
    return (predicted - mean) / scale, (np.asarray(latent, np.float64) - mean) / scale
