"""The order that brings near rows together."""

import numpy as np
import pytest
from chandra_embed.inference.network.order import moved, near_together
from unit_rows import hard_rows, random_rows


@pytest.mark.parametrize("n", [0, 1, 2, 7, 500, 1001])
@pytest.mark.parametrize("leaf", [1, 10, 384])
def test_every_row_once(n, leaf):
    order = near_together(hard_rows(n, 8) if n > 5 else random_rows(n, 8), leaf)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))


def test_rows_all_alike_end_too():
    assert sorted(near_together(np.ones((100, 2), np.float32), 1).tolist()) == list(range(100))


def test_clusters_stand_together():
    rng = np.random.default_rng(0)
    cluster = rng.permutation(np.repeat(np.arange(8), 100))
    corner = np.array([[c & 1, c & 2, c & 4] for c in range(8)]) > 0
    x = corner[cluster] + rng.normal(0, 0.01, (800, 3))
    found = cluster[near_together(x.astype(np.float32), 100)].reshape(8, 100)
    assert np.array_equal(found, np.repeat(found[:, :1], 100, axis=1))


def test_pairs_move_with_their_rows():
    order = np.array([2, 0, 3, 1])
    i, j = moved((np.array([0, 3]), np.array([2, 1])), order)
    assert order[i].tolist() == [0, 3]
    assert order[j].tolist() == [2, 1]
    assert moved(None, order) is None


@pytest.mark.parametrize("rows", [[4], [-1]])
def test_pairs_of_rows_that_are_not_there_are_refused(rows):
    with pytest.raises(ValueError, match="rows from 0 to 3"):
        moved((np.array(rows), np.array([0])), np.arange(4))
