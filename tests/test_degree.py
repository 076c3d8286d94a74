"""The kernel that counts one tile, against plain loops over pairs."""

import naive
import numba
import numpy as np
import pytest
from chandra_embed.inference.kernels.degree import count_tile
from chandra_embed.inference.kernels.tiles import exact_dot
from chandra_embed.inference.similarity import _limits, rounding_band
from unit_rows import hard_rows, tied_rows

N = 40 if numba.config.DISABLE_JIT else 400
pytestmark = pytest.mark.kernel


def count(x, tau, tile, disturb=0.0):
    """Degrees from tiles whose values are off by up to `disturb` of the rounding band."""
    n, d = x.shape
    band = rounding_band(d)
    low, high = _limits(np.array(tau), band)
    counts = np.zeros((len(tau), n), np.int64)
    rng = np.random.default_rng(1)
    for a in range(0, n, tile):
        for b in range(a, n, tile):
            exact = naive.similarities(x[a : a + tile], x[b : b + tile])
            product = (exact + disturb * band * rng.choice((-1, 1), exact.shape)).astype(np.float32)
            count_tile(product, x, a, b, np.array(tau), low, high, counts)
    return counts


@pytest.mark.parametrize("tile", [7, N // 4, N, 3 * N])
@pytest.mark.parametrize("disturb", [0.0, 0.9])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows])
def test_rounding_within_the_band_changes_nothing(rows, tile, disturb):
    x = rows(N)
    tau = [0.5, 0.9, -0.25, 1.0, float(naive.similarities(x[:1], x[1:2])[0, 0])]
    assert np.array_equal(count(x, tau, tile, disturb), naive.degree(x, tau))


def test_counts_add_up_over_calls():
    x = tied_rows(10)
    tau = np.array([0.0])
    low, high = _limits(tau, rounding_band(16))
    counts = np.full((1, 10), 100, np.int64)
    count_tile(x @ x.T, x, 0, 0, tau, low, high, counts)
    assert np.array_equal(counts - 100, naive.degree(x, [0.0]))


def test_a_pair_counts_once_where_a_tile_meets_the_diagonal():
    x = np.tile(np.eye(1, 4, dtype=np.float32), (6, 1))
    tau = np.array([0.5])
    low, high = _limits(tau, rounding_band(4))
    counts = np.zeros((1, 6), np.int64)
    count_tile(np.ones((6, 2), np.float32), x, 0, 2, tau, low, high, counts)
    assert counts.tolist() == [[2, 2, 3, 3, 0, 0]]


@pytest.mark.parametrize("d", [1, 3, 64])
def test_the_dot_product_is_summed_in_index_order(d):
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = (rng.normal(size=(2, d)) * 10.0 ** rng.integers(-20, 15, (2, d))).astype(np.float32)
        total = 0.0
        for i in range(d):
            total += float(a[i]) * float(b[i])
        assert exact_dot(a, b) == total
        assert naive.similarities(a[None], b[None])[0, 0] == total
