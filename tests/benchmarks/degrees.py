"""Degrees at three thresholds, against the n x n product alone, numpy, FAISS and scikit-learn."""

from collections.abc import Callable, Sequence
from itertools import product
from math import log
from statistics import median
from typing import Any

import numpy as np
from chandra_embed.inference import degree
from chandra_embed.inference.tiling import TILE, in_threads, multiply
from timing import Section, Settings, alternate, compare, optional
from unit_rows import random_rows

THRESHOLDS = (0.5, 0.7, 0.9)
COLUMNS = ("contender", "seconds", "million pairs/s", "time / ours", "counts that differ from ours")
ROUNDS = {10_000: 11, 30_000: 5, 50_000: 5, 100_000: 3}
# peers that take minutes, or gigabytes, at more rows are left out; counts are then checked for some rows
MOST_FOR_PEERS, CHECKED = 50_000, 2000
PRODUCT = "n x n product alone"
NEAR = 1e-6
# each call gives the degrees, shape (n,), by threshold; the tile products nothing
Calls = dict[str, Callable[[], Any] | None]


def run(settings: Settings) -> list[Section]:
    sizes = (300, 1500) if settings.quick else tuple(ROUNDS)[: 4 if settings.large else 3]
    return [_section(n, ROUNDS.get(n, 2), sklearn=n == sizes[0]) for n in sizes]


def _section(n: int, rounds: int, sklearn: bool) -> Section:
    text = (
        f"{n:,} random unit vectors, d = 64, thresholds {', '.join(map(str, THRESHOLDS))} at once but where "
        f"one is named; {rounds} rounds. Pairs are counted as n (n - 1) / 2, also where a contender computes "
        "both halves. The product is all n x n similarities in float32 BLAS tiles, one thread each, nothing "
        "counted. FAISS could sort out the higher thresholds from one search at the lowest: compare with "
        f"that. Counts may differ where a pair is within {NEAR:g} of a threshold."
    )
    section = Section(f"Degree, n = {n:,}", text, COLUMNS)
    add_rows(section, random_rows(n, 64), rounds, sklearn=sklearn)
    return section


def add_rows(
    section: Section, x: Any, rounds: int, *, sklearn: bool, before: tuple[str, ...] = ()
) -> tuple[float, float]:
    """Time all contenders on the rows `x`, check their counts and add a line each to the table.

    Returns our seconds, and ours over the product's, medians over the rounds.
    """
    calls: Calls = {
        "chandra_embed degree": lambda: dict(zip(THRESHOLDS, degree(x, THRESHOLDS), strict=True)),
        PRODUCT: lambda: full_product(x),
    }
    if len(x) <= MOST_FOR_PEERS:
        calls |= {"numpy, blocks of rows": lambda: numpy_blocks(x, THRESHOLDS), **_faiss(x)}
    if sklearn:
        calls |= _sklearn(x)
    timed = alternate(f"degree, n = {len(x):,}", calls, rounds)
    ours = next(iter(timed.values())).result
    rows = np.sort(np.random.default_rng(0).choice(len(x), min(len(x), CHECKED), replace=False))
    near = [tau + side for tau in THRESHOLDS for side in (NEAR, -NEAR)]
    bounds = numpy_blocks(x, near, np.float64, rows)

    def agreement(name: str, found: Any) -> str:
        if found is None:
            return ""
        differ = 0
        for tau, counts in found.items():
            differ += int(np.sum(counts != ours[tau]))
            some = counts[rows]
            wrong = int(np.sum((some < bounds[tau + NEAR]) | (some > bounds[tau - NEAR])))
            if wrong:
                section.faults.append(f"{section.title}: {name}: {wrong} wrong counts at {tau}")
        return "" if found is ours else f"{differ:,} of {len(found) * len(x):,}"

    compare(section, timed, len(x) * (len(x) - 1) / 2e6, agreement, before)
    own, whole = next(iter(timed.values())).seconds, timed[PRODUCT].seconds
    return median(own), median(a / b for a, b in zip(own, whole, strict=True))


def growth(seconds: dict[int, float]) -> float:
    """Return the exponent of n by which the time grows from the smallest n to the largest."""
    least, most = min(seconds), max(seconds)
    return log(seconds[most] / seconds[least]) / log(most / least)


def full_product(x: Any) -> None:
    """Multiply all tiles, on both sides of the diagonal, and throw the products away."""
    starts = range(0, len(x), TILE)

    def work(take: Any) -> None:
        buffer = np.empty(min(TILE, len(x)) ** 2, np.float32)
        for a, b in take:
            multiply(x[a : a + TILE], x[b : b + TILE], buffer)

    in_threads(work, product(starts, starts), len(starts) ** 2)


def numpy_blocks(
    x: Any, thresholds: Sequence[float], dtype: Any = np.float32, rows: Any = None
) -> dict[float, Any]:
    """Count in blocks of rows (all, or some) against all rows, as one would without this package."""
    x = x.astype(dtype, copy=False)
    chosen = x if rows is None else x[rows]
    counts = {tau: np.empty(len(chosen), np.int64) for tau in thresholds}
    for a in range(0, len(chosen), TILE):
        block = chosen[a : a + TILE] @ x.T
        for tau in thresholds:
            # less itself
            counts[tau][a : a + TILE] = np.count_nonzero(block >= dtype(tau), axis=1) - 1
    return counts


def _faiss(x: Any) -> Calls:
    faiss = optional("faiss")
    names = {tau: f"FAISS IndexFlatIP.range_search, {tau}" for tau in THRESHOLDS}
    if faiss is None:
        return dict.fromkeys(names.values())
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(x)

    def count(tau: float) -> Any:
        starts = index.range_search(x, tau)[0]
        return {tau: np.diff(starts.astype(np.int64)) - 1}  # less itself

    return {name: lambda tau=tau: count(tau) for tau, name in names.items()}


def _sklearn(x: Any) -> Calls:
    from sklearn.neighbors import NearestNeighbors

    tau = THRESHOLDS[0]
    # |a - b|^2 = 2 - 2 cos for unit rows; its cosine metric is slower
    found = NearestNeighbors(algorithm="brute", radius=(2 - 2 * tau) ** 0.5).fit(x)

    def count() -> Any:
        return {tau: np.array([len(row) for row in found.radius_neighbors(return_distance=False)])}

    return {f"scikit-learn radius_neighbors, {tau}": count}
