"""The distribution of true band fluxes behind measured ones, from what each row's errors say.

A flux is taken as n events of u each. Its likelihood is Poisson; a normal one in ln flux, ln(u (n + 1/2))
with variance 1/(n + 1/2), is near enough to draw candidates from, which are then weighted.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROUNDS = 40  # of each likelihood
_CANDIDATES = 32


def posterior(n: Array, u: Array, mean: Array, covariance: Array) -> tuple[Array, Array]:
    """Return what is known of true ln fluxes under the normal likelihood.

    Parameters
    ----------
    n, u : ndarray, shape (k, 3), float64
        Events that each flux counts for, NaN where not measured, and the flux of one (erg cm^-2 s^-1).
    mean, covariance : ndarray, shapes (3,) and (3, 3), float64
        Of ln flux, before anything is measured.

    Returns
    -------
    ndarray, shape (k, 3); ndarray, shape (k, 3, 3)
        Mean and covariance of each row.
    """
    measured = np.isfinite(n)
    weight = np.where(measured, n + 0.5, 0.0)
    value = np.where(measured, np.log(np.where(measured, u * weight, 1.0)), 0.0)
    prior = np.linalg.inv(covariance)
    found = np.linalg.inv(prior + weight[:, :, None] * np.eye(3))
    return np.einsum("kij,kj->ki", found, prior @ mean + weight * value), (found + found.swapaxes(1, 2)) / 2


def deconvolve(n: Array, u: Array, prior: Array, prior_weight: float) -> tuple[Array, Array]:
    """Fit a normal distribution of true ln fluxes by expectation maximisation.

    One component of extreme deconvolution (Bovy, Hogg & Roweis 2011, Ann. Appl. Stat. 5, 1657); candidates
    weighted to the Poisson likelihood take the place of the normal moments in the last rounds.

    Parameters
    ----------
    n, u : ndarray, shape (k, 3), float64
        As for :func:`posterior`; k at least 1, something measured in each row.
    prior : ndarray, shape (3, 3), float64
        Covariance towards which that of the rows is drawn.
    prior_weight : float
        Rows that it counts for.

    Returns
    -------
    mean, covariance : ndarray, shapes (3,) and (3, 3), float64
        Of ln flux (erg cm^-2 s^-1).
    """
    value = np.where(np.isfinite(n), np.log(np.where(np.isfinite(n), u * (n + 0.5), 1.0)), np.nan)
    mean = np.array([np.median(v[np.isfinite(v)]) if np.isfinite(v).any() else np.nan for v in value.T])
    mean = np.where(np.isfinite(mean), mean, np.nanmean(mean))
    covariance = prior
    half = np.random.default_rng(0).standard_normal((len(n), _CANDIDATES // 2, 3))
    noise = np.concatenate([half, -half], axis=1)  # each row's own, the same in every round
    for i in range(2 * _ROUNDS):
        means, covariances = posterior(n, u, mean, covariance)
        if i >= _ROUNDS:  # near the answer: from the normal likelihood to the Poisson one
            means, covariances = _reweighted(means, covariances, noise, n, u)
        mean = means.mean(axis=0)
        off = means - mean
        covariance = (covariances.sum(axis=0) + off.T @ off + prior_weight * prior) / (len(n) + prior_weight)
    return mean, covariance


def _reweighted(mean: Array, covariance: Array, noise: Array, n: Array, u: Array) -> tuple[Array, Array]:
    """Return the moments under the Poisson likelihood of k rows whose normal moments are given."""
    found = mean[:, None] + noise @ np.linalg.cholesky(covariance).swapaxes(1, 2)
    weight = weights(found, n, u)
    weight /= weight.sum(axis=1, keepdims=True)
    means = np.einsum("kc,kci->ki", weight, found)
    off = found - means[:, None]
    return means, (off * weight[:, :, None]).swapaxes(1, 2) @ off


def weights(found: Array, n: Array, u: Array) -> Array:
    """Return the Poisson likelihood of candidates over the normal one that they were drawn with.

    Parameters
    ----------
    found : ndarray, shape (k, c, 3), float64
        True ln fluxes, c candidates for each of k rows.
    n, u : ndarray, shape (k, 3), float64
        As for :func:`posterior`.

    Returns
    -------
    ndarray, shape (k, c), float64
        Up to a factor in each row: the greatest is 1.
    """
    measured = np.isfinite(n)
    events = np.where(measured, n, 0.0)[:, None]
    off = found - np.log(np.where(measured, u, 1.0))[:, None]
    normal = -(events + 0.5) * (off - np.log(events + 0.5)) ** 2 / 2
    each = np.where(measured[:, None], events * off - np.exp(np.minimum(off, 100.0)) - normal, 0.0)
    log_weight = each.sum(axis=2)
    return np.asarray(np.exp(log_weight - log_weight.max(axis=1, keepdims=True)))
