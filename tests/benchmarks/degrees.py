"""Degrees at three thresholds, against the tile products alone, numpy, FAISS and scikit-learn."""

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from chandra_embed.inference import degree
from chandra_embed.inference.tiling import TILE, in_threads, multiply
from timing import Section, Settings, alternate, compare, optional
from unit_rows import random_rows

THRESHOLDS = (0.5, 0.7, 0.9)
COLUMNS = ("contender", "seconds", "million pairs/s", "time / ours", "counts that differ from ours")
ROUNDS = {10_000: 11, 30_000: 5, 100_000: 3}
NEAR = 1e-6
# each call gives the degrees, shape (n,), by threshold; the tile products nothing
Calls = dict[str, Callable[[], Any] | None]


def run(settings: Settings) -> list[Section]:
    sizes = (300, 1500) if settings.quick else tuple(ROUNDS)[: 3 if settings.large else 2]
    return [_section(n, ROUNDS.get(n, 2), sklearn=n == sizes[0]) for n in sizes]


def _section(n: int, rounds: int, sklearn: bool) -> Section:
    text = (
        f"{n:,} random unit vectors, d = 64, thresholds {', '.join(map(str, THRESHOLDS))} at once but where "
        f"one is named; {rounds} rounds. Pairs are counted as n (n - 1) / 2, also where a contender computes "
        "both halves. The tile products are the float32 BLAS calls that ours rests on, nothing counted. "
        "FAISS could sort out the higher thresholds from one search at the lowest: compare with that. "
        f"Counts may differ where a pair is within {NEAR:g} of a threshold."
    )
    section = Section(f"Degree, n = {n:,}", text, COLUMNS)
    add_rows(section, random_rows(n, 64), rounds, sklearn=sklearn)
    return section


def add_rows(section: Section, x: Any, rounds: int, *, sklearn: bool, before: tuple[str, ...] = ()) -> None:
    """Time all contenders on the rows `x`, check their counts and add a line each to the table."""
    calls: Calls = {
        "chandra_embed degree": lambda: dict(zip(THRESHOLDS, degree(x, THRESHOLDS), strict=True)),
        "tile products alone": lambda: tile_products(x),
        "numpy, blocks of rows": lambda: numpy_blocks(x, THRESHOLDS),
        **_faiss(x),
    }
    if sklearn:
        calls |= _sklearn(x)
    timed = alternate(f"degree, n = {len(x):,}", calls, rounds)
    ours = next(iter(timed.values())).result
    bounds = numpy_blocks(x, [tau + side for tau in THRESHOLDS for side in (NEAR, -NEAR)], np.float64)

    def agreement(name: str, found: Any) -> str:
        if found is None:
            return ""
        differ = 0
        for tau, counts in found.items():
            differ += int(np.sum(counts != ours[tau]))
            wrong = int(np.sum((counts < bounds[tau + NEAR]) | (counts > bounds[tau - NEAR])))
            if wrong:
                section.faults.append(f"{section.title}: {name}: {wrong} wrong counts at {tau}")
        return "" if found is ours else f"{differ:,} of {len(found) * len(x):,}"

    compare(section, timed, len(x) * (len(x) - 1) / 2e6, agreement, before)


def tile_products(x: Any) -> None:
    """Multiply the tiles on and above the diagonal, as degree does, and throw the products away."""
    starts = range(0, len(x), TILE)

    def work(take: Any) -> None:
        buffer = np.empty(min(TILE, len(x)) ** 2, np.float32)
        for a, b in take:
            multiply(x[a : a + TILE], x[b : b + TILE], buffer)

    in_threads(work, combinations_with_replacement(starts, 2), len(starts) * (len(starts) + 1) // 2)


def numpy_blocks(x: Any, thresholds: Sequence[float], dtype: Any = np.float32) -> dict[float, Any]:
    """Count in blocks of rows against all rows, as one would without this package."""
    x = x.astype(dtype, copy=False)
    counts = {tau: np.empty(len(x), np.int64) for tau in thresholds}
    for a in range(0, len(x), TILE):
        block = x[a : a + TILE] @ x.T
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
