import numpy as np
import pytest
from chandra_embed.training.evaluation import forest
from chandra_embed.training.evaluation.forest import out_of_fold


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch):
    monkeypatch.setattr(forest, "TREES", 50)


def test_classes_that_differ_are_told_apart_and_rare_ones_are_not_lost():
    rng = np.random.default_rng(0)
    true = np.repeat([0, 1], [120, 12])
    x = rng.normal(size=(132, 2)) + 4 * true[:, None]
    source = np.array([f"s{i}" for i in range(132)])
    found = out_of_fold(x, true, source)
    assert min((found[true == c] == c).mean() for c in (0, 1)) > 0.8
    np.testing.assert_array_equal(found, out_of_fold(x, true, source))


def test_a_source_does_not_help_to_predict_itself():
    # rows of a source are equal and sources differ at random: only a leak between folds could tell the class
    rng = np.random.default_rng(1)
    source = np.repeat(np.arange(40), 5)
    true = (source % 2).astype(np.int64)
    x = rng.normal(size=(40, 6))[source]
    found = out_of_fold(x, true, source.astype(str))
    assert (found == true).mean() < 0.75


def test_what_cannot_be_predicted_is_refused():
    x, source = np.zeros((4, 1)), np.array(["a", "a", "b", "c"])
    with pytest.raises(ValueError, match="two sources each"):
        out_of_fold(x, np.array([0, 0, 1, 1]), source)
    with pytest.raises(ValueError, match="two classes"):
        out_of_fold(x, np.zeros(4, np.int64), source)
    with pytest.raises(ValueError, match="row 1 is not finite"):
        out_of_fold(np.array([[0.0], [np.inf], [0], [0]]), np.array([0, 0, 1, 1]), source)
