"""The cloud null: clouds do not differ from clouds, clumps do, and what is not compared says why."""

import numpy as np
import pytest
from chandra_embed.inference.network import cloud_null as module
from chandra_embed.inference.network.borgatti_everett import fit_core
from chandra_embed.inference.network.cloud_null import STATISTICS, affordable, cloud_tests
from chandra_embed.inference.network.graph import edges
from chandra_embed.inference.network.levels import find_levels
from chandra_embed.inference.network.nulls import CORE, FIT_RESTARTS, PAIRS, generator, pairs_gain
from chandra_embed.inference.network.pairs import same_source_pairs
from graph_rows import clumps
from unit_rows import random_rows


def compared(x, taus, source=None, **changed):
    """All tests of an embedding, with the statistics of its edges."""
    excluded = None if source is None else same_source_pairs(source)
    levels = find_levels(x, [(tau, "given") for tau in taus], excluded)
    graphs = [edges(x, tau, excluded) for tau in taus]
    observed = [
        {CORE: fit_core(graph, restarts=FIT_RESTARTS).correlation, PAIRS: pairs_gain(graph, generator(0, 99))}
        for graph in graphs
    ]
    found = cloud_tests(x, levels, observed, source, excluded=excluded, **changed)
    return [{test.statistic: test for test in row} for row in found]


def cloud_rows(n, d, seed):
    """Points of one cloud, unevenly spread, on the sphere."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) * np.linspace(1, 0.3, d) + np.eye(d)[0] * 0.5
    return (x / np.linalg.norm(x, axis=1)[:, None]).astype(np.float32)


def test_clumps_are_more_than_a_cloud_and_a_cloud_is_not():
    (found,) = compared(clumps(150, 12, 0), (0.7,), n_null=39)
    assert list(found) == list(STATISTICS)
    assert all(test.null == "cloud" and test.n_null == 39 for test in found.values())
    assert found["KM-config gain of several pairs, as many edges"].p == 1 / 40
    assert found["edges over pairs of nodes"].p == 1 / 40
    assert found["edges over pairs of nodes"].observed > found["edges over pairs of nodes"].random.max()


def test_clouds_are_rejected_no_more_often_than_chance():
    low = dict.fromkeys(STATISTICS, 0)
    for seed in range(20):
        (found,) = compared(cloud_rows(80, 6, seed), (0.6,), n_null=19, seed=seed)
        for name, test in found.items():
            low[name] += test.p <= 0.05
    assert all(times <= 4 for times in low.values()), low  # 0.05 each: more than 4 of 20 has p = 0.003


def test_seed_and_threads_decide_nothing_else(monkeypatch):
    x, source = clumps(60, 5, 1), np.arange(60) // 2 + 1
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("CHANDRA_EMBED_THREADS", threads)
        told = []
        rows = compared(x, (0.5, 0.8), source, n_null=9, on_null=told.append)
        assert sum(told) == 9
        found.append([[test.random.tolist() for test in row.values()] for row in rows])
    assert found[0] == found[1]


def test_what_is_not_compared_says_why(monkeypatch):
    x = random_rows(10, 4)
    assert affordable(10, 0) == (0, "no clouds were asked for")
    assert affordable(20_000, 200) == (0, "20,000 nodes, more than 10,000")
    assert affordable(2000, 200) == (100, "")
    assert affordable(9000, 200) == (39, "")
    few = compared(random_rows(4, 8), (0.1,), n_null=5)[0]
    assert {test.reason for test in few.values()} == {
        "4 nodes, covariance of rank 3: too few to tell from a cloud"
    }
    levels = find_levels(x, [(0.1, "given")], None)
    (found,) = cloud_tests(x, levels, [{}], n_null=5)
    assert [test.p is None for test in found] == [True, True, False, False, False]
    monkeypatch.setattr(module, "LEAST_NULLS", 3)
    monkeypatch.setattr(module, "MAX_WORK", 4.0 * levels[0].edges)
    (found,) = cloud_tests(x, levels, [{CORE: 0.5}], n_null=9)
    assert [test.n_null for test in found] == [4, 0, 9, 9, 9]


@pytest.mark.parametrize("tau", [-1.0, 1.1])
def test_complete_and_empty_graphs_are_no_more_than_a_cloud(tau):
    (found,) = compared(clumps(40, 4, 3), (tau,), n_null=9)
    assert all(test.p == 1.0 for test in found.values())
