"""How well clusters are classes: one cluster a class, the balanced accuracy that follows, chance, intervals.

The cluster of each class is the assignment that maximises the trace of the contingency matrix normalised by
true class (Kuhn 1955; Crouse 2016 for tables that are not square). It is redone for every permutation and
every bootstrap draw: an assignment kept from the full sample would hide what choosing it gains.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .tables import drawn_units

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
NONE = -1  # HDBSCAN's noise among clusters; no cluster among assignments


def contingency(true: Labels, cluster: Labels, classes: int) -> tuple[Array, Array]:
    """Count the rows of each class in each cluster.

    Parameters
    ----------
    true : ndarray, shape (n,), int64
        Class of each row, 0 to classes - 1.
    cluster : ndarray, shape (n,), int64
        Cluster of each row, from 0; -1: in none.
    classes : int
        Number of classes.

    Returns
    -------
    counts : ndarray, shape (classes, m), float64
        m is the largest cluster number + 1; a number that no row has is an empty column.
    members : ndarray, shape (classes,), float64
        Rows of each class, those in no cluster among them.

    Raises
    ------
    ValueError
        Shapes that differ, or a number out of range.
    """
    true, cluster = np.asarray(true, np.int64), np.asarray(cluster, np.int64)
    if true.ndim != 1 or true.shape != cluster.shape:
        raise ValueError(f"{true.shape} classes and {cluster.shape} clusters: give one of each a row")
    if len(true) and (true.min() < 0 or true.max() >= classes):
        raise ValueError(f"classes {true.min()} to {true.max()}: give numbers from 0 to {classes - 1}")
    if len(cluster) and cluster.min() < NONE:
        raise ValueError(f"cluster {cluster.min()}: give numbers from 0, or -1 for none")
    m = int(cluster.max(initial=NONE)) + 1
    kept = cluster >= 0
    counts = np.bincount(true[kept] * m + cluster[kept], minlength=classes * m)
    return (
        counts.reshape(classes, m).astype(np.float64),
        np.bincount(true, minlength=classes).astype(np.float64),
    )


def shares(counts: Array, members: Array) -> Array:
    """Return counts over members of each class, shape (classes, m); zero where a class has no members."""
    return counts / np.where(members > 0, members, 1.0)[:, None]


def assign(share: Array) -> Labels:
    """Return the cluster of each class that maximises the trace; each cluster goes to one class at most.

    Parameters
    ----------
    share : ndarray, shape (classes, m), float64
        The contingency matrix normalised by true class; m may be less or more than the number of classes.

    Returns
    -------
    ndarray, shape (classes,), int64
        -1 where there are fewer clusters than classes and the class goes without.
    """
    found = np.full(len(share), NONE, np.int64)
    rows, columns = linear_sum_assignment(share, maximize=True)
    found[rows] = columns
    return found


def balanced_accuracy(true: Labels, cluster: Labels, classes: int) -> float:
    """Return the mean recall over classes that have members, with the best assignment.

    Rows in no cluster, and in clusters that are no class's, are errors. Arguments as :func:`contingency`;
    NaN without rows.
    """
    return _accuracy(*contingency(true, cluster, classes))


def _accuracy(counts: Array, members: Array) -> float:
    there = members > 0
    if not there.any():
        return float("nan")
    share = counts[there] / members[there, None]
    rows, columns = linear_sum_assignment(share, maximize=True)
    return float(share[rows, columns].sum() / there.sum())


def ordered_shares(true: Labels, cluster: Labels, classes: int) -> Array:
    """Return the matrix to draw, shape (classes, classes + 1), float64; each row sums to 1.

    Column i holds the share of each true class in the cluster assigned to class i, the last one what is in
    no cluster or in clusters that are no class's. NaN in the rows of classes without members.
    """
    counts, members = contingency(true, cluster, classes)
    share = shares(counts, members)
    assigned = assign(share)
    out = np.zeros((classes, classes + 1))
    has = assigned != NONE
    out[:, :-1][:, has] = share[:, assigned[has]]
    out[:, -1] = np.maximum(1.0 - out[:, :-1].sum(axis=1), 0.0)
    out[members == 0] = np.nan
    return out


def source_weights(
    source_id: NDArray[np.str_], replicates: int = 1000, random_state: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Draw sources with replacement.

    Parameters
    ----------
    source_id : ndarray, shape (n,), str
        Source of each row.
    replicates : int
        How many draws.
    random_state : int
        Seed; the draws are those of :func:`.tables.source_draws`.

    Returns
    -------
    index : ndarray, shape (n,), int64
        Number of each row's source.
    weights : ndarray, shape (replicates, number of sources), float32
        How often each draw holds each source.
    """
    names, index = np.unique(source_id, return_inverse=True)
    m = len(names)
    weights = np.empty((replicates, m), np.float32)
    for row, drawn in zip(weights, drawn_units(m, replicates, random_state), strict=True):
        row[:] = np.bincount(drawn, minlength=m)
    return index.astype(np.int64), weights


