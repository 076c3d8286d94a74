"""Rare sources: inside the limits, repeatable, and what they say of themselves."""

import numpy as np
import pytest
from chandra_embed.inference.hardness import hardness_columns
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.simulate import rare
from chandra_embed.inference.simulate.rare import KINDS, Limits, hardness_ratios, simulate_rare
from chandra_embed.inference.simulate.spectra import simulate_row
from scipy.integrate import quad

RECIPE = Recipe()
WIDE = Limits((40.0, 3000.0), (-1.0, 0.99), (-1.0, 0.9), (-0.99, 0.99))


@pytest.fixture(scope="module")
def made():
    return {kind: list(simulate_rare(kind, 6, 3, RECIPE, WIDE)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_lie_inside_and_say_what_they_are(made, kind):
    for row in made[kind]:
        assert WIDE.hold(row.detection)
        assert row.detection["class"] == f"rare: {kind}"
        assert row.detection["obs_id"] == "simulated"
        assert row.truth["population"] == kind
        assert len(row.events) == row.observation.counts.sum()
        np.testing.assert_allclose(row.events.livetime, row.observation.exposure)
    assert len({row.detection["source_id"] for row in made[kind]}) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_depends_on_seed_kind_and_number_alone(made, kind):
    again = list(simulate_rare(kind, 3, 3, RECIPE, WIDE))
    for one, other in zip(again, made[kind], strict=False):
        np.testing.assert_array_equal(one.value, other.value)
        np.testing.assert_array_equal(one.events.time, other.events.time)
        assert repr(one.detection) == repr(other.detection)
    (other,) = simulate_rare(kind, 1, 4, RECIPE, WIDE)
    assert other.truth["nh"] != made[kind][0].truth["nh"]


def test_each_kind_emits_and_varies_as_it_should(made):
    soft, young, ulx = made["supersoft"], made["flaring YSO"], made["ULX-like"]
    assert all(0.03 <= row.truth["kt"] <= 0.12 for row in soft)
    assert all(row.truth["light_curve"] == "constant" for row in soft)
    assert max(row.detection["hard_hs"] for row in soft) < 0
    assert all(3 <= row.truth["kt2"] <= 10 for row in young)
    assert all(row.truth["light_curve"] == "flare" and row.truth["amplitude"] >= 15 for row in young)
    assert np.median([row.detection["var_prob_b"] for row in young]) > 0.9
    assert {row.truth["light_curve"] for row in ulx} <= {"dip", "flare"}
    assert np.median([row.detection["hard_hs"] for row in ulx]) > 0
    assert all("cutoff powerlaw" in row.truth["shape"] for row in ulx)


def test_hardness_is_that_of_the_slow_function():
    for row in range(4):
        observation = simulate_row(row, 8, RECIPE).observation
        slow = hardness_columns(observation)
        assert hardness_ratios(observation) == {
            name: slow[name] for name in ("hard_hs", "hard_hm", "hard_ms")
        }


def test_a_disc_is_the_sum_of_its_rings():
    energy, kt = np.array([0.3, 1.0, 4.0]), 0.3

    def rings(e):
        return quad(lambda x: x ** (-11 / 3) * e**2 / np.expm1(e / (kt * x)), 0.02, 1, epsabs=0)[0]

    found = rare.disc_blackbody(energy, kt)
    np.testing.assert_allclose(found / found[1], [rings(e) / rings(1.0) for e in energy], rtol=2e-3)
    # below the inner temperature the rings add up to a photon index of 2/3
    low = np.array([0.1, 0.12])
    slope = np.diff(np.log(rare.disc_blackbody(low, 1.0))) / np.diff(np.log(low))
    assert slope[0] == pytest.approx(-2 / 3, abs=0.1)


def test_a_cut_off_bends_a_power_law():
    energy = np.array([1.0, 2.0, 6.0])
    straight = energy**-1.2
    bent = rare.cutoff_powerlaw(energy, 1.2, 4.0)
    np.testing.assert_allclose(bent / straight, np.exp(-energy / 4))


def test_limits_are_percentiles_and_what_is_not_defined_is_no_hindrance():
    values = np.arange(101.0)
    columns = dict.fromkeys(("net_counts", "hard_hs", "hard_hm", "hard_ms"), values)
    columns["hard_hm"] = np.append(values, np.nan)
    limits = Limits.measure(columns, (10, 90))
    assert limits.net_counts == limits.hard_hm == (10, 90)
    inside = dict.fromkeys(columns, 10.0)
    assert limits.hold(inside)
    assert limits.hold(inside | {"hard_ms": float("nan")})
    assert not limits.hold(inside | {"hard_ms": 90.5})
    assert not limits.hold(inside | {"net_counts": 9.0})


def test_what_cannot_be_is_refused(monkeypatch):
    with pytest.raises(ValueError, match=r"kind 'quasar': give one of ULX-like, supersoft, flaring YSO"):
        list(simulate_rare("quasar", 1, 0, RECIPE, WIDE))
    monkeypatch.setattr(rare, "_TRIES", 3)
    nowhere = Limits((1e6, 2e6), (-1, 1), (-1, 1), (-1, 1))
    with pytest.raises(ValueError, match="none of 3 sources of kind 'supersoft' lies inside"):
        list(simulate_rare("supersoft", 1, 0, RECIPE, nowhere))
