"""Connected components without edges, against a search along them."""

import naive
import numba
import numpy as np
import pytest
from chandra_embed.inference.kernels.components import all_joined, join, join_tile, root
from chandra_embed.inference.network.components import connected_components
from chandra_embed.inference.network.pairs import same_source_pairs
from chandra_embed.inference.network.tile_walk import limits
from chandra_embed.inference.similarity import rounding_band
from graph_rows import named_graphs, random_graphs, rows_of
from unit_rows import hard_rows, random_rows, tied_rows

SLOW = numba.config.DISABLE_JIT
N = 40 if SLOW else 500
pytestmark = pytest.mark.kernel


def edges_of(x, tau, excluded=((), ())):
    return np.isfinite(naive.adjacency(x, tau, excluded))


def test_200_random_graphs():
    for edges in random_graphs(200, 12, seed=2):
        x, factor = rows_of(edges)
        assert np.array_equal(connected_components(x, factor / 2), naive.connected_components(edges))


@pytest.mark.parametrize("name", named_graphs())
def test_named_graphs(name):
    edges = named_graphs()[name]
    x, factor = rows_of(edges)
    found = connected_components(x, factor / 2)
    assert found.dtype == np.int64
    assert np.array_equal(found, naive.connected_components(edges))


@pytest.mark.parametrize("rows", [hard_rows, tied_rows, random_rows])
@pytest.mark.parametrize("tau", [0.5, 0.75, 0.9, 1.0, -1.0])
@pytest.mark.parametrize("threads", ["1", "4"])
def test_many_tiles(rows, tau, threads, monkeypatch):
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", threads)
    x = rows(N, 16)
    ids = np.random.default_rng(0).integers(0, N // 3, N)
    for pairs in (None, same_source_pairs(ids)):
        seen = []
        found = connected_components(x, tau, excluded=pairs, on_pairs=seen.append)
        assert np.array_equal(found, naive.connected_components(edges_of(x, tau, pairs or ((), ()))))
        assert sum(seen) == N * (N - 1) // 2


def test_a_long_chain_is_one_component():
    n = N * 2
    angle = np.random.default_rng(3).permutation(n) * (1.5 * np.pi / n)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert not connected_components(x, np.cos(1.2 * 1.5 * np.pi / n)).any()
    assert np.array_equal(connected_components(x, np.cos(0.8 * 1.5 * np.pi / n)), np.arange(n))


@pytest.mark.parametrize("disturb", [0.0, 0.9])
def test_rounding_within_the_band_joins_nothing_else(disturb):
    p, q = (9, 13) if SLOW else (37, 111)
    x = hard_rows(p + q, 16)
    tau = np.array([float(naive.similarities(x[:1], x[p : p + 1])[0, 0])])
    exact = naive.similarities(x[:p], x[p:])
    signs = np.random.default_rng(1).choice((-1, 1), exact.shape)
    tile = (exact + disturb * rounding_band(16) * signs).astype(np.float32)
    low, high = (side[0] for side in limits(tau, 16))
    parent = np.arange(p + q)
    join_tile(tile, x, 0, p, tau[0], low, high, parent)
    edges = np.zeros((p + q, p + q), bool)
    edges[:p, p:] = exact >= tau
    want = naive.connected_components(edges | edges.T)
    assert [root(parent, i) for i in range(p + q)] == want.tolist()


def test_trees_of_several_threads_are_joined():
    one, other = np.array([0, 0, 2, 3, 3]), np.array([0, 1, 1, 3, 4])
    join(one, other)
    assert [root(one, i) for i in range(5)] == [0, 0, 0, 3, 3]
    assert all_joined(one, 0, 2, 2, 3)
    assert not all_joined(one, 0, 2, 2, 4)
    assert not all_joined(one, 1, 4, 0, 1)
