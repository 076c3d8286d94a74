"""The kernel that counts one tile, against plain loops over pairs."""

import naive
import numba
import numpy as np
import pytest
from chandra_embed.inference.kernels.degree import FIELD, count_strip, count_tile
from chandra_embed.inference.kernels.tiles import exact_dot
from chandra_embed.inference.similarity import rounding_band, value_limits
from unit_rows import hard_rows, tied_rows

N = 40 if numba.config.DISABLE_JIT else 400
pytestmark = pytest.mark.kernel


def count(x, tau, tile, disturb=0.0):
    """Degrees from tiles whose values are off by up to `disturb` of the rounding band."""
    n, d = x.shape
    band = rounding_band(d)
    rising, place = np.sort(tau), np.arange(n)
    low, high = value_limits(rising, band)
    counts = np.zeros((len(tau), n), np.int64)
    rng = np.random.default_rng(1)
    for a in range(0, n, tile):
        for b in range(a, n, tile):
            exact = naive.similarities(x[a : a + tile], x[b : b + tile])
            product = (exact + disturb * band * rng.choice((-1, 1), exact.shape)).astype(np.float32)
            rows, columns = place[a : a + tile], place[b : b + tile]
            count_tile(product, x, rows, columns, rising, low, high, counts)
    return counts[np.argsort(np.argsort(tau))]


@pytest.mark.parametrize("tile", [7, N // 4, N])
@pytest.mark.parametrize("disturb", [0.0, 0.9])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows])
def test_rounding_within_the_band_changes_nothing(rows, tile, disturb):
    x = rows(N)
    tau = [0.5, 0.9, -0.25, 1.0, float(naive.similarities(x[:1], x[1:2])[0, 0])]
    assert np.array_equal(count(x, tau, tile, disturb), naive.degree(x, tau))


@pytest.mark.parametrize("tile", [1, 7, N // 4, N, 2 * N])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows])
def test_strips_of_tiles_count_every_pair_once(rows, tile):
    x = rows(N)
    tau = np.array([-0.25, 0.5, 0.9, 1.0])
    low, high = value_limits(tau, rounding_band(x.shape[1]))
    counts = np.zeros((4, N), np.int64)
    pairs = [count_strip(a, x, tile, tau, low, high, counts) for a in range(0, N, tile)]
    assert sum(pairs) == N * (N - 1) // 2
    assert np.array_equal(counts, naive.degree(x, tau))


def test_counts_add_up_over_calls():
    x = tied_rows(10)
    tau = np.array([0.0])
    low, high = value_limits(tau, rounding_band(16))
    counts = np.full((1, 10), 100, np.int64)
    count_tile(x @ x.T, x, np.arange(10), np.arange(10), tau, low, high, counts)
    assert np.array_equal(counts - 100, naive.degree(x, [0.0]))


def test_rows_and_columns_may_be_scattered_and_the_tile_filled_up():
    x = tied_rows(N // 4)
    tau = np.array([0.0, 0.5])
    low, high = value_limits(tau, rounding_band(16))
    rows, columns = np.array([9, 2, 5]), np.array([0, 7, 3, 8])
    counts = np.zeros((2, len(x)), np.int64)
    filled = np.full((3, 6), -np.inf, np.float32)
    filled[:, :4] = x[rows] @ x[columns].T
    count_tile(filled, x, rows, columns, tau, low, high, counts)
    reached = naive.similarities(x[rows], x[columns]) >= tau[:, None, None]
    expected = np.zeros_like(counts)
    expected[:, rows], expected[:, columns] = reached.sum(axis=2), reached.sum(axis=1)
    assert np.array_equal(counts, expected)


def test_a_tile_as_large_as_a_field_of_bits_overflows_nowhere():
    n = 60 if numba.config.DISABLE_JIT else FIELD
    x = np.tile(np.eye(1, 4, dtype=np.float32), (2 * n, 1))
    tau = np.array([0.1, 0.2, 0.3, 0.4])
    low, high = value_limits(tau, rounding_band(4))
    counts = np.zeros((4, 2 * n), np.int64)
    count_tile(np.ones((n, n), np.float32), x, np.arange(n), np.arange(n, 2 * n), tau, low, high, counts)
    assert (counts == n).all()


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
