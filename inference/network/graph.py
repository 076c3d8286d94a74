"""The thresholded similarity graph with its edges: compressed rows, for what no degree can tell.

Its size is that of the edges, so that only graphs of up to ``MAX_EDGES`` are ever held.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..similarity import rounding_band, unit_rows
from ..tiling import in_threads, multiply, one_at_a_time
from .degrees import degrees_and_strengths

if TYPE_CHECKING:
    import networkx

MAX_EDGES = 20_000_000  # 320 MB of compressed rows
ROWS, COLUMNS = 256, 1024
Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Graph:
    """A simple undirected graph in compressed rows; every edge stands in both of its rows.

    Parameters
    ----------
    indptr : ndarray, shape (n + 1,), int64
        Row i has the neighbours ``indices[indptr[i]:indptr[i + 1]]``.
    indices : ndarray, shape (2 m,), int32
        Neighbours, ascending within a row.
    weight : ndarray, shape (2 m,), float32
        Weight of each edge: the cosine similarity.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weight: NDArray[np.float32]

    @property
    def n(self) -> int:
        """Nodes."""
        return len(self.indptr) - 1

    @property
    def edge_count(self) -> int:
        """Edges, each counted once."""
        return len(self.indices) // 2

    @property
    def density(self) -> float:
        """Edges over pairs of nodes; 0 below two nodes."""
        return self.edge_count / max(self.n * (self.n - 1) // 2, 1)

    @cached_property
    def degree(self) -> NDArray[np.int64]:
        """Neighbours of each node, shape (n,), int64."""
        return np.diff(self.indptr)

    @cached_property
    def strength(self) -> NDArray[np.float64]:
        """Sum of the weights of each node's edges, shape (n,), float64, summed in order of the columns."""
        row = np.repeat(np.arange(self.n), self.degree)
        total = np.bincount(row, self.weight, minlength=self.n)
        return total.astype(np.float64)  # whole numbers where there are no edges

    def edge_blocks(
        self, rows: int = 1024
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]:
        """Yield what :meth:`edge_list` returns, a block of rows at a time."""
        for a in range(0, self.n, rows):
            part = slice(self.indptr[a], self.indptr[min(a + rows, self.n)])
            here = np.arange(a, min(a + rows, self.n), dtype=np.int64)
            i = np.repeat(here, np.diff(self.indptr[a : a + rows + 1]))
            j = self.indices[part].astype(np.int64)
            once = i < j
            yield i[once], j[once], self.weight[part][once]

    def edge_list(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return i, j, weight of each edge once, i < j, in order of i and then j; each of shape (m,)."""
        blocks = list(self.edge_blocks())
        if not blocks:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
        i, j, weight = (np.concatenate(part) for part in zip(*blocks, strict=True))
        return i, j, weight


def edges(
    x: ArrayLike,
    tau: float,
    excluded: Pairs | None = None,
    *,
    degree: NDArray[np.int64] | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> Graph:
    """Gather the edges of the similarity graph, tile by tile: degrees first, then the rows are filled.

    The similarity is the float64 dot product summed in index order, so that the graph is the one whose
    degrees :func:`.degrees.degrees_and_strengths` counts, whatever the number of threads.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Unit rows; rounded to float32 where they are not.
    tau : float
        Two rows are neighbours where their cosine similarity is at least this.
    excluded : (i, j), ndarrays, shape (p,), int64, optional
        Pairs i < j that are no neighbours, such as detections of one source.
    degree : ndarray, shape (n,), int64, optional
        Degrees of this graph, `excluded` taken off, where they are known already; counted otherwise.
    on_rows : callable, optional
        Called with the number of rows finished, by one thread at a time.

    Returns
    -------
    Graph
        Weights are similarities rounded to float32.

    Raises
    ------
    ValueError
        A row is not finite or not of unit length to 1e-5, `tau` is not finite, `degree` is not that of this
        graph, or there are more than ``MAX_EDGES`` edges.
    """
    rows = unit_rows(x)
    n = len(rows)
    barred = compressed_pairs(n, excluded)
    if degree is None:
        degree = degrees_and_strengths(rows, (tau,), excluded=excluded)[0][0]
    expected = np.asarray(degree, np.int64)
    if expected.shape != (n,):
        raise ValueError(f"degree has shape {expected.shape}, x has {n} rows")
    if expected.sum() > 2 * MAX_EDGES:
        raise ValueError(
            f"{expected.sum() // 2:,} edges at {tau:g}, more than {MAX_EDGES:,}: give a higher threshold"
        )
    indptr = np.concatenate(([0], np.cumsum(expected)))
    indices, weight = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    end = _fill(rows, float(tau), barred, indptr, indices, weight, on_rows)
    if not np.array_equal(end, indptr[1:]):
        raise ValueError(f"degree of row {int(np.argmax(end != indptr[1:]))} is not that of this graph")
    return Graph(indptr, indices, weight)


def _fill(
    rows: NDArray[np.float32],
    tau: float,
    barred: tuple[NDArray[np.int64], NDArray[np.int32]],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weight: NDArray[np.float32],
    on_rows: Callable[[int], None] | None,
) -> NDArray[np.int64]:
    """Fill the compressed rows, a block of rows a thread at a time; return where each row ended, or -1."""
    from ..kernels.edges import fill_tile

    n, d = rows.shape
    near = np.float32(np.clip(tau, -2.0, 2.0) - rounding_band(d))  # no similarity lies outside
    low = np.nextafter(near, np.float32(-np.inf))
    end = indptr[:-1].copy()
    report = one_at_a_time(on_rows)

    def work(take: Iterator[int]) -> None:
        buffer = np.empty(min(ROWS, n) * min(COLUMNS, n), np.float32)
        for a in take:
            block = rows[a : a + ROWS]
            for b in range(0, n, COLUMNS):
                tile = multiply(block, rows[b : b + COLUMNS], buffer)
                if not fill_tile(tile, rows, a, b, tau, low, *barred, end, indptr, indices, weight):
                    end[a : a + ROWS] = -1
                    break
            report(len(block))

    in_threads(work, range(0, n, ROWS), -(-n // ROWS))
    return end


def compressed_pairs(n: int, pairs: Pairs | None) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return compressed rows (indptr, indices) of unordered pairs of `n` nodes, both ways, ascending."""
    if pairs is None or not len(pairs[0]):
        return np.zeros(n + 1, np.int64), np.empty(0, np.int32)
    graph = from_edges(n, *pairs)
    return graph.indptr, graph.indices


def from_edges(n: int, i: ArrayLike, j: ArrayLike, weight: ArrayLike | None = None) -> Graph:
    """Make a graph of `n` nodes from its edges, each given once.

    Parameters
    ----------
    n : int
        Nodes.
    i, j : array_like, shape (m,), int
        Ends of each edge, in any order.
    weight : array_like, shape (m,), float, optional
        Weights; 1 without.

    Raises
    ------
    ValueError
        An end is not a node, an edge joins a node with itself or stands twice.
    """
    a, b = np.asarray(i, np.int64).ravel(), np.asarray(j, np.int64).ravel()
    w = np.ones(len(a), np.float32) if weight is None else np.asarray(weight, np.float32).ravel()
    if not len(a) == len(b) == len(w):
        raise ValueError(f"{len(a)}, {len(b)} ends and {len(w)} weights: give as many of each")
    if len(a) and (min(a.min(), b.min()) < 0 or max(a.max(), b.max()) >= n):
        raise ValueError(f"an edge ends at no node: nodes are 0 to {n - 1}")
    if np.any(a == b):
        raise ValueError(f"an edge joins node {a[np.argmax(a == b)]} with itself")
    start, stop = np.concatenate((a, b)), np.concatenate((b, a))
    order = np.argsort(start * n + stop, kind="stable")
    start, stop = start[order], stop[order]
    twice = (np.diff(start) == 0) & (np.diff(stop) == 0)
    if twice.any():
        at = int(np.argmax(twice))
        raise ValueError(f"the edge {start[at]} - {stop[at]} stands twice")
    indptr = np.concatenate(([0], np.cumsum(np.bincount(start, minlength=n))))
    return Graph(indptr.astype(np.int64), stop.astype(np.int32), np.concatenate((w, w))[order])


def to_networkx(graph: Graph, attributes: Mapping[str, ArrayLike] | None = None) -> "networkx.Graph[int]":
    """Return the graph for networkx: nodes 0 to n - 1, edges with ``weight``.

    Parameters
    ----------
    graph : Graph
        The graph; networkx takes some 0.5 kB an edge.
    attributes : mapping of str to array_like, shape (n,), optional
        Attributes of the nodes by name.
    """
    import networkx

    found: networkx.Graph[int] = networkx.Graph()
    found.add_nodes_from(range(graph.n))
    i, j, weight = graph.edge_list()
    found.add_weighted_edges_from(zip(i.tolist(), j.tolist(), weight.tolist(), strict=True))
    columns: dict[str, list[Any]] = {
        name: np.asarray(values).tolist() for name, values in (attributes or {}).items()
    }
    for name, values in columns.items():
        networkx.set_node_attributes(found, dict(enumerate(values)), name)
    return found
