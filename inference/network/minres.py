"""Continuous coreness with edges: what the weights say when the diagonal is left out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .graph import Graph


@dataclass(frozen=True)
class Minres:
    """Coreness of each node and how far the fit came.

    Parameters
    ----------
    value : ndarray, shape (n,), float64
        Coreness, 0 to 1, the largest 1; all 0 without edges.
    residual : float
        Largest change of a value in the last sweep, in units of the largest value.
    sweeps : int
        Sweeps made.
    """

    value: NDArray[np.float64]
    residual: float
    sweeps: int


def minres_coreness(graph: Graph, *, tol: float = 1e-6, max_sweeps: int = 200) -> Minres:
    """Fit A_ij by c_i c_j over all pairs i != j, by least squares.

    MINRES of H. B. Harman & W. H. Jones 1966 (Psychometrika 31, 351), as a model of core and periphery
    J. P. Boyd, W. J. Fitzgerald, M. C. Mahutga & D. A. Smith 2010 (Social Networks 32, 125). Unlike the
    leading eigenvector it leaves the diagonal, which is no data, out of the sum. Values are set one after the
    other, each to its best, so that the sum of squares never grows; the start is the strengths. A star has no
    best fit: its leaves tend to 0, slowly, and the residual says so.

    Parameters
    ----------
    graph : Graph
        n nodes; weights not below 0.
    tol : float
        Residual to stop at.
    max_sweeps : int
        Most sweeps.

    Raises
    ------
    ValueError
        A weight is below 0, as similarities are where the threshold is.

    Examples
    --------
    >>> from chandra_embed.inference.network.graph import from_edges
    >>> minres_coreness(from_edges(3, [0, 0, 1], [1, 2, 2])).value
    array([1., 1., 1.])
    """
    from ..kernels.minres import minres_sweep

    if len(graph.weight) and graph.weight.min() < 0:
        raise ValueError(f"a weight is {graph.weight.min():.3g}: coreness needs weights of at least 0")
    total = graph.strength.sum()
    if not total > 0:
        return Minres(np.zeros(graph.n), 0.0, 0)
    c = graph.strength / np.sqrt(total)
    residual, sweeps = np.inf, 0
    while residual > tol and sweeps < max_sweeps:
        change = minres_sweep(graph.indptr, graph.indices, graph.weight, c)
        residual = float(change / c.max()) if c.max() > 0 else 0.0
        sweeps += 1
    return Minres(c / c.max() if c.max() > 0 else c, residual, sweeps)
