"""Whether core, pairs of core and periphery, and loners are more than the rim and middle of one cloud."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..similarity import Floats
from ..tiling import in_threads, one_at_a_time
from .borgatti_everett import fit_core
from .cloud import Cloud
from .embedding_null import CORE_SHARE, EDGE_SHARE, LONER_SHARE
from .equal_edges import graphs_above, thresholds_of
from .graph import Pairs
from .levels import Level
from .lip import lip_core
from .nulls import CORE, FIT_RESTARTS, LEAST_NULLS, PAIRS, NullTest, generator, pairs_gain

CLOUD = "cloud"
AS_MANY = ", as many edges"
WITH_EDGES = (CORE, PAIRS)
WITHOUT_EDGES = (CORE_SHARE, LONER_SHARE)
STATISTICS = (*(name + AS_MANY for name in (*WITH_EDGES, *WITHOUT_EDGES)), EDGE_SHARE)
MAX_NODES = 10_000
MAX_PAIRS = 2e8  # similarities of all clouds together, where that leaves LEAST_NULLS
MAX_WORK = 1e7  # edges of all clouds at one threshold, likewise


def cloud_tests(
    x: Floats,
    levels: Sequence[Level],
    observed: Sequence[Mapping[str, float]],
    source: NDArray[np.int64] | None = None,
    *,
    excluded: Pairs | None = None,
    n_null: int = 200,
    seed: int = 0,
    on_null: Callable[[int], None] | None = None,
) -> list[list[NullTest]]:
    """Compare the network at each threshold with that of random points of the same mean and covariance.

    Points without any structure but an uneven spread have a core, in their middle, and a periphery, at their
    rim (:class:`.cloud.Cloud`). The edges over pairs are compared at the same threshold, everything else at
    the cloud's own threshold that gives as many edges, so that no statistic is large for want or surplus of
    edges alone.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    levels : sequence of Level
        The network at each threshold.
    observed : sequence of mapping of str to float
        For each, the statistics of :data:`WITH_EDGES` of the network, as :mod:`.nulls` computes them; one
        that is missing or NaN is not compared.
    source : ndarray, shape (n,), int64, optional
        Source of each row; 0: a source of its own. Default: every row is.
    excluded : (i, j), ndarrays, shape (p,), int64, optional
        Pairs i < j, ordered by i, that have no edge.
    n_null : int
        Clouds; of many rows or edges fewer, but not below 39, and none beyond ``MAX_NODES``.
    seed : int
        Cloud k depends on the seed and k alone.
    on_null : callable, optional
        Called with 1 after each cloud, by one thread at a time.

    Returns
    -------
    list of list of NullTest
        For each threshold one test of each of ``STATISTICS``.
    """
    count, reason = affordable(len(x), n_null)
    cloud = Cloud.of(x, source)
    if not reason and len(x) <= cloud.rank + 1:
        reason = f"{len(x):,} nodes, covariance of rank {cloud.rank}: too few to tell from a cloud"
    if reason:
        return [[NullTest.without(CLOUD, name, reason) for name in STATISTICS] for _ in levels]
    known = [
        {
            **{name + AS_MANY: own.get(name, np.nan) for name in WITH_EDGES},
            CORE_SHARE + AS_MANY: level.core.size / len(x),
            LONER_SHARE + AS_MANY: level.isolated / len(x),
            EDGE_SHARE: level.edge_density,
        }
        for level, own in zip(levels, observed, strict=True)
    ]
    draws = [_with_edges(level, own, count) for level, own in zip(levels, observed, strict=True)]
    found = np.full((count, len(levels), len(STATISTICS)), np.nan)
    report = one_at_a_time(on_null)

    def work(take: Iterator[int]) -> None:
        for k in take:
            rng = generator(seed, k)
            found[k] = _statistics(cloud.draw(rng), levels, excluded, [k < most for most in draws], rng)
            report(1)

    in_threads(work, range(count), count)
    return [
        [_test(name, known[t][name], found[:, t, s]) for s, name in enumerate(STATISTICS)]
        for t in range(len(levels))
    ]


def affordable(n: int, n_null: int) -> tuple[int, str]:
    """Return how many clouds of `n` nodes there will be, and where none, why."""
    if n_null < 1:
        return 0, "no clouds were asked for"
    if n > MAX_NODES:
        return 0, f"{n:,} nodes, more than {MAX_NODES:,}"
    return min(n_null, max(LEAST_NULLS, int(MAX_PAIRS / max(n * (n - 1) // 2, 1)))), ""


def _with_edges(level: Level, own: Mapping[str, float], count: int) -> int:
    """Return for how many clouds the edges at one threshold are gathered."""
    if not any(np.isfinite(own.get(name, np.nan)) for name in WITH_EDGES):
        return 0
    return min(count, max(LEAST_NULLS, int(MAX_WORK / max(level.edges, 1))))


def _statistics(
    rows: Floats,
    levels: Sequence[Level],
    excluded: Pairs | None,
    gathered: Sequence[bool],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the statistics of one cloud at each threshold; NaN where its edges are not gathered."""
    tau, above = thresholds_of(
        rows, [level.edges for level in levels], [level.tau for level in levels], excluded
    )
    found = np.full((len(levels), len(STATISTICS)), np.nan)
    for t, (degree, graph) in enumerate(graphs_above(rows, tau, gathered, excluded)):
        if graph is not None:
            found[t, :2] = fit_core(graph, restarts=FIT_RESTARTS).correlation, pairs_gain(graph, rng)
        core = lip_core(degree).size / len(rows)
        found[t, 2:] = core, (degree == 0).mean(), above[t] / max(levels[t].pairs, 1)
    return found


def _test(name: str, observed: float, random: NDArray[np.float64]) -> NullTest:
    """Compare one statistic; one that the network lacks has no p-value."""
    if not np.isfinite(observed):
        return NullTest.without(CLOUD, name, "not known of the network itself")
    return NullTest.of(CLOUD, name, observed, random[np.isfinite(random)])
