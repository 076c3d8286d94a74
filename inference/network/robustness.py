"""Whether the periphery is the same whatever it is ranked by: thresholds, distances, isolation."""

from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..nearest import find_nearest
from ..similarity import Floats

LOWEST = 0.05
NEIGHBOUR = 10


def rank_agreement(scores: Mapping[str, ArrayLike], share: float = LOWEST) -> list[dict[str, str | float]]:
    """Compare every two rankings of the same nodes.

    Parameters
    ----------
    scores : mapping of str to array_like, shape (n,), float
        Larger is stranger, such as minus a degree.
    share : float
        Of the nodes, which are called strangest; rounded up.

    Returns
    -------
    list of dict
        first, second, n (nodes with both scores), spearman (rank correlation, mean ranks for ties; NaN where
        a ranking is constant), overlap (share of the strangest of the one that are of the other; where ties
        leave open which nodes these are, the mean over all ways of deciding), by_chance (what two unrelated
        rankings share on average).

    Raises
    ------
    ValueError
        Scores are of different lengths, or `share` is not above 0 and at most 1.

    Examples
    --------
    >>> row, = rank_agreement({"0.5": [3, 2, 1, 0], "0.9": [4, 1, 2, 0]}, 0.5)
    >>> round(row["spearman"], 3), row["overlap"], row["by_chance"]
    (0.8, 0.5, 0.5)
    """
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: give a number above 0, at most 1")
    columns = {name: np.asarray(values, np.float64) for name, values in scores.items()}
    if len({values.shape for values in columns.values()}) > 1:
        raise ValueError(f"scores of {', '.join(columns)} are of different lengths")
    rows: list[dict[str, str | float]] = []
    for first, second in combinations(columns, 2):
        both = np.isfinite(columns[first]) & np.isfinite(columns[second])
        a, b = columns[first][both], columns[second][both]
        n = len(a)
        k = int(np.ceil(share * n))
        overlap = float((_membership(a, k) * _membership(b, k)).sum() / k) if k else np.nan
        rows.append(
            {
                "first": first,
                "second": second,
                "n": n,
                "spearman": _spearman(a, b),
                "overlap": overlap,
                "by_chance": k / n if n else np.nan,
            }
        )
    return rows


def _membership(score: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Return how likely each node is among the `k` of highest score, ties decided at random."""
    least = np.sort(score)[len(score) - k] if k else np.inf
    above, tied = score > least, score == least
    found = above.astype(np.float64)
    found[tied] = (k - above.sum()) / max(tied.sum(), 1)
    return found


def _spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return Spearman's rank correlation; NaN where a ranking is constant."""
    from scipy.stats import rankdata

    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def other_source_distance(
    x: Floats,
    source: NDArray[np.int64] | None,
    k: int = NEIGHBOUR,
    *,
    on_rows: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """Return 1 - similarity to the k-th nearest node of another source, not below 0.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    source : ndarray, shape (n,), int64, or None
        Source of each row; 0: a source of its own. None: every row is.
    k : int
        Neighbour to measure to, at least 1; the last where there are fewer.
    on_rows : callable, optional
        Called with the number of rows finished, by one thread at a time.

    Returns
    -------
    ndarray, shape (n,), float64
        NaN where there is no other source.

    Raises
    ------
    ValueError
        `k` is below 1, or a row is not of unit length.
    """
    if k < 1:
        raise ValueError(f"k={k}: give at least 1")
    own = np.zeros(len(x), np.int64) if source is None else np.asarray(source, np.int64)
    more = int(np.bincount(own[own > 0]).max(initial=1)) - 1 if (own > 0).any() else 0
    most = min(k + more, len(x) - 1)
    if most < 1:
        return np.full(len(x), np.nan)
    near, similarity = find_nearest(x, most, on_rows=on_rows)
    other = (own[near] != own[:, None]) | (own[:, None] == 0)
    rank = np.where(other, np.cumsum(other, axis=1), 0)
    wanted = np.minimum(k, rank.max(axis=1))
    at = np.argmax(rank == np.maximum(wanted, 1)[:, None], axis=1)
    distance = np.maximum(1.0 - similarity[np.arange(len(x)), at], 0.0)
    return np.where(wanted > 0, distance, np.nan)
