"""The classifier that was shown rare sources: it finds what can be told apart, and no row is shown to it."""

import numpy as np
import pytest
from chandra_embed.training.evaluation import shown
from chandra_embed.training.evaluation.shown import shown_scores

N, EACH = 900, 40


def rows(apart, seed=0):
    rng = np.random.default_rng(seed)
    kind = np.array([""] * N + ["one"] * EACH + ["two"] * EACH)
    x = rng.normal(size=(len(kind), 4))
    x[kind == "one", 2] += apart
    return x, 10 ** rng.uniform(1.6, 3, len(kind)), kind


def found(score, kind, name):
    """Return the share of a kind above 98 % of the normal rows."""
    return (score[kind == name] > np.quantile(score[kind == ""], 0.98)).mean()


def test_what_stands_apart_is_found_and_the_rest_is_not():
    x, counts, kind = rows(6.0)
    score = shown_scores(x, counts, kind)
    assert found(score, kind, "one") > 0.9
    assert found(score, kind, "two") < 0.2


def test_no_row_is_scored_by_a_classifier_that_saw_it():
    x, counts, kind = rows(0.0)
    score = shown_scores(x, counts, kind)
    assert found(score, kind, "one") < 0.2


def test_counts_stand_beside_and_gaps_are_legal():
    x, counts, kind = rows(0.0)
    counts[kind == "two"] = 2000.0
    x[::7, 1] = np.nan
    score = shown_scores(x, counts, kind)
    assert found(score, kind, "two") > 0.9


def test_the_same_each_time_and_few_normal_rows(monkeypatch):
    x, counts, kind = rows(6.0)
    monkeypatch.setattr(shown, "SHOWN_NORMALS", 200)
    score = shown_scores(x, counts, kind)
    np.testing.assert_array_equal(score, shown_scores(x, counts, kind))
    assert found(score, kind, "one") > 0.8
    assert score.shape == (len(kind),)
    assert shown_scores(x[:, :1], counts, kind)[0] != pytest.approx(score[0])
