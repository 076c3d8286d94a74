import naive
import numpy as np
import pytest
from chandra_embed.inference.report.network_layout import (
    NARROWEST,
    adjacency,
    edge_blocks,
    positions,
    sample_edges,
    sample_nodes,
)
from unit_rows import random_rows

N = 60
X = random_rows(N, 8, 5, 0.3)
SOURCE = np.where(np.arange(N) < 55, np.arange(N) // 2 + 1, 0)


def matrix(tau, source):
    """Which pairs have an edge, by plain loops."""
    s = naive.similarities(X, X)
    same = [[source is not None and source[i] and source[i] == source[j] for j in range(N)] for i in range(N)]
    return np.array([[i != j and not same[i][j] and s[i, j] >= tau for j in range(N)] for i in range(N)])


def test_all_nodes_are_drawn_where_there_are_few():
    nodes = sample_nodes(X, SOURCE)
    assert nodes.chosen.tolist() == list(range(N))
    assert nodes.note == ""


def test_of_many_nodes_a_random_sample_is_drawn_and_it_is_said():
    nodes = sample_nodes(X, SOURCE, seed=3, most=20)
    assert len(set(nodes.chosen.tolist())) == 20
    assert np.array_equal(nodes.x, X[nodes.chosen])
    assert np.array_equal(nodes.source, SOURCE[nodes.chosen])
    assert nodes.note == "random sample of 20 of 60 detections"
    assert nodes.chosen.tolist() == sample_nodes(X, None, seed=3, most=20).chosen.tolist()
    assert nodes.chosen.tolist() != sample_nodes(X, None, seed=4, most=20).chosen.tolist()


@pytest.mark.parametrize("source", [None, SOURCE])
@pytest.mark.parametrize("tau", [-5.0, 0.1, 0.5, 5.0])
def test_edges_are_those_of_the_graph(monkeypatch, source, tau):
    monkeypatch.setattr("chandra_embed.inference.report.network_layout._BLOCK", 7)
    nodes = sample_nodes(X, source)
    expected = matrix(tau, source)
    found = np.concatenate([edge for _, edge in edge_blocks(nodes, tau)])
    assert np.array_equal(found, expected)
    order = np.random.default_rng(0).permutation(N)
    found = np.concatenate([edge for _, edge in edge_blocks(nodes, tau, order)])
    assert np.array_equal(found, expected[order][:, order])
    i, j, total = sample_edges(nodes, tau, most=10**6)
    assert total == len(i) == expected.sum() // 2
    assert np.array_equal(np.column_stack([i, j]), np.argwhere(np.triu(expected)))


def test_of_many_edges_a_random_sample_is_drawn(monkeypatch):
    monkeypatch.setattr("chandra_embed.inference.report.network_layout._BLOCK", 7)
    edge = matrix(0.1, None)
    seen = np.zeros((N, N), np.int64)
    for seed in range(200):
        i, j, total = sample_edges(sample_nodes(X, None), 0.1, seed=seed, most=40)
        assert (len(i), total) == (40, edge.sum() // 2)
        seen[i, j] += 1
    assert not seen[~np.triu(edge)].any()
    share = seen[np.triu(edge)] / 200
    expected = 40 / total
    assert abs(share - expected).max() < 5 * np.sqrt(expected / 200)


@pytest.mark.parametrize("core", [0, 1, 20, 59, 60])
def test_the_core_stands_in_the_disc_and_the_periphery_around_it(core):
    rng = np.random.default_rng(1)
    coreness, is_core = rng.random(N), np.zeros(N, np.bool_)
    is_core[rng.permutation(N)[:core]] = True
    group = rng.integers(0, 3, N)
    place, disc, bounds = positions(is_core, coreness, group)
    radius = np.hypot(*place.T)
    assert (radius <= 1).all()
    assert (radius[is_core] < disc).all() if core else disc == 0
    assert (radius[~is_core] > disc).all()
    for of in (is_core, ~is_core):
        order = np.argsort(-coreness[of])
        assert (np.diff(radius[of][order]) > 0).all()
    angle = np.arctan2(place[:, 1], place[:, 0])
    turns = np.mod(bounds[0] - angle, 2 * np.pi)
    assert ((bounds[0] - bounds[group] < turns) & (turns < bounds[0] - bounds[group + 1])).all()


def test_a_small_group_still_has_a_sector_and_an_empty_one_none():
    group = np.array([0] * 99 + [2])
    _, _, bounds = positions(np.zeros(100, np.bool_), np.zeros(100), group)
    width = -np.diff(bounds) / (2 * np.pi)
    assert width[1] == 0
    assert width[2] > 0.95 * NARROWEST
    assert abs(width.sum() - 1) < 1e-12


def test_no_node_has_no_place():
    none = np.zeros(0)
    place, _, _ = positions(none.astype(bool), none, none.astype(np.int64))
    assert place.shape == (0, 2)


@pytest.mark.parametrize("bins", [1, 7, 60, 500])
def test_the_adjacency_is_edges_over_pairs(bins):
    order = np.random.default_rng(2).permutation(N)
    found = adjacency(sample_nodes(X, SOURCE), 0.2, order, bins=bins)
    b = min(bins, N)
    edge = matrix(0.2, SOURCE)[order][:, order]
    starts = [int(k * N / b) for k in range(b + 1)]
    for p in range(b):
        for q in range(b):
            rows, columns = slice(starts[p], starts[p + 1]), slice(starts[q], starts[q + 1])
            size = (starts[p + 1] - starts[p]) * (starts[q + 1] - starts[q] - (p == q))
            expected = edge[rows, columns].sum() / size if size else np.nan
            np.testing.assert_allclose(found[p, q], expected, rtol=1e-12)
