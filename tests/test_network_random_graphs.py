"""Random graphs: of the right edges and degrees, each as likely as any other."""

import itertools
from collections import Counter

import naive
import numpy as np
import pytest
from chandra_embed.inference.kernels.bit_pairs import compressed_rows, draw_pairs, exchange_ends
from chandra_embed.inference.network import random_graphs
from chandra_embed.inference.network.random_graphs import Rewiring, node_pairs, random_graph
from small_graphs import all_kinds, graph_of, one_pair, random_edges


def edge_set(graph):
    i, j, _ = graph.edge_list()
    return frozenset(zip(i.tolist(), j.tolist(), strict=True))


def bits_of(n, pairs):
    ends = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return node_pairs(n, (ends[:, 0], ends[:, 1]))


@pytest.mark.kernel
def test_bits_are_a_set_of_pairs():
    for n, edges in all_kinds(20, most=19):
        none = node_pairs(n)
        wanted = graph_of(n, edges)
        for found in (
            compressed_rows(bits_of(n, edges), none, False),
            compressed_rows(bits_of(n, set(itertools.combinations(range(n), 2)) - edges), none, True),
        ):
            np.testing.assert_array_equal(found[0], wanted.indptr)
            np.testing.assert_array_equal(found[1], wanted.indices)


@pytest.mark.kernel
def test_exchanges_are_those_of_the_twin():
    done = 0
    for seed, (n, edges) in enumerate(all_kinds(25, most=12)):
        if len(edges) < 2:
            continue
        rng = np.random.default_rng(seed)
        rest = sorted(set(itertools.combinations(range(n), 2)) - edges)
        barred = {rest[0]} if rest else set()
        first, second = rng.integers(len(edges), size=60), rng.integers(2 * len(edges), size=60)
        ends, bits = np.array(sorted(edges), np.int32), bits_of(n, edges)
        done += exchange_ends(first, second, bits_of(n, barred), bits, ends)
        draws = zip(first.tolist(), second.tolist(), strict=True)
        wanted = naive.exchange_ends(sorted(edges), barred, draws)
        assert [tuple(pair) for pair in ends.tolist()] == wanted
        np.testing.assert_array_equal(bits, bits_of(n, {tuple(sorted(pair)) for pair in wanted}))
    assert done > 100


@pytest.mark.kernel
def test_pairs_are_drawn_once_and_none_that_is_barred():
    draws = np.array([[0, 0], [1, 0], [0, 1], [2, 3], [3, 1], [2, 1]])
    bits, ends = node_pairs(4), np.zeros((2, 2), np.int32)
    assert draw_pairs(draws, bits_of(4, {(2, 3)}), bits, ends, 0) == 2
    assert ends.tolist() == [[1, 0], [3, 1]]
    np.testing.assert_array_equal(bits, bits_of(4, {(0, 1), (1, 3)}))


@pytest.mark.parametrize("density", [0.0, 0.1, 0.6, 1.0])
def test_a_random_graph_has_as_many_edges_and_no_barred_one(density):
    barred = {(0, 1), (3, 20), (7, 8)}
    allowed = 21 * 20 // 2 - 3
    m = round(density * allowed)
    for seed in range(5):
        graph = random_graph(21, m, np.random.default_rng(seed), bits_of(21, barred))
        assert graph.edge_count == m
        assert not edge_set(graph) & barred
        assert np.all(graph.weight == 1)


def test_every_graph_of_three_edges_is_as_likely():
    rng = np.random.default_rng(0)
    seen = Counter(edge_set(random_graph(4, 3, rng)) for _ in range(4000))
    assert len(seen) == 20
    assert sum((k - 200) ** 2 / 200 for k in seen.values()) < 43.8  # chi-square, 19 degrees, p = 0.001


@pytest.mark.parametrize("edges", [{(0, 1), (2, 3), (4, 5)}, {(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)}])
def test_walks_reach_every_graph_of_the_degrees_as_often(edges):
    degree = graph_of(6, edges).degree.tolist()
    pairs = list(itertools.combinations(range(6), 2))
    every = [
        frozenset(chosen)
        for chosen in itertools.combinations(pairs, len(edges))
        if np.bincount(np.ravel(chosen), minlength=6).tolist() == degree
    ]
    rng, start = np.random.default_rng(1), Rewiring.of(graph_of(6, edges))
    many = 100 * len(every)
    seen = Counter(edge_set(start.walked(rng, steps=25).graph()) for _ in range(many))
    assert set(seen) == set(every)
    square = sum((seen[each] - 100) ** 2 / 100 for each in every)
    free = len(every) - 1
    assert square < free + 4 * np.sqrt(2 * free) + 6


@pytest.mark.parametrize("seed", range(6))
def test_a_walk_keeps_degrees_and_leaves_barred_pairs_alone(seed):
    n, edges = random_edges(seed + 50, most=25)
    rest = sorted(set(itertools.combinations(range(n), 2)) - edges)
    barred = set(rest[::3])
    graph = graph_of(n, edges)
    walk = Rewiring.of(graph, bits_of(n, barred)).walked(np.random.default_rng(seed))
    found = walk.graph()
    np.testing.assert_array_equal(found.degree, graph.degree)
    assert not edge_set(found) & barred
    assert walk.others == (2 * len(edges) > n * (n - 1) // 2 - len(barred))
    same = Rewiring.of(graph, bits_of(n, barred)).walked(np.random.default_rng(seed)).graph()
    assert edge_set(same) == edge_set(found)


def test_a_walk_forgets_where_it_began():
    graph = one_pair(0)
    begun = edge_set(graph)
    walked = edge_set(Rewiring.of(graph).walked(np.random.default_rng(0)).graph())
    shared = len(begun & walked) / len(begun)
    assert shared < 0.6


def test_what_cannot_be_drawn_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="4 edges: 3 nodes have room for 3"):
        random_graph(3, 4, np.random.default_rng(0))
    monkeypatch.setattr(random_graphs, "MAX_NODES", 5)
    with pytest.raises(ValueError, match="6 nodes, more than 5"):
        node_pairs(6)
