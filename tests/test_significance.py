"""Quantiles, conformal p-values and false discovery rates against plain loops."""

import naive
import numpy as np
import pytest
from chandra_embed.inference.significance import (
    benjamini_hochberg,
    binned_pvalue,
    conformal_pvalue,
    count_edges,
    midrank_quantile,
)

SAMPLES = {
    "ties": np.array([1.0, 2.0, 2.0, 2.0, 5.0, 5.0]),
    "constant": np.full(7, 2.0),
    "one": np.array([2.0]),
    "none": np.zeros(0),
    "many": np.random.default_rng(0).integers(0, 40, 500).astype(float),
}
SCORES = np.array([0.0, 1.0, 2.0, 2.5, 5.0, 9.0, np.nan, np.inf])


@pytest.mark.parametrize("function", ["midrank_quantile", "conformal_pvalue"])
@pytest.mark.parametrize("name", SAMPLES)
def test_scores_among_a_sample(function, name):
    found = {"midrank_quantile": midrank_quantile, "conformal_pvalue": conformal_pvalue}[function]
    expected = getattr(naive, function)(SAMPLES[name], SCORES)
    assert np.allclose(found(SAMPLES[name], SCORES), expected, rtol=1e-15, atol=0, equal_nan=True)


@pytest.mark.parametrize(
    "pvalues", [[], [np.nan], [0.5], [0.01, 0.04, np.nan, 0.03, 0.5], [0.2] * 5, [1.0, 0.001, 0.001, 0.9]]
)
def test_false_discovery_rates(pvalues):
    pvalues = np.array(pvalues)
    found = benjamini_hochberg(pvalues)
    assert np.allclose(found, naive.benjamini_hochberg(pvalues), rtol=1e-14, equal_nan=True)
    assert not (found < pvalues).any()


def test_false_discovery_rates_of_many():
    pvalues = np.random.default_rng(1).integers(1, 80, 300) / 80
    assert np.allclose(benjamini_hochberg(pvalues), naive.benjamini_hochberg(pvalues), rtol=1e-14)


def test_bins_of_few_rows_are_merged():
    counts = np.repeat([10.0, 50.0, 150.0, 500.0, 5000.0], [250, 199, 250, 250, 250])
    assert count_edges(counts).tolist() == [40, 300, 1000]
    assert count_edges(counts[:-100]).tolist() == [40, 300]
    assert count_edges(np.full(399, 150.0)).tolist() == []
    assert count_edges(np.append(counts, np.full(900, np.nan))).tolist() == [40, 300, 1000]


def test_each_bin_is_its_own_sample():
    rng = np.random.default_rng(2)
    counts = np.repeat([20.0, 60.0, 2000.0], 250)
    reference = rng.normal(size=750) + (counts < 40)
    scores, row_counts = rng.normal(size=90), np.tile([39.9, 40.0, np.nan], 30)
    found = binned_pvalue(reference, counts, scores, row_counts)
    for i, sample in enumerate((reference[:250], reference[250:500], reference)):
        assert np.array_equal(found[i::3], naive.conformal_pvalue(sample, scores[i::3]))


def test_unknown_reference_counts_make_one_bin():
    reference, scores = np.arange(5.0), np.array([3.0, 0.0])
    found = binned_pvalue(reference, np.full(5, np.nan), scores, np.array([100.0, np.nan]))
    assert np.array_equal(found, conformal_pvalue(reference, scores))


def test_a_few_rows_of_unknown_counts_are_left_out_of_the_bins():
    reference, counts = np.arange(6.0), np.array([50.0, 50, 50, np.nan, np.nan, np.nan])
    found = binned_pvalue(reference, counts, np.array([2.5, 2.5]), np.array([50.0, np.nan]))
    assert found.tolist() == [1 / 4, 4 / 7]
