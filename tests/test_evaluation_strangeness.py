"""Scores against normal rows, beside the plain definition."""

import numpy as np
import pytest
from chandra_embed.training.evaluation.strangeness import HardnessSpace, Space, in_top


def unit(n, d, seed):
    x = np.random.default_rng(seed).normal(size=(n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def test_distances_in_an_embedding():
    normal, other = unit(60, 4, 0), unit(5, 4, 1)
    space = Space(normal)
    cosine = normal.astype(float) @ normal.T.astype(float)
    np.fill_diagonal(cosine, -np.inf)
    np.testing.assert_allclose(space.own["knn"], 1 - np.sort(cosine, axis=1)[:, -10], atol=1e-6)
    cosine = other.astype(float) @ normal.T.astype(float)
    np.testing.assert_allclose(space.score(other)["knn"], 1 - np.sort(cosine, axis=1)[:, -10], atol=1e-6)


def test_distances_between_hardness_ratios():
    rng = np.random.default_rng(0)
    normal, other = rng.normal(2, [1, 5, 0.1], (60, 3)), rng.normal(2, [1, 5, 0.1], (5, 3))
    normal[3, 1] = other[0, 2] = np.nan
    mean, sigma = np.nanmean(normal, axis=0), np.nanstd(normal, axis=0)
    a, b = (np.nan_to_num((x - mean) / sigma) for x in (normal, other))
    space = HardnessSpace(normal)
    apart = np.linalg.norm(b[:, None] - a[None], axis=2)
    np.testing.assert_allclose(space.score(other)["knn"], np.sort(apart, axis=1)[:, 9])
    apart = np.linalg.norm(a[:, None] - a[None], axis=2)
    np.testing.assert_allclose(space.own["knn"], np.sort(apart, axis=1)[:, 10])  # 0 is the row itself


def test_distances_from_the_middle():
    rng = np.random.default_rng(5)
    normal, other = unit(4000, 3, 6), unit(5, 3, 7)
    space = Space(normal)
    apart = other.astype(float) - normal.mean(axis=0)
    wanted = np.einsum("ij,jk,ik->i", apart, np.linalg.inv(np.cov(normal.T, bias=True)), apart)
    np.testing.assert_allclose(space.score(other)["mahalanobis"], wanted, rtol=0.05)  # shrunk
    assert space.own["mahalanobis"].mean() == pytest.approx(3, rel=0.02)
    ratios = np.tanh(rng.normal(size=(2000, 3)) @ [[1, 0.9, 0], [0, 0.3, 0], [0, 0, 1]])
    ratios[3, 1] = np.nan
    found = HardnessSpace(ratios).score(np.array([[0.9, -0.9, 0], [0.9, 0.9, 0], [1, 0.9, np.nan]]))
    assert found["mahalanobis"][0] > 3 * found["mahalanobis"][1]
    assert np.isfinite(found["mahalanobis"]).all()


def test_a_ratio_that_never_varies_is_no_hindrance():
    normal = np.random.default_rng(0).normal(size=(30, 3))
    normal[:, 1] = -1.0
    assert np.isfinite(HardnessSpace(normal).own["knn"]).all()


def test_the_combination_is_the_mean_of_quantiles():
    normal = unit(50, 3, 2)
    space = Space(normal)
    found = space.score(unit(4, 3, 3))
    for i in range(4):
        places = [
            ((space.own[m] < found[m][i]).sum() + (space.own[m] == found[m][i]).sum() / 2) / 50
            for m in ("knn", "isolation")
        ]
        assert found["combination"][i] == pytest.approx(np.mean(places))
    assert set(space.own) == {"knn", "isolation", "combination", "mahalanobis"}


def test_a_row_apart_is_the_strangest():
    normal = unit(200, 3, 4) * [1, 1, 0.1]
    normal = (normal / np.linalg.norm(normal, axis=1, keepdims=True)).astype(np.float32)
    found = Space(normal).score(np.array([[0, 0, 1]], np.float32))
    assert found["combination"][0] > 0.98


def test_the_top_of_each_group_and_ties():
    score = np.array([5.0, 1, 2, 3, 4, 9, 9, 9, 0, 1])
    group = np.array([0] * 5 + [1] * 5)
    np.testing.assert_array_equal(np.flatnonzero(in_top(score, 0.4, group)), [0, 4])  # three 9 tie for two
    np.testing.assert_array_equal(np.flatnonzero(in_top(score, 0.6, group)), [0, 3, 4, 5, 6, 7])
    assert not in_top(score, 0.1, group).any()
    one = np.zeros(10, int)
    assert in_top(np.arange(10.0), 0.2, one).tolist() == [False] * 8 + [True] * 2
