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


def split(s, miss, reach, others):
    """Rows that a cell's limits leave undecided, and what the others are given at each threshold."""
    undecided, given = [], np.zeros((len(miss), len(s)), np.int64)
    for r, value in enumerate(s):
        sure = sum(value >= limit for limit in reach)
        possible = sum(value >= limit for limit in miss)
        if sure != possible:
            undecided.append(r)
        else:
            given[:sure, r] = others
    return undecided, given


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


def top_pairs(x, k):
    """The k most similar pairs, of equal ones the lower rows first: rows, shape (k, 2), and similarities."""
    values = similarities(x, x)
    pairs = [(i, j) for i in range(len(x)) for j in range(i + 1, len(x))]
    best = sorted(pairs, key=lambda pair: (-values[pair], pair))[:k]
    return np.array(best, np.int64).reshape(-1, 2), np.array([values[pair] for pair in best])


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


def adjacency(x, tau, excluded=((), ())):
    """Similarity of each pair of rows that reaches tau, else NaN; shape (n, n)."""
    found = similarities(x, x)
    found[~(found >= tau)] = np.nan
    np.fill_diagonal(found, np.nan)
    for i, j in zip(*excluded, strict=True):
        found[i, j] = found[j, i] = np.nan
    return found


def same_source_pairs(source_id):
    """Every pair of rows that have one name, where there is a name."""
    n = len(source_id)
    return [(i, j) for i in range(n) for j in range(i + 1, n) if source_id[i] == source_id[j] != ""]


def lip_cost(edges, core):
    """Pairs missing inside the core and edges outside it, pair by pair; `edges` is bool, shape (n, n)."""
    cost = 0
    for i, j in itertools.combinations(range(len(edges)), 2):
        inside = (i in core) + (j in core)
        cost += (inside == 2 and not edges[i, j]) + (inside == 0 and bool(edges[i, j]))
    return cost


def lip_core(edges):
    """Size and cost of the best core, of equal ones the smallest, among all sets of nodes."""
    n = len(edges)
    sets = itertools.chain.from_iterable(itertools.combinations(range(n), k) for k in range(n + 1))
    cost, size = min((lip_cost(edges, set(core)), len(core)) for core in sets)
    return size, cost


def coreness(weights):
    """What power iteration from the row sums converges to, the largest 1; from the dense eigenvectors."""
    if not weights.any():
        return np.zeros(len(weights))
    values, vectors = np.linalg.eigh(weights)
    leading = vectors[:, values > values[-1] - 1e-9 * max(values[-1], 1.0)]
    found = leading @ (leading.T @ weights.sum(axis=1))
    return found / found.max()


def connected_components(edges):
    """Lowest row that each row reaches along edges."""
    label = [-1] * len(edges)
    for start in range(len(edges)):
        if label[start] >= 0:
            continue
        label[start], waiting = start, [start]
        while waiting:
            new = [j for j in np.flatnonzero(edges[waiting.pop()]) if label[j] < 0]
            waiting += new
            for j in new:
                label[j] = start
    return np.array(label, np.int64)


def edge_set(x, tau, excluded=()):
    """Pairs i < j whose similarity reaches tau, but for those excluded, with their similarities."""
    value = similarities(x, x)
    n = len(x)
    return {
        (i, j): value[i, j]
        for i in range(n)
        for j in range(i + 1, n)
        if value[i, j] >= tau and (i, j) not in excluded
    }


def neighbours(n, edges):
    """Sorted neighbours of each node."""
    found = [set() for _ in range(n)]
    for i, j in edges:
        found[i].add(j)
        found[j].add(i)
    return [sorted(each) for each in found]


def core_number(n, edges):
    """Take away nodes of fewer than k neighbours, again and again, for k = 1, 2, ..."""
    near, alive, found = neighbours(n, edges), set(range(n)), [0] * n
    for k in range(1, n):
        while low := [i for i in alive if sum(j in alive for j in near[i]) < k]:
            alive -= set(low)
        for i in alive:
            found[i] = k
    return found


def pattern_correlation(n, edges, core):
    """Correlation over all pairs of being an edge and having an end in the core; 0 where one is constant."""
    pairs = list(itertools.combinations(range(n), 2))
    a = [float((i, j) in edges) for i, j in pairs]
    b = [float(i in core or j in core) for i, j in pairs]
    if len(set(a)) < 2 or len(set(b)) < 2:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def best_core(n, edges):
    """Correlation of the best of all 2^n cores."""
    nodes = range(n)
    cores = itertools.chain.from_iterable(itertools.combinations(nodes, k) for k in range(n + 1))
    return max(pattern_correlation(n, edges, set(core)) for core in cores)


def best_prefix(n, edges, order):
    """First nodes of an order that correlate best, the fewest of equal ones."""
    value = [pattern_correlation(n, edges, set(order[:k])) for k in range(n + 1)]
    keep = max(range(n + 1), key=lambda k: (round(max(value[k], 0.0), 10), -k))
    return set(order[:keep])


