"""Triangles and clustering coefficients, against neighbours of neighbours and networkx."""

import naive
import networkx
import numpy as np
import pytest
from chandra_embed.inference.network import clustering as module
from chandra_embed.inference.network.clustering import clustering
from chandra_embed.inference.network.graph import to_networkx
from small_graphs import SPECIAL, all_kinds, graph_of, one_pair


@pytest.mark.kernel
def test_triangles_are_those_of_the_twin():
    for n, edges in all_kinds(40):
        assert clustering(graph_of(n, edges)).triangles.tolist() == naive.triangles(n, edges)


def test_blocks_of_columns_change_nothing(monkeypatch):
    graph = one_pair(1)
    whole = clustering(graph).triangles
    monkeypatch.setattr(module, "_WORDS", 1)
    np.testing.assert_array_equal(clustering(graph).triangles, whole)


def test_coefficients_are_those_of_networkx():
    for n, edges in all_kinds(40, most=30):
        graph = graph_of(n, edges)
        found, other = clustering(graph), to_networkx(graph)
        wanted = networkx.clustering(other)
        np.testing.assert_allclose(found.local, [wanted[i] for i in range(n)], atol=1e-12)
        assert found.transitivity == pytest.approx(networkx.transitivity(other))
        assert found.mean == pytest.approx(np.mean(list(wanted.values())) if n else 0)


def test_threads_change_nothing(monkeypatch):
    graph, found = one_pair(0, scale=3), []
    for threads in ("1", "3"):
        monkeypatch.setenv("CHANDRA_EMBED_THREADS", threads)
        found.append(clustering(graph).triangles)
    np.testing.assert_array_equal(*found)


def test_known_ones():
    assert clustering(graph_of(*SPECIAL["complete"])).transitivity == 1
    assert clustering(graph_of(*SPECIAL["star"])).mean == 0
    assert clustering(graph_of(*SPECIAL["no node"])).mean == 0
