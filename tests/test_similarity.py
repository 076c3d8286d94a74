"""Degrees and neighbours of unit rows: validation, threads, devices."""

import os
import subprocess
import sys

import naive
import numpy as np
import pytest
from chandra_embed.inference import degree, nearest_neighbors
from chandra_embed.inference.nearest import find_nearest
from chandra_embed.inference.similarity import count_degrees, rounding_band
from chandra_embed.inference.tiling import in_threads
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_rows import hard_rows, random_rows, tied_rows


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_rows(n):
    x = np.eye(3, dtype=np.float32)[:n]
    assert degree(x, [-1.0, 0.5]).tolist() == [[max(n - 1, 0)] * n, [0] * n]


@pytest.mark.parametrize("function", [degree, nearest_neighbors])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_row_that_is_not_finite_is_named(function, value):
    x = np.eye(20)
    x[7, 3] = x[9, 3] = value
    with pytest.raises(ValueError, match="row 7 of x holds NaN or infinity"):
        function(x)


@pytest.mark.parametrize("function", [degree, nearest_neighbors])
@pytest.mark.parametrize("factor", [0.0, 0.99997, 1.00003])
def test_a_row_that_is_not_unit_is_named(function, factor):
    x = np.eye(20)
    x[5] *= factor
    with pytest.raises(ValueError, match="row 5 of x has length"):
        function(x)


def test_a_row_within_1e5_of_unit_length_is_taken():
    x = np.eye(2) * (1 + 9e-6)
    assert degree(np.vstack([x, x[:1]]), [1.0]).tolist() == [[1, 0, 1]]


@pytest.mark.parametrize("x", [np.ones(3), np.ones((2, 2, 1)), np.eye(2, dtype=complex), [["a", "b"]]])
def test_no_matrix_of_numbers_is_refused(x):
    with pytest.raises(ValueError, match=r"shape \(n, d\)"):
        degree(x)


@pytest.mark.parametrize("thresholds", [[], [0.5, np.nan], [np.inf], [[0.5]]])
def test_bad_thresholds_are_refused(thresholds):
    with pytest.raises(ValueError, match="give"):
        degree(np.eye(3), thresholds)


def test_thresholds_in_any_order_and_of_any_size():
    x = hard_rows(200)
    thresholds = [0.9, -1e300, 0.5, 1 + 1e-7, 1e300, 0.5, -1.0, 1.0]
    assert np.array_equal(degree(x, thresholds), naive.degree(x, thresholds))
    assert degree(x, 0.5).shape == (1, 200)


@pytest.mark.parametrize("device", ["gpu", "auto", ""])
def test_only_a_device_by_name_is_taken(device):
    with pytest.raises(ValueError, match="give cpu or cuda"):
        degree(np.eye(2), device=device)


def test_input_is_rounded_to_float32_and_any_layout_is_taken():
    x = hard_rows(150)
    wide = np.zeros((150, 128), np.float64)
    wide[:, ::2] = x
    assert np.array_equal(degree(wide[:, ::2]), degree(x))
    assert np.array_equal(degree(np.asfortranarray(x)), degree(x))
    assert np.array_equal(degree(x.astype(">f4")), degree(x))


@pytest.fixture(scope="module")
def catalog():
    """5,000 rows with exact ties at 0.5, and thresholds that are similarities of pairs."""
    x = hard_rows(5000)
    own = naive.similarities(x[:1], x)[0]
    pair = np.sort(own)[[1700, 3300]]
    thresholds = [0.5, 0.7, 0.9, *pair, *np.nextafter(pair, 2), *np.nextafter(pair, -2), 1.0]
    return x, thresholds, naive.degree(x, thresholds)


@pytest.mark.parametrize(("tile", "threads"), [(1024, 1), (1024, 2), (256, 4), (999, 2), (5000, 1)])
def test_degrees_of_5000_rows_are_exact(catalog, tile, threads, monkeypatch):
    x, thresholds, expected = catalog
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", str(threads))
    assert np.array_equal(count_degrees(x, np.array(thresholds), tile=tile), expected)


def test_degrees_of_5000_tied_rows_are_exact():
    x = tied_rows(5000)
    expected = naive.degree(x, (0.5, 0.75, -0.5))
    assert len(np.unique(expected)) > 3
    assert np.array_equal(degree(x, (0.5, 0.75, -0.5)), expected)


