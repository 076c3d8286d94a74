"""Graphs to try a network's statistics on: small ones of all kinds, and planted cores."""

import itertools

import numpy as np
from chandra_embed.inference.network.graph import from_edges

SPECIAL = {
    "no node": (0, set()),
    "one node": (1, set()),
    "empty": (6, set()),
    "one edge": (2, {(0, 1)}),
    "complete": (6, set(itertools.combinations(range(6), 2))),
    "star": (7, {(0, i) for i in range(1, 7)}),
    "two cliques": (9, {e for a in (0, 4) for e in itertools.combinations(range(a, a + 4), 2)}),
    "ring": (8, {(i, i + 1) for i in range(7)} | {(0, 7)}),
    "two stars and a lone node": (7, {(0, 1), (0, 2), (3, 4), (3, 5)}),
}


def random_edges(seed, most=12):
    """A graph of 1 to `most` nodes and any density: its nodes and edges."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(1, most + 1)), rng.random()
    return n, {(i, j) for i, j in itertools.combinations(range(n), 2) if rng.random() < p}


def graph_of(n, edges):
    ends = np.array(sorted(edges), np.int64).reshape(-1, 2)
    return from_edges(n, ends[:, 0], ends[:, 1])


def all_kinds(many, most=12):
    """The special graphs, then `many` random ones."""
    return [*SPECIAL.values(), *(random_edges(seed, most) for seed in range(many))]


def block_graph(sizes, chance, seed):
    """A graph of blocks: two nodes are joined with the chance of their blocks."""
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(len(sizes)), sizes)
    p = np.asarray(chance)[block][:, block]
    return from_edges(len(block), *np.nonzero(np.triu(rng.random(p.shape) < p, 1)))


def one_pair(seed, core=0.8, between=0.4, outer=0.05, scale=1):
    """One core of 40 nodes (times scale) and one periphery of 160."""
    return block_graph((40 * scale, 160 * scale), [[core, between], [between, outer]], seed)


def two_pairs(seed, core=0.7, between=0.4, outer=0.05, apart=0.05):
    """Two cores of 20 nodes, each with a periphery of 80 of its own."""
    chance = np.full((4, 4), apart)
    chance[0, 0] = chance[2, 2] = core
    chance[0, 1] = chance[1, 0] = chance[2, 3] = chance[3, 2] = between
    chance[1, 1] = chance[3, 3] = outer
    return block_graph((20, 80, 20, 80), chance, seed)
