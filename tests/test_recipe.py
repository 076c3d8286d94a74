"""The recipe: its fingerprint is for ever, its grid exact at both ends."""

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.recipe import Recipe, recipe_from_json


def test_the_default_fingerprint_is_for_ever() -> None:
    assert Recipe().to_json() == (
        '{"energy_hi":8.0,"energy_lo":0.5,"group_min":5,"n_bins":400,"quantity":"rate","version":1}'
    )
    assert Recipe().fingerprint == "30eb22f81cbe9a37fa3802cd448006ea5c3fbf3503825204a6f52dd0d9bfcb78"


def test_every_setting_changes_the_fingerprint() -> None:
    changed = [
        Recipe(quantity="flux"),
        Recipe(group_min=6),
        Recipe(energy_lo=0.4),
        Recipe(n_bins=200),
        Recipe(version=2),
    ]
    assert len({r.fingerprint for r in [Recipe(), *changed]}) == 6


def test_grid() -> None:
    edges = Recipe().energy_edges()
    assert edges.shape == (401,)
    assert (edges[0], edges[-1]) == (0.5, 8.0)
    np.testing.assert_allclose(np.diff(np.log(edges)), np.log(16) / 400, rtol=1e-9)


def test_round_trip_and_refusals() -> None:
    assert recipe_from_json(Recipe(group_min=7).to_json()) == Recipe(group_min=7)
    for text in ('{"quantity":"rate","colour":1}', "not json", "[]"):
        with pytest.raises(ChandraEmbedError):
            recipe_from_json(text)
    with pytest.raises(ChandraEmbedError):
        Recipe(quantity="counts")
    with pytest.raises(ChandraEmbedError):
        Recipe(group_min=0)