def test_degrees_are_the_same_with_four_numba_threads(tmp_path):
    x = hard_rows(1200)
    np.save(tmp_path / "x.npy", x)
    code = "import sys, numpy; from chandra_embed.inference import degree; "
    code += "numpy.save(sys.argv[2], degree(numpy.load(sys.argv[1])))"
    environment = {**os.environ, "NUMBA_NUM_THREADS": "4", "CHANDRA_EMBED_THREADS": "4"}
    subprocess.run(
        [sys.executable, "-c", code, tmp_path / "x.npy", tmp_path / "d.npy"], env=environment, check=True
    )
    assert np.array_equal(np.load(tmp_path / "d.npy"), degree(x))


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(0, 40),
    d=st.sampled_from([1, 2, 4, 16]),
    tile=st.integers(1, 50),
    seed=st.integers(0, 99),
    tau=st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 0.75, 1.0]), min_size=1, max_size=3),
)
def test_any_tiling_of_ties_is_exact(n, d, tile, seed, tau):
    x = random_rows(n, d, seed) if d == 2 else tied_rows(n, d, seed)
    assert np.array_equal(count_degrees(x, np.array(tau), tile=tile), naive.degree(x, tau))
    k = min(3, max(n - 1, 0))
    index, value = find_nearest(x, k, tile=tile)
    expected = naive.nearest_neighbors(x, k)
    assert np.array_equal(index, expected[0])
    assert np.array_equal(value, expected[1])


@pytest.fixture(scope="module")
def near():
    """1,500 rows and their 12 nearest."""
    x = hard_rows(1500)
    return x, naive.nearest_neighbors(x, 12)


@pytest.mark.parametrize(("tile", "threads"), [(1024, 1), (256, 4), (999, 2)])
def test_neighbours_are_exact(near, tile, threads, monkeypatch):
    x, expected = near
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", str(threads))
    index, value = find_nearest(x, 12, tile=tile)
    assert np.array_equal(index, expected[0])
    assert np.array_equal(value, expected[1])


def test_neighbours_of_queries_include_themselves():
    x = hard_rows(300)
    index, similarity = nearest_neighbors(x, 5, x[40:50])
    expected = naive.nearest_neighbors(x, 5, x[40:50])
    assert np.array_equal(index, expected[0])
    assert np.array_equal(similarity, expected[1].astype(np.float32))
    assert (index.dtype, similarity.dtype) == (np.int64, np.float32)


def test_equal_rows_come_lowest_index_first():
    x = np.tile(np.eye(1, 8, dtype=np.float32), (300, 1))
    index, similarity = nearest_neighbors(x, 4)
    assert index[0].tolist() == [1, 2, 3, 4]
    assert index[2].tolist() == [0, 1, 3, 4]
    assert index[299].tolist() == [0, 1, 2, 3]
    assert (similarity == 1).all()


def test_rows_of_rising_similarity_are_exact():
    angle = np.linspace(1.5, 0, 3000)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    index, _ = find_nearest(x, 7, x[-3:], tile=128)
    assert np.array_equal(index, naive.nearest_neighbors(x, 7, x[-3:])[0])


def test_all_neighbours_may_be_asked_for():
    x = hard_rows(60)
    assert np.array_equal(nearest_neighbors(x, 59)[0], naive.nearest_neighbors(x, 59)[0])
    assert np.array_equal(nearest_neighbors(x, 60, x)[0], naive.nearest_neighbors(x, 60, x)[0])


@pytest.mark.parametrize(
    ("n", "k", "queries"), [(5, 5, False), (1, 1, False), (0, 1, False), (5, 6, True), (5, -1, False)]
)
def test_too_many_neighbours_are_refused(n, k, queries):
    x = np.eye(5, dtype=np.float32)[:n]
    with pytest.raises(ValueError, match=f"k={k}"):
        nearest_neighbors(x, k, x if queries else None)


def test_no_rows_have_no_neighbours():
    x = np.eye(4, dtype=np.float32)
    assert nearest_neighbors(x[:0], 0)[0].shape == (0, 0)
    assert nearest_neighbors(x[:1], 0)[0].shape == (1, 0)
    assert nearest_neighbors(x, 2, x[:0])[1].shape == (0, 2)


def test_queries_are_checked():
    x = np.eye(3)
    with pytest.raises(ValueError, match="queries have 2 columns"):
        nearest_neighbors(x, 1, np.eye(2))
    with pytest.raises(ValueError, match="row 1 of queries"):
        nearest_neighbors(x, 1, np.diag([1, 2, 1]))


@pytest.mark.parametrize("d", [1, 8, 64, 513])
def test_the_band_bounds_the_rounding_of_a_tile(d):
    x = random_rows(600, d, shift=0.5)
    error = np.abs((x @ x.T).astype(np.float64) - naive.similarities(x, x))
    assert error.max() <= rounding_band(d) < 1e-3


def test_an_endless_row_has_no_bound():
    assert rounding_band(2**23) == np.inf


def test_every_pair_is_reported_once():
    seen = []
    count_degrees(tied_rows(333), np.array([0.5]), tile=50, on_pairs=seen.append)
    assert sum(seen) == 333 * 332 // 2
    seen.clear()
    find_nearest(tied_rows(333), 2, tile=50, on_rows=seen.append)
    assert sum(seen) == 333


def test_an_error_in_a_thread_reaches_the_caller():
    def work(take):
        for task in take:
            if task == 5:
                raise RuntimeError("five")

    with pytest.raises(RuntimeError, match="five"):
        in_threads(work, range(100), 4)
