"""Pictures of alignment and of regression from several modalities, as plain objects without pyplot."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...inference.report.figures import COLOURS, GREY, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]
RECALLS = {"recall_1pct": "recall @1 %", "recall_5pct": "recall @5 %", "recall_10pct": "recall @10 %"}


def draw_recalls(rows: Rows, data: str) -> "Figure":
    """Draw the recalls of each direction by each method, with the class oracle and chance.

    Parameters
    ----------
    rows : sequence of mapping
        Of the table ``alignment``.
    data : str
        What the pairs are; stands in the title.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a recall.
    """
    from matplotlib.figure import Figure

    directions = list(dict.fromkeys(row["direction"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figure = Figure(figsize=(13.0, 2.2 + 0.5 * len(directions)), layout="constrained")
    panels = figure.subplots(1, len(RECALLS), sharey=True)
    for axes, (column, label) in zip(panels, RECALLS.items(), strict=True):
        for i, method in enumerate(methods):
            _intervals(
                axes,
                [row for row in rows if row["method"] == method],
                column,
                directions,
                "direction",
                (i - (len(methods) - 1) / 2) * 0.15,
                i,
                method,
            )
        oracle = {row["direction"]: row[f"class_oracle_{column.removeprefix('recall_')}"] for row in rows}
        place = -np.arange(len(directions), dtype=np.float64)
        axes.plot(
            [oracle[d] for d in directions], place, "|", color="black", ms=22, mew=1.6, label="class oracle"
        )
        axes.axvline(float(column[7:-3]) / 100, color=GREY, lw=1, ls="--", label="chance")
        axes.set_xlim(left=0)
        axes.set_yticks(place, directions)
        axes.set_xlabel(f"{label} (68 % over sources)")
        axes.grid(axis="x", alpha=0.25)
    figure.suptitle(f"Retrieval, {data}", fontsize=11)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=9)
    return figure


def draw_narrowing(cosines: Rows, spreads: Rows, data: str) -> "Figure":
    """Draw cosines within and between classes, and spreads among neighbours, before and after alignment.

    Parameters
    ----------
    cosines, spreads : sequence of mapping
        Of the tables ``alignment-cosines`` and ``alignment-spread``.
    data : str
        What the pairs are; stands in the title.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = list(dict.fromkeys(row["modality"] for row in cosines))
    both = {"within_class": "within a class", "between_classes": "between classes"}
    for i, (column, label) in enumerate(both.items()):
        for j, stage in enumerate(("before", "after")):
            of = [row for row in cosines if row["alignment"] == stage]
            _intervals(
                left, of, column, names, "modality", 0.2 * (i - 0.5) + 0.1 * (j - 0.5), 2 * i + j,
                f"{label}, {stage}",
            )  # fmt: skip
    left.set_yticks(-np.arange(len(names)), names)
    left.set_xlabel("mean cosine of two sources (68 %)")
    labelled = [{**row, "label": f"{row['modality']}, {row['variable']}"} for row in spreads]
    names = [row["label"] for row in labelled]
    for j, stage in enumerate(("before", "after")):
        _intervals(right, labelled, stage, names, "label", 0.2 * (0.5 - j), 4 * j, stage)
    right.set_yticks(-np.arange(len(names)), names)
    right.set_xlabel("standard deviation among the nearest other sources (68 %)")
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.25)
        axes.legend(fontsize=9)
    figure.suptitle(f"Before and after alignment, {data}", fontsize=11)
    return figure


def draw_regression(rows: Rows, data: str) -> "Figure":
    """Draw errors by text, data and both, and by how much both are better than the better of the two.

    Parameters
    ----------
    rows : sequence of mapping
        Of the table ``regression``.
    data : str
        What the pairs are; stands in the title.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 1.6 + 0.42 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    place = -np.arange(len(rows), dtype=np.float64)
    for i, name in enumerate(("text", "data", "both")):
        label = rows[0]["data_modality"] if name == "data" else name
        ratio = [row[name] / row["constant"] for row in rows]
        left.plot(ratio, place, MARKERS[i], color=COLOURS[i], label=label)
    left.axvline(1.0, color=GREY, lw=1, ls="--", label="median of the training rows")
    left.set_xlabel("mean absolute error over that of a constant")
    percent, low, high = (
        np.array([row[name] for row in rows]) for name in ("percent", "percent_low", "percent_high")
    )
    right.errorbar(
        percent, place, xerr=np.maximum([percent - low, high - percent], 0.0), fmt="o", color=COLOURS[4],
        capsize=3,
    )  # fmt: skip
    right.axvline(0.0, color=GREY, lw=1)
    right.set_xlabel("both better than the better one by, % (95 % over sources)")
    left.set_yticks(place, [row["variable"] for row in rows])
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.25)
    left.legend(fontsize=9)
    figure.suptitle(f"Regression, {data}", fontsize=11)
    return figure


def _intervals(
    axes: "Axes",
    rows: Rows,
    column: str,
    names: Sequence[str],
    key: str,
    shift: float,
    style: int,
    label: str,
) -> None:
    """Draw values with their 68 % intervals, one line a name."""
    if not rows:
        return
    place = np.array([shift - names.index(row[key]) for row in rows])
    value, low, high = (np.array([row[column + end] for row in rows]) for end in ("", "_low", "_high"))
    axes.errorbar(
        value,
        place,
        xerr=np.maximum([value - low, high - value], 0.0),
        fmt=MARKERS[style % len(MARKERS)],
        color=COLOURS[style % len(COLOURS)],
        capsize=2,
        ms=5,
        label=label,
    )
