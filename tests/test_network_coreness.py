"""Coreness without edges, against the eigenvectors of the dense matrix."""

import math

import naive
import numba
import numpy as np
import pytest
from chandra_embed.inference.kernels.coreness import multiply_tile
from chandra_embed.inference.network.coreness import coreness
from chandra_embed.inference.network.pairs import same_source_pairs
from chandra_embed.inference.network.tile_walk import limits
from chandra_embed.inference.similarity import rounding_band
from graph_rows import named_graphs, random_graphs, rows_of, two_cliques
from unit_rows import hard_rows, random_rows, tied_rows

SLOW = numba.config.DISABLE_JIT
N = 40 if SLOW else 500
pytestmark = pytest.mark.kernel


def weights(x, tau, excluded=((), ())):
    return np.maximum(np.nan_to_num(naive.adjacency(x, tau, excluded)), 0.0)


def check(x, tau, found, matrix, off):
    """As the dense eigenvector, from 0 to 1, with the residual that is said."""
    value = found.value
    assert value.shape == (len(x),)
    assert np.abs(value - naive.coreness(matrix)).max(initial=0) <= off
    if not matrix.any():
        assert (found.residual, found.passes, value.tolist()) == (0.0, 1, [0.0] * len(x))
        return
    assert value.max() == 1.0
    assert value.min() >= 0.0
    image = matrix @ value
    leading = value @ image / (value @ value)
    residual = np.linalg.norm(image - leading * value) / (leading * np.linalg.norm(value))
    assert math.isclose(residual, found.residual, abs_tol=2e-6)


def test_200_random_graphs():
    rng = np.random.default_rng(5)
    for edges in random_graphs(200, 9, seed=1):
        n = len(edges)
        weight = np.triu(rng.uniform(0.5, 1.0, (n, n)), 1) * np.triu(edges)
        weight += weight.T
        x, factor = rows_of(weight)
        found = coreness(x, factor / 4, tol=1e-9, max_passes=n + 2)
        gap = np.diff(np.linalg.eigvalsh(weight))[-1:]  # equal components: any mixture solves it
        if not n or not weight.any() or gap[0] > 1e-3:
            check(x, factor / 4, found, weights(x, factor / 4), 3e-4)
        else:
            assert found.residual < 1e-6


@pytest.mark.parametrize("name", named_graphs())
def test_named_graphs(name):
    edges = named_graphs()[name]
    x, factor = rows_of(edges)
    found = coreness(x, factor / 2)
    matrix = factor * edges  # the same without rounding, so that equal parts stay equal
    check(x, factor / 2, found, matrix, 1e-3)


def test_of_two_cliques_the_larger_is_the_core():
    x, factor = rows_of(two_cliques(3, 6))
    value = coreness(x, factor / 2).value
    assert np.allclose(value, [0] * 3 + [1] * 6, atol=1e-4)


@pytest.mark.parametrize("rows", [hard_rows, tied_rows, random_rows])
@pytest.mark.parametrize("tau", [0.5, 0.125, -0.25])
def test_many_tiles(rows, tau):
    x = rows(N, 16)
    ids = np.random.default_rng(0).integers(0, N // 3, N)
    for pairs in (None, same_source_pairs(ids)):
        seen = []
        found = coreness(x, tau, excluded=pairs, tol=1e-8, max_passes=60, on_pairs=seen.append)
        check(x, tau, found, weights(x, tau, pairs or ((), ())), 1e-5)
        assert sum(seen) == found.passes * N * (N - 1) // 2


def test_passes_are_bounded_and_the_residual_says_what_is_missing():
    x = random_rows(N, 8)
    rough, fine = coreness(x, 0.5, max_passes=3), coreness(x, 0.5, tol=1e-7, max_passes=60)
    assert rough.passes == 3
    assert rough.residual > 1e-4
    assert fine.residual <= 1e-7
    assert fine.passes < 60


def test_it_does_not_depend_on_the_number_of_threads(monkeypatch):
    x = hard_rows(60 if SLOW else 1100)
    found = []
    for threads in "124":
        monkeypatch.setenv("CHANDRA_EMBED_THREADS", threads)
        found.append(coreness(x, 0.5))
    for other in found[1:]:
        assert np.array_equal(other.value, found[0].value)
        assert (other.residual, other.passes) == (found[0].residual, found[0].passes)


@pytest.mark.parametrize("disturb", [0.0, 0.9])
def test_one_tile_against_the_dense_product(disturb):
    p, q = (9, 13) if SLOW else (37, 111)
    x = hard_rows(p + q, 16)
    tau = np.array([float(naive.similarities(x[:1], x[p : p + 1])[0, 0])])
    exact = naive.similarities(x[:p], x[p:])
    signs = np.random.default_rng(1).choice((-1, 1), exact.shape)
    tile = (exact + disturb * rounding_band(16) * signs).astype(np.float32)
    low, high = (side[0] for side in limits(tau, 16))
    vector = np.random.default_rng(2).normal(size=p + q)
    product = np.zeros(p + q, np.int64)
    weight = np.where((exact >= tau) & (tile > 0), tile, 0).astype(np.float64)
    multiply_tile(tile, x, 0, p, tau[0], low, high, vector, 2.0**40, product)
    want = np.concatenate([weight @ vector[p:], weight.T @ vector[:p]])
    assert np.allclose(product / 2.0**40, want, rtol=0, atol=1e-10)


@pytest.mark.parametrize("n", [0, 1])
def test_few_rows(n):
    found = coreness(np.eye(3)[:n], 0.5)
    assert (found.value.tolist(), found.residual) == ([0.0] * n, 0.0)


@pytest.mark.parametrize("options", [{"max_passes": 1}, {"tol": -1.0}, {"tol": math.nan}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match="give tol >= 0"):
        coreness(np.eye(2), 0.5, **options)
