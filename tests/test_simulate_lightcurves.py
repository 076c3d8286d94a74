"""Light curves of simulated sources: shapes, ranges, and which sources show them."""

import math
from collections import Counter

import numpy as np
import pytest
from chandra_embed.inference.simulate.class_ranges import POPULATIONS
from chandra_embed.inference.simulate.lightcurves import (
    HABITS,
    KINDS,
    RISE,
    LightCurveShape,
    draw_light_curve,
)

TIME = np.linspace(-1e4, 6e4, 7001)


def drawn(kind: str, population: str, n: int, var_prob: float = math.nan) -> list[LightCurveShape]:
    rng = np.random.default_rng(0)
    return [draw_light_curve(kind, population, rng, var_prob, 3e4) for _ in range(n)]


@pytest.mark.parametrize(
    "shape",
    [
        LightCurveShape(),
        LightCurveShape("flare", 5.0, math.nan, 2e4, 3e3),
        LightCurveShape("dip", 0.9, math.nan, 2e4, 8e3),
        LightCurveShape("dip", 0.5, 1e4, 2e3, 3e3),
        LightCurveShape("eclipse", 0.95, 1.5e4, 1e3, 2e3),
        LightCurveShape("periodic", 0.8, 7e3, 500.0),
    ],
    ids=lambda s: s.kind,
)
def test_rates_are_bounded(shape: LightCurveShape) -> None:
    rate = shape.rate(TIME)
    assert rate.shape == TIME.shape
    assert rate.min() >= 0
    assert rate.max() <= shape.greatest * (1 + 1e-12)
    assert rate.max() >= shape.greatest * 0.98  # not needlessly above: rejection stays fast


def test_a_flare_rises_fast_and_decays() -> None:
    shape = LightCurveShape("flare", 5.0, math.nan, 2e4, 3e3)
    at = shape.rate(np.array([2e4 - 3e3 * RISE, 2e4, 2e4 + 3e3, -1e6, 1e6]))
    np.testing.assert_allclose(at, [1 + 4 / math.e, 5, 1 + 4 / math.e, 1, 1])


def test_dips_and_eclipses_take_their_part() -> None:
    eclipse = LightCurveShape("eclipse", 0.9, 1e4, 2e3, 1e3)
    np.testing.assert_allclose(
        eclipse.rate(np.array([2e3, 1.2e4, 1.2e4 + 499, 1.2e4 + 501, 7e3])), [0.1, 0.1, 0.1, 1, 1]
    )
    once = LightCurveShape("dip", 0.8, math.nan, 2e4, 4e3)
    np.testing.assert_allclose(
        once.rate(np.array([2e4, 1.8e4, 2.2e4, 3e4, 2.1e4])), [0.2, 1, 1, 1, 1 - 0.8 * math.sqrt(0.5)]
    )


def test_a_period_comes_again() -> None:
    shape = LightCurveShape("periodic", 0.6, 700.0, 100.0)
    np.testing.assert_allclose(shape.rate(TIME), shape.rate(TIME + 7000.0), atol=1e-9)
    assert shape.rate(np.array([100.0]))[0] == pytest.approx(1.6)


def test_habits_are_of_known_populations_and_shares_leave_room() -> None:
    assert set(HABITS) == {*POPULATIONS, ""}
    for kind, of_class in HABITS.items():
        assert set(of_class) <= {"", *(p.name for p in POPULATIONS.get(kind, ()))}
        for habits in of_class.values():
            assert sum(h.share for h in habits) < 1
            for h in habits:
                assert h.kind in KINDS[1:]
                assert 0 < h.amplitude[0] < h.amplitude[1]
                assert 0 < h.time[0] < h.time[1]
                assert h.kind == "flare" or h.amplitude[1] < 1  # never quite dark: no endless rejection


@pytest.mark.parametrize("kind", sorted(POPULATIONS))
def test_every_population_draws_within_its_ranges(kind: str) -> None:
    for p in POPULATIONS[kind]:
        habits = HABITS[kind].get(p.name, HABITS[kind][""])
        for s in drawn(kind, p.name, 150):
            if s.kind == "constant":
                assert (s.amplitude, s.start) == (0.0, 0.0)
                assert math.isnan(s.period)
                continue
            scale = s.length if s.kind == "flare" or math.isnan(s.period) else s.period
            assert any(
                h.kind == s.kind
                and h.amplitude[0] <= s.amplitude <= h.amplitude[1]
                and h.time[0] <= scale <= h.time[1]
                for h in habits
            )


def test_shares_are_those_stated() -> None:
    n = 4000
    seen = Counter(s.kind for s in drawn("LMXB", "edge-on", n))
    assert seen["dip"] / n == pytest.approx(0.55, abs=0.03)
    assert seen["eclipse"] / n == pytest.approx(0.30, abs=0.03)
    assert seen["constant"] / n == pytest.approx(0.15, abs=0.03)
    assert {s.kind for s in drawn("NS", "pulsar with nebula", 200)} == {"constant"}


def test_the_catalog_turns_the_odds() -> None:
    n = 2000
    share = [
        sum(s.kind != "constant" for s in drawn("LM-STAR", "active", n, p)) / n for p in (0.5, math.nan, 0.95)
    ]
    assert share[1] == pytest.approx(0.15, abs=0.03)
    for factor, got in zip((0.3, 20.0), (share[0], share[2]), strict=True):
        assert got == pytest.approx(factor * 0.15 / (0.85 + factor * 0.15), abs=0.03)
    # a sub-population without habits varies somehow where the catalog says so
    assert any(s.kind != "constant" for s in drawn("NS", "pulsar with nebula", 50, 0.99))


def test_draws_stay_in_step() -> None:
    a, b = np.random.default_rng(1), np.random.default_rng(1)
    draw_light_curve("NS", "pulsar with nebula", a, math.nan, 1e4)
    draw_light_curve("YSO", "flaring", b, 0.99, 1e4)
    assert a.random() == b.random()


def test_unknown_class() -> None:
    with pytest.raises(ValueError, match="class 'QSO'"):
        draw_light_curve("QSO", "", np.random.default_rng(0), math.nan, 1e4)
