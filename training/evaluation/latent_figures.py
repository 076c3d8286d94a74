"""Pictures of what latents mean and of what embeddings know of observations, without pyplot."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...inference.report.figures import COLOURS, GREY, MARKERS
from .quantities import LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]
LEAST = -0.1  # R^2 below this is drawn at the edge


def draw_regressions(rows: Rows, fronts: Rows, simulated: bool) -> "Figure":
    """Draw R^2 of every quantity with what it is compared with, and R^2 against the length of the formula.

    Parameters
    ----------
    rows, fronts : sequence of mapping
        Of the tables ``latents`` and ``latents-fronts``.
    simulated : bool
        The titles say so where True.

    Returns
    -------
    matplotlib.figure.Figure
        One row of panels a group of sources.
    """
    from matplotlib.figure import Figure

    groups = list(dict.fromkeys(row["sources"] for row in rows))
    figure = Figure(figsize=(12.0, 0.8 + 4.2 * len(groups)), layout="constrained")
    panels = figure.subplots(len(groups), 2, squeeze=False)
    for (left, right), sources in zip(panels, groups, strict=True):
        of = [row for row in rows if row["sources"] == sources]
        _draw_scores(left, of)
        _draw_fronts(right, [row for row in fronts if row["sources"] == sources])
        _title(left, f"{_name(sources)}: R² on held-out sources, 68 %", simulated)
        _title(right, f"{_name(sources)}: R² by length of the formula", simulated)
    return figure


def _draw_scores(axes: "Axes", rows: Rows) -> None:
    """One line a quantity: the formula with its interval, the linear fit, the bands, the null."""
    place = np.arange(len(rows))[::-1]
    value = np.array([row["r2"] for row in rows])
    low, high = (np.array([row[f"r2_{end}"] for row in rows]) for end in ("low", "high"))
    axes.axvline(0.0, color=GREY, lw=1)
    others = (
        ("r2_linear", "linear, all latents"),
        ("r2_bands", "formula of the band ratios"),
        ("r2_null", "shuffled"),
    )
    for i, (name, label) in enumerate(others, 1):
        axes.plot(_shown(rows, name), place, MARKERS[i], color=COLOURS[i], ms=6, mfc="none", label=label)
    axes.errorbar(
        np.maximum(value, LEAST),
        place,
        xerr=np.clip([value - low, high - value], 0.0, 1.0),
        fmt=MARKERS[0],
        color=COLOURS[0],
        ms=6,
        label="formula of the latents",
    )
    axes.set_yticks(place, [LABELS[row["quantity"]] for row in rows])
    axes.set_xlim(LEAST - 0.03, 1.02)
    axes.set_xlabel("R²")
    axes.grid(axis="x", alpha=0.25)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.13), ncols=2, fontsize=9, frameon=False)


def _draw_fronts(axes: "Axes", rows: Rows) -> None:
    """One line a quantity over the number of nodes; what was chosen is filled."""
    for i, name in enumerate(dict.fromkeys(row["quantity"] for row in rows)):
        of = [row for row in rows if row["quantity"] == name]
        nodes, value = [row["complexity"] for row in of], _shown(of, "r2")
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[(i + i // len(COLOURS)) % len(MARKERS)]
        style = ("-", "--")[i // len(COLOURS) % 2]
        axes.plot(
            nodes, value, style, marker=marker, color=colour, mfc="none", lw=1.2, ms=5, label=LABELS[name]
        )
        for n, v, row in zip(nodes, value, of, strict=True):
            if row["chosen"]:
                axes.plot(n, v, marker=marker, color=colour, ms=6)
    axes.axhline(0.0, color=GREY, lw=1)
    axes.set_ylim(LEAST - 0.03, 1.02)
    axes.set_xlabel("nodes of the formula (filled: the one chosen)")
    axes.set_ylabel("R² on held-out sources")
    axes.grid(alpha=0.25)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, frameon=False)


def draw_associations(matrix: Rows, simulated: bool) -> "Figure":
    """Draw rank correlation and mutual information of each latent with each quantity as heat maps.

    Parameters
    ----------
    matrix : sequence of mapping
        Of the table ``latents-associations``.
    simulated : bool
        The titles say so where True.

    Returns
    -------
    matplotlib.figure.Figure
        One row of panels a group of sources.
    """
    from matplotlib.figure import Figure

    groups = list(dict.fromkeys(row["sources"] for row in matrix))
    latents = len({row["latent"] for row in matrix})
    figure = Figure(figsize=(5.0 + 0.9 * min(latents, 16), 0.6 + 4.0 * len(groups)), layout="constrained")
    panels = figure.subplots(len(groups), 2, squeeze=False)
    for (left, right), sources in zip(panels, groups, strict=True):
        of = [row for row in matrix if row["sources"] == sources]
        _heat_map(figure, left, of, "rho", {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}, "Spearman ρ")
        _heat_map(figure, right, of, "mutual_information", {"cmap": "viridis", "vmin": 0}, "nat")
        _title(left, f"{_name(sources)}: rank correlation", simulated)
        _title(right, "mutual information", simulated)
        right.set_yticks([])
    return figure


def _heat_map(
    figure: "Figure", axes: "Axes", rows: Rows, name: str, style: Mapping[str, Any], label: str
) -> None:
    quantities = list(dict.fromkeys(row["quantity"] for row in rows))
    latents = list(dict.fromkeys(row["latent"] for row in rows))
    cells = np.array([row[name] for row in rows]).reshape(len(quantities), len(latents))
    image = axes.imshow(cells, aspect="auto", **style)
    figure.colorbar(image, ax=axes, label=label, pad=0.02)
    axes.set_yticks(range(len(quantities)), [LABELS[q] for q in quantities])
    if len(latents) > 16:  # no room for the numbers
        axes.set_xlabel(f"latents {latents[0]} to {latents[-1]}")
        return
    axes.set_xticks(range(len(latents)), latents)
    for (i, j), value in np.ndenumerate(cells):
        # white numbers on the dark ends of the colour maps
        dark = abs(value) > 0.7 if name == "rho" else value < 0.6 * cells.max()
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color="w" if dark else "k")


def draw_nuisances(rows: Rows, simulated: bool) -> "Figure":
    """Draw R^2 of each nuisance with its 68 % interval, one marker a model; the shuffled null open.

    Parameters
    ----------
    rows : sequence of mapping
        Of the table ``nuisance``.
    simulated : bool
        The title says so where True.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    quantities = list(dict.fromkeys(row["quantity"] for row in rows))
    models = list(dict.fromkeys((row["recipe"], row["model"]) for row in rows))
    for i, (recipe, model) in enumerate(models):
        of = [row for row in rows if (row["recipe"], row["model"]) == (recipe, model)]
        place = np.array([quantities.index(row["quantity"]) for row in of]) + 0.15 * (
            i - (len(models) - 1) / 2
        )
        value = np.array([row["r2"] for row in of])
        error = np.clip([value - [row["r2_low"] for row in of], [row["r2_high"] for row in of] - value], 0, 1)
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
        label = f"{recipe} density, {model}"
        axes.errorbar(place, np.maximum(value, LEAST), yerr=error, fmt=marker, color=colour, label=label)
        axes.plot(place, _shown(of, "r2_null"), marker, color=colour, mfc="none", label="the same, shuffled")
    axes.axhline(0.0, color=GREY, lw=1)
    axes.set_xticks(range(len(quantities)), [LABELS[q] for q in quantities])
    axes.set_xlim(-0.5, len(quantities) - 0.5)
    axes.set_ylim(LEAST - 0.03, 1.02)
    axes.set_ylabel("R² on held-out sources")
    axes.grid(axis="y", alpha=0.25)
    axes.legend(fontsize=9, frameon=False)
    _title(axes, "what the embedding tells of the observation", simulated)
    return figure


def _shown(rows: Rows, name: str) -> Any:
    """Values, those off the axis at its edge."""
    return np.maximum(np.array([row[name] for row in rows], np.float64), LEAST)


def _title(axes: "Axes", text: str, simulated: bool) -> None:
    axes.set_title(("Simulated: " if simulated else "") + text, fontsize=11, loc="left")


def _name(sources: str) -> str:
    return "all classes" if sources == "all" else sources
