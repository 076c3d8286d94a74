"""The similarity graph with its edges, against all pairs one by one."""

import naive
import networkx
import numba
import numpy as np
import pytest
from chandra_embed.inference.network import graph as module
from chandra_embed.inference.network.degrees import degrees_and_strengths
from chandra_embed.inference.network.graph import compressed_pairs, edges, from_edges, to_networkx
from small_graphs import graph_of, random_edges
from unit_rows import hard_rows, random_rows, tied_rows

N = 40 if numba.config.DISABLE_JIT else 300


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(module, "ROWS", 11)
    monkeypatch.setattr(module, "COLUMNS", 17)


def as_dict(graph):
    i, j, weight = graph.edge_list()
    return {(int(a), int(b)): w for a, b, w in zip(i, j, weight, strict=True)}


@pytest.mark.kernel
@pytest.mark.parametrize("tau", [-0.5, 0.0, 0.5, 0.9, 1.0, 1.5])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows])
def test_edges_are_those_of_all_pairs(rows, tau, small_tiles):
    x = rows(N)
    excluded = {(0, 1), (2, N - 1), (5, 7), (5, 6), (5, 20)}
    wanted = naive.edge_set(x, tau, excluded)
    i, j = np.array(sorted(excluded)).T
    found = edges(x, tau, (i, j))
    assert as_dict(found) == {pair: np.float32(value) for pair, value in wanted.items()}
    assert found.indices.dtype == np.int32
    for row in range(N):
        own = found.indices[found.indptr[row] : found.indptr[row + 1]]
        assert np.all(np.diff(own) > 0)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_rows(n):
    x = random_rows(n, 4) if n else np.empty((0, 4), np.float32)
    found = edges(x, -1.5)
    assert (found.n, found.edge_count) == (n, n // 2)
    assert found.density == (n == 2)
    assert found.strength.shape == found.degree.shape == (n,)


def test_threads_change_nothing(monkeypatch, small_tiles):
    x = hard_rows(N)
    found = []
    for threads in ("1", "2", "4"):
        monkeypatch.setenv("CHANDRA_EMBED_THREADS", threads)
        found.append(edges(x, 0.5))
    for other in found[1:]:
        for name in ("indptr", "indices", "weight"):
            np.testing.assert_array_equal(getattr(other, name), getattr(found[0], name))


def test_degrees_given_are_believed_and_checked(small_tiles):
    x, excluded = hard_rows(60), (np.array([3]), np.array([9]))
    degree, strength = degrees_and_strengths(x, (0.3,), excluded=excluded)
    found = edges(x, 0.3, excluded, degree=degree[0])
    np.testing.assert_array_equal(found.degree, degree[0])
    np.testing.assert_allclose(found.strength, strength[0], atol=1e-4)
    with pytest.raises(ValueError, match="degree of row 3 is not that of this graph"):
        edges(x, 0.3, excluded, degree=degree[0] + (np.arange(60) == 3))
    with pytest.raises(ValueError, match="is not that of this graph"):
        edges(x, 0.3, excluded, degree=degree[0] - (np.arange(60) == np.argmax(degree[0])))
    with pytest.raises(ValueError, match=r"degree has shape \(2,\), x has 60 rows"):
        edges(x, 0.3, degree=np.zeros(2, np.int64))


def test_too_many_edges_are_refused_before_they_are_gathered(monkeypatch):
    monkeypatch.setattr(module, "MAX_EDGES", 9)
    with pytest.raises(ValueError, match=r"10 edges at 0\.5, more than 9: give a higher threshold"):
        edges(np.tile(np.eye(1, 4, dtype=np.float32), (5, 1)), 0.5)
    with pytest.raises(ValueError, match="row 0 of x has length 2"):
        edges(2 * np.eye(3), 0.5)


def test_progress_counts_rows(small_tiles):
    told = []
    edges(random_rows(50, 8), 0.2, on_rows=told.append)
    assert sum(told) == 50


def test_a_graph_from_its_edges():
    found = from_edges(4, [2, 0, 0], [1, 2, 1], [0.5, 0.25, 0.75])
    assert found.indptr.tolist() == [0, 2, 4, 6, 6]
    assert found.indices.tolist() == [1, 2, 0, 2, 0, 1]
    assert found.weight.tolist() == [0.75, 0.25, 0.75, 0.5, 0.25, 0.5]
    assert found.degree.tolist() == [2, 2, 2, 0]
    assert found.strength.tolist() == [1.0, 1.25, 0.75, 0.0]
    assert found.density == 0.5
    assert as_dict(found) == {(0, 1): 0.75, (0, 2): 0.25, (1, 2): 0.5}
    blocks = [i.tolist() for i, _, _ in found.edge_blocks(1)]
    assert blocks == [[0, 0], [1], [], []]


@pytest.mark.parametrize(
    ("i", "j", "message"),
    [
        ([0], [3], "nodes are 0 to 2"),
        ([-1], [2], "nodes are 0 to 2"),
        ([1], [1], "joins node 1 with itself"),
        ([0, 1], [1, 0], "the edge 0 - 1 stands twice"),
        ([0, 1], [1], "give as many of each"),
    ],
)
def test_what_is_no_simple_graph_is_refused(i, j, message):
    with pytest.raises(ValueError, match=message):
        from_edges(3, i, j)


def test_pairs_as_compressed_rows():
    start, other = compressed_pairs(4, (np.array([0, 1]), np.array([3, 3])))
    assert (start.tolist(), other.tolist()) == ([0, 1, 2, 2, 4], [3, 3, 0, 1])
    assert compressed_pairs(3, None)[0].tolist() == [0, 0, 0, 0]


def test_networkx_has_the_same_nodes_and_edges():
    n, pairs = random_edges(5)
    found = to_networkx(graph_of(n, pairs), {"name": [f"s{i}" for i in range(n)], "degree": np.arange(n)})
    assert {tuple(sorted(edge)) for edge in found.edges} == pairs
    assert list(found) == list(range(n))
    assert networkx.get_node_attributes(found, "name")[2] == "s2"
    assert type(found.nodes[2]["degree"]) is int
    assert all(weight == 1 for _, _, weight in found.edges(data="weight"))
