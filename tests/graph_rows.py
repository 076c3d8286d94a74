"""Unit rows whose similarity graph is a given graph."""

import numpy as np
from unit_rows import random_rows


def rows_of(weights):
    """Rows and a factor: the similarity of rows i and j is factor times weights[i, j], from 0 to 1, else 0.

    The identity plus a small enough part of the weights is a Gram matrix; its root has the rows.
    """
    weights = np.asarray(weights, np.float64)
    n = len(weights)
    factor = 0.9 / max(n, 1)
    values, vectors = np.linalg.eigh(np.eye(n) + factor * weights)
    root = vectors * np.sqrt(values)
    return (root / np.linalg.norm(root, axis=1)[:, None]).astype(np.float32), factor


def graph(n, edges):
    """Adjacency, bool, shape (n, n)."""
    found = np.zeros((n, n), bool)
    for i, j in edges:
        found[i, j] = found[j, i] = True
    return found


def complete(n):
    return ~np.eye(n, dtype=bool)


def star(n):
    return graph(n, [(0, i) for i in range(1, n)])


def two_cliques(n, m):
    found = np.zeros((n + m, n + m), bool)
    found[:n, :n], found[n:, n:] = complete(n), complete(m)
    return found


def random_graphs(count, most, seed=0):
    """Graphs of up to `most` nodes, of all densities."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n = int(rng.integers(1, most + 1))
        upper = np.triu(rng.random((n, n)) < rng.random(), 1)
        yield upper | upper.T


def named_graphs():
    """Empty, complete, star, two cliques, ties, a ring, a path, a bipartite graph, isolated nodes."""
    six = range(6)
    return {
        "no nodes": complete(0),
        "one node": complete(1),
        "empty": graph(5, []),
        "complete": complete(7),
        "star": star(8),
        "two equal cliques": two_cliques(4, 4),
        "two cliques": two_cliques(3, 5),
        "ring": graph(6, [(i, (i + 1) % 6) for i in six]),
        "path": graph(6, [(i, i + 1) for i in range(5)]),
        "bipartite": graph(6, [(i, j) for i in range(2) for j in range(2, 6)]),
        "core and periphery": graph(7, [(0, 1), (1, 2), (0, 2), (0, 3), (1, 4), (2, 5)]),
    }


def clumps(n, d, seed, spread=0.1):
    """Unit rows about six centres."""
    rng = np.random.default_rng(seed)
    x = random_rows(6, d, seed=seed)[rng.integers(6, size=n)] + spread * rng.normal(size=(n, d))
    return (x / np.linalg.norm(x, axis=1)[:, None]).astype(np.float32)
