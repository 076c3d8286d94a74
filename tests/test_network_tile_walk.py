"""The walk over tiles: every pair once, but those that are none."""

import numpy as np
import pytest
from chandra_embed.inference.network.tile_walk import limits, walk
from unit_rows import random_rows


def visited(n, tile, excluded=None, needed=None):
    """How often each pair was seen, with the right value; and the pairs reported."""
    x, seen, pairs = random_rows(n, 8), np.zeros((n, n), int), []
    exact = x.astype(np.float64) @ x.astype(np.float64).T

    def visit(state, values, a, b):
        p, q = values.shape
        live = values != -3
        assert np.allclose(values[live], exact[a : a + p, b : b + q][live], atol=1e-6)
        seen[a : a + p, b : b + q] += live
        state.append((a, b))

    states = walk(x, list, visit, excluded=excluded, needed=needed, tile=tile, on_pairs=pairs.append)
    return seen, sum(pairs), states


@pytest.mark.parametrize("tile", [(5, 7), (7, 5), (1, 1), (40, 40), (13, 100), (100, 3)])
def test_every_pair_once(tile):
    seen, pairs, _ = visited(40, tile)
    assert np.array_equal(seen, np.triu(np.ones((40, 40), int), 1))
    assert pairs == 40 * 39 // 2


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_rows(n):
    seen, pairs, states = visited(n, (384, 480))
    assert seen.sum() == pairs == n * (n - 1) // 2
    assert len(states) >= 1


@pytest.mark.parametrize("tile", [(5, 7), (7, 5), (40, 40)])
def test_excluded_pairs_are_masked_in_either_order(tile):
    rng = np.random.default_rng(0)
    i, j = rng.integers(0, 40, (2, 100))
    seen, pairs, _ = visited(40, tile, (i, j))
    want = np.triu(np.ones((40, 40), int), 1)
    want[np.minimum(i, j), np.maximum(i, j)] = 0
    assert np.array_equal(seen, want)
    assert pairs == 40 * 39 // 2


def test_a_tile_not_needed_is_not_seen_but_reported():
    seen, pairs, _ = visited(40, (10, 10), needed=lambda state, rows, columns: columns.start == 20)
    assert seen.sum() == seen[:30, 20:30].sum() == 2 * 100 + 45
    assert pairs == 40 * 39 // 2


@pytest.mark.parametrize("excluded", [([0], [40]), ([-1], [3]), ([0, 1], [2])])
def test_pairs_of_rows_that_are_not_there_are_refused(excluded):
    with pytest.raises(ValueError, match="give"):
        visited(40, (10, 10), tuple(np.array(one) for one in excluded))


@pytest.mark.parametrize("d", [1, 64, 2**24])
def test_limits_lie_around_the_threshold_and_above_what_masks(d):
    tau = np.array([0.5, -1e300, 1e300, 0.0, -1.0])
    low, high = limits(tau, d)
    assert low.dtype == high.dtype == np.float32
    assert (low > -3).all()
    assert (low < np.clip(tau, -2, 2)).all()
    assert (high > np.clip(tau, -2, 2)).all()
