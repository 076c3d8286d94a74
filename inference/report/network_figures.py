"""What pictures of a similarity network share, and two of them: degrees and adjacency.

Figures are plain objects without pyplot; :func:`.figures.save` writes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .figures import COLOURS
from .network_layout import BINS, Nodes, adjacency

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
ACROSS = 3  # panels side by side
PALE = "#c9c9c9"
LINES = ("-", "--", ":", "-.")


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is drawn of one threshold, of `n` detections.

    Parameters
    ----------
    tau : float
        Cosine similarity from which two detections have an edge.
    degree : ndarray, shape (n,), int64
    coreness : ndarray, shape (n,), float64
    is_core : ndarray, shape (n,), bool
        Members of Lip's core.
    edge_density : float
        Edges over pairs.
    informative : bool
        Whether the graph is neither nearly complete nor nearly empty.
    isolated : ndarray, shape (k,), int64
        The most isolated detections, the most isolated first.
    """

    tau: float
    degree: NDArray[np.int64]
    coreness: Array
    is_core: NDArray[np.bool_]
    edge_density: float
    informative: bool
    isolated: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Network:
    """What all pictures share, of `n` detections.

    Parameters
    ----------
    nodes : Nodes
        The nodes drawn.
    classes : ndarray, shape (n,), str
        Class of each; empty where not known.
    ra, dec : ndarray, shape (n,), float64
        deg; NaN where not known.
    names : ndarray, shape (n,), str
        What each is called.
    subject : str
        What the network is of, such as ``"spectrum, var_prob_b > 0.9"``.
    simulated : bool
        Every picture says so where True.
    seed : int
        Of the samples drawn.
    """

    nodes: Nodes
    classes: NDArray[Any]
    ra: Array
    dec: Array
    names: NDArray[Any]
    subject: str
    simulated: bool
    seed: int = 0


def draw_degrees(data: Network, drawn: Sequence[Drawn]) -> "Figure":
    """Draw the degree distribution at each threshold, and all their lower tails, where the isolated ones are.

    Beside each stands what a random graph of as many edges has (binomial degrees).

    Parameters
    ----------
    data : Network
        What the network is of.
    drawn : sequence of Drawn
        At least one.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    across = _across(len(drawn))
    down = -(-len(drawn) // across)
    figure = Figure(figsize=(11.0, 2.7 * down + 4.2), layout="constrained")
    grid = figure.add_gridspec(down + 1, 1, height_ratios=[1.0] * down + [1.5])
    tail = figure.add_subplot(grid[down])
    rows = [grid[row].subgridspec(1, across) for row in range(down)]
    for i, each in enumerate(drawn):
        axes = figure.add_subplot(rows[i // across][i % across])
        colour = COLOURS[i % len(COLOURS)]
        _histogram(axes, each, data.nodes.n, colour)
        if i % across == 0:
            axes.set_ylabel("detections")
        note = "" if each.informative else " (uninformative)"
        _tail(
            tail,
            each,
            data.nodes.n,
            colour,
            LINES[i % len(LINES)],
            f"cosine similarity ≥ {each.tau:.4g}{note}",
        )
    n = data.nodes.n
    tail.set_xscale("symlog", linthresh=1.0, linscale=0.4)
    tail.set_yscale("log")
    tail.set_xlim(-0.15, max(2.0, 1.2 * n))
    tail.set_ylim(0.5 / n, 1.5)
    tail.set_xlabel("degree k: detections at least so similar")
    tail.set_ylabel("fraction of degree ≤ k")
    tail.legend(fontsize=9, loc="best", framealpha=0.9)
    tail.grid(alpha=0.25)
    headline(figure, data, "degrees", "thin lines: random graph of as many edges")
    return figure


def _histogram(axes: "Axes", each: Drawn, n: int, colour: str) -> None:
    """Draw how many detections have which degree, beside a random graph."""
    from scipy.stats import binom

    most = int(each.degree.max(initial=0))
    width = max(1, -(-(most + 1) // 40))
    edges = np.arange(0, most + width + 1, width) - 0.5
    counts = np.histogram(each.degree, edges)[0]
    axes.stairs(counts, edges, fill=True, color=colour, alpha=0.75)
    highest = float(counts.max(initial=1))
    if 0 < each.edge_density < 1:
        expected = n * np.diff(binom.cdf(edges, n - 1, each.edge_density))
        axes.stairs(expected, edges, color="black", lw=0.9)
        highest = max(highest, float(expected.max(initial=0)))
    axes.set_ylim(0, 1.08 * highest)
    axes.set_xlabel("degree")
    axes.grid(alpha=0.25)
    note = "" if each.informative else ", uninformative"
    axes.set_title(f"≥ {each.tau:.4g} (edge density {each.edge_density:.3g}{note})", fontsize=10, loc="left")


def _tail(axes: "Axes", each: Drawn, n: int, colour: str, line: str, label: str) -> None:
    """Draw which fraction has at most a degree, beside a random graph."""
    from scipy.stats import binom

    degree, counts = np.unique(each.degree, return_counts=True)
    axes.step(degree, np.cumsum(counts) / n, where="post", color=colour, ls=line, lw=2.0, label=label)
    if not 0 < each.edge_density < 1:
        return
    k = np.unique(np.concatenate([[0], np.round(np.geomspace(1, max(n - 1, 1), 400))]))
    share = binom.cdf(k, n - 1, each.edge_density)
    seen = (share > 0.2 / n) & (k <= degree.max(initial=0))
    axes.plot(k[seen], share[seen], color=colour, lw=0.9)


def draw_adjacency(data: Network, drawn: Sequence[Drawn]) -> "Figure":
    """Draw the adjacency matrix at each threshold, rows and columns by falling coreness.

    Parameters
    ----------
    data : Network
        Nodes.
    drawn : sequence of Drawn
        At least one.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.colors import PowerNorm

    figure, panels = panels_of(len(drawn), 4.4, 4.6)
    chosen = data.nodes.chosen
    m = len(chosen)
    shown = None
    for axes, each in zip(panels, drawn, strict=True):
        core = each.is_core[chosen]
        order = np.lexsort((-each.degree[chosen], -each.coreness[chosen]))
        density = adjacency(data.nodes, each.tau, order)
        shown = axes.imshow(
            density,
            extent=(0.0, 1.0, 1.0, 0.0),
            cmap="magma_r",
            norm=PowerNorm(0.5, 0, 1),
            interpolation="nearest",
            rasterized=True,
        )
        _core_strip(axes, core[order], len(density))
        axes.set_xlabel("detections by coreness, highest first")
        axes.set_ylabel("detections by coreness")
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
        axes.tick_params(labelsize=8)
        title(axes, each, pad=16.0)
    assert shown is not None
    figure.colorbar(shown, ax=list(panels), label="edges over pairs", shrink=0.7, pad=0.01, aspect=30)
    note = f"strip above: share in Lip's core; {min(BINS, m):,} groups of detections"
    headline(figure, data, "adjacency", "; ".join(part for part in (note, data.nodes.note) if part))
    return figure


