"""Cells of rows: their kernels against plain loops, their bounds against every pair, the degrees exact."""

import naive
import numba
import numpy as np
import pytest
from chandra_embed.inference import cells as module
from chandra_embed.inference.cells import Cells, find_cells, find_centres, find_near_cells
from chandra_embed.inference.kernels.cells import count_cluster, split
from chandra_embed.inference.kernels.near_cells import search_cluster, within
from chandra_embed.inference.nearest import _search_cells, find_nearest
from chandra_embed.inference.similarity import _count_cells, count_degrees, rounding_band, value_limits
from unit_rows import hard_rows, tied_rows

SMALL = bool(numba.config.DISABLE_JIT)
TAU = np.array([-0.5, 0.3, 0.5, 0.9, 1.0])


def clustered(n, d=8, kinds=5, spread=0.2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(kinds, d))[rng.integers(0, kinds, n)] + spread * rng.normal(size=(n, d))
    x[: n // 10] = x[0]  # rows of the same numbers
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def make(x, k, most=7):
    return Cells.about(x, find_centres(x, k), rounding_band(x.shape[1]), most)


@pytest.mark.kernel
@pytest.mark.parametrize("t", [1, 2, 5])
def test_split_lists_what_is_undecided_and_counts_the_rest(t):
    rng = np.random.default_rng(t)
    for _ in range(30):
        limits = np.sort(rng.choice(np.linspace(-1, 1, 9), (2, t)).astype(np.float32), axis=1)
        miss, reach = limits.min(axis=0), limits.max(axis=0)
        s = rng.choice(np.linspace(-1, 1, 9), 13).astype(np.float32)
        counts, sure = np.ones((t, 20), np.int64), np.full(t, -7)
        undecided, word = np.empty(14, np.int64), np.empty(13, np.uint32)
        m = split(s, 4, miss, reach, 11, counts, sure, undecided, word)
        left, given = naive.split(s, miss, reach, 11)
        assert (undecided[:m] - 4).tolist() == left
        assert np.array_equal(counts[:, 4:17] - 1, given)
        assert (np.delete(counts, np.s_[4:17], axis=1) == 1).all()
        assert np.array_equal(sure, (given > 0).sum(axis=1))


@pytest.mark.kernel
@pytest.mark.parametrize("k", [1, 3, 9])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows, clustered])
def test_degrees_by_cells_are_exact(rows, k):
    x = rows(30 if SMALL else 230)
    cells = make(x, k)
    degrees = np.empty((TAU.size, len(x)), np.int64)
    degrees[:, cells.order] = _count_cells(x[cells.order], TAU, cells, None)
    assert np.array_equal(degrees, naive.degree(x, TAU))


@pytest.mark.kernel
def test_whole_cells_are_decided_without_their_pairs():
    x = clustered(60 if SMALL else 600, spread=0.01)
    cells, tau = make(x, 5, most=16), np.array([0.0, 0.95])
    low, high = value_limits(tau, rounding_band(x.shape[1]))
    counts = np.zeros((2, len(x)), np.int64)
    per_cell = np.zeros((2, len(cells.angle)), np.int64)
    first, rows = cells.first_cell, cells.first_row
    computed = sum(
        count_cluster(
            a, x[cells.order], cells.centre, first, rows, *cells.limits(tau), tau, low, high, counts, per_cell
        )
        for a in range(5)
    )
    assert computed < 0.4 * len(x) * (len(x) - 1) / 2
    assert per_cell.any()


@pytest.mark.parametrize("rows", [hard_rows, tied_rows, clustered])
def test_a_row_beyond_a_limit_is_on_that_side_with_every_row_of_the_cell(rows):
    x = rows(200)
    cells = make(x, 6)
    miss, reach = cells.limits(TAU)
    assert (miss <= reach).all()
    clusters = np.repeat(np.arange(6), np.diff(cells.first_cell))
    for cell, cluster in enumerate(clusters):
        members = cells.order[cells.first_row[cell] : cells.first_row[cell + 1]]
        s = x @ cells.centre[cluster]
        exact = naive.similarities(x, x[members])
        for t, tau in enumerate(TAU):
            assert not (exact[s < miss[cell, t]] >= tau).any()
            assert (exact[s >= reach[cell, t]] >= tau).all()


def test_every_row_has_one_cell():
    x = clustered(500)
    cells = make(x, 7, most=20)
    assert sorted(cells.order.tolist()) == list(range(500))
    sizes = np.diff(cells.first_row)
    assert sizes.min() >= 1
    assert sizes.max() <= 20
    assert sizes.sum() == 500
    assert cells.first_cell[-1] == len(cells.angle) == len(sizes)


