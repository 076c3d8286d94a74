"""Posterior of true fluxes, weights of candidates and the fitted distribution, against plain sums."""

import math

import numpy as np
from chandra_embed.inference.simulate.deconvolve import deconvolve, posterior, weights

NAN = float("nan")
MEAN = np.log([3e-15, 5e-15, 2e-14])
COVARIANCE = np.array([[1.5, 0.9, 0.6], [0.9, 1.2, 0.8], [0.6, 0.8, 1.4]])


def test_posterior_of_what_is_not_measured() -> None:
    n, u = np.array([[NAN, NAN, NAN], [1e6, NAN, NAN]]), np.full((2, 3), 1e-20)
    u[0] = NAN
    mean, covariance = posterior(n, u, MEAN, COVARIANCE)
    np.testing.assert_allclose(mean[0], MEAN)
    np.testing.assert_allclose(covariance[0], COVARIANCE)
    # a band known exactly: the textbook's conditional mean and variance of the others
    step = math.log(1e-20 * (1e6 + 0.5)) - MEAN[0]
    np.testing.assert_allclose(mean[1], MEAN + COVARIANCE[0] / COVARIANCE[0, 0] * step, rtol=1e-5)
    rest = COVARIANCE[1:, 1:] - np.outer(COVARIANCE[0, 1:], COVARIANCE[0, 1:]) / COVARIANCE[0, 0]
    np.testing.assert_allclose(covariance[1][1:, 1:], rest, atol=1e-5)


def test_weights_are_the_ratio_of_likelihoods() -> None:
    rng = np.random.default_rng(0)
    n, u = (
        np.array([[0.0, 3.0, NAN], [0.4, 100.0, 1e6]]),
        np.array([[1e-15, 2e-15, NAN], [1.0, 1e-16, 1e-20]]),
    )
    found = np.log(np.where(np.isfinite(n), u * (n + 0.5), 1.0))[:, None] + 0.1 * rng.standard_normal(
        (2, 7, 3)
    )
    got = weights(found, n, u)
    for k in range(2):
        logs = []
        for c in range(7):
            total = 0.0
            for i in range(3):
                if math.isnan(n[k, i]):
                    continue
                x = found[k, c, i] - math.log(u[k, i])
                total += n[k, i] * x - math.exp(x) + (n[k, i] + 0.5) * (x - math.log(n[k, i] + 0.5)) ** 2 / 2
            logs.append(total)
        np.testing.assert_allclose(got[k], np.exp(np.array(logs) - max(logs)), rtol=1e-6)
        assert got[k].max() == 1


def test_weights_far_off_stay_finite() -> None:
    found = np.array([[[1e3, -1e3, 0.0], [0.0, 0.0, 0.0]]])
    assert np.isfinite(weights(found, np.array([[5.0, 5.0, 0.0]]), np.ones((1, 3)))).all()


def test_deconvolve_finds_the_distribution() -> None:
    rng = np.random.default_rng(1)
    one = np.array([5e-16, 4e-16, 2e-15])
    counts = rng.poisson(np.exp(rng.multivariate_normal(MEAN, COVARIANCE, 3000)) / one).astype(float)
    counts[::7, 0] = NAN
    mean, covariance = deconvolve(counts, np.broadcast_to(one, counts.shape), np.eye(3), 1.0)
    np.testing.assert_allclose(mean, MEAN, atol=0.08)
    np.testing.assert_allclose(covariance, COVARIANCE, atol=0.15)
    again = deconvolve(counts, np.broadcast_to(one, counts.shape), np.eye(3), 1.0)
    np.testing.assert_array_equal(again[0], mean)  # its random numbers are its own


def test_one_row_stays_with_the_prior() -> None:
    mean, covariance = deconvolve(np.array([[4.0, NAN, 0.0]]), np.full((1, 3), 1e-15), COVARIANCE, 10.0)
    assert np.isfinite(mean).all()
    np.testing.assert_allclose(covariance, COVARIANCE, rtol=0.2)
    assert (np.linalg.eigvalsh(covariance) > 0).all()
