"""Pictures of what is recovered among planted sources, and of detected variability; without pyplot."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...inference.report.figures import COLOURS, GREY, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]
WIDE = ("all", ">= 100")  # bins that hold others


def draw_recovered(rows: Rows) -> "Figure":
    """Draw the share recovered by net counts: a column of panels a kind, a row a ranking.

    Parameters
    ----------
    rows : sequence of mapping
        Of the table ``anomalies``; the combined scores are drawn, and those of the frozen reference.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    rankings = list(dict.fromkeys(row["ranked"] for row in rows))
    bins = _bins(rows)
    methods = [("combination", space) for space in dict.fromkeys(row["space"] for row in rows)]
    methods += [("frozen reference", "spectrum")]
    figure = Figure(figsize=(3.6 * len(kinds), 3.2 * len(rankings) + 0.8), layout="constrained")
    panels = figure.subplots(len(rankings), len(kinds), sharex=True, sharey=True, squeeze=False)
    for i, ranking in enumerate(rankings):
        for j, kind in enumerate(kinds):
            axes = panels[i, j]
            of = [row for row in rows if row["kind"] == kind and row["ranked"] == ranking]
            for style, (method, space) in enumerate(methods):
                own = [row for row in of if row["method"] == method and row["space"] == space]
                label = space if method == "combination" else f"{space}, {method}"
                _draw_shares(axes, own, "recovered", bins, style, label, 0.08 * (style - 1.5))
            beside = [row for row in of if row["method"] == "combination" and row["space"] == "spectrum"]
            place = [bins.index(row["counts"]) for row in beside if row["counts"] in bins]
            level = [row["hardness_recovered"] for row in beside if row["counts"] in bins]
            axes.plot(place, level, "_", color="black", ms=18, mew=1.6, label="hardness ratios")
            axes.set_title(f"{kind}, top 2 % of {ranking}", fontsize=9, loc="left")
            axes.set_xticks(range(len(bins)), bins, fontsize=7)
            axes.grid(alpha=0.25)
            axes.set_ylim(-0.02, 1.02)
            if i == len(rankings) - 1:
                axes.set_xlabel("net counts, 0.5-7.0 keV", fontsize=9)
    figure.supylabel("share recovered (68 %)", fontsize=10)
    figure.suptitle("Rare sources planted among simulated normal ones", fontsize=11)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=8)
    return figure


def draw_detected(rows: Rows) -> "Figure":
    """Draw the share called variable by net counts: steady, gaps alone, flares.

    Parameters
    ----------
    rows : sequence of mapping
        Of the table ``variability``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    bins, kinds = _bins(rows), list(dict.fromkeys(row["light_curve"] for row in rows))
    figure = Figure(figsize=(3.9 * len(kinds), 3.9), layout="constrained")
    panels = figure.subplots(1, len(kinds), squeeze=False)[0]
    for style, (axes, kind) in enumerate(zip(panels, kinds, strict=True)):
        of = [row for row in rows if row["light_curve"] == kind]
        _draw_shares(axes, of, "detected", bins, style, kind, 0.0)
        axes.axhline(of[0]["aim"], color=GREY, lw=1, ls="--")
        axes.set_title(kind, fontsize=10, loc="left")
        axes.set_xticks(range(len(bins)), bins, fontsize=7)
        axes.set_xlabel("net counts, 0.5-7.0 keV")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("share of P > 0.9 (68 %); dashed: the aim")
    figure.suptitle("Gregory-Loredo test of simulated sources", fontsize=11)
    return figure


def _bins(rows: Rows) -> list[str]:
    """Return the labels of the bins of net counts, faint to bright."""
    labels = {row["counts"] for row in rows} - set(WIDE)
    return sorted(
        labels, key=lambda label: (float(label.split()[0 if label[0].isdigit() else 1]), label[0] == "<")
    )


def _draw_shares(
    axes: "Axes", rows: Rows, column: str, bins: Sequence[str], style: int, label: str, shift: float
) -> None:
    """Draw shares with their 68 % intervals over bins of net counts."""
    rows = [row for row in rows if row["counts"] in bins]
    if not rows:
        return
    value, low, high = (np.array([row[name] for row in rows]) for name in (column, "low", "high"))
    axes.errorbar(
        np.array([bins.index(row["counts"]) for row in rows]) + shift,
        value,
        np.maximum([value - low, high - value], 0.0),
        fmt=MARKERS[style % len(MARKERS)],
        color=COLOURS[style % len(COLOURS)],
        capsize=2,
        ms=5,
        label=label,
    )
