"""Coreness without the diagonal, against plain loops and a general optimiser."""

import naive
import numpy as np
import pytest
from chandra_embed.inference.kernels.minres import minres_sweep
from chandra_embed.inference.network.graph import from_edges
from chandra_embed.inference.network.minres import minres_coreness
from scipy.optimize import minimize
from small_graphs import SPECIAL, all_kinds, graph_of, one_pair


def weighted(n, edges, seed=0):
    """The graph with weights between 0.5 and 1, and its matrix."""
    ends = np.array(sorted(edges), np.int64).reshape(-1, 2)
    weight = np.random.default_rng(seed).uniform(0.5, 1, len(ends)).astype(np.float32)
    matrix = np.zeros((n, n))
    matrix[ends[:, 0], ends[:, 1]] = matrix[ends[:, 1], ends[:, 0]] = weight
    return from_edges(n, ends[:, 0], ends[:, 1], weight), matrix


@pytest.mark.kernel
def test_a_sweep_is_that_of_plain_loops():
    for seed, (n, edges) in enumerate(all_kinds(30)):
        graph, matrix = weighted(n, edges, seed)
        c = np.random.default_rng(seed).random(n)
        wanted = naive.minres_sweep(matrix, c)
        change = minres_sweep(graph.indptr, graph.indices, graph.weight, before := c.copy())
        np.testing.assert_allclose(before, wanted, rtol=1e-9, atol=1e-12)
        assert change == pytest.approx(np.max(np.abs(before - c), initial=0))


@pytest.mark.parametrize("seed", range(5))
def test_no_other_vector_fits_better(seed):
    graph, matrix = weighted(12, all_kinds(seed + 1, most=12)[-1][1] | {(i, 11) for i in range(11)}, seed)

    def misfit(c):
        return ((matrix - np.outer(c, c))[~np.eye(12, dtype=bool)] ** 2).sum()

    found = minres_coreness(graph, tol=1e-12, max_sweeps=5000).value
    scale = minimize(lambda s: misfit(s[0] * found), [0.5]).x[0]
    rng = np.random.default_rng(seed)
    best = min(minimize(misfit, rng.random(12)).fun for _ in range(5))
    assert misfit(scale * found) <= best * (1 + 1e-6)


def test_no_sweep_makes_the_fit_worse():
    graph, matrix = weighted(30, all_kinds(1, most=30)[-1][1] | {(0, 29), (1, 29)})
    off = ~np.eye(30, dtype=bool)
    c, before = np.random.default_rng(0).random(30), np.inf
    for _ in range(20):
        minres_sweep(graph.indptr, graph.indices, graph.weight, c)
        now = ((matrix - np.outer(c, c))[off] ** 2).sum()
        assert now <= before + 1e-12
        before = now


def test_known_ones():
    for name in ("no node", "one node", "empty"):
        found = minres_coreness(graph_of(*SPECIAL[name]))
        assert (found.sweeps, found.value.tolist()) == (0, [0.0] * SPECIAL[name][0])
    np.testing.assert_allclose(minres_coreness(graph_of(*SPECIAL["complete"])).value, 1, atol=1e-5)
    found = minres_coreness(one_pair(0))
    assert found.residual <= 1e-6
    assert found.value.max() == 1
    assert found.value[:40].min() > np.quantile(found.value[40:], 0.9)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match=r"a weight is -0\.5"):
        minres_coreness(from_edges(2, [0], [1], [-0.5]))
