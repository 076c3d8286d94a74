"""The fit of one core and periphery, against plain correlations and all cores there are."""

import naive
import numpy as np
import pytest
from chandra_embed.inference.kernels.borgatti_everett import best_prefix, improve_core, pattern_correlation
from chandra_embed.inference.network.borgatti_everett import fit_core
from small_graphs import SPECIAL, all_kinds, graph_of, one_pair


@pytest.mark.kernel
def test_kernels_do_what_their_twins_do():
    for seed, (n, edges) in enumerate(all_kinds(25, most=9)):
        graph = graph_of(n, edges)
        order = np.argsort(-graph.degree, kind="stable")
        prefix = best_prefix(graph.indptr, graph.indices, order)
        assert set(np.flatnonzero(prefix)) == naive.best_prefix(n, edges, order.tolist())
        start = np.random.default_rng(seed).random(n) < 0.5
        core = start.copy()
        found = improve_core(graph.indptr, graph.indices, core)
        wanted, value = naive.improve_core(n, edges, set(np.flatnonzero(start).tolist()))
        assert set(np.flatnonzero(core).tolist()) == wanted
        assert found == pytest.approx(value, abs=1e-12)


@pytest.mark.kernel
def test_the_correlation_of_a_large_graph_does_not_overflow():
    n, m = 130_000, 20_000_000
    pairs, ones = n * (n - 1) // 2, 1000 * 999 // 2 + 1000 * (n - 1000)
    touched = 5_000_000
    a, b = m / pairs, ones / pairs
    wanted = (touched / pairs - a * b) / np.sqrt(a * (1 - a) * b * (1 - b))
    assert pattern_correlation(n, m, 1000, touched) == pytest.approx(wanted, rel=1e-9)


def test_mostly_the_best_of_all_cores():
    graphs = all_kinds(60, most=9)
    gaps = []
    for n, edges in graphs:
        found = fit_core(graph_of(n, edges))
        core = set(np.flatnonzero(found.is_core).tolist())
        assert found.correlation == pytest.approx(naive.pattern_correlation(n, edges, core), abs=1e-12)
        gaps.append(naive.best_core(n, edges) - found.correlation)
    assert min(gaps) > -1e-12
    assert np.mean(np.array(gaps) < 1e-12) >= 0.9


def test_known_ones():
    assert fit_core(graph_of(*SPECIAL["star"])).is_core.tolist() == [True] + [False] * 6
    for name in ("no node", "one node", "empty", "complete"):
        found = fit_core(graph_of(*SPECIAL[name]))
        assert not found.is_core.any()
        assert found.correlation == 0


def test_a_planted_core_is_found_at_every_run_alike():
    graph = one_pair(0, core=0.9, between=0.7, outer=0.05)
    found = fit_core(graph)
    assert np.array_equal(np.flatnonzero(found.is_core), np.arange(40))
    again = fit_core(graph)
    assert np.array_equal(again.is_core, found.is_core)
    assert found.correlation == again.correlation > fit_core(graph, restarts=0).correlation - 1e-12
