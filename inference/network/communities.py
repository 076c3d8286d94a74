"""Communities: groups of nodes with more edges among themselves than their degrees make."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .graph import Graph

MOST_ROUNDS = 30
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Communities:
    """A division of the nodes into communities.

    Parameters
    ----------
    community : ndarray, shape (n,), int64
        Numbered from 0 by falling size; of equal ones, by their lowest node.
    modularity : float
        Of the division; 0 without edges.
    """

    community: Ints
    modularity: float

    @property
    def count(self) -> int:
        """Communities, single nodes among them."""
        return int(self.community.max(initial=-1)) + 1


def communities(graph: Graph, *, seed: int = 0) -> Communities:
    """Divide the nodes by modularity, with the Louvain method.

    V. D. Blondel, J.-L. Guillaume, R. Lambiotte & E. Lefebvre 2008, J. Stat. Mech. P10008: nodes move to the
    community of a neighbour while modularity grows; then communities are the nodes of a smaller graph, and so
    on. Weights are not looked at.

    Parameters
    ----------
    graph : Graph
        n nodes.
    seed : int
        Of the order in which nodes move.
    """
    from ..kernels.louvain import move_round

    rng = np.random.default_rng(seed)
    found: Ints = np.arange(graph.n, dtype=np.int64)
    indptr, indices, degree = graph.indptr, graph.indices, graph.degree.copy()
    weight = np.ones(len(indices), np.int64)
    while True:
        n = len(degree)
        community: Ints = np.arange(n, dtype=np.int64)
        for _ in range(MOST_ROUNDS):
            if not move_round(indptr, indices, weight, degree, rng.permutation(n), community):
                break
        names, community = np.unique(community, return_inverse=True)
        found = community[found]
        if len(names) == n:
            break
        indptr, indices, weight = _merged(indptr, indices, weight, community, len(names))
        degree = np.bincount(community, degree, minlength=len(names)).astype(np.int64)
    return Communities(_by_size(found), modularity(graph, found))


def modularity(graph: Graph, community: Ints) -> float:
    """Return sum_ij (A_ij - d_i d_j / 2 m) delta(c_i, c_j) / 2 m of a division; 0 without edges.

    Parameters
    ----------
    graph : Graph
        n nodes, m edges.
    community : ndarray, shape (n,), int64
        Community of each node, not below 0.
    """
    ends = len(graph.indices)
    if not ends:
        return 0.0
    inside = int((np.repeat(community, graph.degree) == community[graph.indices]).sum())
    held = np.bincount(community, graph.degree)
    return float(inside / ends - (held**2).sum() / ends**2)


def _merged(
    indptr: Ints, indices: NDArray[np.int32], weight: Ints, community: Ints, n: int
) -> tuple[Ints, NDArray[np.int32], Ints]:
    """Return the graph whose nodes are the communities, without loops."""
    from scipy.sparse import coo_array

    to = community.astype(np.int32)
    start, stop = np.repeat(to, np.diff(indptr)), to[indices]
    between = start != stop
    merged = coo_array((weight[between], (start[between], stop[between])), shape=(n, n)).tocsr()
    merged.sort_indices()
    return merged.indptr.astype(np.int64), merged.indices.astype(np.int32), merged.data


def _by_size(community: Ints) -> Ints:
    _, first, index, size = np.unique(community, return_index=True, return_inverse=True, return_counts=True)
    number = np.empty(len(size), np.int64)
    number[np.lexsort((first, -size))] = np.arange(len(size))
    return number[index]
