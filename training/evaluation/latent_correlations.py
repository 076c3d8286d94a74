"""Which latent follows which quantity: rank correlation and mutual information, one latent at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .parts import Mask
from .tables import bootstrap

Array = NDArray[np.float64]


def latent_names(n: int) -> list[str]:
    """Return ``z1`` to ``zn``."""
    return [f"z{i}" for i in range(1, n + 1)]


def spearman(x: Array, y: Array) -> Array:
    """Return the rank correlation (Spearman 1904) of each column of x with y.

    Parameters
    ----------
    x : ndarray, shape (n, k), float64
    y : ndarray, shape (n,), float64
        Finite.

    Returns
    -------
    ndarray, shape (k,), float64
        Ties have mean ranks; 0 for a constant.
    """
    from scipy.stats import rankdata

    a, b = rankdata(x, axis=0) - (len(y) + 1) / 2, rankdata(y) - (len(y) + 1) / 2
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum())
    rho: Array = np.divide(b @ a, size, out=np.zeros(x.shape[1]), where=size > 0)
    return rho


def associations(latent: Array, known: Mapping[str, Array], seed: int = 0) -> list[dict[str, Any]]:
    """Return the rank correlation and mutual information of each latent with each quantity.

    Parameters
    ----------
    latent : ndarray, shape (n, l), float64
        Latents.
    known : mapping of str to ndarray, shape (n,), float64
        Quantities; rows with NaN do not count.
    seed : int
        Of the estimator of mutual information (Kraskov et al. 2004, 3 neighbours).

    Returns
    -------
    list of dict
        quantity, latent, rho, mutual_information (nat), n (rows).
    """
    from sklearn.feature_selection import mutual_info_regression

    rows = []
    for name, y in known.items():
        of = np.isfinite(y)
        rho = spearman(latent[of], y[of])
        information = mutual_info_regression(latent[of], y[of], random_state=seed)
        rows += [
            {"quantity": name, "latent": z, "rho": r, "mutual_information": i, "n": int(of.sum())}
            for z, r, i in zip(latent_names(latent.shape[1]), rho.tolist(), information.tolist(), strict=True)
        ]
    return rows


def mean_best_rho(latent: Array, known: Mapping[str, Array], source_id: NDArray[np.str_]) -> dict[str, float]:
    """Return the mean over quantities of |rho| of the latent that follows each best, with intervals.

    The replicates keep each quantity's best latent; figures of real catalogs in the literature are of other
    sources and other quantities.
    """
    best = {name: int(np.argmax(np.abs(spearman(latent[f], y[f])))) for name, y, f in _finite(known)}

    def mean(rows: NDArray[np.intp]) -> float:
        found = []
        for name, y, _ in _finite(known):
            of = rows[np.isfinite(y[rows])]
            found.append(abs(float(spearman(latent[of][:, [best[name]]], y[of])[0])))
        return float(np.mean(found))

    return bootstrap(mean, source_id).columns("mean_abs_rho")


def _finite(known: Mapping[str, Array]) -> list[tuple[str, Array, Mask]]:
    return [(name, y, np.isfinite(y)) for name, y in known.items()]
