"""Grouping and rebinning kernels against their slow twins, on awkward input."""

import naive
import numpy as np
import pytest
from chandra_embed.inference.kernels.resample import group_starts, overlap_mean
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.kernel
COUNTS = st.lists(st.one_of(st.integers(0, 12).map(float), st.floats(0, 20)), max_size=60)


@settings(max_examples=100, deadline=None)
@given(COUNTS, st.sampled_from([1.0, 5.0, 7.5, 1e9]))
def test_groups_equal_the_twin(counts: list[float], least: float) -> None:
    array = np.array(counts, float)
    np.testing.assert_array_equal(group_starts(array, least), naive.group_starts(array, least))


@pytest.mark.parametrize(
    ("counts", "starts"),
    [
        ([], []),
        ([0.0], [0]),
        ([5.0], [0]),
        ([5.0, 5.0], [0, 1]),
        ([4.0, 1.0, 4.0, 0.0], [0, 2]),  # a tie at the least closes the group; the short last one stays
        ([0.0] * 4, [0]),
    ],
)
def test_groups_by_hand(counts: list[float], starts: list[int]) -> None:
    assert list(group_starts(np.array(counts, float), 5.0)) == starts


def intervals(rng: np.random.Generator, m: int, gaps: bool) -> tuple[np.ndarray, np.ndarray]:
    edges = np.sort(rng.uniform(-0.5, 3.5, 2 * m if gaps else m + 1))
    return (edges[0::2], edges[1::2]) if gaps else (edges[:-1], edges[1:])


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("m", [0, 1, 2, 7, 40])
@pytest.mark.parametrize("n", [1, 2, 13])
def test_rebinning_equals_the_twin(gaps: bool, m: int, n: int) -> None:
    rng = np.random.default_rng(1000 * m + 10 * n + gaps)
    lo, hi = intervals(rng, m, gaps)
    y, e = rng.normal(size=len(lo)), rng.uniform(size=len(lo))
    edges = np.sort(rng.uniform(0, 3, n + 1))
    value, error = overlap_mean(lo, hi, y, e, edges)
    slow_value, slow_error = naive.overlap_mean(lo, hi, y, e, edges)
    np.testing.assert_array_equal(value, slow_value)
    np.testing.assert_array_equal(error, slow_error)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_interval_harms_only_the_bins_it_touches(bad: float) -> None:
    lo, hi = np.arange(4.0), np.arange(4.0) + 1
    y = np.array([1.0, bad, 3.0, 4.0])
    value, _ = overlap_mean(lo, hi, y, np.ones(4), np.array([0.0, 1.0, 1.5, 2.0, 3.0, 5.0]))
    assert list(np.isfinite(value)) == [True, False, False, True, True]


def test_edges_that_touch_give_nothing_to_the_neighbour() -> None:
    value, _ = overlap_mean(
        np.array([0.0, 1.0]), np.array([1.0, 2.0]), np.array([3.0, 7.0]), np.zeros(2), np.arange(4.0)
    )
    assert list(value) == [3.0, 7.0, 0.0]
