"""Draws of sources: degrees within a draw, stretched intervals, how stable membership is."""

import numpy as np
import pytest
from chandra_embed.inference.network.lip import lip_core
from chandra_embed.inference.network.subsample import _degrees_within, subsample
from small_graphs import SPECIAL, block_graph, graph_of, one_pair


def test_degrees_within_are_those_of_the_part():
    graph = one_pair(0)
    inside = np.random.default_rng(0).random((graph.n, 3)) < 0.6
    matrix = np.zeros((graph.n, graph.n), np.int64)
    i, j, _ = graph.edge_list()
    matrix[i, j] = matrix[j, i] = 1
    found = _degrees_within(graph, inside)
    for k in range(3):
        np.testing.assert_array_equal(found[:, k], matrix[:, inside[:, k]].sum(axis=1))


def test_each_draw_holds_all_of_a_source_or_nothing():
    graph = one_pair(0)
    source = np.repeat(np.arange(1, 21), 10)
    found = subsample(graph, source, draws=1, seed=2)
    drawn = ~np.isnan(found.stability)
    assert drawn.sum() == 160
    assert np.all(drawn.reshape(20, 10).all(axis=1) | ~drawn.reshape(20, 10).any(axis=1))
    degree = _degrees_within(graph, drawn[:, None])[drawn, 0]
    core = np.zeros(graph.n, bool)
    core[np.flatnonzero(drawn)[lip_core(degree).is_core]] = True
    np.testing.assert_array_equal(found.stability[drawn] == 1, core[drawn])


def test_a_planted_core_is_stable_and_the_value_is_that_of_the_whole():
    graph = one_pair(0, core=0.9, between=0.3)
    found = subsample(graph, draws=60)
    assert found.draws == 60
    core, *degrees = found.rows
    assert core["statistic"] == "core share"
    assert core["value"] == lip_core(graph.degree).size / graph.n
    assert [row["statistic"] for row in degrees] == [f"degree share, {q} %" for q in (5, 50, 95)]
    assert degrees[1]["value"] == np.median(graph.degree) / (graph.n - 1)
    for row in found.rows:
        assert row["low95"] <= row["low"] <= row["high"] <= row["high95"]
    assert np.all(found.stability[:35] > 0.9)
    assert found.stability[40:].mean() < 0.1


def test_intervals_cover_as_bootstraps_of_new_graphs_do():
    """The spread over new graphs of the same kind is what the stretched draws predict."""

    def median(graph):
        return float(np.median(graph.degree)) / (graph.n - 1)

    new = np.std([median(block_graph((60, 60), [[0.8, 0.4], [0.4, 0.2]], seed)) for seed in range(40)])
    row = subsample(block_graph((60, 60), [[0.8, 0.4], [0.4, 0.2]], 99), draws=200).rows[2]
    assert (row["high"] - row["low"]) / 2 > 0.5 * new


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_the_stretch_makes_up_for_the_share(share):
    graph = one_pair(3)
    row = subsample(graph, draws=200, share=share, seed=1).rows[2]
    other = subsample(graph, draws=200, share=0.65, seed=1).rows[2]
    assert (row["high"] - row["low"]) == pytest.approx(other["high"] - other["low"], rel=0.35)


def test_few_sources_and_no_draws():
    for name in ("no node", "one node", "one edge"):
        found = subsample(graph_of(*SPECIAL[name]))
        assert found.draws == 0
        assert np.isnan(found.stability).all()
        assert np.isnan(found.rows[0]["low"])
    assert subsample(one_pair(0), np.ones(200, np.int64)).draws == 0
    assert subsample(one_pair(0), draws=0).draws == 0
    with pytest.raises(ValueError, match=r"share=1\.0: give a number between 0 and 1"):
        subsample(one_pair(0), share=1.0)


def test_seeds():
    graph = one_pair(0)
    first, again, other = (subsample(graph, draws=10, seed=seed) for seed in (1, 1, 2))
    assert first.rows == again.rows != other.rows
