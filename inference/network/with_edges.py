"""What a network is at one threshold, where its edges can be held in memory."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..similarity import Floats
from .borgatti_everett import CorePeriphery, fit_core
from .clustering import Clustering, clustering
from .communities import Communities, communities
from .graph import MAX_EDGES, Graph, edges
from .kcore import core_numbers
from .km_config import Pairs as CorePeripheryPairs
from .km_config import km_config
from .levels import Level
from .minres import Minres, minres_coreness
from .nulls import NullTest, degree_null, density_null
from .pairs import Pairs
from .subsample import Subsamples, subsample


@dataclass(frozen=True, eq=False)
class EdgeFacts:
    """What needs the edges of `n` nodes at one threshold.

    Parameters
    ----------
    core_number : ndarray, shape (n,), int64
        Largest k such that the node is in the k-core.
    borgatti_everett : CorePeriphery
        One core and periphery, fitted to the edges.
    minres : Minres or None
        Coreness that leaves out the diagonal; None where a similarity is negative.
    km : Pairs
        Several pairs of core and periphery (KM-config).
    clustering : Clustering
        How often neighbours of a node are neighbours of each other.
    communities : Communities
        Division by modularity (Louvain).
    subsamples : Subsamples
        Core and degrees without a fifth of the sources.
    """

    core_number: NDArray[np.int64]
    borgatti_everett: CorePeriphery
    minres: Minres | None
    km: CorePeripheryPairs
    clustering: Clustering
    communities: Communities
    subsamples: Subsamples

    def numbers(self) -> dict[str, Any]:
        """Return what is one number."""
        return {
            "k_core_max": int(self.core_number.max(initial=0)),
            "borgatti_everett_core": int(self.borgatti_everett.is_core.sum()),
            "borgatti_everett_correlation": self.borgatti_everett.correlation,
            "km_pairs": self.km.count,
            "km_quality": self.km.quality,
            "minres_residual": self.minres.residual if self.minres else None,
            "clustering_mean": self.clustering.mean,
            "transitivity": self.clustering.transitivity,
            "communities": self.communities.count,
            "modularity": self.communities.modularity,
        }

    def of_nodes(self) -> dict[str, NDArray[Any]]:
        """Return what every node has, each of shape (n,)."""
        found: dict[str, NDArray[Any]] = {
            "core_number": self.core_number,
            "borgatti_everett_core": self.borgatti_everett.is_core.astype(np.int8),
            "km_pair": self.km.pair,
            "km_core": self.km.is_core.astype(np.int8),
            "clustering": self.clustering.local,
            "community": self.communities.community,
            "core_stability": self.subsamples.stability,
        }
        if self.minres is not None:
            found["minres"] = self.minres.value
        return found


def gather(x: Floats, level: Level, excluded: Pairs | None) -> Graph | None:
    """Return the graph at a level with its edges; None where there are more than ``MAX_EDGES``.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    level : Level
        Its threshold and degrees.
    excluded : tuple of two ndarray, shape (m,), int64, optional
        Pairs that have no edge.
    """
    if level.edges > MAX_EDGES:
        return None
    with Progress(len(x), f"network: edges at {level.tau:.4g}", unit="rows") as progress:
        return edges(x, level.tau, excluded, degree=level.degree, on_rows=progress.update)


def study(graph: Graph, source: NDArray[np.int64] | None, *, draws: int, seed: int) -> EdgeFacts:
    """Find everything that needs the edges.

    Parameters
    ----------
    graph : Graph
        n nodes.
    source : ndarray, shape (n,), int64, optional
        Source of each node, 0 where not known; what subsamples are drawn of.
    draws : int
        Subsamples.
    seed : int
        Of restarts, communities and subsamples.
    """
    negative = bool(len(graph.weight)) and float(graph.weight.min()) < 0
    return EdgeFacts(
        core_number=core_numbers(graph),
        borgatti_everett=fit_core(graph, seed=seed),
        minres=None if negative else minres_coreness(graph),
        km=km_config(graph, seed=seed),
        clustering=clustering(graph),
        communities=communities(graph, seed=seed),
        subsamples=subsample(graph, source, draws=draws, seed=seed),
    )


def graph_nulls(
    graph: Graph, tau: float, excluded: Pairs | None, *, n_null: int, seed: int
) -> list[NullTest]:
    """Compare the graph with random graphs: of as many edges, and of the same degrees."""
    found = []
    for name, test in (("density", density_null), ("degree", degree_null)):
        with Progress(n_null, f"network: null {name} at {tau:.4g}", unit="random graphs") as progress:
            found.append(test(graph, n_null=n_null, seed=seed, excluded=excluded, on_null=progress.update))
    return found