def bootstrap_accuracy(
    true: Labels, cluster: Labels, classes: int, index: Labels, weights: NDArray[np.float32]
) -> Array:
    """Return the balanced accuracy of each bootstrap draw, the assignment redone, the clusters kept.

    Parameters
    ----------
    true, cluster : ndarray, shape (n,), int64
        As :func:`contingency`.
    classes : int
        Number of classes.
    index, weights : ndarray
        As :func:`source_weights` gives them.

    Returns
    -------
    ndarray, shape (replicates,), float64
        A class that a draw has no member of does not count in that draw's mean.
    """
    m = int(cluster.max(initial=NONE)) + 1
    members = _drawn(true, classes, index, weights)
    kept = cluster >= 0
    counts = _drawn(true[kept] * m + cluster[kept], classes * m, index[kept], weights)
    counts = counts.reshape(len(weights), classes, m)
    # a class without members has no share: whatever is assigned to it adds nothing
    share = counts / np.where(members > 0, members, 1.0)[:, :, None]
    traces = [each[linear_sum_assignment(each, maximize=True)].sum() for each in share]
    found: Array = np.array(traces, np.float64) / (members > 0).sum(axis=1)
    return found


def bootstrap_recall(
    true: Labels, predicted: Labels, classes: int, index: Labels, weights: NDArray[np.float32]
) -> Array:
    """Return the mean recall of each bootstrap draw of a classifier's predictions; arguments as above."""
    members = _drawn(true, classes, index, weights)
    right = true == predicted
    hits = _drawn(true[right], classes, index[right], weights)
    there = members > 0
    recall: Array = (hits / np.where(there, members, 1.0)).sum(axis=1) / there.sum(axis=1)
    return recall


def _drawn(cell: Labels, cells: int, index: Labels, weights: NDArray[np.float32]) -> Array:
    """Count rows by cell in every draw, shape (replicates, cells); counts stay exact in float32."""
    table = np.zeros((weights.shape[1], cells), np.float32)
    np.add.at(table, (index, cell), 1.0)
    return (weights @ table).astype(np.float64)


def chance(
    true: Labels, cluster: Labels, classes: int, index: Labels, permutations: int = 200, random_state: int = 0
) -> float:
    """Return the mean balanced accuracy when classes are shuffled between sources, the assignment redone.

    Each of k classes would give 1 / k with a fixed assignment; the best of all assignments gives more, the
    smaller the classes the more.

    Parameters
    ----------
    true : ndarray, shape (n,), int64
        As :func:`contingency`; a source's class is that of its first row.
    cluster : ndarray, shape (s, n), int64
        Clusters of s runs; the permutations take turns with them.
    classes : int
        Number of classes.
    index : ndarray, shape (n,), int64
        Number of each row's source, from 0 without gaps.
    permutations : int
        How many.
    random_state : int
        Seed.
    """
    _, first = np.unique(index, return_index=True)
    of_source = true[first]
    rng = np.random.default_rng(random_state)
    found = [
        balanced_accuracy(rng.permutation(of_source)[index], cluster[i % len(cluster)], classes)
        for i in range(permutations)
    ]
    return float(np.mean(found))
