"""Sets of pairs i < j of nodes, one bit each: drawing them at random, exchanging ends, reading them out."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def _has(bits: NDArray[np.uint8], i: int, j: int) -> bool:
    """Tell whether the pair of two different nodes is in the set."""
    a, b = min(i, j), max(i, j)
    return bool((bits[a, b >> 3] >> (b & 7)) & 1)


@njit(cache=True, nogil=True)
def _flip(bits: NDArray[np.uint8], i: int, j: int) -> None:
    """Put a pair into the set, or take it out."""
    a, b = min(i, j), max(i, j)
    bits[a, b >> 3] ^= np.uint8(1 << (b & 7))


@njit(cache=True, nogil=True)
def add_pairs(bits: NDArray[np.uint8], ends: NDArray[np.int32]) -> None:
    """Put pairs, none of them in it yet, into a set.

    Parameters
    ----------
    bits : ndarray, shape (n, ceil(n / 8)), uint8
        The set: bit j % 8 of ``bits[i, j // 8]``, i < j.
    ends : ndarray, shape (m, 2), int32
        The pairs, in any order.
    """
    for e in range(ends.shape[0]):
        _flip(bits, ends[e, 0], ends[e, 1])


@njit(cache=True, nogil=True)
def draw_pairs(
    draws: NDArray[np.int64],
    barred: NDArray[np.uint8],
    bits: NDArray[np.uint8],
    ends: NDArray[np.int32],
    found: int,
) -> int:
    """Take pairs from random ones until there are enough, leaving out those barred or taken already.

    Parameters
    ----------
    draws : ndarray, shape (k, 2), int64
        Random nodes; two equal ones are no pair.
    barred, bits : ndarray, shape (n, ceil(n / 8)), uint8
        Sets of pairs; `bits` receives those taken.
    ends : ndarray, shape (m, 2), int32
        Receives them too, from place `found` on.
    found : int
        Pairs taken before.

    Returns
    -------
    int
        Pairs taken now and before, at most m.
    """
    for k in range(draws.shape[0]):
        if found == ends.shape[0]:
            break
        a, b = draws[k, 0], draws[k, 1]
        if a == b or _has(bits, a, b) or _has(barred, a, b):
            continue
        _flip(bits, a, b)
        ends[found, 0], ends[found, 1] = a, b
        found += 1
    return found


@njit(cache=True, nogil=True)
def exchange_ends(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    barred: NDArray[np.uint8],
    bits: NDArray[np.uint8],
    ends: NDArray[np.int32],
) -> int:
    """Let random twos of pairs exchange an end each, where two new, allowed pairs come of it; in place.

    Every node keeps its number of pairs. A step that is not allowed changes nothing, and counts, so that
    every set is as likely as any other in the long run (B. K. Fosdick, D. B. Larremore, J. Nishimura &
    J. Ugander 2018, SIAM Rev. 60, 315).

    Parameters
    ----------
    first, second : ndarray, shape (k,), int64
        Random numbers below m and below 2 m; the last bit of the second says which ends.
    barred, bits : ndarray, shape (n, ceil(n / 8)), uint8
        Pairs that may not be, and those that are.
    ends : ndarray, shape (m, 2), int32
        The same pairs, in any order.

    Returns
    -------
    int
        Steps that changed the set.
    """
    changed = 0
    for k in range(first.size):
        e, f = first[k], second[k] >> 1
        a, b, c, d = ends[e, 0], ends[e, 1], ends[f, 0], ends[f, 1]
        if second[k] & 1:
            c, d = d, c
        # a - b, c - d become a - d, c - b
        if a in (c, d) or b in (c, d):
            continue
        if _has(bits, a, d) or _has(bits, c, b) or _has(barred, a, d) or _has(barred, c, b):
            continue
        _flip(bits, a, b)
        _flip(bits, c, d)
        _flip(bits, a, d)
        _flip(bits, c, b)
        ends[e, 1] = d
        ends[f, 0], ends[f, 1] = c, b
        changed += 1
    return changed


@njit(cache=True, nogil=True)
def _read(row: NDArray[np.uint8], none: NDArray[np.uint8], j: int, others: bool) -> bool:
    """Tell whether column `j` of a row is read out; see :func:`compressed_rows`."""
    found = (row[j >> 3] >> (j & 7)) & 1
    if others:
        return bool(found == 0 and ((none[j >> 3] >> (j & 7)) & 1) == 0)
    return bool(found)


@njit(cache=True, nogil=True)
def _eight_missing(row: NDArray[np.uint8], none: NDArray[np.uint8], j: int, others: bool) -> bool:
    """Tell whether none of the eight columns from `j` on, a multiple of 8, is read out."""
    if others:
        return bool((row[j >> 3] | none[j >> 3]) == 255)
    return bool(row[j >> 3] == 0)


@njit(cache=True, nogil=True)
def compressed_rows(
    bits: NDArray[np.uint8], barred: NDArray[np.uint8], others: bool
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Read a set of pairs out as compressed rows, every pair in both rows, columns ascending.

    Parameters
    ----------
    bits, barred : ndarray, shape (n, ceil(n / 8)), uint8
        The set, and pairs that are not allowed.
    others : bool
        Read out the pairs that are allowed and not in the set instead.

    Returns
    -------
    indptr, indices : ndarray, shape (n + 1,), int64, and (2 m,), int32
    """
    n = bits.shape[0]
    indptr = np.zeros(n + 1, np.int64)
    for i in range(n):
        row, none = bits[i], barred[i]
        j = i + 1
        while j < n:
            if j % 8 == 0 and _eight_missing(row, none, j, others):
                j += 8
                continue
            if _read(row, none, j, others):
                indptr[i + 1] += 1
                indptr[j + 1] += 1
            j += 1
    for i in range(n):
        indptr[i + 1] += indptr[i]
    end = indptr[:-1].copy()
    indices = np.empty(indptr[n], np.int32)
    for i in range(n):
        row, none = bits[i], barred[i]
        j = i + 1
        while j < n:
            if j % 8 == 0 and _eight_missing(row, none, j, others):
                j += 8
                continue
            if _read(row, none, j, others):
                indices[end[i]], indices[end[j]] = j, i
                end[i] += 1
                end[j] += 1
            j += 1
    return indptr, indices
