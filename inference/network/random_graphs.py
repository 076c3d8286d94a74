"""Random graphs without loops and multiple edges: of a number of edges, or of given degrees.

Pairs of nodes are bits, and of edges and other pairs the fewer are moved about, so that the cost of a nearly
complete graph is that of a nearly empty one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .graph import Graph, Pairs

MAX_NODES = 20_000  # 50 MB of bits
STEPS = 3.0  # exchanges tried for each pair moved about: each moves about four times
CHUNK = 1 << 16
Bits = NDArray[np.uint8]


def node_pairs(n: int, pairs: Pairs | None = None) -> Bits:
    """Return a set of pairs of `n` nodes, shape (n, ceil(n / 8)), uint8; see :mod:`..kernels.bit_pairs`.

    Raises
    ------
    ValueError
        There are more than ``MAX_NODES`` nodes.
    """
    from ..kernels.bit_pairs import add_pairs

    if n > MAX_NODES:
        raise ValueError(f"{n:,} nodes, more than {MAX_NODES:,}: random graphs are not drawn")
    bits = np.zeros((n, -(-n // 8)), np.uint8)
    if pairs is not None:
        add_pairs(bits, np.stack(pairs, axis=1).astype(np.int32))
    return bits


def random_graph(n: int, m: int, rng: np.random.Generator, barred: Bits | None = None) -> Graph:
    """Draw one of all graphs of `n` nodes and `m` edges (Erdos & Renyi), each as likely as any other.

    Parameters
    ----------
    n, m : int
        Nodes, at most ``MAX_NODES``, and edges.
    rng : numpy.random.Generator
        Source of randomness.
    barred : ndarray, shape (n, ceil(n / 8)), uint8, optional
        Pairs that may not be edges, of :func:`node_pairs`.

    Raises
    ------
    ValueError
        There are too many nodes, or fewer than `m` pairs that may be edges.
    """
    from ..kernels.bit_pairs import draw_pairs

    none = node_pairs(n) if barred is None else barred
    allowed = n * (n - 1) // 2 - int(np.bitwise_count(none).sum())
    if not 0 <= m <= allowed:
        raise ValueError(f"{m} edges: {n} nodes have room for {allowed}")
    others = 2 * m > allowed
    wanted = allowed - m if others else m
    bits = node_pairs(n)
    ends = np.empty((wanted, 2), np.int32)
    found = 0
    while found < wanted:
        draws = rng.integers(n, size=(min(CHUNK, 4 * (wanted - found) + 64), 2))
        found = draw_pairs(draws, none, bits, ends, found)
    return _graph(bits, none, others)


def _graph(bits: Bits, barred: Bits, others: bool) -> Graph:
    from ..kernels.bit_pairs import compressed_rows

    indptr, indices = compressed_rows(bits, barred, others)
    return Graph(indptr, indices, np.ones(len(indices), np.float32))


@dataclass
class Rewiring:
    """A walk among all graphs of the same degrees: two edges exchange an end each, step after step.

    Parameters
    ----------
    ends : ndarray, shape (k, 2), int32
        The pairs moved about: the edges, or the pairs that could be edges and are not.
    bits, barred : ndarray, shape (n, ceil(n / 8)), uint8
        The same as a set, and pairs that may not be edges.
    others : bool
        Whether the pairs are those that are no edges.
    """

    ends: NDArray[np.int32]
    bits: Bits
    barred: Bits
    others: bool

    @classmethod
    def of(cls, graph: Graph, barred: Bits | None = None) -> "Rewiring":
        """Begin at a graph.

        Raises
        ------
        ValueError
            There are more than ``MAX_NODES`` nodes.
        """
        none = node_pairs(graph.n) if barred is None else barred
        pairs = graph.edge_list()[:2]
        allowed = graph.n * (graph.n - 1) // 2 - int(np.bitwise_count(none).sum())
        others = 2 * graph.edge_count > allowed
        if others:
            pairs = _graph(node_pairs(graph.n, pairs), none, True).edge_list()[:2]
        ends = np.stack(pairs, axis=1).astype(np.int32)
        return cls(ends, node_pairs(graph.n, pairs), none, others)

    def walked(self, rng: np.random.Generator, steps: float = STEPS) -> "Rewiring":
        """Return where a walk of `steps` exchanges tried for each pair ends."""
        from ..kernels.bit_pairs import exchange_ends

        ends, bits = self.ends.copy(), self.bits.copy()
        m = len(ends)
        for start in range(0, round(steps * m), CHUNK):
            size = min(CHUNK, round(steps * m) - start)
            exchange_ends(rng.integers(m, size=size), rng.integers(2 * m, size=size), self.barred, bits, ends)
        return Rewiring(ends, bits, self.barred, self.others)

    def graph(self) -> Graph:
        """Return the graph, all weights 1."""
        return _graph(self.bits, self.barred, self.others)
