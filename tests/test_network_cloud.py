"""Random points of an embedding's mean and covariance: both are kept, sources stay together, nothing else."""

import numpy as np
import pytest
from chandra_embed.inference.network.cloud import Cloud
from graph_rows import clumps
from unit_rows import random_rows


def moments(x):
    rows = x.astype(np.float64)
    return rows.mean(axis=0), np.cov(rows.T, bias=True)


@pytest.mark.parametrize("source", [None, "pairs"])
def test_mean_and_covariance_are_those_of_the_embedding(source):
    x = clumps(300, 8, 1)
    code = None if source is None else np.repeat(np.arange(1, 151), 2)
    found = Cloud.of(x, code).draw(np.random.default_rng(0))
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    for own, wanted in zip(moments(found), moments(x), strict=True):
        np.testing.assert_allclose(own, wanted, atol=1e-3)
    # so are mean and variance of all similarities
    own, wanted = found @ found.T, x @ x.T
    assert own.mean() == pytest.approx(wanted.mean(), abs=1e-3)
    assert own.var() == pytest.approx(wanted.var(), rel=5e-3)
    assert (own > 0.95).mean() < 0.5 * (wanted > 0.95).mean()  # the clumps are gone


def test_draws_differ_and_repeat():
    cloud = Cloud.of(clumps(50, 4, 2), None)
    one, same, other = (cloud.draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_detections_of_a_source_stay_near_each_other():
    rng = np.random.default_rng(3)
    code = np.repeat(np.arange(1, 101), 3)
    x = random_rows(100, 6, seed=3)[code - 1] + 0.05 * rng.normal(size=(300, 6))
    x = (x / np.linalg.norm(x, axis=1)[:, None]).astype(np.float32)
    similar = [(rows[0::3] * rows[1::3]).sum(axis=1).mean() for rows in (x, Cloud.of(x, code).draw(rng))]
    assert similar[1] == pytest.approx(similar[0], abs=0.02)
    apart = Cloud.of(x, np.zeros(300, np.int64)).draw(rng)  # all of sources of their own
    assert abs((apart[0::3] * apart[1::3]).sum(axis=1).mean()) < 0.3


def test_few_or_equal_rows_are_legal():
    same = np.repeat(random_rows(1, 5), 7, axis=0)
    found = Cloud.of(same, None)
    assert found.rank == 0
    np.testing.assert_allclose(found.draw(np.random.default_rng(0)), same, atol=1e-6)
    line = np.array([[1, 0], [-1, 0], [1, 0]], np.float32)
    assert Cloud.of(line, None).rank == 1
    np.testing.assert_allclose(
        np.abs(Cloud.of(line, None).draw(np.random.default_rng(0))[:, 0]), 1, atol=1e-6
    )
    one = random_rows(1, 5)
    np.testing.assert_allclose(Cloud.of(one, None).draw(np.random.default_rng(0)), one, atol=1e-6)
