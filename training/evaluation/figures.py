"""Pictures of reconstruction and of the sweep, as plain objects without pyplot."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...inference.report.figures import COLOURS, GREY, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .sample import Sample

COLUMNS, PER_PAGE = 3, 12


def by_counts_figure(rows: Sequence[Mapping[str, Any]], simulated: bool) -> "Figure":
    """Draw the error by net counts, against the input and, where it is known, against the truth.

    Parameters
    ----------
    rows : sequence of mapping
        Of the table ``reconstruction_by_counts``.
    simulated : bool
        The title says so where True.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    parts = [("mae", "against the input")]
    if any(np.isfinite(row["truth_mae"]) for row in rows):
        parts.append(("truth_mae", "against the noise-free truth"))
    figure = Figure(figsize=(5.6 * len(parts), 4.6), layout="constrained")
    for place, (name, text) in enumerate(parts, 1):
        axes = figure.add_subplot(1, len(parts), place)
        _draw_by_counts(axes, rows, name)
        axes.set_title(("Simulated: " if simulated else "") + text, fontsize=11, loc="left")
    return figure


def _draw_by_counts(axes: "Axes", rows: Sequence[Mapping[str, Any]], name: str) -> None:
    """Draw one line a method with its 68 % intervals; the input against itself is 0 and left out."""
    methods = list(dict.fromkeys(row["model"] for row in rows))
    bins = list(dict.fromkeys(row["net_counts"] for row in rows if row["net_counts"] != "all"))
    for i, method in enumerate(methods):
        if method == "input" and name == "mae":
            continue
        of = [row for row in rows if row["model"] == method and row["net_counts"] != "all"]
        value = np.array([row[name] for row in of])
        low, high = (np.array([row[f"{name}_{end}"] for row in of]) for end in ("low", "high"))
        place = np.array([bins.index(row["net_counts"]) for row in of]) + 0.06 * (i - len(methods) / 2)
        error = np.maximum([value - low, high - value], 0.0)
        label = "input (as measured)" if method == "input" else method
        axes.errorbar(
            place,
            value,
            error,
            marker=MARKERS[i % len(MARKERS)],
            color=COLOURS[i % len(COLOURS)],
            capsize=3,
            lw=1.4,
            label=label,
        )
    axes.set_xticks(range(len(bins)), bins, fontsize=8)
    axes.set_xlabel("net counts, 0.5-7.0 keV")
    axes.set_ylabel("mean absolute error, normalised (68 % over sources)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=9)


def real_figure(sample: "Sample", names: Sequence[str]) -> "Figure":
    """Draw spectra one by one: input with reconstruction, and the residual under it.

    Parameters
    ----------
    sample : Sample
        At most :data:`PER_PAGE` rows.
    names : sequence of str
        What to call them, at least as many.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    lines = -(-len(sample) // COLUMNS)
    height = 2.9 * lines + 1.0
    figure = Figure(figsize=(4.4 * COLUMNS, height))
    # margins in inches: a constrained layout of so many axes takes many times longer
    grid = figure.add_gridspec(
        lines,
        COLUMNS,
        left=0.04,
        right=0.99,
        bottom=0.5 / height,
        top=1 - 0.7 / height,
        hspace=0.34,
        wspace=0.13,
    )
    for i in range(len(sample)):
        cell = grid[i // COLUMNS, i % COLUMNS].subgridspec(2, 1, height_ratios=(2.4, 1), hspace=0.0)
        upper = figure.add_subplot(cell[0])
        lower = figure.add_subplot(cell[1], sharex=upper)
        _draw_one(upper, lower, sample, i)
        caption = f"{names[i]}, {sample.net_counts[i]:,.0f} net counts"
        upper.set_title(caption, fontsize=8, loc="left")
    kind = "Simulated spectra" if sample.simulated else "Real spectra"
    figure.suptitle(
        f"{kind}, {sample.model}: input (grey), reconstruction (orange), residual",
        fontsize=11,
        y=1 - 0.15 / height,
    )
    return figure


def _draw_one(upper: "Axes", lower: "Axes", sample: "Sample", i: int) -> None:
    """Draw one spectrum in normalised units."""
    edges = sample.recipe.energy_edges()
    energy = np.sqrt(edges[1:] * edges[:-1])
    upper.stairs(sample.normalised[i], edges, color=GREY, lw=0.9)
    upper.plot(energy, sample.reconstruction[i], color=COLOURS[4], lw=1.5)
    lower.stairs(sample.normalised[i] - sample.reconstruction[i], edges, color=COLOURS[0], lw=0.8)
    lower.axhline(0, color="black", lw=0.6)
    upper.set_xscale("log")
    upper.set_xlim(edges[0], edges[-1])
    ticks = [e for e in (0.5, 1, 2, 3, 5, 8) if edges[0] <= e <= edges[-1]]
    lower.set_xticks(ticks, [f"{e:g}" for e in ticks])
    lower.minorticks_off()
    lower.set_xlabel("energy (keV)", fontsize=8)
    upper.tick_params(labelbottom=False)
    for axes in (upper, lower):
        axes.tick_params(labelsize=7)


def sweep_figure(rows: Sequence[Mapping[str, Any]], seeds: Sequence[float], simulated: bool) -> "Figure":
    """Draw the error of every setting over that of the default, one hyper-parameter under the other.

    Parameters
    ----------
    rows : sequence of mapping
        Of the table ``sweep``; the first is the default.
    seeds : sequence of float
        Errors of the default by seed, over their mean; drawn beside it.
    simulated : bool
        The title says so where True.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 1.6 + 0.3 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    names = list(dict.fromkeys(row["hyper_parameter"] for row in rows))
    place = -np.arange(len(rows))
    for i, name in enumerate(names):
        of = [j for j, row in enumerate(rows) if row["hyper_parameter"] == name]
        ratio, low, high = (
            np.array([rows[j][column] for j in of]) for column in ("ratio", "ratio_low", "ratio_high")
        )
        axes.errorbar(
            ratio,
            place[of],
            xerr=np.maximum([ratio - low, high - ratio], 0.0),
            ls="none",
            marker=MARKERS[i % len(MARKERS)],
            color=COLOURS[i % len(COLOURS)],
            capsize=3,
        )
    axes.plot(seeds, np.zeros(len(seeds)), "|", color=GREY, ms=11, label="the default, each seed")
    axes.axvline(1.0, color=GREY, lw=0.8)
    axes.set_yticks(place, [row["setting"] for row in rows], fontsize=8)
    axes.set_xlabel("mean absolute error over that of the default (68 % over sources and seeds)")
    axes.set_title(
        ("Simulated: " if simulated else "") + "one setting changed at a time", fontsize=11, loc="left"
    )
    axes.grid(axis="x", alpha=0.25)
    axes.legend(fontsize=8, loc="best")
    return figure
