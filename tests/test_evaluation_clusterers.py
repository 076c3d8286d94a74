import numpy as np
import pytest
from chandra_embed.training.evaluation import clusterers
from chandra_embed.training.evaluation.assignment import balanced_accuracy
from chandra_embed.training.evaluation.clusterers import ALGORITHMS, METHODS, SCALINGS, Method, cluster, scale


@pytest.fixture(autouse=True)
def limited():
    """Threads only wait for one another on so few rows."""
    with clusterers.one_thread():
        yield


def blobs(k=3, each=30, d=3, width=0.05, seed=0):
    rng = np.random.default_rng(seed)
    true = np.repeat(np.arange(k), each)
    # away from the origin in different directions, so that angles tell them apart too
    return 5 * np.eye(k, d)[true] + width * rng.normal(size=(len(true), d)), true


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_every_method_finds_blobs(method):
    x, true = blobs()
    found = method.runs(x, 3, (0, 1))
    assert found.dtype == np.int64
    assert found.shape == (2 if method.random else 1, len(x))
    for labels in found:
        assert balanced_accuracy(true, labels, 3) > 0.95


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_the_same_seed_gives_the_same_clusters(method):
    x, _ = blobs(width=3.0)
    np.testing.assert_array_equal(method.runs(x, 3, (4,)), method.runs(x, 3, (4,)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("scaling", SCALINGS)
def test_equal_rows_and_constant_columns_pass(algorithm, scaling):
    same = np.full((12, 3), 0.1)
    half = same.copy()
    half[6:, 1] = 7.3
    for x in (same, half):
        labels = Method(algorithm, scaling).runs(x, 2, (0,))[0]
        assert len(labels) == 12
        assert labels.min() >= -1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_as_many_clusters_as_rows(algorithm):
    x, _ = blobs(k=2, each=1)
    labels = cluster(x, 2, algorithm)
    assert set(labels) == ({-1} if algorithm == "HDBSCAN" else {0, 1})


def test_scalings():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 3)) @ np.array([[5, 0, 0], [1, 0.2, 0], [0, 0, 0.01]]) + 100
    standard, white, unit = (scale(x, name) for name in SCALINGS[1:])
    np.testing.assert_allclose(standard.std(axis=0), 1, rtol=1e-9)
    np.testing.assert_allclose(white.T @ white / 200, np.eye(3), atol=1e-8)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=1e-9)
    np.testing.assert_array_equal(scale(x, "as they are"), x)
    doubled = np.column_stack([x, x[:, 0]])
    assert scale(doubled, "whitened").shape == (200, 3)


def test_bad_input_is_refused():
    x, _ = blobs()
    spoiled = x.copy()
    spoiled[[7, 9], 2] = np.nan
    for method in METHODS[:2]:
        with pytest.raises(ValueError, match="row 7 is not finite; 2 such rows"):
            method.runs(spoiled, 3, (0,))
    with pytest.raises(ValueError, match="91 clusters of 90 rows"):
        cluster(x, 91, "k-means")
    with pytest.raises(ValueError, match="algorithm 'kmeans'"):
        cluster(x, 3, "kmeans")
    with pytest.raises(ValueError, match="scaling 'log'"):
        scale(x, "log")
    with pytest.raises(ValueError, match="shape"):
        scale(x[0], "unit")
