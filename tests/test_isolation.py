"""Isolation forests: parity with scikit-learn, and their frozen form."""

import numpy as np
import pytest
from chandra_embed.inference.isolation import Forest, fit_forest, flatten
from sklearn.ensemble import IsolationForest
from unit_rows import hard_rows, random_rows


@pytest.mark.parametrize("n", [1, 2, 3, 100, 1000])
@pytest.mark.parametrize("seed", [0, 7])
def test_scores_are_scikit_learns(n, seed):
    x = hard_rows(1000, 8)[:n]
    model = IsolationForest(n_estimators=50, random_state=seed).fit(x)
    probe = random_rows(500, 8, 5)
    expected = -model.score_samples(probe)
    assert np.abs(flatten(model).score_samples(probe) - expected).max() < 1e-6
    assert np.array_equal(fit_forest(x, 50, seed).score_samples(probe), flatten(model).score_samples(probe))


def test_an_outlier_scores_highest():
    x = random_rows(400, 5, shift=2.0)
    x[123] *= -1
    score = fit_forest(x).score_samples(x)
    assert score.argmax() == 123
    assert ((score > 0) & (score < 1)).all()


def test_the_seed_decides():
    x = random_rows(400, 5)
    one, same, other = (fit_forest(x, 20, seed).score_samples(x) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_trees_go_through_arrays_unchanged():
    x = random_rows(300, 5)
    forest = fit_forest(x, 10)
    again = Forest.from_arrays(forest.to_arrays())
    assert np.array_equal(forest.score_samples(x), again.score_samples(x))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("left", lambda a: a * 0),
        ("right", lambda a: a + a.size),
        ("feature", lambda a: a + 100),
        ("feature", lambda a: a.astype("i8")),
        ("feature", lambda a: a[:0]),
        ("path", lambda a: a[:-1]),
        ("path", lambda a: a * np.nan),
        ("roots", lambda a: a - 1),
        ("roots", lambda a: a + 10**9),
        ("samples", lambda a: 0),
    ],
)
def test_trees_that_do_not_fit_are_refused(name, change):
    arrays = fit_forest(random_rows(300, 5), 10).to_arrays()
    arrays[name] = change(arrays[name])
    with pytest.raises(ValueError, match="trees:"):
        Forest.from_arrays(arrays)


def test_missing_arrays_are_refused():
    arrays = fit_forest(random_rows(30, 5), 10).to_arrays()
    with pytest.raises(ValueError, match="'path' is missing"):
        Forest.from_arrays({name: value for name, value in arrays.items() if name != "path"})


@pytest.mark.parametrize(
    ("x", "n_trees"), [(np.zeros((0, 3)), 5), (np.zeros((3, 0)), 5), (np.zeros((3, 3)), 0)]
)
def test_nothing_to_fit_is_refused(x, n_trees):
    with pytest.raises(ValueError, match="at least"):
        fit_forest(x, n_trees)


def test_rows_are_checked():
    forest = fit_forest(random_rows(30, 5), 10)
    with pytest.raises(ValueError, match="6 columns"):
        forest.score_samples(np.zeros((3, 6)))
    with pytest.raises(ValueError, match="row 1 of x"):
        forest.score_samples([[0] * 5, [np.nan] * 5])


def test_trees_too_deep_to_be_filled_up_are_refused():
    n = 40  # a chain: every right child splits again
    inner = np.arange(n)
    arrays = {
        "feature": np.concatenate([np.zeros(n), np.full(n + 1, -1)]).astype("i4"),
        "threshold": np.zeros(2 * n + 1),
        "left": np.concatenate([n + inner, np.zeros(n + 1)]).astype("i4"),
        "right": np.concatenate([inner[:-1] + 1, [2 * n], np.zeros(n + 1)]).astype("i4"),
        "path": np.ones(2 * n + 1),
        "roots": np.array([0]),
        "samples": 256,
        "columns": 1,
    }
    with pytest.raises(ValueError, match="40 levels deep, at most 16"):
        Forest.from_arrays(arrays)
