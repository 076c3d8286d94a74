import numpy as np
import pytest
from chandra_embed.inference.recipe import Recipe
from chandra_embed.training.evaluation.quantities import (
    LABELS,
    band_ratios,
    median_energy,
    nuisances,
    physical_quantities,
)
from latent_sample import made_sample

RECIPE = Recipe()


def slow_median(row, lo=0.5, hi=7.0):
    """The first of many fine steps at which half of the sum is reached."""
    edges = RECIPE.energy_edges()
    fine = np.linspace(lo, hi, 65_001)
    density = row[np.clip(np.searchsorted(edges, (fine[1:] + fine[:-1]) / 2) - 1, 0, 399)]
    total = np.cumsum(density * np.diff(fine))
    return fine[1 + int(np.argmax(total >= total[-1] / 2))] if total[-1] > 0 else np.nan


def test_the_median_energy_is_that_of_fine_steps():
    rng = np.random.default_rng(0)
    value = rng.normal(0.5, 1.0, (6, 400)).astype(np.float32)  # also below zero
    value[1] = 1.0
    value[2] = 0.0
    value[3] = -1.0
    value[4, :375], value[4, 375:] = 0.0, 1.0  # the last bins, across 7 keV
    found = median_energy(value, RECIPE)
    expected = [slow_median(row.astype(float)) for row in value]
    assert np.isnan(found[[2, 3]]).all()
    assert np.allclose(found, expected, atol=2e-3, equal_nan=True)
    assert found[1] == pytest.approx(3.75)


def test_band_ratios_of_one_band_and_of_none():
    centre = np.sqrt(RECIPE.energy_edges()[1:] * RECIPE.energy_edges()[:-1])
    value = np.zeros((4, 400), np.float32)
    value[0, centre < 1.15] = 1.0
    value[1, centre > 2.1] = 1.0
    value[2, (centre > 1.25) & (centre < 1.9)] = 1.0
    value[2, centre > 2.1] = -0.5
    assert np.array_equal(band_ratios(value, RECIPE), [[-1, 0, -1], [1, 1, 0], [0, -1, 1], [0, 0, 0]])


def test_quantities_of_a_real_file_are_those_it_knows():
    sample = made_sample(30, truth=False)
    found = physical_quantities(sample)
    assert set(found) <= set(LABELS)
    assert np.isnan(found["gamma"]).all()
    assert np.isfinite(found["median_energy"]).all()
    assert np.allclose(10 ** found["log_net_counts"], sample.net_counts)


def test_logarithms_of_what_is_not_positive_are_not_known():
    sample = made_sample(30)
    sample.truth["nh"][:2] = 0.0, -1.0
    sample.detection["net_counts"][0] = -3.0
    found = physical_quantities(sample)
    assert np.isnan(found["log_nh"][:2]).all()
    assert np.isfinite(found["log_nh"][2:]).all()
    assert np.isnan(found["log_net_counts"][0])


def test_the_year_is_the_epoch_or_the_date():
    sample = made_sample(4)
    sample.truth["epoch"] = np.array([1.5, np.nan, np.nan, np.nan])
    sample.detection["date_obs"] = np.array(["2012-01-01", "2012-07-01T10:00:00", "", "soon"])
    year = nuisances(sample)["year"]
    assert year[0] == 2000.5
    assert year[1] == pytest.approx(2012.5, abs=0.01)
    assert np.isnan(year[2:]).all()
    del sample.truth["epoch"]
    assert nuisances(sample)["year"][0] == 2012.0
