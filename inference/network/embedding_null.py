"""Whether the similarity graph is more than its dimensions one by one: embeddings shuffled across sources."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..similarity import Floats
from .degrees import degrees_and_strengths
from .graph import Pairs
from .lip import lip_core
from .nulls import LEAST_NULLS, N_NULL, NullTest, generator

EMBEDDING = "embedding"
EDGE_SHARE, CORE_SHARE = "edges over pairs of nodes", "share of nodes in Lip's core"
LONER_SHARE = "share of nodes without an edge"
STATISTICS = (EDGE_SHARE, CORE_SHARE, LONER_SHARE)
MAX_PAIRS = 2e10  # similarities of all shuffled embeddings together


def embedding_null(x: Floats, source: NDArray[np.int64] | None, rng: np.random.Generator) -> Floats:
    """Shuffle each dimension across the sources, independently of the others, and renormalise.

    Every dimension keeps its distribution over sources, and detections of a source stay together: in each
    dimension a source takes the values of another; where that one has fewer detections they are taken in
    turns. (Shuffling whole rows would change nothing.)

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    source : ndarray, shape (n,), int64, or None
        Source of each row; 0: a source of its own. None: every row is.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (n, d), float32
        Unit rows; a row whose values would all be 0 keeps its own.
    """
    n = len(x)
    index = sources_of(n, source)
    order = np.argsort(index, kind="stable")
    size = np.bincount(index)
    first = np.cumsum(size) - size
    place = np.empty(n, np.int64)  # of a row among those of its source
    place[order] = np.arange(n) - np.repeat(first, size)
    found = np.empty(x.shape, np.float64)
    for column in range(x.shape[1]):
        giver = rng.permutation(len(size))[index]
        found[:, column] = x[order[first[giver] + place % size[giver]], column]
    length = np.sqrt((found**2).sum(axis=1, keepdims=True))
    empty = length[:, 0] == 0
    found[empty], length[empty] = x[empty], 1.0
    shuffled: Floats = np.ascontiguousarray(found / length, np.float32)
    return shuffled


def sources_of(n: int, source: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Number the sources of `n` rows from 0, shape (n,); source 0, or none at all: one of its own."""
    if source is None:
        return np.arange(n, dtype=np.int64)
    own = np.where(source == 0, -1 - np.arange(n, dtype=np.int64), source)
    return np.unique(own, return_inverse=True)[1].astype(np.int64)


def embedding_tests(
    x: Floats,
    tau: NDArray[np.float64],
    source: NDArray[np.int64] | None = None,
    *,
    excluded: Pairs | None = None,
    n_null: int = N_NULL,
    seed: int = 0,
    on_null: Callable[[int], None] | None = None,
) -> list[list[NullTest]]:
    """Ask, at each threshold, whether edges, core and single nodes are more than in shuffled embeddings.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    tau : ndarray, shape (t,), float64
        Thresholds.
    source : ndarray, shape (n,), int64, optional
        As :func:`embedding_null`.
    excluded : (i, j), ndarrays, shape (p,), int64, optional
        Pairs that have no edge.
    n_null : int
        Shuffled embeddings; fewer where there are many rows, none below 39.
    seed : int
        Shuffled embedding k depends on the seed and k alone.
    on_null : callable, optional
        Called with 1 after each shuffled embedding.

    Returns
    -------
    list of list of NullTest
        For each threshold one test of each of ``STATISTICS``; the null is ``embedding``.
    """
    thresholds = np.asarray(tau, np.float64)
    pairs = max(len(x) * (len(x) - 1) // 2, 1)
    count = min(n_null, int(MAX_PAIRS / pairs))
    if count < min(max(n_null, 1), LEAST_NULLS):
        reason = f"{len(x):,} nodes, too many" if n_null else "no shuffled embeddings were asked for"
        return [[NullTest.without(EMBEDDING, name, reason) for name in STATISTICS] for _ in thresholds]
    allowed = max(pairs - (len(excluded[0]) if excluded else 0), 1)
    observed = _statistics(x, thresholds, excluded, allowed)
    random = np.empty((count, *observed.shape))
    for k in range(count):
        shuffled = embedding_null(x, source, generator(seed, k))
        random[k] = _statistics(shuffled, thresholds, excluded, allowed)
        if on_null is not None:
            on_null(1)
    return [
        [
            NullTest.of(EMBEDDING, name, float(observed[t, s]), random[:, t, s])
            for s, name in enumerate(STATISTICS)
        ]
        for t in range(len(thresholds))
    ]


def _statistics(
    x: Floats, tau: NDArray[np.float64], excluded: Pairs | None, allowed: int
) -> NDArray[np.float64]:
    """Return the statistics at each threshold, shape (t, 3)."""
    degree, _ = degrees_and_strengths(x, tau, excluded=excluded)
    return np.array(
        [
            (each.sum() / 2 / allowed, lip_core(each).size / max(len(x), 1), (each == 0).mean())
            for each in degree
        ]
    )
