"""All the scores that planted sources are looked for with, and where they come from."""

from dataclasses import replace

import numpy as np
import pytest
from chandra_embed.inference.reference import Reference
from chandra_embed.training.evaluation.planted import Planted
from chandra_embed.training.evaluation.rare_scores import frozen_scores, rare_scores
from chandra_embed.training.evaluation.strangeness import Space

METHODS = {"knn", "isolation", "mahalanobis", "combination", "shown such sources"}


@pytest.fixture(scope="module")
def planted():
    rng = np.random.default_rng(0)
    kind = np.array([""] * 400 + ["flaring"] * 20)
    n = len(kind)
    x = rng.normal(size=(n, 5))
    unit = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    hardness = rng.uniform(-1, 1, (n, 3))
    hardness[5, 1] = np.nan
    variability = np.where(kind == "", rng.uniform(0, 5, n), 9.0)
    variability[7] = np.nan
    counts = rng.uniform(40, 900, n)
    source = np.array([f"s{i}" for i in range(n)])
    return Planted({"spectrum": unit}, rng.random(n), counts, hardness, kind, source, {}, variability)


def test_every_space_has_its_methods_and_all_rows_are_scored(planted):
    scores, spectrum = rare_scores(planted, None)
    assert {method for space, method in scores if space == "spectrum"} == METHODS
    assert {method for space, method in scores if space == "hardness"} == METHODS
    assert {method for space, method in scores if space == "measured"} == {
        "variability",
        "shown such sources",
    }
    for score in scores.values():
        assert score.shape == (len(planted.kind),)
        assert np.isfinite(score).all()
    own = Space(planted.embedding["spectrum"][planted.normal])
    np.testing.assert_array_equal(spectrum.own["knn"], own.own["knn"])
    rare = own.score(planted.embedding["spectrum"][~planted.normal])
    np.testing.assert_array_equal(scores["spectrum", "mahalanobis"][~planted.normal], rare["mahalanobis"])
    np.testing.assert_array_equal(scores["spectrum", "knn"][planted.normal], own.own["knn"])


def test_variability_is_what_was_measured_and_nothing_where_it_was_not(planted):
    scores, _ = rare_scores(planted, None)
    assert scores["measured", "variability"][7] == -1
    assert scores["measured", "variability"][~planted.normal].min() == 9
    unknown, _ = rare_scores(replace(planted, variability=None), None)
    assert not [space for space, _ in unknown if space == "measured"]


def test_a_frozen_reference_adds_its_score(planted):
    rows = planted.normal
    frozen = Reference.build(
        planted.embedding["spectrum"][rows],
        planted.reconstruction_error[rows],
        planted.net_counts[rows],
        planted.source_id[rows],
        n_trees=10,
    )
    scores, _ = rare_scores(planted, frozen)
    np.testing.assert_array_equal(
        scores["spectrum", "frozen reference"], frozen_scores(planted, frozen)["anomaly"]
    )
