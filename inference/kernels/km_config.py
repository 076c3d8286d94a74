"""One round of label switching between pairs of core and periphery, in whole numbers."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def _best(
    d: np.int64,
    ends: np.int64,
    old: int,
    near: NDArray[np.int64],
    held: NDArray[np.int64],
    labels: NDArray[np.int64],
    known: int,
) -> int:
    """Return the label of highest quality for a node of degree `d`, its own `old` where none is higher.

    A label is twice the pair, and one more in the core; `near` counts the node's neighbours by label, `held`
    the degrees of all other nodes. Of equal ones the lower pair, the core before the periphery.
    """
    own = old - old % 2
    best = 2 * (ends * near[own + 1] - d * held[own + 1])
    if old % 2:
        best = 2 * (ends * (near[own] + near[own + 1]) - d * (held[own] + held[own + 1])) - d * d
    new = old
    for s in range(known):
        outer = labels[s] - labels[s] % 2
        inner = outer + 1
        if outer != own and near[outer] + near[inner] == 0:
            continue
        gain = 2 * (ends * (near[outer] + near[inner]) - d * (held[outer] + held[inner])) - d * d
        if gain > best or (gain == best and new != old and outer < new - new % 2):
            best, new = gain, inner
        gain = 2 * (ends * near[inner] - d * held[inner])
        if gain > best or (gain == best and new != old and outer < new - new % 2):
            best, new = gain, outer
    return new


@njit(cache=True, nogil=True)
def switch_round(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    order: NDArray[np.int64],
    label: NDArray[np.int64],
) -> int:
    """Give each node in turn the pair and the side that raise the quality most, in place.

    A node looks at the other side of its own pair and at both sides of the pairs of its neighbours. Of equal
    gains none is taken before the lowest pair, the core before the periphery. All sums are whole numbers
    (the quality times (2 m)^2), so that nothing depends on rounding.

    Parameters
    ----------
    indptr, indices : ndarray, shape (n + 1,), int64, and (2 m,), int32
        Compressed rows of a simple graph, every edge in both rows.
    order : ndarray, shape (n,), int64
        Order in which nodes have their turn.
    label : ndarray, shape (n,), int64
        Twice the pair (0 to n - 1) of each node, and one more for a core node.

    Returns
    -------
    int
        Nodes that changed.
    """
    n, ends = indptr.size - 1, np.int64(indices.size)
    held = np.zeros(2 * n, np.int64)  # sum of degrees by label
    for i in range(n):
        held[label[i]] += indptr[i + 1] - indptr[i]
    near = np.zeros(2 * n, np.int64)  # neighbours of one node by label
    seen = np.empty(2 * n + 1, np.int64)
    changed = 0
    for i in order:
        d = indptr[i + 1] - indptr[i]
        if d == 0:
            continue
        old = label[i]
        held[old] -= d
        seen[0], known = old, 1
        for e in range(indptr[i], indptr[i + 1]):
            at = label[indices[e]]
            if near[at] == 0:
                seen[known] = at
                known += 1
            near[at] += 1
        new = _best(d, ends, old, near, held, seen, known)
        for s in range(known):
            near[seen[s]] = 0
        changed += new != old
        label[i] = new
        held[new] += d
    return changed


@njit(cache=True, nogil=True)
def count_labels(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], label: NDArray[np.int64], labels: int
) -> NDArray[np.int64]:
    """Return how many neighbours of each label each node has, shape (n, labels), int64."""
    near = np.zeros((indptr.size - 1, labels), np.int64)
    for i in range(indptr.size - 1):
        row = near[i]
        for e in range(indptr[i], indptr[i + 1]):
            row[label[indices[e]]] += 1
    return near


@njit(cache=True, nogil=True)
def switch_round_of_few(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    order: NDArray[np.int64],
    label: NDArray[np.int64],
    near: NDArray[np.int64],
) -> int:
    """As :func:`switch_round`, with the neighbours counted beforehand: only changes cost time.

    Parameters
    ----------
    indptr, indices, order, label
        As :func:`switch_round`; labels are below the columns of `near`.
    near : ndarray, shape (n, labels), int64
        What :func:`count_labels` returned; kept up to date.

    Returns
    -------
    int
        Nodes that changed.
    """
    n, ends, labels = indptr.size - 1, np.int64(indices.size), near.shape[1]
    held = np.zeros(labels, np.int64)
    for i in range(n):
        held[label[i]] += indptr[i + 1] - indptr[i]
    every = np.arange(0, labels, 2)
    changed = 0
    for i in order:
        d = indptr[i + 1] - indptr[i]
        if d == 0:
            continue
        old = label[i]
        held[old] -= d
        new = _best(d, ends, old, near[i], held, every, every.size)
        held[new] += d
        if new == old:
            continue
        changed += 1
        label[i] = new
        for e in range(indptr[i], indptr[i + 1]):
            near[indices[e], old] -= 1
            near[indices[e], new] += 1
    return changed


@njit(cache=True, nogil=True)
def pair_qualities(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], label: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return (2 m)^2 times each pair's quality: edges that touch its core less those expected.

    Parameters
    ----------
    indptr, indices, label
        As :func:`switch_round`.

    Returns
    -------
    ndarray, shape (n,), int64
        Of the pairs 0 to n - 1.
    """
    n, ends = indptr.size - 1, np.int64(indices.size)
    outer, both, inside = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for i in range(n):
        p, side = label[i] // 2, label[i] % 2
        d = indptr[i + 1] - indptr[i]
        both[p] += d
        if side == 0:
            outer[p] += d
        for e in range(indptr[i], indptr[i + 1]):
            other = label[indices[e]]
            inside[p] += other // 2 == p and side + other % 2 > 0
    found = np.empty(n, np.int64)
    for p in range(n):
        found[p] = ends * inside[p] - (both[p] * both[p] - outer[p] * outer[p])
    return found
