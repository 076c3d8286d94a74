"""How far the core rests on which sources were observed: the graph again without some of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .embedding_null import sources_of
from .graph import Graph
from .lip import lip_core

DRAWS, SHARE = 200, 0.8
QUANTILES = (0.05, 0.5, 0.95)
LEVELS = (0.16, 0.84, 0.025, 0.975)
LEAST_SOURCES = 5
_AT_ONCE = 25


@dataclass(frozen=True)
class Subsamples:
    """What the draws say.

    Parameters
    ----------
    draws : int
        Draws made; 0 with fewer than five sources.
    rows : list of dict
        One row each for ``core share`` (nodes in Lip's core over nodes) and ``degree share, 5 %``, ``50 %``,
        ``95 %`` (quantiles over nodes of degree / (nodes - 1)): statistic, value (of the whole graph), low,
        high (68 %), low95, high95; NaN where nothing was drawn.
    stability : ndarray, shape (n,), float64
        How often a node is in the core, among the draws that hold it; NaN where none does.
    """

    draws: int
    rows: list[dict[str, str | float]]
    stability: NDArray[np.float64]


def subsample(
    graph: Graph,
    source: NDArray[np.int64] | None = None,
    *,
    draws: int = DRAWS,
    share: float = SHARE,
    seed: int = 0,
) -> Subsamples:
    """Draw a share of the sources without replacement, many times, and find the core of each draw.

    Drawn with replacement a node would be its own neighbour. A draw of m of N sources spreads less about the
    whole than the whole about other samples of N, by sqrt((N - m) / m), so that deviations from the mean of
    the draws are stretched by sqrt(m / (N - m)), 2 at 80 % (delete-d jackknife: J. Shao & C. F. J. Wu 1989,
    Ann. Statist. 17, 1176).

    Parameters
    ----------
    graph : Graph
        n nodes; weights are not looked at.
    source : ndarray, shape (n,), int64, optional
        Source of each node; 0: a source of its own. Default: every node is.
    draws : int
        Draws.
    share : float
        Of the sources, above 0 and below 1; at least one is drawn and one left out.
    seed : int
        Of the draws.

    Raises
    ------
    ValueError
        `share` is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share}: give a number between 0 and 1")
    index = sources_of(graph.n, source)
    n_sources = int(index.max(initial=-1)) + 1
    names = ["core share", *(f"degree share, {q * 100:g} %" for q in QUANTILES)]
    value, _ = _statistics(graph.degree)
    if n_sources < LEAST_SOURCES or draws < 1:
        empty = np.full((0, len(names)), np.nan)
        return Subsamples(0, _rows(names, value, empty, 0.0), np.full(graph.n, np.nan))
    m = min(max(round(share * n_sources), 1), n_sources - 1)
    rng = np.random.default_rng(seed)
    found = np.empty((draws, len(names)))
    held, core = np.zeros(graph.n, np.int64), np.zeros(graph.n, np.int64)
    for start in range(0, draws, _AT_ONCE):
        many = min(_AT_ONCE, draws - start)
        kept = np.zeros((n_sources, many), np.bool_)
        for k in range(many):
            kept[rng.permutation(n_sources)[:m], k] = True
        inside = kept[index]
        degrees = _degrees_within(graph, inside)
        for k in range(many):
            nodes = np.flatnonzero(inside[:, k])
            found[start + k], is_core = _statistics(degrees[nodes, k])
            held[nodes] += 1
            core[nodes[is_core]] += 1
    stretch = float(np.sqrt(m / (n_sources - m)))
    stability = np.divide(core, held, out=np.full(graph.n, np.nan), where=held > 0)
    return Subsamples(draws, _rows(names, value, found, stretch), stability)


def _degrees_within(graph: Graph, inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count, for each column of `inside`, shape (n, k), the neighbours that it holds."""
    from scipy.sparse import csr_array

    ones = np.ones(len(graph.indices), np.int32)
    matrix = csr_array((ones, graph.indices, graph.indptr), shape=(graph.n, graph.n))
    found: NDArray[np.int64] = np.asarray(matrix @ inside.astype(np.int32), np.int64)
    return found


def _statistics(degree: NDArray[np.int64]) -> tuple[list[float], NDArray[np.bool_]]:
    """Return the statistics of a graph of these degrees, and its core."""
    n = len(degree)
    core = lip_core(degree)
    quantiles = np.quantile(degree, QUANTILES) / max(n - 1, 1) if n else np.full(len(QUANTILES), np.nan)
    return [core.size / n if n else np.nan, *quantiles.tolist()], core.is_core


def _rows(
    names: list[str], value: list[float], found: NDArray[np.float64], stretch: float
) -> list[dict[str, str | float]]:
    """Return the table: deviations of the draws from their mean, stretched, about the value; 0 to 1."""
    rows: list[dict[str, str | float]] = []
    for column, name in enumerate(names):
        ends = np.full(len(LEVELS), np.nan)
        if len(found):
            deviation = found[:, column] - found[:, column].mean()
            ends = np.clip(value[column] + stretch * np.quantile(deviation, LEVELS), 0.0, 1.0)
        low, high, low95, high95 = ends.tolist()
        rows.append(
            {
                "statistic": name,
                "value": value[column],
                "low": low,
                "high": high,
                "low95": low95,
                "high95": high95,
            }
        )
    return rows
