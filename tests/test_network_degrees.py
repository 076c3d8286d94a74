"""Degree and strength without edges, against the dense graph."""

import naive
import numba
import numpy as np
import pytest
from chandra_embed.inference import degree
from chandra_embed.inference.kernels.strength import UNIT, count_and_add
from chandra_embed.inference.network.degrees import _in_units, degrees_and_strengths
from chandra_embed.inference.network.pairs import same_source_pairs
from chandra_embed.inference.network.tile_walk import limits
from chandra_embed.inference.similarity import rounding_band
from graph_rows import named_graphs, rows_of
from unit_rows import hard_rows, random_rows, tied_rows

SLOW = numba.config.DISABLE_JIT
N = 40 if SLOW else 500
kernel = pytest.mark.kernel


def check(x, tau, found, excluded=((), ())):
    """Degrees equal, strengths within what rounding allows."""
    count, strength = found
    assert count.dtype == np.int64
    assert strength.dtype == np.float64
    off = 0.5 / UNIT + rounding_band(x.shape[1])
    dense = naive.adjacency(x, -9.0, excluded)
    for t, one in enumerate(tau):
        weight = np.where(dense >= one, dense, np.nan)
        want = np.isfinite(weight).sum(axis=1)
        assert np.array_equal(count[t], want)
        assert (np.abs(strength[t] - np.nansum(weight, axis=1)) <= off * want).all()


@kernel
@pytest.mark.parametrize("rows", [hard_rows, tied_rows, random_rows])
@pytest.mark.parametrize("apart", [False, True])
def test_degrees_are_exact_and_strengths_add_up(rows, apart):
    x = rows(N, 64)
    at = float(naive.similarities(x[:1], x[1:2])[0, 0])
    tau = [0.5, 0.9, -0.25, 1.0, at, -5.0, 3.0, 0.0]
    ids = np.random.default_rng(0).integers(0, N // 3, N)
    pairs = same_source_pairs(ids) if apart else None
    seen = []
    found = degrees_and_strengths(x, tau, excluded=pairs, on_pairs=seen.append)
    check(x, tau, found, ((), ()) if pairs is None else pairs)
    assert sum(seen) == N * (N - 1) // 2
    if not apart:
        assert np.array_equal(found[0], degree(x, tau))


@kernel
@pytest.mark.parametrize("name", named_graphs())
def test_graphs(name):
    edges = named_graphs()[name]
    x, factor = rows_of(edges)
    count, strength = degrees_and_strengths(x, [factor / 2])
    assert np.array_equal(count[0], edges.sum(axis=1))
    assert np.allclose(strength[0], factor * edges.sum(axis=1), atol=1e-5)


@kernel
@pytest.mark.parametrize("shape", [(1, 1), (8, 500), (23, 17), (500, 9)])
@pytest.mark.parametrize("disturb", [0.0, 0.9])
def test_rounding_within_the_band_changes_no_count(shape, disturb):
    p, q = (min(side, 20) for side in shape) if SLOW else shape
    x = hard_rows(p + q, 16)
    tau = np.array([0.5, 1.0, -0.25, float(naive.similarities(x[:1], x[p : p + 1])[0, 0])])
    exact = naive.similarities(x[:p], x[p:])
    signs = np.random.default_rng(1).choice((-1, 1), exact.shape)
    tile = (exact + disturb * rounding_band(16) * signs).astype(np.float32)
    counts, sums = np.full((2, 4, p + q), 100, np.int64)
    count_and_add(tile, x, 0, p, tau, *_in_units(*limits(tau, 16), UNIT), counts, sums)
    units = np.rint(tile * np.float32(UNIT)).astype(np.int64)
    for t, one in enumerate(tau):
        edge = exact >= one
        for total, value in ((counts[t], edge), (sums[t], units * edge)):
            assert np.array_equal(total - 100, np.concatenate([value.sum(axis=1), value.sum(axis=0)]))


@kernel
def test_sums_of_a_full_tile_of_the_largest_similarity_do_not_overflow():
    n = 20 if SLOW else 500
    side = np.float32(1 + 9e-6)
    x = np.full((2 * n, 1), side)
    for value in (side * side, -side * side):
        counts, sums = np.zeros((2, 1, 2 * n), np.int64)
        tau = np.array([-2.0])
        tile = np.full((n, n), value, np.float32)
        count_and_add(tile, x, 0, n, tau, *_in_units(*limits(tau, 1), UNIT), counts, sums)
        assert (counts == n).all()
        assert np.allclose(sums / UNIT, n * float(value), rtol=1e-6)


@kernel
def test_neither_depends_on_the_number_of_threads(monkeypatch):
    x = hard_rows(60 if SLOW else 1100)
    found = []
    for threads in "124":
        monkeypatch.setenv("CHANDRA_EMBED_THREADS", threads)
        found.append(degrees_and_strengths(x, [0.5, 0.9]))
    for other in found[1:]:
        assert np.array_equal(other[0], found[0][0])
        assert np.array_equal(other[1], found[0][1])


@kernel
def test_a_row_whose_neighbours_are_all_excluded_has_strength_zero():
    x = np.tile(random_rows(1, 8), (4, 1))
    count, strength = degrees_and_strengths(x, [0.5], excluded=same_source_pairs(["a"] * 4))
    assert not count.any()
    assert not strength.any()


@pytest.mark.parametrize("x", [np.zeros((3, 2)), np.full((3, 2), np.nan)])
def test_rows_that_are_not_unit_are_refused(x):
    with pytest.raises(ValueError, match="row 0 of x"):
        degrees_and_strengths(x, [0.5])


@pytest.mark.parametrize("tau", [[], [np.nan]])
def test_bad_thresholds_are_refused(tau):
    with pytest.raises(ValueError, match="give"):
        degrees_and_strengths(np.eye(3), tau)
