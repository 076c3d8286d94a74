import naive
import numpy as np
import pytest
from chandra_embed.inference.network import quantiles
from chandra_embed.inference.network.quantiles import informative, thresholds_at
from unit_rows import hard_rows, random_rows, tied_rows


def pairs_of(x, source=None):
    """Every similarity of a pair that counts, by plain loops."""
    found = naive.similarities(x, x)
    return sorted(
        found[i, j]
        for i in range(len(x))
        for j in range(i)
        if source is None or not source[i] or source[i] != source[j]
    )


@pytest.mark.parametrize("x", [random_rows(40, 8, 1), tied_rows(40), hard_rows(40)])
@pytest.mark.parametrize("density", [1e-9, 0.01, 0.1, 0.5, 1.0])
def test_the_threshold_is_the_quantile_of_all_pairs(x, density):
    source = np.arange(40) // 3
    for sources in (None, source):
        values = pairs_of(x, sources)
        (found,) = thresholds_at(x, [density], sources)
        wanted = max(1, round(density * len(values)))
        assert found.tau == values[-wanted]
        assert sum(value >= found.tau for value in values) >= wanted
        assert (found.exact, found.pairs) == (True, len(values))
        assert "exact quantile" in found.how


def test_results_stand_in_the_order_asked_for():
    x = random_rows(30, 8, 2)
    taus = [each.tau for each in thresholds_at(x, [0.5, 0.01])]
    assert taus[0] < taus[1]
    assert thresholds_at(x, []) == []


def test_detections_of_one_source_leave_no_pair():
    assert thresholds_at(random_rows(5, 8), [0.5], np.ones(5, np.int64)) == []


def test_many_rows_are_sampled_and_it_is_said(monkeypatch):
    x = random_rows(200, 8, 3)
    source = np.arange(200) // 2 + 1
    exact = thresholds_at(x, [0.05], source)[0]
    monkeypatch.setattr(quantiles, "EXACT", 100)
    monkeypatch.setattr(quantiles, "SAMPLED", 1_000_000)
    found = thresholds_at(x, [0.05], source, seed=1)[0]
    assert not found.exact
    assert "sampled quantile" in found.how
    values = np.array(pairs_of(x, source))
    error = np.sqrt(0.05 * 0.95 / found.pairs)
    assert abs((values >= found.tau).mean() - 0.05) < 5 * error + 2 / len(values)
    assert found.tau == thresholds_at(x, [0.05], source, seed=1)[0].tau
    assert abs(found.tau - exact.tau) < 0.01


@pytest.mark.parametrize(
    ("density", "expected"),
    [(0, False), (9e-5, False), (1e-4, True), (0.95, True), (0.96, False), (1, False)],
)
def test_which_densities_tell_something(density, expected):
    assert informative(density) is expected
