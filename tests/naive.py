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


def dot(x, y):
    """Sum of products in float64, in index order."""
    return sum(float(p) * float(q) for p, q in zip(x, y, strict=True))


def info_nce(a, b, groups, temperature, soft=None):
    """Symmetric InfoNCE, pair after pair; rows of one group never stand in each other's sum."""
    total = 0.0
    for queries, targets in ((a, b), (b, a)):
        for i, query in enumerate(queries):
            allowed = [j for j in range(len(targets)) if j == i or groups[j] != groups[i]]
            logits = [dot(query, targets[j]) / temperature for j in allowed]
            top = max(logits)
            log_sum = top + math.log(sum(math.exp(x - top) for x in logits))
            for j, x in zip(allowed, logits, strict=True):
                weight = float(j == i) if soft is None else float(soft[i][j])
                total -= weight * (x - log_sum)
    return total / (2 * len(a))


def soft_targets(text, groups, share, temperature=0.1):
    """Targets row by row: the pair keeps 1 - share, the rest goes by exp(cosine / temperature)."""
    found = np.zeros((len(text), len(text)))
    for i in range(len(text)):
        allowed = [j for j in range(len(text)) if j == i or groups[j] != groups[i]]
        weight = [math.exp(dot(text[i], text[j]) / temperature) for j in allowed]
        for j, w in zip(allowed, weight, strict=True):
            found[i, j] = share * w / sum(weight)
        found[i, i] += 1 - share
    return found


def variance_covariance(z):
    """VICReg's variance hinge and squared covariances of sqrt(d) z, 25 : 1, over 25."""
    z = np.asarray(z, np.float64) * math.sqrt(len(z[0]))
    n, d = z.shape
    hinge, squares = 0.0, 0.0
    for k in range(d):
        for m in range(d):
            c = sum((z[i, k] - z[:, k].mean()) * (z[i, m] - z[:, m].mean()) for i in range(n)) / (n - 1)
            if k == m:
                hinge += max(0.0, 1 - math.sqrt(c + 1e-4)) / d
            else:
                squares += c * c / d
    return hinge + squares / 25


def geometry(z, x):
    """Mean squared change of the cosine over all pairs of different rows."""

    def cosine(p, q):
        length = np.linalg.norm(p) * np.linalg.norm(q)
        return float(np.dot(p, q) / length) if length else 0.0

    z, x = np.asarray(z, np.float64), np.asarray(x, np.float64)
    n = len(z)
    return sum(
        (float(np.dot(z[i], z[j])) - cosine(x[i], x[j])) ** 2 for i in range(n) for j in range(n) if i != j
    ) / (n * (n - 1))


def average_rank(similarity, own):
    """Rank of one entry among a row, from 1, its ties at their mean."""
    above = sum(1 for s in similarity if s > similarity[own])
    tied = sum(1 for s in similarity if s == similarity[own])
    return sum(above + place for place in range(1, tied + 1)) / tied


def recall_over_orders(above, tied, places):
    """Share of the orders of the tied in which one of them is among the first places."""
    return sum(1 for place in range(tied) if above + place < places) / tied


def class_cosines(x, kind, weight):
    """Mean cosine of all pairs of different rows, by weight: within a class, and between classes."""
    sums, weights = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}
    for i in range(len(x)):
        for j in range(len(x)):
            if i != j:
                same = bool(kind[i] == kind[j])
                sums[same] += weight[i] * weight[j] * float(np.dot(x[i], x[j]))
                weights[same] += weight[i] * weight[j]
    return tuple(sums[same] / weights[same] for same in (True, False))


def neighbour_spread(x, value, k):
    """Standard deviation (k - 1) of a value among the k rows of highest cosine, the row itself left out."""
    found = []
    for i in range(len(x)):
        cosine = [
            float(np.dot(x[i], x[j]) / (np.linalg.norm(x[i]) * np.linalg.norm(x[j]))) for j in range(len(x))
        ]
        near = sorted((j for j in range(len(x)) if j != i), key=lambda j: (-cosine[j], j))[:k]
        mean = sum(value[j] for j in near) / k
        found.append(math.sqrt(sum((value[j] - mean) ** 2 for j in near) / (k - 1)))
    return found


def gregory_loredo(phase, bins):
    """ln of m^N (m - 1)! n_1! ... n_m! / (N + m - 1)! for each m."""
    found = []
    for m in bins:
        held = [0] * m
        for x in phase:
            held[min(int(x * m), m - 1)] += 1
        n = sum(held)
        total = n * math.log(m) + math.lgamma(m) - math.lgamma(n + m)
        found.append(total + sum(math.lgamma(k + 1) for k in held))
    return np.array(found, np.float64)


def gregory_loredo_cells(counts, live, bins):
    """The same of counts in cells: a bin holds the cells, and the live time, whose middle lies in it."""
    found = []
    for m in bins:
        held, share, before = [0.0] * m, [0.0] * m, 0.0
        for k, part in zip(counts, live, strict=True):
            j = min(int((before + 0.5 * part) * m), m - 1)
            before += part
            held[j] += k
            share[j] += part
        used = [(k, s) for k, s in zip(held, share, strict=True) if s > 0]
        n = sum(counts)
        total = math.lgamma(len(used)) - math.lgamma(n + len(used))
        found.append(total + sum(math.lgamma(k + 1) - k * math.log(s) for k, s in used))
    return np.array(found, np.float64)


def gregory_loredo_light_curve(phase, weight):
    """Mean and standard deviation of the rate at the middles of 3 m_max parts, over the numbers of bins."""
    most, n = len(weight) + 1, len(phase)
    mean, sigma = [], []
    for p in range(3 * most):
        first = second = 0.0
        for m in range(2, most + 1):
            j = (2 * p + 1) * m // (6 * most)
            k = sum(min(int(y * m), m - 1) == j for y in phase)
            f = (k + 1) / (n + m)
            first += weight[m - 2] * m * f
            second += weight[m - 2] * m * m * (f * f + f * (1 - f) / (n + m + 1))
        mean.append(first)
        sigma.append(math.sqrt(max(second - first * first, 0.0)))
    return np.array(mean), np.array(sigma)


def uniform_distance(phase):
    """Greatest reach of the steps of the distribution above and below the uniform one."""
    n = len(phase)
    x = sorted(phase)
    return max((i + 1) / n - x[i] for i in range(n)), max(x[i] - i / n for i in range(n))


def live_phase(time, gti, edges, fraction):
    """Live time before each event over all live time, second by part of a second of the pieces."""
    pieces = []
    for a, b in gti:
        cuts = sorted({a, b, *(e for e in edges if a < e < b)})
        for lo, hi in itertools.pairwise(cuts):
            i = sum(e <= lo for e in edges) - 1
            share = fraction[i] if 0 <= i < len(fraction) else 0.0
            pieces.append((lo, hi, share))
    total = sum((hi - lo) * s for lo, hi, s in pieces)
    return [sum((min(max(t, lo), hi) - lo) * s for lo, hi, s in pieces) / total for t in time]
