"""What a network is at each threshold, found without its edges."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..similarity import Floats
from .components import connected_components
from .coreness import Coreness, coreness
from .degrees import degrees_and_strengths
from .lip import LipCore, lip_core
from .pairs import Pairs
from .quantiles import informative, thresholds_at

PASSES = 10  # of the power iteration


@dataclass(frozen=True, eq=False)
class Level:
    """The network of `n` nodes at one threshold.

    Parameters
    ----------
    tau : float
        Cosine similarity from which two nodes have an edge.
    how : str
        Where the threshold comes from, such as ``"given"``.
    pairs : int
        Pairs of nodes that could have an edge: those of one source are left out, unless they were asked for.
    degree : ndarray, shape (n,), int64
    strength : ndarray, shape (n,), float64
        Sum of the similarities of a node's edges.
    core : LipCore
    coreness : Coreness
    component : ndarray, shape (n,), int64
        Lowest node of the connected component of each.
    """

    tau: float
    how: str
    pairs: int
    degree: NDArray[np.int64]
    strength: NDArray[np.float64]
    core: LipCore
    coreness: Coreness
    component: NDArray[np.int64]

    @property
    def edges(self) -> int:
        """Edges, each counted once."""
        return int(self.degree.sum()) // 2

    @property
    def edge_density(self) -> float:
        """Edges over pairs that could have one; 0 where no pair could."""
        return self.edges / self.pairs if self.pairs else 0.0

    @property
    def informative(self) -> bool:
        """Whether the graph is neither nearly complete nor nearly empty."""
        return informative(self.edge_density)

    @property
    def periphery_size(self) -> int:
        """Nodes outside Lip's core."""
        return len(self.degree) - self.core.size

    @property
    def component_count(self) -> int:
        """Connected components, single nodes among them."""
        return len(np.unique(self.component))

    @property
    def largest_component(self) -> int:
        """Nodes of the largest connected component."""
        return int(np.unique(self.component, return_counts=True)[1].max(initial=0))

    @property
    def isolated(self) -> int:
        """Nodes without an edge."""
        return int((self.degree == 0).sum())


def chosen_thresholds(
    x: Floats,
    thresholds: Sequence[float],
    densities: Sequence[float],
    source: NDArray[np.int64] | None,
    *,
    seed: int = 0,
) -> list[tuple[float, str]]:
    """Return the thresholds asked for, and those at given edge densities, each once, with where it is from.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    thresholds, densities : sequence of float
        As the user gave them.
    source : ndarray, shape (n,), int64, optional
        See :func:`.quantiles.thresholds_at`.
    seed : int
        Of a sample of pairs.
    """
    found = {float(tau): "given" for tau in thresholds}
    for quantile in thresholds_at(x, list(densities), source, seed=seed):
        found.setdefault(quantile.tau, quantile.how)
    return list(found.items())


def find_levels(x: Floats, thresholds: Sequence[tuple[float, str]], excluded: Pairs | None) -> list[Level]:
    """Find everything that needs no edges, at every threshold; memory grows with n alone.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows.
    thresholds : sequence of (float, str)
        What :func:`chosen_thresholds` returned.
    excluded : tuple of two ndarray, shape (m,), int64, optional
        Pairs that have no edge.

    Returns
    -------
    list of Level
        In the order of `thresholds`.
    """
    n = len(x)
    every = n * (n - 1) // 2
    with Progress(every, "network: degrees", unit="pairs") as progress:
        degree, strength = degrees_and_strengths(
            x, [tau for tau, _ in thresholds], excluded=excluded, on_pairs=progress.update
        )
    pairs = every - (len(excluded[0]) if excluded is not None else 0)
    found = []
    for (tau, how), degrees, strengths in zip(thresholds, degree, strength, strict=True):
        with Progress(every * PASSES, f"network: coreness at {tau:.4g}", unit="pairs") as progress:
            value = coreness(x, tau, excluded=excluded, max_passes=PASSES, on_pairs=progress.update)
        with Progress(every, f"network: components at {tau:.4g}", unit="pairs") as progress:
            component = connected_components(x, tau, excluded=excluded, on_pairs=progress.update)
        found.append(Level(tau, how, pairs, degrees, strengths, lip_core(degrees), value, component))
    return found
