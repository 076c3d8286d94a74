"""Rows of events: counts against a plain loop, gaps, edges, and the recipe's fingerprint."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.event_list import EventList
from chandra_embed.inference.event_map import EventRecipe, event_map, event_maps, event_recipe_from_json

SMALL = {"bins_per_band": 4, "parts_per_band": 2, "time_bins": 8}
RECIPES = [EventRecipe("map", **SMALL), EventRecipe("cube", **SMALL), EventRecipe()]


def drawn(n: int, seed: int = 0) -> EventList:
    """Three good time intervals with gaps, energies wider than 0.5-7.0 keV, some of them on band edges."""
    rng = np.random.default_rng(seed)
    gti = np.array([[0.0, 50.0], [80.0, 100.0], [100.0, 130.0]])
    time = np.sort(np.concatenate([rng.uniform(low, high, n) for low, high in gti]))
    energy = rng.uniform(0.1, 9, 3 * n).astype(np.float32)
    energy[::7] = rng.choice(np.array([0.5, 1.2, 2.0, 7.0], np.float32), len(energy[::7]))
    return EventList(time, energy, gti)


def naive(events: EventList, recipe: EventRecipe) -> np.ndarray:
    """One event after the other."""
    edges = recipe.energy_edges().astype(np.float32)
    table = np.zeros(recipe.shape)
    histogram = np.zeros(recipe.energy_bins)
    kept = []
    for t, e in zip(events.time, events.energy, strict=True):
        if not edges[0] <= e < edges[-1]:
            continue
        gone = sum(float(np.clip(t - low, 0, high - low)) for low, high in events.gti)
        kept.append((gone, max(k for k in range(recipe.energy_bins) if edges[k] <= e)))
    before = 0.0
    for gone, k in kept:
        time = min(int(gone / events.livetime * recipe.time_bins), recipe.time_bins - 1)
        gap = (gone - before) * (len(kept) / events.livetime)
        interval = sum(gap >= edge for edge in recipe.interval_edges) if recipe.kind == "cube" else 0
        table[k // (recipe.bins_per_band // recipe.parts_per_band), time, interval] += 1
        histogram[k] += 1
        before = gone
    live = events.livetime if kept else 0.0
    return np.concatenate([histogram, table.ravel(), [live]]).astype(np.float32)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("n", [0, 1, 40])
def test_equals_a_plain_loop(recipe, n):
    events = drawn(n)
    found = event_map(events, recipe)
    assert found.dtype == np.float32
    assert found.shape == (recipe.width,)
    assert np.array_equal(found, naive(events, recipe))
    assert found.tobytes() == event_map(events, recipe).tobytes()


def test_bands_are_sums_of_bins():
    events, recipe = drawn(300), EventRecipe()
    row = event_map(events, recipe)
    bands = row[: recipe.energy_bins].reshape(3, -1).sum(axis=1)
    assert bands.tolist() == [len(events.band(*b)) for b in ((0.5, 1.2), (1.2, 2.0), (2.0, 7.0))]
    assert row[recipe.energy_bins : -1].sum() == bands.sum()
    assert row[-1] == 100.0


def test_only_good_time_counts():
    energy = np.ones(5, np.float32)
    whole = EventList(np.array([1.0, 12, 20, 31, 39]), energy, np.array([[0.0, 40.0]]))
    cut = EventList(
        np.array([1.0, 12, 520, 531, 539]), energy, np.array([[0.0, 15.0], [515.0, 540.0]]), zero=5e8
    )
    for recipe in RECIPES:
        assert np.array_equal(event_map(whole, recipe), event_map(cut, recipe))


@pytest.mark.parametrize("recipe", RECIPES)
def test_nothing_in_band_gives_zeros(recipe):
    gti = np.array([[0.0, 10.0]])
    outside = EventList(np.arange(4.0), np.array([0.2, 7.0, np.nan, 12], np.float32), gti)
    empty = EventList(np.zeros(0), np.zeros(0, np.float32), gti)
    assert not event_maps([outside, empty], recipe).any()
    assert event_maps([], recipe).shape == (0, recipe.width)


def test_events_at_one_moment_and_at_the_very_end():
    recipe = RECIPES[1]
    events = EventList(np.full(3, 10.0), np.full(3, 1.0, np.float32), np.array([[0.0, 10.0]]))
    table = event_map(events, recipe)[recipe.energy_bins : -1].reshape(recipe.shape)
    assert table[:, -1].sum() == 3
    assert table[1, -1].tolist() == [2, 0, 0, 0, 0, 1]  # one long wait, then none


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe_comes_back_from_json(recipe):
    assert event_recipe_from_json(recipe.to_json()) == recipe
    assert event_recipe_from_json(json.dumps(asdict(recipe))).fingerprint == recipe.fingerprint
    assert len({each.fingerprint for each in RECIPES}) == len(RECIPES)


def test_energy_edges_stand_on_band_edges():
    edges = EventRecipe().energy_edges()
    assert len(edges) == EventRecipe().energy_bins + 1
    assert (np.diff(edges) > 0).all()
    assert edges[::10].tolist() == [0.5, 1.2, 2.0, 7.0]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"kind": "set", "interval_edges": []}', '{"new": 1}'])
def test_text_that_is_no_recipe(text):
    with pytest.raises(ChandraEmbedError, match=r"recipe|kind"):
        event_recipe_from_json(text)


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ({"kind": "set"}, "kind 'set'"),
        ({"time_bins": 48}, "power of two"),
        ({"bins_per_band": 0}, "bins_per_band 0"),
        ({"bins_per_band": 5}, "divisor"),
        ({"interval_edges": (1.0, 0.5)}, "interval_edges"),
        ({"interval_edges": (0.0, 0.5)}, "interval_edges"),
    ],
)
def test_bad_recipes_are_refused(setting, match):
    with pytest.raises(ChandraEmbedError, match=match):
        EventRecipe(**setting)
