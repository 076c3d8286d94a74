"""Whether a core, or pairs of core and periphery, are more than chance: nulls, named with every p-value.

``density``: all graphs of as many edges. ``degree``: all graphs of the same degrees. ``embedding`` and
``cloud`` are nulls of the points, not of the graph: see :mod:`.embedding_null` and :mod:`.cloud_null`. A
single core and periphery is a matter of degrees, and Lip's core their function alone, so that neither has a
p-value against ``degree`` (S. Kojaku & N. Masuda 2018, New J. Phys. 20, 043012).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..tiling import in_threads, one_at_a_time
from .borgatti_everett import fit_core
from .graph import Graph, Pairs
from .km_config import km_config, km_gain
from .random_graphs import MAX_NODES, Rewiring, node_pairs, random_graph

N_NULL = 200
LEAST_NULLS = 39  # fewer cannot reach p = 0.025
MAX_WORK = 2e7  # edges of all random graphs together
FIT_RESTARTS, SWITCH_RESTARTS = 2, 1
CORE, PAIRS = "Borgatti-Everett correlation", "KM-config gain of several pairs"


@dataclass(frozen=True)
class NullTest:
    """A statistic of a graph beside that of random graphs.

    Parameters
    ----------
    null : {"density", "degree", "embedding", "cloud"}
        What the random graphs have in common with the graph.
    statistic : str
        What is compared.
    observed : float
        Of the graph; NaN where it was not computed.
    random : ndarray, shape (r,), float64
        Of the random graphs.
    p : float or None
        (1 + random ones >= observed) / (1 + r); None where there is none.
    reason : str
        Why there is no p-value; empty where there is one.
    """

    null: str
    statistic: str
    observed: float
    random: NDArray[np.float64]
    p: float | None
    reason: str = ""

    @property
    def n_null(self) -> int:
        """Random graphs."""
        return len(self.random)

    @classmethod
    def of(cls, null: str, statistic: str, observed: float, random: NDArray[np.float64]) -> "NullTest":
        """Return the test with its p-value."""
        p = (1 + int((random >= observed).sum())) / (1 + len(random))
        return cls(null, statistic, observed, random, p)

    @classmethod
    def without(cls, null: str, statistic: str, reason: str, observed: float = np.nan) -> "NullTest":
        """Return a test that was not made, or has no p-value, and why."""
        return cls(null, statistic, observed, np.empty(0), None, reason)

    def row(self) -> dict[str, str | float | int | None]:
        """Return the test as a row of a table; the range of the random graphs holds 95 % of them."""
        low, middle, high = np.quantile(self.random, (0.025, 0.5, 0.975)) if self.n_null else (np.nan,) * 3
        return {
            "null": self.null,
            "statistic": self.statistic,
            "observed": self.observed,
            "random_median": float(middle),
            "random_low95": float(low),
            "random_high95": float(high),
            "n_null": self.n_null,
            "p": self.p,
            "reason": self.reason,
        }


def affordable(graph: Graph, n_null: int) -> tuple[int, str]:
    """Return how many random graphs there will be, and where none, why.

    Parameters
    ----------
    graph : Graph
        The graph.
    n_null : int
        Random graphs asked for; together they have at most ``MAX_WORK`` edges.
    """
    if n_null < 1:
        return 0, "no random graphs were asked for"
    if graph.n > MAX_NODES:
        return 0, f"{graph.n:,} nodes, more than {MAX_NODES:,}"
    if graph.edge_count == 0:
        return 0, "no edges"
    fewer = min(n_null, int(MAX_WORK / graph.edge_count))
    if fewer < min(n_null, LEAST_NULLS):
        return 0, f"{graph.edge_count:,} edges, too many for {LEAST_NULLS} random graphs"
    return fewer, ""


def density_null(
    graph: Graph,
    *,
    n_null: int = N_NULL,
    seed: int = 0,
    excluded: Pairs | None = None,
    on_null: Callable[[int], None] | None = None,
) -> NullTest:
    """Ask whether one core and periphery fits the graph better than random graphs of as many edges.

    The statistic is the correlation of :func:`.borgatti_everett.fit_core` with a few restarts, fitted anew to
    every random graph (Erdos & Renyi).

    Parameters
    ----------
    graph : Graph
        The graph; weights are not looked at.
    n_null : int
        Random graphs; of large graphs fewer, see :func:`affordable`.
    seed : int
        Random graph k depends on the seed and k alone.
    excluded : (i, j), ndarrays, shape (p,), int64, optional
        Pairs that are no edges in random graphs either.
    on_null : callable, optional
        Called with 1 after each random graph, by one thread at a time.
    """
    count, reason = affordable(graph, n_null)
    if reason:
        return NullTest.without("density", CORE, reason)
    barred = node_pairs(graph.n, excluded)

    def fitted(each: Graph) -> float:
        return fit_core(each, restarts=FIT_RESTARTS).correlation

    def draw(rng: np.random.Generator) -> float:
        return fitted(random_graph(graph.n, graph.edge_count, rng, barred))

    return NullTest.of("density", CORE, fitted(graph), _draws(draw, count, seed, on_null))


def degree_null(
    graph: Graph,
    *,
    n_null: int = N_NULL,
    seed: int = 0,
    excluded: Pairs | None = None,
    on_null: Callable[[int], None] | None = None,
) -> NullTest:
    """Ask whether several pairs of core and periphery explain more than in random graphs of the same degrees.

    The statistic is what several pairs gain over the best single pair in the quality of KM-config
    (:func:`.km_config.km_gain`), found anew in every random graph: a single core and periphery is no more
    than its degrees. Random graphs are simple, as the similarity graph is: edges exchange ends, and a step to
    a loop or multiple edge is not taken. The graph is walked to a hidden state and every random graph from
    there, so that graph and random graphs could change places whatever the length of the walks (J. Besag &
    P. Clifford 1989, Biometrika 76, 633).

    Parameters
    ----------
    graph, n_null, seed, excluded, on_null
        As :func:`density_null`.

    Returns
    -------
    NullTest
        Without a p-value where the graph has fewer than two pairs with both core and periphery.
    """
    count, reason = affordable(graph, n_null)
    if reason:
        return NullTest.without("degree", PAIRS, reason)
    observed = pairs_gain(graph, generator(seed, n_null + 1))
    if km_config(graph, restarts=SWITCH_RESTARTS, seed=seed).count < 2:
        return NullTest.without("degree", PAIRS, "fewer than two pairs of core and periphery", observed)
    hidden = Rewiring.of(graph, node_pairs(graph.n, excluded)).walked(generator(seed, n_null))

    def draw(rng: np.random.Generator) -> float:
        return pairs_gain(hidden.walked(rng).graph(), rng)

    return NullTest.of("degree", PAIRS, observed, _draws(draw, count, seed, on_null))


def pairs_gain(graph: Graph, rng: np.random.Generator) -> float:
    """Return what several pairs gain over the best single one in KM-config's Q; 0 without edges."""
    return km_gain(graph, SWITCH_RESTARTS, rng) / max(float(len(graph.indices)) ** 2, 1.0)


def generator(seed: int, k: int) -> np.random.Generator:
    """Return the source of randomness of random graph `k`."""
    return np.random.default_rng(np.random.SeedSequence([seed, k]))


def _draws(
    draw: Callable[[np.random.Generator], float],
    count: int,
    seed: int,
    on_null: Callable[[int], None] | None,
) -> NDArray[np.float64]:
    """Compute the statistic of `count` random graphs, several at a time."""
    found = np.empty(count)
    report = one_at_a_time(on_null)

    def work(take: Iterator[int]) -> None:
        for k in take:
            found[k] = draw(generator(seed, k))
            report(1)

    in_threads(work, range(count), count)
    return found
