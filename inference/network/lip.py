"""The size of the core, exactly, from the degrees alone: Lip's algorithm."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class LipCore:
    """The core of a graph: its size, its members, shape (n,), bool, and the cost Z of the partition."""

    size: int
    is_core: NDArray[np.bool_]
    cost: int


def lip_core(degree: ArrayLike) -> LipCore:
    """Split nodes into core and periphery with the least number of wrong pairs.

    In the ideal picture all pairs of core nodes are joined and no pairs of periphery nodes are; a pair of
    one of each may be either. The cost of a core S of k nodes is the pairs missing inside it plus the
    edges outside it (S. Z. W. Lip, arXiv:1102.5511),

        Z(S) = k (k - 1) / 2 + m - sum of the degrees in S,    m edges in all,

    least, at a given k, for the k largest degrees. It is thus a function of the degrees and says nothing
    that they do not. Of equal costs the smallest core is taken; of nodes of equal degree the lower row is
    in the core first.

    Parameters
    ----------
    degree : array_like, shape (n,), int64
        Neighbours of each node; their sum is even.

    Returns
    -------
    LipCore
        An empty core and cost 0 where there are no edges.

    Raises
    ------
    ValueError
        `degree` is not one-dimensional or not of whole numbers from 0 to n - 1, or its sum is odd.

    Examples
    --------
    >>> core = lip_core([3, 3, 2, 1, 1])
    >>> core.size, core.is_core.tolist(), core.cost
    (2, [True, True, False, False, False], 0)
    """
    given = np.asarray(degree)
    n = len(given) if given.ndim == 1 else 0
    if given.ndim != 1 or (given.dtype.kind not in "iu" and n):
        raise ValueError(
            f"degree has shape {given.shape} and type {given.dtype}: give one whole number a node"
        )
    degrees = given.astype(np.int64)
    if n and (degrees.min() < 0 or degrees.max() >= n):
        raise ValueError(f"a degree is {degrees.min()} or {degrees.max()}: give numbers from 0 to {n - 1}")
    ends = int(degrees.sum())
    if ends % 2:
        raise ValueError(f"the degrees add up to {ends}, which is odd: each edge has two ends")
    order = np.argsort(-degrees, kind="stable")
    k = np.arange(n + 1, dtype=np.int64)
    largest = np.concatenate(([0], np.cumsum(degrees[order])))
    cost = k * (k - 1) // 2 + ends // 2 - largest
    size = int(np.argmin(cost))
    is_core = np.zeros(n, bool)
    is_core[order[:size]] = True
    return LipCore(size, is_core, int(cost[size]))
