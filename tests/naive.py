"""Slow, obvious twins of the compiled kernels and of the statistics; plain loops wherever they can be."""

import itertools
import math

import numpy as np


def similarities(x, y):
    """Float64 dot products of float32 rows, summed in index order, shape (len(x), len(y))."""
    x, y = np.asarray(x, np.float32).astype(np.float64), np.asarray(y, np.float32).astype(np.float64)
    total = np.zeros((len(x), len(y)))
    for i in range(x.shape[1]):
        total += x[:, i, None] * y[None, :, i]
    return total


def degree(x, thresholds):
    """Other rows that reach each threshold, shape (t, n)."""
    counts = np.zeros((len(thresholds), len(x)), np.int64)
    for start in range(0, len(x), 100):
        block = similarities(x[start : start + 100], x)
        for r in range(len(block)):
            block[r, start + r] = -np.inf
        for t, tau in enumerate(thresholds):
            counts[t, start : start + 100] = (block >= tau).sum(axis=1)
    return counts


def nearest_neighbors(x, k, queries=None):
    """Sort every row by similarity, then by index."""
    found = similarities(x if queries is None else queries, x)
    indices, values = [], []
    for i, row in enumerate(found):
        order = sorted(
            (j for j in range(len(x)) if queries is not None or j != i), key=lambda j: (-row[j], j)
        )
        indices.append(order[:k])
        values.append([row[j] for j in order[:k]])
    shape = (len(found), k)
    return np.array(indices, np.int64).reshape(shape), np.array(values, np.float64).reshape(shape)


def path_lengths(x, feature, threshold, left, right, path, roots):
    """Walk each row down each tree."""
    total = []
    for row in x:
        length = 0.0
        for root in roots:
            node = int(root)
            while feature[node] >= 0:
                goes_left = float(row[feature[node]]) <= float(threshold[node])
                node = int(left[node] if goes_left else right[node])
            length += path[node]
        total.append(length)
    return np.array(total, np.float64)


def midrank_quantile(reference, scores):
    """Share of reference scores below, ties counted half."""
    found = []
    for s in scores:
        if math.isnan(s) or not len(reference):
            found.append(math.nan)
            continue
        found.append((sum(r < s for r in reference) + 0.5 * sum(r == s for r in reference)) / len(reference))
    return np.array(found, np.float64)


def conformal_pvalue(reference, scores):
    """(1 + reference scores at least as large) / (n + 1)."""
    return np.array(
        [
            math.nan if math.isnan(s) else (1 + sum(r >= s for r in reference)) / (len(reference) + 1)
            for s in scores
        ],
        np.float64,
    )


def benjamini_hochberg(pvalues):
    """For each p-value the least of p_j m / rank_j over the p-values not smaller."""
    finite = [p for p in pvalues if not math.isnan(p)]
    found = []
    for p in pvalues:
        if math.isnan(p):
            found.append(math.nan)
            continue
        found.append(
            min(other * len(finite) / sum(each <= other for each in finite) for other in finite if other >= p)
        )
    return np.array(found, np.float64)


def group_starts(counts, least):
    """First channel of each group: channels are added until the group holds `least` counts."""
    starts, total = [], least
    for i, count in enumerate(counts):
        if total >= least:  # the group before is full
            starts.append(i)
            total = 0.0
        total += count
    return np.array(starts, dtype=np.int64)


def overlap_mean(lo, hi, y, e, edges):
    """Every interval against every bin."""
    value, error = [], []
    for left, right in itertools.pairwise(edges):
        total = square = 0.0
        for a, b, density, sigma in zip(lo, hi, y, e, strict=True):
            overlap = min(b, right) - max(a, left)
            if overlap > 0:
                f = overlap / (right - left)
                total += f * density
                square += (f * sigma) ** 2
        value.append(total)
        error.append(np.sqrt(square))
    return np.array(value), np.array(error)


def balanced_accuracy(true, cluster):
    """Mean share of each class in its cluster, at the best of all ways to give clusters to classes."""
    classes = sorted(set(true.tolist()))
    # -2: no cluster; enough of them that every class may go without
    clusters = sorted(set(cluster.tolist()) - {-1}) + [-2] * len(classes)
    best = 0.0
    for given in set(itertools.permutations(clusters, len(classes))):
        recall = [
            sum(t == c and g == k for t, g in zip(true, cluster, strict=True)) / sum(t == c for t in true)
            for c, k in zip(classes, given, strict=True)
        ]
        best = max(best, sum(recall) / len(classes))
    return best


def mean_recall(true, predicted):
    """Share of each class that is predicted right, averaged over the classes there are."""
    classes = sorted(set(true.tolist()))
    recall = [
        sum(t == c and p == c for t, p in zip(true, predicted, strict=True)) / sum(t == c for t in true)
        for c in classes
    ]
    return sum(recall) / len(classes)
