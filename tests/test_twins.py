"""Groups of rows of the same numbers, and the nearest rows found through them."""

import naive
import numba
import numpy as np
import pytest
from chandra_embed.inference import twins as module
from chandra_embed.inference.kernels.twins import spread_groups
from chandra_embed.inference.nearest import find_nearest
from chandra_embed.inference.twins import Twins, find_twins
from unit_rows import hard_rows, random_rows, tied_rows

N = 40 if numba.config.DISABLE_JIT else 300


def repeated(n, kinds, d=16, seed=0):
    """Rows of few kinds, many of each, most of them tied with other kinds too."""
    return tied_rows(kinds, d, seed)[np.random.default_rng(seed).integers(0, kinds, n)]


@pytest.mark.parametrize("kinds", [1, 2, 7, 200])
def test_groups_hold_the_same_rows_and_stand_in_order(kinds):
    x = repeated(500, kinds)
    twins = Twins.of(x)
    assert sorted(twins.member.tolist()) == list(range(500))
    assert len(twins.first) == len(np.unique(x, axis=0))
    assert (np.diff(twins.first) > 0).all()
    for g in range(len(twins.first)):
        rows = twins.member[twins.start[g] : twins.start[g + 1]]
        assert rows[0] == twins.first[g]
        assert (np.diff(rows) > 0).all()
        assert (twins.group[rows] == g).all()
        assert (x[rows] == x[rows[0]]).all()


def test_rows_whose_hashes_collide_stay_apart(monkeypatch):
    monkeypatch.setattr(module, "_hashes", lambda x: np.zeros(len(x), np.uint64))
    x = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    assert Twins.of(x).first.tolist() == [0, 4, 8]
    monkeypatch.setattr(module, "BLOCK", 2)
    assert Twins.of(x).first.tolist() == [0, 4, 8]


def test_rows_that_differ_are_no_twins():
    assert find_twins(random_rows(300, 8)) is None
    assert find_twins(random_rows(1, 8)) is None
    assert find_twins(random_rows(0, 8)) is None


@pytest.mark.kernel
@pytest.mark.parametrize("k", [1, 5, 20])
@pytest.mark.parametrize("kinds", [1, 3, 15])
def test_groups_are_spread_to_the_nearest_rows(kinds, k):
    x = repeated(N, kinds)
    twins = Twins.of(x)
    groups = len(twins.first)
    near, similarity = naive.nearest_neighbors(x[twins.first], min(k, groups - 1))
    best, index = np.empty((N, k)), np.empty((N, k), np.int64)
    spread_groups(x, twins.member, twins.start, near, similarity, k, best, index)
    expected = naive.nearest_neighbors(x, k)
    assert np.array_equal(index, expected[0])
    assert np.array_equal(best, expected[1])


@pytest.mark.parametrize("k", [1, 12, 299])
@pytest.mark.parametrize("rows", [hard_rows, lambda n: repeated(n, 9), lambda n: repeated(n, 1)])
def test_neighbours_among_twins_are_exact(rows, k):
    x = rows(300)
    assert find_twins(x) is not None
    seen = []
    index, value = find_nearest(x, k, tile=64, on_rows=seen.append)
    expected = naive.nearest_neighbors(x, k)
    assert np.array_equal(index, expected[0])
    assert np.array_equal(value, expected[1])
    assert sum(seen) == 300
