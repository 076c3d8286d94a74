"""What alignment does to neighbourhoods: cosines within and between classes, spread among neighbours."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .retrieval import BLOCK, unit_rows
from .tables import REPLICATES, Interval, from_replicates

Array = NDArray[np.float64]
NEIGHBOURS = 10


@dataclass(frozen=True)
class Cosines:
    """Mean cosine of pairs of different sources: within a class, between classes, and their difference."""

    within: Interval
    between: Interval
    gap: Interval


def mean_cosines(x: Array, index: NDArray[np.intp], weight: Array) -> tuple[float, float]:
    """Return the mean cosine of weighted pairs within classes and between them.

    A weight is how often a source was drawn; a source is never paired with itself or its copies.

    Parameters
    ----------
    x : ndarray, shape (n, d), float64
        Unit rows, one a source.
    index : ndarray, shape (n,), intp
        Class of each, from 0.
    weight : ndarray, shape (n,), float64
        Of each source, at least 0.

    Returns
    -------
    within, between : float
        NaN where there is no such pair.
    """
    weighted = x * weight[:, None]
    # |sum of unit rows|^2 is the sum of all cosines, the rows' own among them
    sums = np.zeros((int(index.max()) + 1, x.shape[1]))
    np.add.at(sums, index, weighted)
    own = (weighted**2).sum()
    size = np.bincount(index, weight)
    inside = (sums**2).sum()
    within, pairs = inside - own, (size**2).sum() - (weight**2).sum()
    between, others = (sums.sum(axis=0) ** 2).sum() - inside, size.sum() ** 2 - (size**2).sum()
    return (
        float(within / pairs) if pairs > 0 else float("nan"),
        float(between / others) if others > 0 else float("nan"),
    )


def class_cosines(
    embedding: NDArray[Any], kind: NDArray[np.str_], *, replicates: int = REPLICATES, random_state: int = 0
) -> Cosines | None:
    """Return mean cosines within and between classes, with intervals over draws of sources.

    Parameters
    ----------
    embedding : ndarray, shape (n, d), float
        One row a source.
    kind : ndarray, shape (n,), str
        Class of each; rows without one do not count.
    replicates, random_state : int
        Bootstrap draws and their seed; the same seed draws the same sources.

    Returns
    -------
    Cosines or None
        None where fewer than two classes have two sources.
    """
    known = kind != ""
    names, index, count = np.unique(kind[known], return_inverse=True, return_counts=True)
    if len(names) < 2 or (count > 1).sum() < 2:
        return None
    x, n = unit_rows(embedding[known]), int(known.sum())
    rng = np.random.default_rng(random_state)
    drawn = (np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(replicates))
    found = np.array([mean_cosines(x, index, weight.astype(np.float64)) for weight in drawn])
    found = found[np.isfinite(found).all(axis=1)]
    within, between = mean_cosines(x, index, np.ones(n))
    return Cosines(
        from_replicates(within, found[:, 0]),
        from_replicates(between, found[:, 1]),
        from_replicates(within - between, found[:, 0] - found[:, 1]),
    )


def neighbour_spread(embedding: NDArray[Any], value: Array, k: int = NEIGHBOURS) -> Array:
    """Return the standard deviation of a quantity among the `k` nearest other sources of each.

    Parameters
    ----------
    embedding : ndarray, shape (n, d), float
        One row a source; nearest is of highest cosine similarity, of equal ones the lower row.
    value : ndarray, shape (n,), float64
        The quantity, finite.
    k : int
        How many.

    Returns
    -------
    ndarray, shape (n,), float64
        Unbiased (k - 1 degrees of freedom), in the unit of `value`.

    Raises
    ------
    ValueError
        Not more than `k` rows, `k` below 2, or a value that is not finite.
    """
    if not 2 <= k < len(value):
        raise ValueError(f"k={k}: give at least 2, and fewer than the {len(value)} rows")
    if not np.isfinite(value).all():
        raise ValueError(f"row {int(np.argmax(~np.isfinite(value)))} of the values is not finite")
    x = unit_rows(embedding)
    spread = np.empty(len(x))
    for start in range(0, len(x), BLOCK):
        similarity = x[start : start + BLOCK] @ x.T
        rows = np.arange(len(similarity))
        similarity[rows, start + rows] = -np.inf
        near = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
        spread[start : start + BLOCK] = value[near].std(axis=1, ddof=1)
    return spread


def centred(x: NDArray[Any], base: NDArray[Any]) -> Array:
    """Return unit rows after taking off the mean of other rows: what a modality is before alignment.

    Parameters
    ----------
    x : ndarray, shape (n, l), float
        Latents; NaN rows stay NaN.
    base : ndarray, shape (m, l), float
        Rows whose mean is taken, such as those of training; those with NaN do not count.

    Returns
    -------
    ndarray, shape (n, l), float64
    """
    rows = np.asarray(base, np.float64)
    mean = rows[np.isfinite(rows).all(axis=1)].mean(axis=0)
    there = np.isfinite(x).all(axis=1, keepdims=True)
    return np.where(there, unit_rows(np.where(there, x, mean) - mean), np.nan)