def improve_core(n, edges, core):
    """Move nodes in turn while the correlation grows; else exchange the two that promise most."""
    near, core = neighbours(n, edges), set(core)
    now = pattern_correlation(n, edges, core)
    while True:
        moved = False
        for i in range(n):
            then = pattern_correlation(n, edges, core ^ {i})
            if then > now + 1e-12:
                core, now, moved = core ^ {i}, then, True
        if moved:
            continue
        outer = [sum(j not in core for j in near[i]) for i in range(n)]
        goes = min(core, key=lambda i: (outer[i], i), default=None)
        comes = min(set(range(n)) - core, key=lambda i: (-outer[i], i), default=None)
        if goes is None or comes is None or outer[comes] <= outer[goes]:
            return core, now
        core = core ^ {goes, comes}
        now = pattern_correlation(n, edges, core)


def minres_sweep(matrix, c):
    """Set each value to the least-squares best, the others held."""
    c = list(c)
    for i in range(len(c)):
        others = [j for j in range(len(c)) if j != i]
        square = sum(c[j] ** 2 for j in others)
        c[i] = sum(matrix[i][j] * c[j] for j in others) / square if square else 0.0
    return c


def km_quality(n, edges, pair, core):
    """(2 m)^2 Q of KM-config, summed over all pairs of nodes, a node with itself among them."""
    near = neighbours(n, edges)
    ends = 2 * len(edges)
    total = 0
    for i in range(n):
        for j in range(n):
            if pair[i] == pair[j] and (core[i] or core[j]):
                total += ends * ((min(i, j), max(i, j)) in edges) - len(near[i]) * len(near[j])
    return total


def km_round(n, edges, order, pair, core):
    """Try every pair of a neighbour, and the own one, on both sides, and take the first of the best."""
    near, pair, core, changed = neighbours(n, edges), list(pair), list(core), 0
    for i in order:
        if not near[i]:
            continue
        stay = (pair[i], core[i])
        options = [stay]
        for p in sorted({pair[i], *(pair[j] for j in near[i])}):
            options += [(p, True), (p, False)]
        value = []
        for option in options:
            pair[i], core[i] = option
            value.append(km_quality(n, edges, pair, core))
        pair[i], core[i] = options[value.index(max(value))]
        changed += (pair[i], core[i]) != stay
    return pair, core, changed


def exchange_ends(pairs, barred, draws):
    """Let two pairs exchange an end where two new, allowed pairs come of it."""
    pairs = [tuple(each) for each in pairs]
    held, barred = {frozenset(each) for each in pairs}, {frozenset(each) for each in barred}
    for first, second in draws:
        (a, b), (c, d) = pairs[first], pairs[second // 2]
        if second % 2:
            c, d = d, c
        new = {frozenset((a, d)), frozenset((c, b))}
        if any(len(each) == 1 for each in new) or len({a, b, c, d}) < 4 or new & (held | barred):
            continue
        held = held - {frozenset((a, b)), frozenset((c, d))} | new
        pairs[first], pairs[second // 2] = (a, d), (c, b)
    return pairs


def triangles(n, edges):
    """Triangles of each node."""
    near, found = neighbours(n, edges), [0] * n
    for i, j in edges:
        for k in set(near[i]) & set(near[j]):
            found[k] += 1
    return found


def modularity(n, edges, community):
    """(2 m)^2 times the modularity."""
    return km_quality(n, edges, community, [True] * n)


def louvain_round(n, edges, order, community):
    """Try the community of each neighbour in turn and take the first of the best."""
    near, community, changed = neighbours(n, edges), list(community), 0
    for i in order:
        stay = community[i]
        options = [stay, *dict.fromkeys(community[j] for j in near[i])]
        value = []
        for option in options:
            community[i] = option
            value.append(modularity(n, edges, community))
        community[i] = options[value.index(max(value))]
        changed += community[i] != stay
    return community, changed


def event_map(events, recipe):
    """Counts of one event list by energy, and by energy, time and interval; its good time at the end."""
    row, edges = np.zeros(recipe.width, np.float32), recipe.energy_edges().astype(np.float32)
    fine = np.searchsorted(edges, events.energy, side="right") - 1
    inside = (fine >= 0) & (fine < recipe.energy_bins)
    n, (_, times, intervals) = int(inside.sum()), recipe.shape
    if not n:
        return row
    fine, elapsed, live = fine[inside], events.elapsed()[inside], events.livetime
    cell = fine // (recipe.bins_per_band // recipe.parts_per_band) * times
    cell += np.minimum((elapsed / live * times).astype(np.int64), times - 1)
    if recipe.kind == "cube":
        gap = np.diff(elapsed, prepend=0.0) * (n / live)
        cell = cell * intervals + np.searchsorted(recipe.interval_edges, gap, side="right")
    row[: recipe.energy_bins] = np.bincount(fine, minlength=recipe.energy_bins)
    row[recipe.energy_bins : -1] = np.bincount(cell, minlength=math.prod(recipe.shape))
    row[-1] = live
    return row
