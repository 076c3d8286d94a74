"""Rows of the simulator: independent of each other, and what they say of themselves is true."""

from dataclasses import replace

import numpy as np
import pytest
from chandra_embed.inference.preprocess import band_counts, preprocess
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.simulate import population, response, spectra

RECIPE = Recipe()


def same(a: spectra.Simulated, b: spectra.Simulated) -> bool:
    return (
        repr(a.detection) == repr(b.detection)
        and repr(a.truth) == repr(b.truth)
        and np.array_equal(a.value, b.value)
        and np.array_equal(a.error, b.error)
        and np.array_equal(a.truth_value, b.truth_value)
        and np.array_equal(a.observation.counts, b.observation.counts)
    )


def test_a_row_depends_neither_on_n_nor_on_order() -> None:
    many = list(spectra.simulate(20, 3, RECIPE))
    few = list(spectra.simulate(10, 3, RECIPE))
    for row in range(5, 10):
        assert same(many[row], few[row])
    assert same(spectra.simulate_row(17, 3, RECIPE), many[17])
    assert len({s.detection["source_id"] for s in many}) == 20


def test_the_seed_changes_every_row() -> None:
    for a, b in zip(spectra.simulate(5, 0, RECIPE), spectra.simulate(5, 1, RECIPE), strict=True):
        assert not np.array_equal(a.observation.counts, b.observation.counts)
        assert a.truth["nh"] != b.truth["nh"]


def test_none_are_simulated_when_none_are_asked_for() -> None:
    assert list(spectra.simulate(0, 0, RECIPE)) == []


@pytest.mark.parametrize("quantity", ["rate", "flux"])
def test_a_row_is_its_counts_put_through_the_recipe(quantity: str) -> None:
    recipe = Recipe(quantity=quantity)
    s = spectra.simulate_row(4, 2, recipe)
    value, error = preprocess(s.observation, recipe)
    np.testing.assert_array_equal(s.value, value)
    np.testing.assert_array_equal(s.error, error)
    source, _, net = band_counts(s.observation)
    assert s.detection["counts"] == source
    assert s.detection["net_counts"] == net
    assert s.detection["counts"] - s.detection["background_counts"] == pytest.approx(net)
    assert s.value.dtype == s.truth_value.dtype == np.float32
    assert s.value.shape == s.truth_value.shape == (400,)
    assert s.detection["obs_id"] == "simulated"
    assert s.detection["source_id"] == "simulated 2:4"
    assert "name" not in s.detection


def test_expected_counts_are_those_drawn() -> None:
    d = population.draw(np.random.default_rng(5))
    r = response.acis_response(d.chip, d.epoch, d.theta)
    expected, photon_flux = spectra.expected_counts(d, r)
    channels = r.redistribution
    inside = (channels.channel_lo >= 0.5) & (channels.channel_hi <= 7.0)
    assert expected[inside].sum() == pytest.approx(d.counts)
    # a flux through about this area for this long gives about these counts
    area = d.counts / (photon_flux.sum() * d.exposure)
    assert 0.1 * r.area.max() < area < r.area.max()


def test_drawn_counts_scatter_about_the_expected_ones() -> None:
    pulls = [
        (s.detection["counts"] - mean) / np.sqrt(mean)
        for s in spectra.simulate(300, 9, RECIPE)
        for mean in [s.truth["net_counts"] + s.truth["background_counts"]]
    ]
    assert abs(np.mean(pulls)) < 3 / np.sqrt(300)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("quantity", ["rate", "flux"])
def test_a_bright_row_is_close_to_its_truth(quantity: str) -> None:
    recipe = Recipe(quantity=quantity)
    rows = spectra.simulate(400, 6, recipe)
    s = max(rows, key=lambda s: s.detection["net_counts"])
    assert s.detection["net_counts"] > 3000
    width = np.diff(recipe.energy_edges())
    assert (s.value * width).sum() == pytest.approx((s.truth_value * width).sum(), rel=0.1)
    good = s.error > 0
    pull = (s.value[good] - s.truth_value[good]) / s.error[good]
    assert abs(np.median(pull)) < 0.3
    assert np.mean(np.abs(pull) < 3) > 0.97


def test_noise_free_keeps_the_counts_in_the_range() -> None:
    d = population.draw(np.random.default_rng(8))
    r = response.acis_response(d.chip, d.epoch, d.theta)
    expected, _ = spectra.expected_counts(d, r)
    value = spectra.noise_free(expected, d.exposure, r, RECIPE)
    edges, channels = RECIPE.energy_edges(), r.redistribution
    overlap = np.clip(
        np.minimum(channels.channel_hi, edges[-1]) - np.maximum(channels.channel_lo, edges[0]), 0, None
    )
    want = (expected * overlap / (channels.channel_hi - channels.channel_lo)).sum()
    assert (value.astype(float) * np.diff(edges)).sum() * d.exposure == pytest.approx(want, rel=1e-5)


def test_noise_free_flux_of_a_flat_spectrum_is_flat() -> None:
    """Counts of 1 photon cm^-2 s^-1 keV^-1 without blurring, over a level area, are that flux again."""
    edges = 0.0146 * np.arange(1025)
    lo, hi = edges[:-1], edges[1:]
    diagonal = response.from_matrix(lo, hi, lo, hi, np.eye(1024))
    flat = response.Response("flat", "FI", np.full(1024, 250.0), diagonal)
    expected = diagonal.fold(flat.area * (hi - lo)) * 1e4
    value = spectra.noise_free(expected, 1e4, flat, Recipe(quantity="flux"))
    np.testing.assert_allclose(value, 1.0, rtol=1e-6)
    blind = replace(flat, area=np.where(lo < 2.0, 0.0, 250.0))
    dark = spectra.noise_free(
        diagonal.fold(blind.area * (hi - lo)) * 1e4, 1e4, blind, Recipe(quantity="flux")
    )
    assert (dark[:100] == 0).all()
    assert np.isfinite(dark).all()


def test_an_empty_row_is_legal() -> None:
    s = spectra.simulate_row(0, 0, RECIPE)
    value, error = preprocess(
        replace(s.observation, counts=np.zeros(1024), background=np.zeros(1024)), RECIPE
    )
    assert (value == 0).all()
    assert np.isfinite(error).all()


def test_responses_given_are_the_ones_used() -> None:
    made = [
        replace(response.acis_response("BI", 1.0, 0.0), name="first.arf"),
        replace(response.acis_response("FI", 9.0, 5.0), name="second.arf"),
    ]
    rows = list(spectra.simulate(30, 1, RECIPE, made))
    assert {s.truth["response"] for s in rows} == {"first.arf", "second.arf"}
    for s in rows:
        area = next(r.area for r in made if r.name == s.truth["response"])
        assert s.observation.area is area
