import networkx
import numpy as np
import pytest
from chandra_embed.inference.network import with_edges
from chandra_embed.inference.network.graph import to_networkx
from chandra_embed.inference.network.levels import find_levels
from chandra_embed.inference.network.with_edges import gather, graph_nulls, study
from network_file import cloudy_rows

X = cloudy_rows(60, 8, 1)


@pytest.fixture(scope="module")
def level():
    return find_levels(X, [(0.6, "given")], None)[0]


@pytest.fixture(scope="module")
def graph(level):
    return gather(X, level, None)


def test_the_edges_are_those_of_the_level(graph, level):
    assert graph.edge_count == level.edges
    assert np.array_equal(graph.degree, level.degree)


def test_too_many_edges_are_not_gathered(level, monkeypatch):
    monkeypatch.setattr(with_edges, "MAX_EDGES", level.edges - 1)
    assert gather(X, level, None) is None


def test_what_needs_edges_agrees_with_networkx(graph):
    facts = study(graph, None, draws=5, seed=0)
    same = to_networkx(graph)
    numbers, nodes = facts.numbers(), facts.of_nodes()
    assert nodes["core_number"].tolist() == [networkx.core_number(same)[i] for i in range(60)]
    assert numbers["k_core_max"] == nodes["core_number"].max()
    assert numbers["transitivity"] == pytest.approx(networkx.transitivity(same), rel=1e-12)
    assert numbers["clustering_mean"] == pytest.approx(networkx.average_clustering(same), rel=1e-12)
    parts = [set(np.flatnonzero(nodes["community"] == k)) for k in range(numbers["communities"])]
    assert numbers["modularity"] == pytest.approx(networkx.community.modularity(same, parts, weight=None))
    assert all(len(values) == 60 for values in nodes.values())
    assert numbers["borgatti_everett_core"] == nodes["borgatti_everett_core"].sum()


def test_negative_similarities_have_no_minres():
    level = find_levels(X, [(-1.1, "given")], None)[0]
    facts = study(gather(X, level, None), None, draws=0, seed=0)
    assert facts.minres is None
    assert facts.numbers()["minres_residual"] is None
    assert "minres" not in facts.of_nodes()


def test_every_null_is_named(graph):
    tests = graph_nulls(graph, 0.6, None, n_null=9, seed=0)
    assert [test.null for test in tests] == ["density", "degree"]
    assert all(test.p is None or test.p in [k / 10 for k in range(1, 11)] for test in tests)
