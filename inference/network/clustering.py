"""How often neighbours of a node are neighbours of each other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..tiling import in_threads
from .graph import Graph

_BLOCK = 256
_WORDS = 128  # of 64 nodes: 1 kB of bits a node


@dataclass(frozen=True)
class Clustering:
    """Clustering of a graph; see :func:`clustering`.

    Parameters
    ----------
    triangles : ndarray, shape (n,), int64
        Triangles that each node is a corner of.
    local : ndarray, shape (n,), float64
        Edges between a node's neighbours over pairs of them; 0 below two neighbours.
    mean : float
        Of `local` over all nodes; 0 without nodes.
    transitivity : float
        Three times the triangles over the paths of two edges; 0 without any.
    """

    triangles: NDArray[np.int64]
    local: NDArray[np.float64]
    mean: float
    transitivity: float


def clustering(graph: Graph) -> Clustering:
    """Count triangles and return the clustering coefficients.

    The local one is that of D. J. Watts & S. H. Strogatz 1998 (Nature 393, 440); weights are not looked at.

    Parameters
    ----------
    graph : Graph
        n nodes.
    """
    n = graph.n
    twice = np.zeros(n, np.int64)
    for first in range(0, n, 64 * _WORDS):
        twice += _common_neighbours(graph, first, min(_WORDS, -(-(n - first) // 64)))
    triangles = twice // 2
    paths = graph.degree * (graph.degree - 1) // 2
    local = np.divide(triangles, paths, out=np.zeros(n), where=paths > 0)
    total = int(paths.sum())
    return Clustering(
        triangles, local, float(local.mean()) if n else 0.0, float(triangles.sum() / total) if total else 0.0
    )


def _common_neighbours(graph: Graph, first: int, words: int) -> NDArray[np.int64]:
    """Sum over each node's edges the common neighbours of both ends among `words` * 64 nodes."""
    from ..kernels.triangles import add_common, neighbour_bits

    bits = neighbour_bits(graph.indptr, graph.indices, first, words)

    def work(take: Iterator[int]) -> NDArray[np.int64]:
        counts = np.zeros(graph.n, np.int64)
        for row in take:
            end = min(row + _BLOCK, graph.n)
            add_common(graph.indptr, graph.indices, bits, row, end, counts)
        return counts

    parts = in_threads(work, range(0, graph.n, _BLOCK), -(-graph.n // _BLOCK))
    total: NDArray[np.int64] = np.sum(parts, axis=0, dtype=np.int64)
    return total
