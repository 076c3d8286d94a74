"""Similarity graphs of random points, each with a given number of edges; good to a rounding of float32."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..similarity import Floats
from .graph import Graph, Pairs
from .tile_walk import MASKED

ROWS = 256
BINS = 1 << 16  # of similarities from -1 to 1
Ints = NDArray[np.int64]


def thresholds_of(
    x: Floats, edges: Sequence[int], tau: Sequence[float], excluded: Pairs | None = None
) -> tuple[Floats, Ints]:
    """Return the thresholds that give numbers of edges, and the edges that thresholds give.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    edges : sequence of int, shape (t,)
        Edges wanted.
    tau : sequence of float, shape (u,)
        Thresholds whose edges are counted.
    excluded : (i, j), ndarrays, shape (p,), int64, optional
        Pairs i < j, ordered by i, that have no edge.

    Returns
    -------
    found : ndarray, shape (t,), float32
        Thresholds with the nearest number of edges that a grid of similarities of step 2^-15 allows.
    count : ndarray, shape (u,), int64
        Edges at each of `tau`.
    """
    bins, count = np.zeros(BINS, np.int64), np.zeros(len(tau), np.int64)
    for _, block in _blocks(x, excluded):
        for t, each in enumerate(tau):
            count[t] += np.count_nonzero(block >= np.float32(np.clip(each, -2.0, 2.0)))
        block += np.float32(1)
        block *= np.float32(BINS / 2)
        place = np.clip(block, 0, BINS - 1, out=block).astype(np.int32)
        bins += np.bincount(place.ravel(), minlength=BINS)
    bins[0] -= bins.sum() - (len(x) * (len(x) - 1) // 2 - (len(excluded[0]) if excluded else 0))  # the masked
    above = np.append(np.cumsum(bins[::-1])[::-1], 0)  # edges at the lower end of each bin
    # ``above`` falls: of the two ends about the number wanted, the nearer
    after = np.clip(BINS - np.searchsorted(above[::-1], edges, side="right") + 1, 1, BINS)
    nearer = np.where(np.abs(above[after - 1] - edges) < np.abs(above[after] - edges), after - 1, after)
    ends = np.append(np.arange(BINS) * (2 / BINS) - 1, 1.5)
    return ends[nearer].astype(np.float32), count


def graphs_above(
    x: Floats, tau: Floats, gathered: Sequence[bool], excluded: Pairs | None = None
) -> list[tuple[Ints, Graph | None]]:
    """Return, for each threshold, the degrees and, where they are gathered, the edges.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    tau : ndarray, shape (t,), float32
        Thresholds.
    gathered : sequence of bool, shape (t,)
        Whether the graph is returned too; its size is that of the edges. All weights are 1.
    excluded : (i, j), ndarrays, shape (p,), int64, optional
        As :func:`thresholds_of`.
    """
    n = len(x)
    degree = np.zeros((len(tau), n), np.int64)
    ends: list[list[tuple[Ints, Ints]]] = [[] for _ in tau]
    least = min(tau, default=np.float32(2))
    for start, block in _blocks(x, excluded):
        every = np.flatnonzero(block >= least)
        value = block.ravel()[every]
        for t, each in enumerate(tau):
            i, j = np.divmod(every[value >= each], block.shape[1])
            degree[t, start:] += np.bincount(i, minlength=n - start) + np.bincount(j, minlength=n - start)
            if gathered[t]:
                ends[t].append((i + start, j + start))
    return [
        (degree[t], _graph(n, own) if wanted else None)
        for t, (own, wanted) in enumerate(zip(ends, gathered, strict=True))
    ]


def _blocks(x: Floats, excluded: Pairs | None) -> Iterator[tuple[int, Floats]]:
    """Yield the first row of a block, and its similarities to itself and all rows after; no pairs masked."""
    first, second = excluded if excluded is not None else (np.zeros(0, np.int64),) * 2
    for start in range(0, len(x), ROWS):
        block = x[start : start + ROWS] @ x[start:].T
        block[:, : len(block)][np.tri(len(block), dtype=bool)] = MASKED
        part = slice(*np.searchsorted(first, (start, start + len(block))))
        block[first[part] - start, second[part] - start] = MASKED
        yield start, block


def _graph(n: int, ends: list[tuple[Ints, Ints]]) -> Graph:
    """Return the graph of edges i < j that are ordered by i, then by j."""
    from scipy.sparse import csr_array

    i, j = (np.concatenate(part) for part in zip(*ends, strict=True))
    start = np.concatenate(([0], np.cumsum(np.bincount(i, minlength=n))))
    upper = csr_array((np.ones(len(i), np.float32), j.astype(np.int32), start.astype(np.int32)), shape=(n, n))
    both = upper.T.tocsr() + upper
    both.sort_indices()
    return Graph(both.indptr.astype(np.int64), both.indices.astype(np.int32), np.ones(both.nnz, np.float32))
