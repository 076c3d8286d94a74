"""Nulls: planted structure is found, chance is not, and where there is no p-value it is said why."""

import numpy as np
import pytest
from chandra_embed.inference.network import nulls
from chandra_embed.inference.network.nulls import affordable, degree_null, density_null
from chandra_embed.inference.network.random_graphs import Rewiring
from small_graphs import SPECIAL, block_graph, graph_of, one_pair, two_pairs


def test_one_planted_pair_is_more_than_density_and_no_more_than_degrees():
    for seed, (core, between) in enumerate([(0.8, 0.8), (0.8, 0.4), (0.5, 0.2)]):
        graph = one_pair(seed, core=core, between=between)
        density = density_null(graph, n_null=120, seed=seed)
        assert density.p < 0.01
        assert density.observed > density.random.max()
        degree = degree_null(graph, n_null=60, seed=seed)
        assert degree.p is None or degree.p > 0.05


def test_two_planted_pairs_are_more_than_degrees():
    found = degree_null(two_pairs(0), n_null=120)
    assert found.p == pytest.approx(1 / 121)
    assert (found.null, found.n_null, found.reason) == ("degree", 120, "")
    assert found.observed > 1.5 * found.random.max()


def test_random_graphs_are_seldom_more_than_chance():
    base = block_graph((15, 45), [[0.7, 0.3], [0.3, 0.08]], 0)
    start, p = Rewiring.of(base), []
    for seed in range(16):
        graph = start.walked(np.random.default_rng(seed), steps=20).graph()
        p += [
            found.p for null in (density_null, degree_null) if (found := null(graph, n_null=19, seed=seed)).p
        ]
    assert len(p) > 16
    degree = p[1::2]
    assert np.mean(np.array(degree) <= 0.05) <= 0.25  # 4 of 16 by chance: p < 0.001


def test_an_erdos_renyi_graph_is_no_more_than_density():
    p = [density_null(block_graph((50,), [[0.2]], seed), n_null=39, seed=seed).p for seed in range(12)]
    assert np.mean(np.array(p) <= 0.05) <= 0.25
    assert min(p) >= 1 / 40


def test_p_counts_random_graphs_that_reach_the_observed_one():
    found = density_null(one_pair(0), n_null=30)
    assert found.p == (1 + (found.random >= found.observed).sum()) / 31
    row = found.row()
    assert row["null"] == "density"
    assert row["random_low95"] <= row["random_median"] <= row["random_high95"]
    assert (row["n_null"], row["p"]) == (30, found.p)


def test_threads_change_nothing_and_a_seed_does(monkeypatch):
    graph, found = two_pairs(1), []
    for threads in ("1", "3"):
        monkeypatch.setenv("CHANDRA_EMBED_THREADS", threads)
        told = []
        found.append(
            [null(graph, n_null=9, seed=4, on_null=told.append) for null in (density_null, degree_null)]
        )
        assert sum(told) == 18
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a.random, b.random)
        assert a.p == b.p
    other = density_null(graph, n_null=9, seed=5)
    assert not np.array_equal(other.random, found[0][0].random)


def test_pairs_that_are_excluded_are_no_edges_of_random_graphs():
    i, j = np.triu_indices(30, 1)
    free = (i < 6) | (j < 6)
    graph = graph_of(30, set(zip(i[free].tolist(), j[free].tolist(), strict=True)))
    found = density_null(graph, n_null=5, excluded=(i[~free], j[~free]))
    assert np.all(found.random == found.observed)  # no other graph is left
    assert found.p == 1


def test_without_a_p_value_the_reason_is_given(monkeypatch):
    empty = graph_of(*SPECIAL["empty"])
    for null in (density_null, degree_null):
        assert (null(empty).p, null(empty).reason) == (None, "no edges")
        assert null(one_pair(0), n_null=0).reason == "no random graphs were asked for"
    star = degree_null(graph_of(*SPECIAL["star"]))
    assert (star.p, star.reason) == (None, "fewer than two pairs of core and periphery")
    assert np.isnan(star.row()["random_median"])
    graph = one_pair(0)
    monkeypatch.setattr(nulls, "MAX_WORK", 50.5 * graph.edge_count)
    assert affordable(graph, 200) == (50, "")
    assert density_null(graph, n_null=60).n_null == 50
    monkeypatch.setattr(nulls, "MAX_WORK", 30 * graph.edge_count)
    assert affordable(graph, 200)[1].endswith("edges, too many for 39 random graphs")
    assert affordable(graph, 20) == (20, "")
    monkeypatch.setattr(nulls, "MAX_NODES", 100)
    assert affordable(graph, 20) == (0, "200 nodes, more than 100")