def test_cells_are_taken_where_they_pay_and_change_no_count(monkeypatch):
    monkeypatch.setattr(module, "FEWEST_ROWS", 1000)
    monkeypatch.setattr(module, "BLOCK", 1000)
    tau = np.array([0.9, 0.5])
    band = rounding_band(8)
    x = clustered(3000, kinds=12, spread=0.03)
    assert find_cells(x, tau[::-1], band) is not None
    by_cells = count_degrees(x, tau)
    monkeypatch.setattr(module, "FEWEST_ROWS", 10**9)
    assert np.array_equal(by_cells, count_degrees(x, tau))
    monkeypatch.setattr(module, "FEWEST_ROWS", 1000)
    noise = np.random.default_rng(0).normal(size=(3000, 64))
    noise = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
    assert find_cells(noise, tau[::-1], band) is None
    assert find_cells(x, tau[::-1], 0.5) is None


def test_progress_by_cells_reaches_all_pairs(monkeypatch):
    monkeypatch.setattr(module, "FEWEST_ROWS", 1000)
    monkeypatch.setattr(module, "BLOCK", 1000)
    seen = []
    count_degrees(clustered(2000), np.array([0.5]), on_pairs=seen.append)
    assert sum(seen) == 2000 * 1999 // 2


@pytest.mark.kernel
def test_rows_that_may_be_near_enough_are_listed():
    rng = np.random.default_rng(0)
    alpha, beta = rng.uniform(0, np.pi, 2000), rng.uniform(0, np.pi, 2000)
    theta = np.clip(alpha + beta + rng.choice((-1e-3, 1e-3), 2000), 0, np.pi)
    for a, b, t in zip(alpha[:200], beta[:200], theta[:200], strict=True):
        found = np.empty(2, np.int64)
        one, cell = np.float32([np.cos(b)]), np.float32([np.cos(a), np.sin(a)])
        s = np.float32([np.cos(t)])
        m = within(s, 5, one, np.float32([np.sin(b)]), cell, 0.0, found)
        if abs(np.cos(t) - np.cos(a + b)) > 1e-5 or a + b > np.pi + 1e-3:
            assert found[:m].tolist() == ([5] if t <= a + b else [])


@pytest.mark.kernel
@pytest.mark.parametrize("k", [1, 7])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows, clustered])
def test_neighbours_by_cells_are_exact(rows, k):
    x = rows(30 if SMALL else 230)
    cells = make(x, 5)
    best, index = np.empty((len(x), k)), np.empty((len(x), k), np.int64)
    _search_cells(x, cells, best, index, None)
    expected = naive.nearest_neighbors(x, k)
    assert np.array_equal(index, expected[0])
    assert np.array_equal(best, expected[1])


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_neighbours_by_cells_are_taken_where_they_pay_and_change_nothing(threads, monkeypatch):
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", str(threads))
    monkeypatch.setattr(module, "FEWEST_TO_SEARCH", 1000)
    monkeypatch.setattr(module, "BLOCK", 1000)
    monkeypatch.setattr(module, "CLUSTER", 100)
    band, seen = rounding_band(8), []
    x = clustered(3000, kinds=12, spread=0.03)[300:]  # without the rows of the same numbers
    assert find_near_cells(x, 9, band) is not None
    index, best = find_nearest(x, 9, on_rows=seen.append)
    assert sum(seen) == 2700
    monkeypatch.setattr(module, "FEWEST_TO_SEARCH", 10**9)
    expected = find_nearest(x, 9)
    assert np.array_equal(index, expected[0])
    assert np.array_equal(best, expected[1])
    monkeypatch.setattr(module, "FEWEST_TO_SEARCH", 1000)
    assert find_near_cells(x, 9, 0.5) is None


def test_cells_far_away_are_left_out():
    x = clustered(60 if SMALL else 600, spread=0.01)
    cells, k = make(x, 5, most=16), 3
    angles = np.stack([np.cos(cells.angle), np.sin(cells.angle)], axis=1).astype(np.float32)
    best, index = np.empty((len(x), k)), np.empty((len(x), k), np.int64)
    where = cells.centre, cells.first_cell, cells.first_row, angles
    rest = k, 20, rounding_band(8), cells.margin + 1e-6, best, index
    computed = sum(search_cluster(a, x, cells.order, x[cells.order], *where, *rest) for a in range(5))
    assert computed < 0.5 * len(x) ** 2
    assert np.array_equal(index, naive.nearest_neighbors(x, k)[0])
