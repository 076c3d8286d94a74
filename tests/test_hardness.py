"""Hardness ratios: their sign, their limits, and what is missing without an effective area."""

import numpy as np
import pytest
from chandra_embed.inference.hardness import hardness_columns
from chandra_embed.inference.preprocess import Observation

LO = np.arange(1024) * 0.0146
AREA = {"area_lo": np.array([0.1, 2.0]), "area_hi": np.array([2.0, 12.0]), "area": np.array([400.0, 200.0])}


def observation(soft: float, hard: float, **more: object) -> Observation:
    counts = np.zeros(1024)
    counts[50], counts[300] = soft, hard  # 0.73 and 4.4 keV
    return Observation(counts=counts, exposure=1e4, energy_lo=LO, energy_hi=LO + 0.0146, **(AREA | more))


def test_ratio_is_of_photon_fluxes() -> None:
    found = hardness_columns(observation(100, 100))
    assert found["hard_hs"] == pytest.approx((100 / 200 - 100 / 400) / (100 / 200 + 100 / 400), rel=1e-6)
    assert found["hard_ms"] == -1.0
    assert found["hard_hm"] == 1.0


def test_limits_hold_the_ratio_and_shrink_with_counts() -> None:
    widths = []
    for n in (10, 1000):
        found = hardness_columns(observation(n, n))
        assert -1 <= found["hard_hs_lolim"] < found["hard_hs"] < found["hard_hs_hilim"] <= 1
        widths.append(found["hard_hs_hilim"] - found["hard_hs_lolim"])
    assert widths[1] < widths[0] / 5


def test_coverage_of_the_interval() -> None:
    """Over drawn counts, the 68 % interval holds the true ratio about 68 % of the time."""
    rng = np.random.default_rng(7)
    truth = (60 / 200 - 60 / 400) / (60 / 200 + 60 / 400)
    inside = 0
    for _ in range(150):
        found = hardness_columns(observation(rng.poisson(60), rng.poisson(60)))
        inside += found["hard_hs_lolim"] <= truth <= found["hard_hs_hilim"]
    assert 0.55 < inside / 150 < 0.80


def test_background_is_subtracted_and_widens() -> None:
    background = np.zeros(1024)
    background[300] = 400.0
    plain, net = observation(100, 140), observation(100, 140, background=background, scale=0.1)
    a, b = hardness_columns(plain), hardness_columns(net)
    assert b["hard_hs"] == pytest.approx(hardness_columns(observation(100, 100))["hard_hs"])
    assert b["hard_hs_hilim"] - b["hard_hs_lolim"] > 0
    assert b["hard_hs"] < a["hard_hs"]


def test_background_rates_use_their_own_errors() -> None:
    rate = np.full(1024, 1e-6)
    o = observation(1000, 1000, background=rate, scale=1e4, background_error=rate / 10)
    found = hardness_columns(o)
    assert found["hard_hs_hilim"] - found["hard_hs_lolim"] < 0.1


def test_background_above_the_source_stays_finite() -> None:
    o = observation(1, 1, background=np.full(1024, 50.0), scale=1.0)
    found = hardness_columns(o)
    assert np.isnan(found["hard_hs"])
    assert found["hard_hs_lolim"] <= found["hard_hs_hilim"]


def test_missing_without_area() -> None:
    o = Observation(counts=np.ones(1024), exposure=1.0, energy_lo=LO, energy_hi=LO + 0.0146)
    assert len(hardness_columns(o)) == 9
    assert all(np.isnan(v) for v in hardness_columns(o).values())


def test_the_same_every_time() -> None:
    assert hardness_columns(observation(7, 9)) == hardness_columns(observation(7, 9))


def test_a_band_that_the_arf_does_not_cover_has_no_ratio() -> None:
    short = {"area_lo": np.array([0.1]), "area_hi": np.array([4.0]), "area": np.array([400.0])}
    found = hardness_columns(observation(100, 100, **short))
    assert np.isnan(found["hard_hs"])
    assert np.isnan(found["hard_hm_lolim"])
    assert found["hard_ms"] == -1.0
