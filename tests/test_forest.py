"""The kernel that walks trees, against plain loops and scikit-learn."""

import naive
import numba
import numpy as np
import pytest
from chandra_embed.inference.isolation import Forest, fit_forest
from chandra_embed.inference.kernels.forest import path_lengths
from chandra_embed.inference.threads import numba_threads
from unit_rows import hard_rows

pytestmark = pytest.mark.kernel
N, TREES = (40, 5) if numba.config.DISABLE_JIT else (300, 40)


def arrays(forest):
    names = ("feature", "threshold", "left", "right", "path", "roots")
    return [getattr(forest, name) for name in names]


@pytest.mark.parametrize("n", [0, 1, N])
def test_every_row_ends_where_plain_loops_end(n):
    x = hard_rows(N)
    forest = fit_forest(x, TREES)
    assert np.array_equal(path_lengths(x[:n], *forest.levels), naive.path_lengths(x[:n], *arrays(forest)))


def test_a_value_on_the_threshold_goes_left():
    value = np.float32(0.1)
    forest = Forest(
        feature=np.array([0, -1, -1], np.int32),
        threshold=np.array([float(value), 0, 0]),
        left=np.array([1, 0, 0], np.int32),
        right=np.array([2, 0, 0], np.int32),
        path=np.array([0.0, 1.0, 2.0]),
        roots=np.array([0], np.int64),
        samples=2,
        columns=1,
    )
    x = np.array([[value], [np.nextafter(value, np.float32(1))], [-value]])
    assert path_lengths(x, *forest.levels).tolist() == [1.0, 2.0, 1.0]
    assert naive.path_lengths(x, *arrays(forest)).tolist() == [1.0, 2.0, 1.0]


def test_rows_that_are_all_the_same_end_at_the_root():
    x = np.ones((N, 3), np.float32)
    forest = fit_forest(x, TREES)
    assert np.array_equal(path_lengths(x, *forest.levels), naive.path_lengths(x, *arrays(forest)))


def test_the_number_of_threads_changes_no_bit():
    x = hard_rows(N)
    forest = fit_forest(x, TREES)
    found = []
    for threads in (1, 2, 4):
        with numba_threads(threads):
            found.append(path_lengths(x, *forest.levels))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_thresholds_between_two_float32_values_are_kept():
    value = np.float32(0.1)
    above = np.nextafter(value, np.float32(1))
    middle = (float(value) + float(above)) / 2
    for threshold in (middle, np.nextafter(middle, 0), np.nextafter(middle, 1), float(above), -middle):
        forest = Forest(
            feature=np.array([0, -1, 0, -1, -1], np.int32),
            threshold=np.array([threshold, 0, 2 * threshold, 0, 0]),
            left=np.array([1, 0, 3, 0, 0], np.int32),
            right=np.array([2, 0, 4, 0, 0], np.int32),
            path=np.array([0.0, 1.0, 0.0, 2.0, 4.0]),
            roots=np.array([0, 2], np.int64),
            samples=2,
            columns=1,
        )
        x = np.array([[value], [above], [-value], [-above], [2 * value], [2 * above]])
        assert np.array_equal(path_lengths(x, *forest.levels), naive.path_lengths(x, *arrays(forest)))
