"""Preprocessing: equal to Sherpa on the golden fixture, and integrals kept by the rebinning."""

import json
from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference import read_spectrum
from chandra_embed.inference.catalog.fits import Companions
from chandra_embed.inference.errors import Quarantined
from chandra_embed.inference.preprocess import (
    Observation,
    band_counts,
    group,
    mean_area,
    preprocess,
    resample,
)
from chandra_embed.inference.recipe import Recipe

WIDTH = 0.0146


def observation(counts: np.ndarray, **more: object) -> Observation:
    lo = np.arange(len(counts)) * WIDTH
    return Observation(
        counts=counts.astype(float), exposure=1000.0, energy_lo=lo, energy_hi=lo + WIDTH, **more
    )


@pytest.fixture(scope="module")
def sherpa_spectrum(golden: Path) -> Observation:
    return read_spectrum(
        golden / "sherpa_src.pha",
        Companions(golden / "sherpa_bkg.pha", golden / "sherpa.arf", golden / "sherpa.rmf"),
    ).observation


def test_groups_equal_sherpa(golden: Path, sherpa_spectrum: Observation) -> None:
    reference = json.loads((golden / "sherpa_reference.json").read_text())
    grouped = group(sherpa_spectrum, Recipe(), whole_channels=True)
    assert len(grouped.y) == 149
    for mine, theirs in ((grouped.lo, "xlo"), (grouped.hi, "xhi"), (grouped.y, "y"), (grouped.yerr, "yerr")):
        np.testing.assert_allclose(mine, reference[theirs], rtol=0, atol=1e-12)


def integrals(o: Observation, recipe: Recipe) -> tuple[float, float, float]:
    """Integral on the grid, of the groups clipped to the grid, and of their absolute value."""
    value, _ = preprocess(o, recipe)
    grouped = group(o, recipe)
    width = np.clip(
        np.minimum(grouped.hi, recipe.energy_hi) - np.maximum(grouped.lo, recipe.energy_lo), 0, None
    )
    on_grid = float((value.astype(float) * np.diff(recipe.energy_edges())).sum())
    return on_grid, float((grouped.y * width).sum()), float((np.abs(grouped.y) * width).sum())


def test_rebinning_keeps_the_integral(sherpa_spectrum: Observation) -> None:
    on_grid, grouped, absolute = integrals(sherpa_spectrum, Recipe())
    assert abs(on_grid - grouped) <= 1e-5 * absolute


@pytest.mark.real
def test_rebinning_keeps_the_integral_of_real_spectra(chandra_data: Path) -> None:
    seen = 0
    for path in sorted((chandra_data / "spectra").glob("*/*")):
        if not path.name.removesuffix(".gz").endswith((".pi", ".pha", "pha3.fits")):
            continue
        on_grid, grouped, absolute = integrals(read_spectrum(path).observation, Recipe())
        assert abs(on_grid - grouped) <= 1e-5 * absolute, path.name
        seen += 1
    assert seen >= 20


def test_no_background_means_net_equals_counts() -> None:
    assert band_counts(observation(np.ones(1024))) == (444.0, 0.0, 444.0)


def test_bands_take_whole_channels_only() -> None:
    o = observation(np.ones(1024))
    source, _, _ = band_counts(o, 0.5, 7.0)
    assert source == np.count_nonzero((o.energy_lo >= 0.5) & (o.energy_hi <= 7.0))


def test_flux_divides_by_the_mean_area_of_each_group() -> None:
    edges = np.linspace(0.3, 9.0, 88)
    area = {"area_lo": edges[:-1], "area_hi": edges[1:], "area": np.full(87, 250.0)}
    o = observation(np.full(1024, 3.0), **area)
    rate, rate_error = preprocess(o, Recipe())
    flux, flux_error = preprocess(o, Recipe(quantity="flux"))
    np.testing.assert_allclose(flux, rate / 250.0, rtol=1e-5)
    np.testing.assert_allclose(flux_error, rate_error / 250.0, rtol=1e-5)


