import naive
import numpy as np
import pytest
from chandra_embed.training.evaluation.narrowing import (
    centred,
    class_cosines,
    mean_cosines,
    neighbour_spread,
)
from chandra_embed.training.evaluation.retrieval import unit_rows

rng = np.random.default_rng(0)


@pytest.mark.parametrize("weight", [np.ones(40), rng.integers(0, 4, 40).astype(float)])
def test_cosines_are_those_of_the_slow_twin(weight):
    x, kind = unit_rows(rng.normal(size=(40, 5)) + 0.5), rng.integers(0, 4, 40)
    np.testing.assert_allclose(mean_cosines(x, kind, weight), naive.class_cosines(x, kind, weight))


def test_classes_of_one_source_have_no_pair_within():
    within, between = mean_cosines(unit_rows(rng.normal(size=(3, 4))), np.arange(3), np.ones(3))
    assert np.isnan(within)
    assert -1 <= between <= 1
    within, between = mean_cosines(np.eye(3), np.zeros(3, np.intp), np.ones(3))
    assert within == 0
    assert np.isnan(between)


def test_planted_classes_are_nearer_within():
    kind = np.repeat(["a", "b", ""], 60)
    centre = np.repeat([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], 60, axis=0)
    x = centre + 0.3 * rng.normal(size=(180, 4))
    found = class_cosines(x, kind)
    assert found.gap.low95 > 0.3
    assert found.within.low95 < found.within.value < found.within.high95
    assert found.gap.value == pytest.approx(found.within.value - found.between.value)
    index = (kind[:120] == "b").astype(int)
    within, between = naive.class_cosines(unit_rows(x[:120]), index, np.ones(120))
    assert (found.within.value, found.between.value) == pytest.approx((within, between))
    mixed = class_cosines(x[:120], rng.permutation(kind[:120]))
    assert mixed.gap.low95 < 0 < mixed.gap.high95


def test_without_two_classes_there_is_nothing_to_compare():
    x = rng.normal(size=(6, 3))
    assert class_cosines(x, np.full(6, "a")) is None
    assert class_cosines(x, np.full(6, "")) is None
    assert class_cosines(x, np.array(["a", "a", "a", "a", "a", "b"])) is None


@pytest.mark.parametrize("k", [2, 5, 10])
def test_the_spread_is_that_of_the_slow_twin(k):
    x, value = rng.normal(size=(60, 4)), rng.normal(size=60)
    np.testing.assert_allclose(neighbour_spread(x, value, k), naive.neighbour_spread(x, value, k))


def test_the_spread_of_many_rows_goes_through_every_block():
    angle = rng.permutation(np.linspace(0, np.pi / 2, 2100))
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = neighbour_spread(x, angle, 4)
    inner = (angle > 0.01) & (angle < 1.56)
    step = np.pi / 2 / 2099
    # two neighbours on each side: -2, -1, 1, 2 steps
    np.testing.assert_allclose(found[inner], step * np.sqrt(10 / 3), rtol=1e-4)


def test_neighbours_by_the_value_itself_spread_less():
    value = rng.normal(size=400)
    by_value = np.stack([np.cos(value), np.sin(value)], axis=1)
    blind = rng.normal(size=(400, 2))
    assert neighbour_spread(by_value, value).mean() < 0.3 * neighbour_spread(blind, value).mean()
    assert neighbour_spread(blind, np.full(400, 2.0)).max() == 0


def test_bad_input_of_the_spread_is_named():
    x = rng.normal(size=(10, 2))
    for k in (1, 10):
        with pytest.raises(ValueError, match=f"k={k}"):
            neighbour_spread(x, np.ones(10), k)
    with pytest.raises(ValueError, match="row 3 of the values"):
        neighbour_spread(x, np.where(np.arange(10) == 3, np.nan, 1.0), 3)


def test_rows_are_centred_on_others():
    x = rng.normal(size=(20, 3)) + 7
    x[4] = np.nan
    base = np.concatenate([np.full((5, 3), 7.0), [[np.nan] * 3]])
    found = centred(x, base)
    assert np.isnan(found[4]).all()
    keep = np.arange(20) != 4
    np.testing.assert_allclose(found[keep], unit_rows(x[keep] - 7))
