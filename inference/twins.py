"""Rows of the same numbers, searched once: a catalog may hold thousands of them, all tied for each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SEED = 0
BLOCK = 4096
# where fewer of the rows repeat another, they are not worth a second list
LEAST_SHARE = 0.02


@dataclass(frozen=True)
class Twins:
    """Groups of rows of the same bits, in the order of their first members.

    Attributes
    ----------
    first : ndarray, shape (groups,), int64
        First member of each group, rising.
    member : ndarray, shape (n,), int64
        Rows, group after group, rising within each.
    start : ndarray, shape (groups + 1,), int64
        First place of each group in `member`.
    group : ndarray, shape (n,), int64
        Group of each row.
    """

    first: NDArray[np.int64]
    member: NDArray[np.int64]
    start: NDArray[np.int64]
    group: NDArray[np.int64]

    @classmethod
    def of(cls, x: Floats) -> "Twins":
        """Group the rows of `x`, shape (n, d); where hashes collide a group may fall into parts, no more."""
        mark = _hashes(x)
        order = np.argsort(mark, kind="stable")
        bits, new = x.view(np.uint32), np.ones(len(x), np.bool_)
        same = np.flatnonzero(mark[order[1:]] == mark[order[:-1]]) + 1
        for a in range(0, same.size, BLOCK):
            at = same[a : a + BLOCK]
            new[at] = (bits[order[at]] != bits[order[at - 1]]).any(axis=1)
        label = np.cumsum(new) - 1
        rank = np.argsort(np.argsort(order[new], kind="stable"), kind="stable")
        group = np.empty(len(x), np.int64)
        group[order] = rank[label]
        member = np.argsort(group, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(group))]).astype(np.int64)
        return cls(member[start[:-1]], member, start, group)


def find_twins(x: Floats) -> Twins | None:
    """Return the groups of the same rows of `x`, shape (n, d), where enough of the rows repeat another."""
    if len(x) < 2 or not x.shape[1]:
        return None
    twins = Twins.of(x)
    return twins if len(twins.first) <= (1 - LEAST_SHARE) * len(x) else None


def _hashes(x: Floats) -> NDArray[np.uint64]:
    """Return a number for each row that depends on its bits alone."""
    odd = np.random.default_rng(SEED).integers(0, 2**63, x.shape[1], np.uint64) * np.uint64(2) + np.uint64(1)
    found = np.empty(len(x), np.uint64)
    for a in range(0, len(x), BLOCK):
        found[a : a + BLOCK] = x[a : a + BLOCK].view(np.uint32).astype(np.uint64) @ odd
    return found
