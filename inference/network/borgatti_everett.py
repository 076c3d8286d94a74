"""One core and one periphery: the discrete model of Borgatti and Everett."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .graph import Graph

RESTARTS = 10


@dataclass(frozen=True)
class CorePeriphery:
    """A core, and how well it explains the graph.

    Parameters
    ----------
    is_core : ndarray, shape (n,), bool
        Nodes of the core.
    correlation : float
        Pearson correlation with the ideal pattern over all pairs of nodes; 0 where there is none.
    """

    is_core: NDArray[np.bool_]
    correlation: float


def fit_core(graph: Graph, *, restarts: int = RESTARTS, seed: int = 0) -> CorePeriphery:
    """Find the core whose ideal pattern correlates best with the graph.

    In the ideal pattern a pair is joined where at least one of the two is of the core (S. P. Borgatti &
    M. G. Everett 2000, Social Networks 21, 375, their first discrete model); weights are not looked at. The
    correlation depends on the core's size and on the edges that touch it alone, so that trying a node on the
    other side costs nothing (label switching: E. Yanchenko & S. Sengupta 2025, arXiv 2506.02069). It begins
    at the best of the cores that are the nodes of highest degree, and at random ones, and ends at a local
    maximum.

    Parameters
    ----------
    graph : Graph
        n nodes.
    restarts : int
        Random beginnings, besides the one by degree.
    seed : int
        Of the random beginnings.

    Returns
    -------
    CorePeriphery
        No core and correlation 0 where the graph is empty or complete.

    Examples
    --------
    >>> from chandra_embed.inference.network.graph import from_edges
    >>> fit_core(from_edges(5, [0, 0, 0, 0], [1, 2, 3, 4]))
    CorePeriphery(is_core=array([ True, False, False, False, False]), correlation=1.0)
    """
    from ..kernels.borgatti_everett import best_prefix, improve_core

    rng = np.random.default_rng(seed)
    found = CorePeriphery(np.zeros(graph.n, np.bool_), 0.0)
    for run in range(restarts + 1):
        if run == 0:
            order = np.argsort(-graph.degree, kind="stable")
            is_core = best_prefix(graph.indptr, graph.indices, order)
        else:
            is_core = rng.random(graph.n) < rng.random()
        correlation = float(improve_core(graph.indptr, graph.indices, is_core))
        if correlation > found.correlation:
            found = CorePeriphery(is_core, correlation)
    return found
