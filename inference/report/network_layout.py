"""Where nodes and edges of a network picture stand: the core in the middle, the periphery around it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST_NODES, MOST_EDGES = 5000, 5000  # drawn; of more a random sample
RIM = 0.1  # gap between core and periphery, in radii of the drawing
BINS = 300  # rows of an adjacency picture
NARROWEST = 0.03  # sector of a class, of the whole turn
_BLOCK = 512
_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes that pictures are made of, `m` of `n`.

    Parameters
    ----------
    x : ndarray, shape (m, d), float32
        Unit rows.
    source : ndarray, shape (m,), int64, optional
        Source of each, 0 where not known; pairs of one source have no edge. None: they may.
    chosen : ndarray, shape (m,), int64
        Which of the n nodes they are, ascending.
    n : int
        Nodes of the network.
    """

    x: NDArray[np.float32]
    source: NDArray[np.int64] | None
    chosen: NDArray[np.int64]
    n: int

    @property
    def note(self) -> str:
        """What to say where some nodes were left out; else empty."""
        m = len(self.chosen)
        return f"random sample of {m:,} of {self.n:,} detections" if m < self.n else ""


def sample_nodes(
    x: NDArray[np.float32], source: NDArray[np.int64] | None, *, seed: int = 0, most: int = MOST_NODES
) -> Nodes:
    """Take all nodes, or a random sample of `most`.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    source : ndarray, shape (n,), int64, optional
        As in :class:`Nodes`.
    seed, most : int
        Of the sample.

    Returns
    -------
    Nodes
    """
    n = len(x)
    chosen = np.arange(n)
    if n > most:
        rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
        chosen = np.sort(rng.choice(n, most, replace=False))
    return Nodes(x[chosen], None if source is None else source[chosen], chosen, n)