def test_flux_without_area_is_refused() -> None:
    with pytest.raises(Quarantined, match="no-arf"):
        preprocess(observation(np.ones(1024)), Recipe(quantity="flux"))


def test_where_the_area_is_zero_flux_is_zero_not_infinite() -> None:
    edges = np.linspace(0.3, 9.0, 88)
    area = {"area_lo": edges[:-1], "area_hi": edges[1:], "area": np.where(edges[:-1] < 2.0, 0.0, 250.0)}
    value, error = preprocess(observation(np.full(1024, 9.0), **area), Recipe(quantity="flux"))
    assert np.isfinite(value).all()
    assert np.isfinite(error).all()
    assert not value[:50].any()


def test_a_scale_by_channel_subtracts_channel_by_channel() -> None:
    background, scale = np.full(1024, 2.0), np.linspace(0.1, 0.5, 1024)
    o = observation(np.full(1024, 10.0), background=background, scale=scale)
    value, _ = preprocess(o, Recipe(group_min=1))
    plain, _ = preprocess(observation(10.0 - background * scale), Recipe(group_min=1))
    np.testing.assert_allclose(value[50:-50], plain[50:-50], rtol=0.02)


def test_areascal_divides_the_rate() -> None:
    one, _ = preprocess(observation(np.full(1024, 6.0)), Recipe())
    two, _ = preprocess(observation(np.full(1024, 6.0), areascal=2.0), Recipe())
    np.testing.assert_allclose(two, one / 2)


def test_given_errors_add_in_quadrature() -> None:
    o = observation(np.full(1024, 5.0), counts_error=np.full(1024, 3.0))
    grouped = group(o, Recipe(group_min=10))
    two = grouped.hi - grouped.lo > 1.5 * WIDTH
    np.testing.assert_allclose(grouped.yerr[two], np.sqrt(18.0) / 1000.0 / (2 * WIDTH), rtol=1e-6)


@pytest.mark.parametrize("counts", [np.zeros(1024), np.zeros(0), np.eye(1, 1024, 600)[0]])
def test_empty_and_single_counts_stay_finite(counts: np.ndarray) -> None:
    value, error = preprocess(observation(counts), Recipe())
    assert value.shape == error.shape == (400,)
    assert value.dtype == error.dtype == np.float32
    assert np.isfinite(value).all()
    assert np.isfinite(error).all()


def test_the_grid_covers_what_whole_channels_would_leave_out(sherpa_spectrum: Observation) -> None:
    clipped, _ = preprocess(sherpa_spectrum, Recipe())
    whole, _ = resample(group(sherpa_spectrum, Recipe(), whole_channels=True), Recipe())
    assert clipped[0] != 0
    assert whole[0] == 0


def test_an_arf_that_ends_inside_the_spectrum_is_refused_for_flux() -> None:
    edges = np.linspace(0.3, 4.0, 38)
    area = {"area_lo": edges[:-1], "area_hi": edges[1:], "area": np.full(37, 250.0)}
    o = observation(np.full(1024, 9.0), **area)
    with pytest.raises(Quarantined, match=r"arf-too-short.*0\.3-4 keV"):
        preprocess(o, Recipe(quantity="flux"))
    preprocess(o, Recipe())


def test_mean_area_is_over_what_is_covered() -> None:
    edges = np.array([1.0, 2.0, 3.0])
    o = observation(np.ones(1024), area_lo=edges[:-1], area_hi=edges[1:], area=np.array([100.0, 300.0]))
    area, covered = mean_area(o, np.array([0.0, 1.0, 3.0, 5.0]))
    np.testing.assert_allclose(area, [0.0, 200.0, 0.0])
    np.testing.assert_allclose(covered, [0.0, 1.0, 0.0])
    area, covered = mean_area(o, np.array([2.0, 4.0]))
    assert (area[0], covered[0]) == (300.0, 0.5)
