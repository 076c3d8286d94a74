"""Similarities in blocks, as a matrix, and the most similar pairs, against plain loops over pairs."""

import naive
import numba
import numpy as np
import pytest
from chandra_embed.inference import similar_pairs
from chandra_embed.inference.kernels.neighbors import NO_LIMIT
from chandra_embed.inference.kernels.top_pairs import gather_pairs, sort_pairs
from chandra_embed.inference.similar_pairs import similarity_blocks, similarity_matrix, top_pairs
from chandra_embed.inference.similarity import rounding_band
from unit_rows import hard_rows, random_rows, tied_rows

N = 40 if numba.config.DISABLE_JIT else 150
SAME = np.tile(np.eye(1, 4, dtype=np.float32), (60, 1))


def gathered(x, k, tile, room, disturb):
    """The best pairs of tiles whose values are off by up to `disturb` of the rounding band."""
    n, band, rng = len(x), rounding_band(x.shape[1]), np.random.default_rng(3)
    value, left, right = np.empty(room, np.float32), np.empty(room, np.int64), np.empty(room, np.int64)
    held, limit = 0, NO_LIMIT
    for a in range(0, n, tile):
        for b in range(a, n, tile):
            exact = naive.similarities(x[a : a + tile], x[b : b + tile])
            product = (exact + disturb * band * rng.choice((-1, 1), exact.shape)).astype(np.float32)
            held, limit = gather_pairs(product, x, a, b, k, band, value, left, right, held, limit)
    exact = np.empty(held)
    best = sort_pairs(x, left[:held], right[:held], exact)[:k]
    return np.stack([left[best], right[best]], axis=1), exact[best]


@pytest.mark.kernel
@pytest.mark.parametrize("disturb", [0.0, 0.9])
@pytest.mark.parametrize(("k", "tile", "more"), [(1, 7, 1), (5, 16, 2), (20, N // 3, 30), (50, 2 * N, 1)])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows, random_rows], ids=["hard", "tied", "random"])
def test_the_list_keeps_the_best_pairs(rows, k, tile, more, disturb):
    x = rows(N, 16)
    pairs, value = gathered(x, k, tile, k + more, disturb)
    expected = naive.top_pairs(x, k)
    assert np.array_equal(pairs, expected[0])
    assert np.array_equal(value, expected[1])


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("k", [0, 1, 30, N * (N - 1) // 2])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows], ids=["hard", "tied"])
def test_top_pairs_are_those_of_all_pairs(rows, k, threads, monkeypatch):
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", threads)
    monkeypatch.setattr(similar_pairs, "TILE", 64)
    monkeypatch.setattr(similar_pairs, "ROOM", 8)
    x, seen = rows(N, 16), []
    pairs, value = top_pairs(x, k, on_pairs=seen.append)
    expected = naive.top_pairs(x, k)
    assert np.array_equal(pairs, expected[0])
    assert np.array_equal(value, expected[1].astype(np.float32))
    assert sum(seen) == (N * (N - 1) // 2 if k else 0)


def test_of_pairs_that_all_tie_the_lowest_rows_come_first(monkeypatch):
    monkeypatch.setattr(similar_pairs, "TILE", 16)
    monkeypatch.setattr(similar_pairs, "ROOM", 4)
    assert top_pairs(SAME, 61)[0].tolist() == [[0, j] for j in range(1, 60)] + [[1, 2], [1, 3]]


@pytest.mark.parametrize("n", [0, 1])
def test_no_pair_among_fewer_than_two_rows(n):
    pairs, value = top_pairs(SAME[:n], 0)
    assert pairs.shape == (0, 2)
    assert value.shape == (0,)
    with pytest.raises(ValueError, match=f"k=1: give a whole number from 0 to 0 .{n} rows"):
        top_pairs(SAME[:n], 1)
    assert similarity_matrix(SAME[:n]).shape == (n, n)


@pytest.mark.parametrize("k", [-1, 2.5, True])
def test_a_number_of_pairs_that_is_none_is_refused(k):
    with pytest.raises(ValueError, match="whole number"):
        top_pairs(SAME, k)


@pytest.mark.parametrize("rows", [1, 7, N, 2 * N])
def test_blocks_are_the_rows_of_the_matrix(rows):
    x = hard_rows(N)
    whole = similarity_matrix(x)
    assert whole.dtype == np.float32
    # a float64 sum in another order moves by less than half a last digit of float32
    assert np.abs(whole - naive.similarities(x, x)).max() <= 2.0**-24
    at = 0
    for which, block in similarity_blocks(x, rows):
        assert which.start == at
        assert np.array_equal(block, whole[which])
        at = which.stop
    assert at == N


def test_a_matrix_that_fills_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(similar_pairs, "MOST_ROWS", 50)
    with pytest.raises(ValueError, match=r"60 rows, .* give at most 50, or take similarity_blocks"):
        similarity_matrix(SAME)


@pytest.mark.parametrize("call", [similarity_matrix, similarity_blocks, top_pairs])
def test_rows_of_another_length_are_refused(call):
    with pytest.raises(ValueError, match="row 1 of x has length 2"):
        call(np.array([[1.0, 0.0], [2.0, 0.0]]))
    with pytest.raises(ValueError, match="row 0 of x holds NaN"):
        call(np.array([[np.nan, 0.0]]))


def test_a_block_of_no_rows_is_refused():
    with pytest.raises(ValueError, match="rows=0"):
        similarity_blocks(SAME, 0)
