"""Several pairs of core and periphery, beyond what the degrees make: KM-config."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .graph import Graph

RESTARTS = 5
MOST_ROUNDS = 50
FEW_PAIRS = 32  # from here on every node's neighbours are counted by pair


@dataclass(frozen=True)
class Pairs:
    """A division of the nodes into pairs of a core and a periphery.

    Parameters
    ----------
    pair : ndarray, shape (n,), int64
        Pair of each node, numbered from 0 by falling size; of equal ones, by their lowest node.
    is_core : ndarray, shape (n,), bool
        Nodes of a core.
    pair_quality : ndarray, shape (p,), float64
        Quality of each pair.
    quality : float
        Their sum.
    """

    pair: NDArray[np.int64]
    is_core: NDArray[np.bool_]
    pair_quality: NDArray[np.float64]
    quality: float

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Which pairs have both a core and a periphery, shape (p,), bool."""
        p = len(self.pair_quality)
        core = np.bincount(self.pair[self.is_core], minlength=p)
        return (core > 0) & (np.bincount(self.pair, minlength=p) > core)

    @property
    def count(self) -> int:
        """Pairs with both a core and a periphery."""
        return int(self.complete.sum())


def km_config(graph: Graph, *, restarts: int = RESTARTS, seed: int = 0) -> Pairs:
    """Divide the nodes into pairs of core and periphery, against the configuration model.

    KM-config (S. Kojaku & N. Masuda 2018, New J. Phys. 20, 043012): label switching raises
    Q = 1/(2 m) sum_ij (A_ij - d_i d_j / (2 m)) (x_i + x_j - x_i x_j) delta(c_i, c_j) over all i and j,
    x_i = 1 for a core node, c_i its pair. Weights are not looked at. Every node begins as the core of a pair
    of its own; the best of several runs in random order is taken.

    Parameters
    ----------
    graph : Graph
        n nodes.
    restarts : int
        Runs, at least 1; the first of the highest quality counts.
    seed : int
        Of the orders.

    Raises
    ------
    ValueError
        `restarts` is below 1.
    """
    if restarts < 1:
        raise ValueError(f"restarts={restarts}: give at least 1")
    from ..kernels.km_config import pair_qualities

    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(restarts):
        label = _switch(graph, rng)
        runs.append((label, pair_qualities(graph.indptr, graph.indices, label)))
    return _numbered(*max(runs, key=lambda run: int(run[1].sum())), ends=len(graph.indices))


def km_gain(graph: Graph, restarts: int, rng: np.random.Generator) -> int:
    """Return (2 m)^2 times what several pairs gain over the best single pair, in Q; a whole number.

    Each is the best of `restarts` runs of label switching; the single pair begins with all nodes in its core
    and lets them change sides only. Where the degrees, or one core and one periphery, make the graph, several
    pairs gain as little as in random graphs.
    """
    from ..kernels.km_config import pair_qualities

    best = [
        max(
            int(pair_qualities(graph.indptr, graph.indices, _switch(graph, rng, single)).sum())
            for _ in range(restarts)
        )
        for single in (False, True)
    ]
    return max(best[0] - best[1], 0)  # a single pair is a division too


def _switch(graph: Graph, rng: np.random.Generator, single: bool = False) -> NDArray[np.int64]:
    """Run label switching once until no node changes; nodes of a single pair have no other to go to.

    Returns the labels: twice the pair of each node, and one more for a core node.
    """
    from ..kernels.km_config import count_labels, switch_round, switch_round_of_few

    names = np.zeros(1, np.int64) if single else np.arange(graph.n, dtype=np.int64)
    label = 2 * (np.zeros(graph.n, np.int64) if single else np.arange(graph.n, dtype=np.int64)) + 1
    near = None
    for _ in range(MOST_ROUNDS):
        if near is None and len(names) <= FEW_PAIRS:
            near = count_labels(graph.indptr, graph.indices, label, 2 * len(names))
        order = rng.permutation(graph.n)
        if near is None:
            changed = switch_round(graph.indptr, graph.indices, order, label)
            names, index = np.unique(label // 2, return_inverse=True)
            label = 2 * index.astype(np.int64) + label % 2
        else:
            changed = switch_round_of_few(graph.indptr, graph.indices, order, label, near)
        if not changed:
            break
    return label


def _numbered(label: NDArray[np.int64], quality: NDArray[np.int64], *, ends: int) -> Pairs:
    """Number the pairs by falling size and bring the quality to its scale."""
    names, first, index, size = np.unique(
        label // 2, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.lexsort((first, -size))
    number = np.empty(len(names), np.int64)
    number[rank] = np.arange(len(names))
    scaled = quality[names[rank]] / float(max(ends, 1)) ** 2
    return Pairs(number[index], label % 2 == 1, scaled, float(scaled.sum()))
