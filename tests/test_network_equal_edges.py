"""Graphs of random points with a given number of edges, against plain loops."""

import numpy as np
import pytest
from chandra_embed.inference.network import equal_edges as module
from chandra_embed.inference.network.equal_edges import graphs_above, thresholds_of
from chandra_embed.inference.network.graph import edges
from chandra_embed.inference.network.pairs import same_source_pairs
from unit_rows import random_rows


@pytest.fixture(params=[256, 7])
def rows_at_once(request, monkeypatch):
    monkeypatch.setattr(module, "ROWS", request.param)


@pytest.mark.parametrize("source", [None, "threes"])
def test_edges_are_as_many_as_asked(rows_at_once, source):
    x = random_rows(60, 4)
    excluded = None if source is None else same_source_pairs(np.arange(60) // 3 + 1)
    pairs = 60 * 59 // 2 - (0 if excluded is None else 60)
    wanted = [0, 1, 5, 100, pairs - 1, pairs]
    tau, count = thresholds_of(x, wanted, [0.3, -2.0, 1.5], excluded)
    assert [degree.sum() // 2 for degree, _ in graphs_above(x, tau, [False] * 6, excluded)] == wanted
    plain = {(i, j) for i in range(60) for j in range(i + 1, 60) if x[i] @ x[j] >= 0.3}
    if excluded is not None:
        plain -= set(zip(*(part.tolist() for part in excluded), strict=True))
    assert count.tolist() == [len(plain), pairs, 0]


def test_graphs_are_those_of_the_edges(rows_at_once):
    x = random_rows(80, 5)
    excluded = same_source_pairs(np.arange(80) // 4 + 1)
    tau = np.array([0.2, 0.6, 1.5], np.float32)
    found = graphs_above(x, tau, [True, True, True], excluded)
    for (degree, graph), each in zip(found, tau, strict=True):
        wanted = edges(x, float(each), excluded)
        assert np.array_equal(degree, wanted.degree)
        assert np.array_equal(graph.indptr, wanted.indptr)
        assert np.array_equal(graph.indices, wanted.indices)
        assert (graph.weight == 1).all()
    degree, none = graphs_above(x, tau, [False] * 3, excluded)[0]
    assert none is None
    assert np.array_equal(degree, found[0][0])


def test_of_equal_similarities_the_nearer_number_is_taken():
    x = np.repeat(np.eye(3, dtype=np.float32), [4, 2, 1], axis=0)  # 7 pairs of 1, 14 of 0
    tau, _ = thresholds_of(x, [2, 5, 7, 12, 21], [])
    assert [degree.sum() // 2 for degree, _ in graphs_above(x, tau, [False] * 5)] == [0, 7, 7, 7, 21]


def test_few_rows_are_legal():
    for n in (1, 2):
        tau, count = thresholds_of(random_rows(n, 3), [0], [0.5])
        assert graphs_above(random_rows(n, 3), tau, [True])[0][1].edge_count == 0
        assert count.shape == (1,)
