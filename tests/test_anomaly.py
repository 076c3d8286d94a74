"""Anomaly scores by method."""

import naive
import numpy as np
import pytest
from chandra_embed.inference import anomaly_scores
from chandra_embed.inference.reference import Reference
from sklearn.ensemble import IsolationForest
from unit_rows import hard_rows, random_rows


def test_knn_is_the_distance_to_the_kth_nearest():
    x = hard_rows(200)
    expected = np.maximum(1 - naive.nearest_neighbors(x, 7)[1][:, -1], 0)
    assert np.array_equal(anomaly_scores(x, "knn", k=7), expected)
    assert (anomaly_scores(x, k=1) >= 0).all()


def test_knn_against_rows():
    x, y = random_rows(50, 6, 1), random_rows(80, 6, 2)
    expected = 1 - naive.nearest_neighbors(y, 80, x)[1][:, -1]
    assert np.array_equal(anomaly_scores(x, "knn", k=80, reference=y), expected)


def test_isolation_is_scikit_learns():
    x, y = random_rows(500, 6, 1), random_rows(400, 6, 2)
    model = IsolationForest(n_estimators=30, random_state=3)
    options = {"method": "isolation", "n_trees": 30, "random_state": 3}
    assert np.abs(anomaly_scores(x, **options) + model.fit(x).score_samples(x)).max() < 1e-6
    assert np.abs(anomaly_scores(x, **options, reference=y) + model.fit(y).score_samples(x)).max() < 1e-6


def test_degree_is_minus_the_degree():
    x = hard_rows(150)
    assert np.array_equal(anomaly_scores(x, "degree", threshold=0.5), -naive.degree(x, [0.5])[0])
    assert not np.signbit(anomaly_scores(np.eye(3), "degree")).any()


def test_reconstruction_errors_are_scores():
    errors = np.array([0.1, 0.0, 3.0], np.float32)
    found = anomaly_scores(errors, "reconstruction")
    assert np.array_equal(found, errors.astype(np.float64))
    assert found.dtype == np.float64


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1])
def test_a_reconstruction_error_that_is_none_is_named(value):
    with pytest.raises(ValueError, match="row 2 of x"):
        anomaly_scores([0.1, 0.2, value], "reconstruction")
    with pytest.raises(ValueError, match=r"shape \(n,\)"):
        anomaly_scores(np.eye(3), "reconstruction")


def test_a_frozen_reference_is_taken_as_it_is():
    x, y = random_rows(60, 6, 1), random_rows(400, 6, 2)
    reference = Reference.build(y, np.zeros(400), np.full(400, 99.0), np.arange(400), k=4, n_trees=20)
    assert np.array_equal(
        anomaly_scores(x, "isolation", random_state=9, reference=reference), reference.forest.score_samples(x)
    )
    assert np.array_equal(
        anomaly_scores(x, "knn", k=3, reference=reference),
        anomaly_scores(x, "knn", k=3, reference=reference.embedding),
    )


@pytest.mark.parametrize("method", ["degree", "reconstruction"])
def test_methods_without_a_reference_refuse_one(method):
    with pytest.raises(ValueError, match="takes no reference"):
        anomaly_scores(np.eye(3), method, reference=np.eye(3))


@pytest.mark.parametrize("k", [0, 3])
def test_k_out_of_range_is_refused(k):
    with pytest.raises(ValueError, match=f"k={k}"):
        anomaly_scores(np.eye(3), "knn", k=k)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="knn, isolation, degree, reconstruction"):
        anomaly_scores(np.eye(3), "lof")


@pytest.mark.parametrize("method", ["isolation", "degree"])
def test_no_rows_have_no_scores(method):
    assert anomaly_scores(np.zeros((0, 4)), method).shape == (0,)
