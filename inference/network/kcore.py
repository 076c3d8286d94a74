"""k-core numbers: how deep in the graph a node lies."""

import numpy as np
from numpy.typing import NDArray

from .graph import Graph


def core_numbers(graph: Graph) -> NDArray[np.int64]:
    """Return, for each node, the largest k such that it is in the k-core.

    The k-core is the largest part of the graph in which every node has at least k neighbours
    (S. B. Seidman 1983, Social Networks 5, 269); weights are not looked at.

    Parameters
    ----------
    graph : Graph
        n nodes.

    Returns
    -------
    ndarray, shape (n,), int64
        0 for a node without neighbours.

    Examples
    --------
    >>> from chandra_embed.inference.network.graph import from_edges
    >>> core_numbers(from_edges(4, [0, 0, 1, 2], [1, 2, 2, 3])).tolist()
    [2, 2, 2, 1]
    """
    from ..kernels.core_number import core_number

    found: NDArray[np.int64] = core_number(graph.indptr, graph.indices)
    return found
