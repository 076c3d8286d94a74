"""Intervals of shares: quantiles of the beta distribution, found here by adding it up."""

import numpy as np
import pytest
from chandra_embed.training.evaluation.shares import plain_columns, share_interval


def quantile(successes, n, level):
    x = (np.arange(50_000) + 0.5) / 50_000
    density = np.exp((successes - 0.5) * np.log(x) + (n - successes - 0.5) * np.log1p(-x))
    return float(x[np.searchsorted(np.cumsum(density) / density.sum(), level)])


@pytest.mark.parametrize(("successes", "n"), [(3, 10), (50, 60), (20, 1000)])
def test_the_ends_are_quantiles(successes, n):
    found = share_interval(successes, n)
    levels = (0.16, 0.84, 0.025, 0.975)
    ends = (found.low, found.high, found.low95, found.high95)
    assert found.value == successes / n
    np.testing.assert_allclose(ends, [quantile(successes, n, level) for level in levels], rtol=0.01)


def test_none_and_all_reach_the_ends_and_are_not_sure():
    none, every = share_interval(0, 20), share_interval(20, 20)
    assert none.low == none.low95 == 0
    assert every.high == every.high95 == 1
    assert 0 < none.high < none.high95
    np.testing.assert_allclose(none.high95, 1 - every.low95)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_what_is_no_share_is_refused(successes, n):
    with pytest.raises(ValueError, match="successes among"):
        share_interval(successes, n)


def test_columns_of_a_table():
    assert list(plain_columns("detected", share_interval(1, 2))) == [
        "detected",
        "low",
        "high",
        "low95",
        "high95",
    ]
