"""Degrees at three thresholds, against the n x n product alone, numpy, FAISS and scikit-learn."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from catalog import KINDS, TEXT, rows
from chandra_embed.inference import degree
from chandra_embed.inference.tiling import TILE, in_threads
from numba import njit
from timing import Section, Settings, alternate, compare, optional

THRESHOLDS = (0.5, 0.7, 0.9)
COLUMNS = ("n", "contender", "seconds", "million pairs/s", "time / ours", "counts that differ from ours")
ROUNDS = {10_000: 5, 30_000: 5, 50_000: 3, 100_000: 3}
# peers that take minutes, or gigabytes, at more rows are left out; counts are then checked for some rows
MOST = {"numpy": 10_000, "FAISS": 50_000, "scikit-learn": 10_000}
CHECKED = 2000
PRODUCT = "n x n product alone"
NEAR = 1e-6
# each call gives the degrees, shape (n,), by threshold; the tile products nothing
Calls = dict[str, Callable[[], Any] | None]


def run(settings: Settings) -> list[Section]:
    return [_section(kind, (300, 1500) if settings.quick else tuple(ROUNDS)) for kind in KINDS]


def _section(kind: str, sizes: Sequence[int]) -> Section:
    section = Section(f"Degree, {kind}", "", COLUMNS)
    seconds, ratios = {}, {}
    for n in sizes:
        x = rows(kind, n)
        seconds[n], ratios[n] = _add_rows(section, x, ROUNDS.get(n, 2))
    some = numpy_blocks(x, THRESHOLDS, rows=np.arange(min(len(x), CHECKED)))
    section.text = (
        f"Thresholds {', '.join(map(str, THRESHOLDS))} at once but where one is named; "
        f"{', '.join(f'{ROUNDS.get(n, 2)} rounds at n = {n:,}' for n in sizes)}. Pairs are counted as "
        "n (n - 1) / 2, also where a contender computes both halves. The product is all n x n similarities "
        "in float32 BLAS tiles, one thread each, called by compiled code as ours are, nothing counted. "
        "FAISS's search at the lowest threshold finds what all three need, though they are still to be "
        "sorted out: compare with that. Counts may "
        f"differ where a pair is within {NEAR:g} of a threshold. {TEXT if kind != KINDS[0] else ''}\n\n"
        f"Of all pairs {', '.join(f'{c.mean() / (len(x) - 1):.1%} reach {tau}' for tau, c in some.items())}. "
        f"Ours over the product: {', '.join(f'{ratio:.2f} at n = {n:,}' for n, ratio in ratios.items())}. "
        f"Our time grows as n to the power of {growth(seconds):.2f} (straight line through the logarithms)."
    )
    return section


def _add_rows(section: Section, x: Any, rounds: int) -> tuple[float, float]:
    """Time all contenders on the rows `x`, check their counts and add a line each to the table.

    Returns our seconds, and ours over the product's, medians over the rounds.
    """
    calls: Calls = {
        "chandra_embed degree": lambda: dict(zip(THRESHOLDS, degree(x, THRESHOLDS), strict=True)),
        PRODUCT: lambda: full_product(x),
    }
    if len(x) <= MOST["numpy"]:
        calls["numpy, blocks of rows"] = lambda: numpy_blocks(x, THRESHOLDS)
    if len(x) <= MOST["FAISS"]:
        calls |= _faiss(x)
    if len(x) <= MOST["scikit-learn"]:
        calls |= _sklearn(x)
    timed = alternate(f"degree, n = {len(x):,}", calls, rounds)
    ours = next(iter(timed.values())).result
    chosen = np.sort(np.random.default_rng(0).choice(len(x), min(len(x), CHECKED), replace=False))
    near = [tau + side for tau in THRESHOLDS for side in (NEAR, -NEAR)]
    bounds = numpy_blocks(x, near, np.float64, chosen)

    def agreement(name: str, found: Any) -> str:
        if found is None:
            return ""
        differ = 0
        for tau, counts in found.items():
            differ += int(np.sum(counts != ours[tau]))
            some = counts[chosen]
            wrong = int(np.sum((some < bounds[tau + NEAR]) | (some > bounds[tau - NEAR])))
            if wrong:
                section.faults.append(f"{section.title}: {name}: {wrong} wrong counts at {tau}")
        return "" if found is ours else f"{differ:,} of {len(found) * len(x):,}"

    compare(section, timed, len(x) * (len(x) - 1) / 2e6, agreement, (f"{len(x):,}",))
    own, whole = next(iter(timed.values())).seconds, timed[PRODUCT].seconds
    return median(own), median(a / b for a, b in zip(own, whole, strict=True))


def growth(seconds: dict[int, float]) -> float:
    """Return the exponent of n by which the time grows."""
    return float(np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0])


def full_product(x: Any) -> None:
    """Multiply all tiles, on both sides of the diagonal, and throw the products away."""
    import scipy.linalg.cython_blas  # noqa: F401  the BLAS of compiled code, to be held to one thread too

    def work(take: Any) -> None:
        for a in take:
            _multiply_strip(x, a)

    strips = range(0, len(x), TILE)
    in_threads(work, strips, len(strips))


@njit(nogil=True)
def _multiply_strip(x: Any, a: int) -> None:
    """Multiply some rows with all, tile by tile in compiled code, as ours does."""
    n = x.shape[0]
    p = min(TILE, n - a)
    values = np.empty(p * TILE, np.float32)
    for b in range(0, n, TILE):
        q = min(TILE, n - b)
        np.dot(x[a : a + p], x[b : b + q].T, values[: p * q].reshape((p, q)))


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
    names = {tau: f"FAISS IndexFlatIP.range_search, {tau}" for tau in THRESHOLDS[:1]}
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