def panels_of(
    number: int, width: float, height: float, layout: Literal["constrained"] | None = "constrained"
) -> "tuple[Figure, list[Axes]]":
    """Return a figure of so many panels, at most :data:`ACROSS` side by side."""
    from matplotlib.figure import Figure

    across = _across(number)
    down = -(-number // across)
    figure = Figure(figsize=(max(width * across, 6.0), height * down + 0.5), layout=layout)
    grid = figure.subplots(down, across, squeeze=False).ravel().tolist()
    for axes in grid[number:]:
        axes.axis("off")
    return figure, grid[:number]


def _across(number: int) -> int:
    """Return how many of so many panels stand side by side."""
    return 2 if number == 4 else min(ACROSS, number)


def title(axes: "Axes", each: Drawn, pad: float = 6.0) -> None:
    """Write the threshold over a panel, and that it is uninformative where it is."""
    note = "" if each.informative else "  (uninformative)"
    axes.set_title(f"cosine similarity ≥ {each.tau:.4g}{note}", fontsize=11, loc="left", pad=pad)


def headline(figure: "Figure", data: Network, what: str, note: str) -> None:
    """Write what the picture is of; simulated data are called so."""
    told = "Simulated: " if data.simulated else ""
    text = f"{told}{what} of {data.nodes.n:,} detections: {data.subject}"
    wide = int(10 * figure.get_figwidth())  # letters that stand in one line
    figure.suptitle("\n".join(fill(each, wide) for each in (text, note) if each), fontsize=11)


def _core_strip(axes: "Axes", core: NDArray[np.bool_], bins: int) -> None:
    """Draw above the matrix which share of each group is in the core."""
    starts = np.linspace(0, len(core), bins + 1).astype(np.int64)
    share = np.add.reduceat(core.astype(np.float64), starts[:-1]) / np.diff(starts)
    strip = axes.inset_axes((0.0, 1.015, 1.0, 0.035))
    strip.imshow(share[None, :], aspect="auto", cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
    strip.set_axis_off()
