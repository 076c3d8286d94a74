"""Lip's core against all sets of nodes."""

import naive
import numpy as np
import pytest
from chandra_embed.inference.network.lip import lip_core
from graph_rows import named_graphs, random_graphs


def check(edges):
    degree = edges.sum(axis=1).astype(np.int64)
    found = lip_core(degree)
    assert (found.size, found.cost) == naive.lip_core(edges)
    core = np.flatnonzero(found.is_core)
    assert len(core) == found.size
    assert naive.lip_cost(edges, set(core.tolist())) == found.cost
    order = sorted(range(len(edges)), key=lambda i: (-degree[i], i))
    assert core.tolist() == sorted(order[: found.size])


def test_best_of_all_sets_on_200_random_graphs():
    for edges in random_graphs(200, 8):
        check(edges)


@pytest.mark.parametrize("name", named_graphs())
def test_best_of_all_sets_on_graphs_with_ties(name):
    check(named_graphs()[name])


def test_of_equal_costs_the_smallest_core_of_equal_degrees_the_lower_row():
    # one edge: no core costs 1, either end costs 0, both cost 0
    found = lip_core([0, 1, 0, 1])
    assert (found.size, found.cost, found.is_core.tolist()) == (1, 0, [False, True, False, False])


def test_many_nodes_do_not_overflow():
    n = 100_000
    found = lip_core(np.full(n, n - 1, np.int64))
    assert (found.size, found.cost) == (n - 1, 0)


@pytest.mark.parametrize(
    ("degree", "words"),
    [([1, 0], "odd"), ([2, 2], "0 to 1"), ([-1, 1], "-1"), ([[1, 1]], "shape"), ([1.0, 1.0], "float64")],
)
def test_what_is_no_degree_sequence_is_refused(degree, words):
    with pytest.raises(ValueError, match=words):
        lip_core(degree)