def edge_blocks(
    nodes: Nodes, tau: float, order: NDArray[np.int64] | None = None
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield, for blocks of rows, which nodes they have an edge with.

    Similarities are float32 here: good enough for a picture, not for a count.

    Parameters
    ----------
    nodes : Nodes
        m nodes.
    tau : float
        Threshold.
    order : ndarray, shape (m,), int64, optional
        Order of rows and columns.

    Yields
    ------
    start : int
        First row of the block.
    edge : ndarray, shape (b, m), bool
    """
    m = len(nodes.x)
    order = np.arange(m) if order is None else order
    x = nodes.x[order]
    source = None if nodes.source is None else nodes.source[order]
    for start in range(0, m, _BLOCK):
        stop = min(start + _BLOCK, m)
        edge = x[start:stop] @ x.T >= np.float32(min(max(tau, -2.0), 2.0))
        if source is not None:
            own = source[start:stop, None]
            edge &= (own != source[None, :]) | (own == 0)
        edge[np.arange(stop - start), np.arange(start, stop)] = False
        yield start, edge


def sample_edges(
    nodes: Nodes, tau: float, *, seed: int = 0, most: int = MOST_EDGES
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Take all edges between the nodes, or a random sample of `most`.

    Parameters
    ----------
    nodes : Nodes
        m nodes.
    tau : float
        Threshold.
    seed, most : int
        Of the sample.

    Returns
    -------
    i, j : ndarray, shape (k,), int64
        Ends, as indices of `nodes`, i < j.
    total : int
        Edges there are between the nodes.
    """
    counts = [int(np.triu(edge, start + 1).sum()) for start, edge in edge_blocks(nodes, tau)]
    total = sum(counts)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    wanted = np.arange(total) if total <= most else np.sort(rng.choice(total, most, replace=False))
    ends: list[NDArray[np.int64]] = []
    before = 0
    for (start, edge), count in zip(edge_blocks(nodes, tau), counts, strict=True):
        own = wanted[(wanted >= before) & (wanted < before + count)] - before
        before += count
        if len(own):
            ends.append(np.argwhere(np.triu(edge, start + 1))[own] + np.array([start, 0]))
    pairs = np.concatenate(ends) if ends else np.zeros((0, 2), np.int64)
    return pairs[:, 0], pairs[:, 1], total


def positions(
    is_core: NDArray[np.bool_], coreness: Array, group: NDArray[np.int64]
) -> tuple[Array, float, Array]:
    """Place the core in a disc, the highest coreness in the middle, and the periphery in a ring around it.

    Radii follow the rank of the coreness, the least outermost, so that nodes are evenly dense within disc and
    ring. Each group has a sector, as wide as it has nodes, but for a least width; within it angles mean
    nothing.

    Parameters
    ----------
    is_core : ndarray, shape (m,), bool
        Members of the core.
    coreness : ndarray, shape (m,), float64
        Larger is nearer to the middle; equal ones in random order.
    group : ndarray, shape (m,), int64
        Group of each node, from 0.

    Returns
    -------
    place : ndarray, shape (m, 2), float64
        Within the unit disc.
    radius : float
        Of the disc of the core; 0 where there is none.
    bounds : ndarray, shape (groups + 1,), float64
        Angles, rad, between which the sectors lie.
    """
    m, core = len(is_core), int(is_core.sum())
    disc = float(np.clip(np.sqrt(core / max(m, 1)), 0.3, 0.8)) - RIM / 2 if core else 0.0
    disc = 1.0 if core == m else disc
    inner = disc + RIM if core else 0.15
    r = np.zeros(m)
    for of, low, high in ((is_core, 0.0, disc), (~is_core, inner, 1.0)):
        rows = np.flatnonzero(of)
        share = (_ranks(-coreness[rows]) + 0.5) / max(len(rows), 1)
        r[rows] = np.sqrt(low**2 + share * (high**2 - low**2))
    size = np.bincount(group, minlength=1)
    width = np.where(size, np.maximum(size / max(m, 1), NARROWEST), 0.0)
    bounds = np.pi / 2 - 2 * np.pi * np.concatenate([[0.0], np.cumsum(width / max(width.sum(), 1.0))])
    # multiples of the golden section fill a sector evenly, whatever their number
    within = 0.04 + 0.92 * ((_ranks(-coreness) * _GOLDEN) % 1.0)
    angle = bounds[group] + within * (bounds[group + 1] - bounds[group])
    return np.column_stack([r * np.cos(angle), r * np.sin(angle)]), disc, bounds


def _ranks(values: Array) -> NDArray[np.int64]:
    """Return the place of each value in ascending order, from 0; equal ones in a fixed random order."""
    rank = np.empty(len(values), np.int64)
    rank[np.lexsort((np.random.default_rng(0).permutation(len(values)), values))] = np.arange(len(values))
    return rank


def adjacency(nodes: Nodes, tau: float, order: NDArray[np.int64], *, bins: int = BINS) -> Array:
    """Return how densely groups of nodes, in an order, are joined.

    Parameters
    ----------
    nodes : Nodes
        m nodes.
    tau : float
        Threshold.
    order : ndarray, shape (m,), int64
        Order of rows and columns.
    bins : int
        Groups; at most m.

    Returns
    -------
    ndarray, shape (b, b), float64
        Edges over pairs of nodes; of a group with itself each pair once. NaN where a group of one meets
        itself.
    """
    m = len(nodes.x)
    b = min(bins, m)
    starts = np.linspace(0, m, b + 1).astype(np.int64)
    size = np.diff(starts)
    by_column = np.zeros((m, b))
    for start, edge in edge_blocks(nodes, tau, order):
        by_column[start : start + len(edge)] = np.add.reduceat(edge, starts[:-1], axis=1, dtype=np.float64)
    total = np.add.reduceat(by_column, starts[:-1], axis=0) if m else np.zeros((0, 0))
    pairs = np.outer(size, size).astype(np.float64)
    pairs[np.diag_indices(b)] = size * (size - 1)
    density: Array = np.full((b, b), np.nan)
    np.divide(total, pairs, out=density, where=pairs > 0)
    return density
