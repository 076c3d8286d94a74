"""Counts, exposures and angles follow the catalog's quantiles; backgrounds look like ACIS."""

import numpy as np
import pytest
from chandra_embed.inference.simulate import population, response
from chandra_embed.inference.simulate.shapes import SHAPES

N = 4000


@pytest.fixture(scope="module")
def draws() -> list[population.Draw]:
    return [population.draw(np.random.default_rng([7, i])) for i in range(N)]


@pytest.mark.parametrize(
    ("p", "value"), [(0.25, 5.0), (0.5, 13.0), (0.75, 32.0), (0.95, 153.0), (0.99, 811.0), (1 - 1e-9, 2e5)]
)
def test_counts_quantiles_are_the_catalogs(p: float, value: float) -> None:
    assert population.counts_quantile(p) == pytest.approx(value)


@pytest.mark.parametrize(
    ("p", "value"), [(0.05, 3.1e3), (0.5, 28e3), (0.95, 99e3), (1e-9, 1e3), (1 - 1e-9, 190e3)]
)
def test_exposure_quantiles_are_the_catalogs(p: float, value: float) -> None:
    assert population.exposure_quantile(p) == pytest.approx(value)


def test_quantiles_are_monotone() -> None:
    p = np.linspace(0.25, 0.99999, 3000)
    for quantile in (population.counts_quantile, population.exposure_quantile, population.theta_quantile):
        assert (np.diff([quantile(q) for q in p]) >= 0).all()


def test_below_min_is_the_inverse_of_the_quantile() -> None:
    assert population.counts_quantile(population.BELOW_MIN) == pytest.approx(population.MIN_COUNTS)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 0.98])
def test_drawn_counts_follow_the_upper_part(draws: list[population.Draw], p: float) -> None:
    below = population.BELOW_MIN
    counts = np.array([d.counts for d in draws])
    want = population.counts_quantile(below + (1 - below) * p)
    # three sigma of a binomial fraction
    assert (counts < want).mean() == pytest.approx(p, abs=3 * np.sqrt(p * (1 - p) / N))
    assert counts.min() >= population.MIN_COUNTS
    assert counts.max() <= population.MAX_COUNTS


@pytest.mark.parametrize(("p", "ks", "arcmin"), [(0.05, 3.1, 0.64), (0.5, 28.0, 4.5), (0.95, 99.0, 13.8)])
def test_drawn_exposure_and_angle(draws: list[population.Draw], p: float, ks: float, arcmin: float) -> None:
    spread = 3 * np.sqrt(p * (1 - p) / N)
    assert np.mean([d.exposure < ks * 1e3 for d in draws]) == pytest.approx(p, abs=spread)
    assert np.mean([d.theta < arcmin for d in draws]) == pytest.approx(p, abs=spread)


def test_no_source_is_brighter_than_acis_bears(draws: list[population.Draw]) -> None:
    assert max(d.counts / d.exposure for d in draws) <= population.MAX_RATE * (1 + 1e-12)


def test_every_shape_is_drawn_with_its_own_parameters(draws: list[population.Draw]) -> None:
    assert {d.shape for d in draws} == set(SHAPES)
    for d in draws:
        assert np.isnan(d.gamma) == (d.shape != "powerlaw")
        assert np.isnan(d.kt) == (d.shape == "powerlaw")
        assert np.isnan(d.abundance) == (d.shape != "thermal")
        assert 0.01 <= d.nh <= 5.0
        assert d.shape != "blackbody" or d.nh <= 5 * d.kt
    assert np.mean([d.shape == "powerlaw" for d in draws]) == pytest.approx(0.5, abs=0.025)


def test_positions_cover_the_sky_evenly(draws: list[population.Draw]) -> None:
    north = np.mean([d.dec > 30 for d in draws])  # sin 30 deg = 1/2: a quarter of the sphere
    assert north == pytest.approx(0.25, abs=0.021)
    assert np.mean([d.ra < 90 for d in draws]) == pytest.approx(0.25, abs=0.021)


def test_aperture_grows_off_axis() -> None:
    areas = [population.aperture_area(theta) for theta in (0.0, 4.0, 8.0, 14.0)]
    assert (np.diff(areas) > 0).all()
    assert areas[0] == pytest.approx(4 * np.pi)


def test_background_scales_with_aperture_and_exposure(draws: list[population.Draw]) -> None:
    from dataclasses import replace

    d = replace(draws[0], chip="BI", theta=2.0, exposure=1e4, epoch=3.2, particle=1.0, sky=0.0)
    base = population.background(d)
    assert (base > 0).all()
    np.testing.assert_allclose(population.background(replace(d, exposure=3e4)), 3 * base)
    grown = population.aperture_area(10.0) / population.aperture_area(2.0)
    np.testing.assert_allclose(population.background(replace(d, theta=10.0)), grown * base)


@pytest.mark.parametrize(("chip", "lo", "hi"), [("FI", 0.15, 0.6), ("BI", 0.4, 1.5)])
def test_background_rate_of_a_whole_chip(chip: str, lo: float, hi: float) -> None:
    """Counts s^-1 in 0.3-10 keV over 8.3 x 8.3 arcmin, near those of the Proposers' Observatory Guide."""
    r = response.acis_response(chip, 3.0, 0.0)
    channels = r.redistribution
    inside = (channels.channel_lo > 0.3) & (channels.channel_hi < 10)
    rate = population.particle_background(channels.channel_lo, channels.channel_hi, chip)
    rate = rate + population.sky_background(channels, r.area)
    assert lo < rate[inside].sum() * (8.3 * 60) ** 2 < hi
