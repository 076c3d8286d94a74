"""Pairs of core and periphery, against the quality summed over all pairs of nodes."""

import naive
import numpy as np
import pytest
from chandra_embed.inference.kernels.km_config import (
    count_labels,
    pair_qualities,
    switch_round,
    switch_round_of_few,
)
from chandra_embed.inference.network import km_config as module
from chandra_embed.inference.network.km_config import km_config, km_gain
from small_graphs import SPECIAL, all_kinds, graph_of, one_pair, two_pairs


@pytest.mark.kernel
def test_a_round_is_that_of_its_twin_by_both_ways():
    for seed, (n, edges) in enumerate(all_kinds(15, most=8)):
        graph, rng = graph_of(n, edges), np.random.default_rng(seed)
        pair, core = rng.integers(0, max(n, 1), n), rng.random(n) < 0.5
        for _ in range(3):
            order = rng.permutation(n)
            label, counted = 2 * pair + core, 2 * pair + core
            near = count_labels(graph.indptr, graph.indices, counted, 2 * n)
            changed = switch_round(graph.indptr, graph.indices, order, label)
            assert switch_round_of_few(graph.indptr, graph.indices, order, counted, near) == changed
            *wanted, moved = naive.km_round(n, edges, order.tolist(), pair.tolist(), core.tolist())
            assert changed == moved
            assert (label // 2).tolist() == wanted[0]
            assert (label % 2 == 1).tolist() == wanted[1]
            np.testing.assert_array_equal(counted, label)
            np.testing.assert_array_equal(near, count_labels(graph.indptr, graph.indices, label, 2 * n))
            quality = pair_qualities(graph.indptr, graph.indices, label)
            pair, core = label // 2, label % 2 == 1
            assert quality.sum() == naive.km_quality(n, edges, pair.tolist(), core.tolist())


def test_where_counting_begins_changes_nothing(monkeypatch):
    graph, found = two_pairs(0, apart=0.2), []
    for few in (0, 5, 1000):
        monkeypatch.setattr(module, "FEW_PAIRS", few)
        found.append(km_config(graph, restarts=2))
    for other in found[1:]:
        np.testing.assert_array_equal(other.pair, found[0].pair)
        np.testing.assert_array_equal(other.is_core, found[0].is_core)
        assert other.quality == found[0].quality


def test_two_planted_pairs_are_found():
    found = km_config(two_pairs(0, core=0.8, between=0.6, outer=0.02, apart=0.02))
    assert found.count == 2
    side = np.repeat([0, 0, 1, 1], (20, 80, 20, 80))
    core = np.repeat([True, False, True, False], (20, 80, 20, 80))
    for p in (0, 1):
        own = np.bincount(side[found.pair == p], minlength=2)
        assert own.max() >= 0.95 * own.sum()
    assert np.mean(found.is_core == core) > 0.95
    assert found.quality == pytest.approx(found.pair_quality.sum())
    assert np.all(np.diff(np.bincount(found.pair)) <= 0)


def test_the_same_seed_gives_the_same_and_more_restarts_no_less():
    graph = one_pair(1)
    first, second = km_config(graph, seed=3), km_config(graph, seed=3)
    np.testing.assert_array_equal(first.pair, second.pair)
    assert km_config(graph, restarts=8, seed=3).quality >= first.quality
    with pytest.raises(ValueError, match="restarts=0: give at least 1"):
        km_config(graph, restarts=0)


def test_several_pairs_gain_where_there_are_several():
    rng = np.random.default_rng(0)
    scale = [float(len(graph.indices)) ** 2 for graph in (one_pair(0), two_pairs(0))]
    one, two = km_gain(one_pair(0), 2, rng) / scale[0], km_gain(two_pairs(0), 2, rng) / scale[1]
    assert one < 0.1 < two


def test_graphs_without_structure():
    for name in ("no node", "one node", "empty"):
        found = km_config(graph_of(*SPECIAL[name]))
        assert (found.count, found.quality) == (0, 0.0)
        assert found.pair.tolist() == list(range(SPECIAL[name][0]))
