"""Figures of the clusters: the contingency matrix, accuracy by latents, accuracy by spread of the physics."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...inference.report.figures import COLOURS, GREY, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LATENTS = ("autoencoder", "pca", "bands")
LABELS = {"autoencoder": "autoencoder", "pca": "PCA", "bands": "three bands"}


def draw_matrix(
    share: NDArray[np.float64], names: Sequence[str], members: Sequence[int], title: str
) -> "Figure":
    """Draw a contingency matrix normalised by true class, with the numbers in its cells.

    Parameters
    ----------
    share : ndarray, shape (k, k + 1), float64
        Rows are true classes, columns the clusters assigned to them; the last: in none of these.
    names : sequence of str, length k
        Classes.
    members : sequence of int, length k
        Detections of each.
    title : str
        Says what it is, and that it is simulated where it is.
    """
    from matplotlib.figure import Figure

    # rows in no cluster are worth a column only where there are any
    drawn = share if np.nanmax(share[:, -1], initial=0.0) > 5e-4 else share[:, :-1]
    k = len(names)
    figure = Figure(figsize=(3.6 + 0.75 * drawn.shape[1], 2.2 + 0.6 * k), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(drawn, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(drawn):
        if np.isfinite(value):
            colour = "black" if value > 0.5 else "white"
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=9, color=colour)
    columns = [*names, "none"][: drawn.shape[1]]
    axes.set_xticks(range(len(columns)), columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(k), [f"{name} ({n:,})" for name, n in zip(names, members, strict=True)])
    axes.set_xlabel("cluster assigned to")
    axes.set_ylabel("true class (detections)")
    axes.set_title(title, fontsize=9, loc="left")
    figure.colorbar(image, ax=axes, label="share of the true class", pad=0.02)
    return figure


def draw_accuracy(rows: Sequence[Mapping[str, Any]], simulated: bool) -> "Figure":
    """Draw the chosen methods' balanced accuracy with intervals, chance and the forest, by latents.

    Parameters
    ----------
    rows : sequence of mapping
        Of :func:`.clustering.rows_of`.
    simulated : bool
        The title says so where True.
    """
    from matplotlib.figure import Figure

    chosen = [row for row in rows if row["chosen"]]
    sets = list(dict.fromkeys(row["classes"] for row in chosen))
    figure = Figure(figsize=(1.2 + 4.0 * len(sets), 4.4), layout="constrained")
    panels = figure.subplots(1, len(sets), sharey=True, squeeze=False)[0]
    for axes, classes in zip(panels, sets, strict=True):
        _bars(axes, [row for row in chosen if row["classes"] == classes])
        prefix = "Simulated: " if simulated else ""
        axes.set_title(f"{prefix}{classes} classes, sources not seen", fontsize=10, loc="left")
    panels[0].set_ylabel("balanced accuracy")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def _bars(axes: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    """One bar a kind of latents: 68 % thick, 95 % thin, chance dashed, the forest a diamond."""
    for i, row in enumerate(rows):
        colour = COLOURS[LATENTS.index(row["latents"])]
        axes.bar(i, row["balanced_accuracy"], width=0.6, color=colour, alpha=0.75)
        first = i == 0
        axes.vlines(i, row["low95"], row["high95"], color="black", lw=1.2, label="95 %" if first else "")
        axes.vlines(i, row["low"], row["high"], color="black", lw=4, label="68 %" if first else "")
        axes.hlines(
            row["chance"],
            i - 0.38,
            i + 0.38,
            color="black",
            ls="--",
            lw=1.4,
            label="chance, assignment redone" if first else "",
        )
        axes.plot(
            i + 0.19,
            row["ceiling"],
            MARKERS[3],
            color="white",
            mec="black",
            ms=8,
            ls="none",
            label="random forest" if first else "",
        )
    axes.set_xticks(range(len(rows)), [LABELS[row["latents"]] for row in rows])
    axes.set_ylim(0, 1)
    axes.grid(axis="y", alpha=0.25)


def draw_spread(rows: Sequence[Mapping[str, Any]]) -> "Figure":
    """Draw balanced accuracy against the spread of the physics within a class.

    Parameters
    ----------
    rows : sequence of mapping
        Of :func:`.spread.spread_curve`; all of them are of simulated spectra.
    """
    from matplotlib.figure import Figure

    sets = list(dict.fromkeys(row["classes"] for row in rows))
    figure = Figure(figsize=(1.2 + 4.4 * len(sets), 4.6), layout="constrained")
    panels = figure.subplots(1, len(sets), squeeze=False)[0]
    for axes, classes in zip(panels, sets, strict=True):
        for i, latents in enumerate(LATENTS):
            own = sorted(
                (row for row in rows if row["classes"] == classes and row["latents"] == latents),
                key=lambda row: float(row["spread"]),
            )
            if own:
                _curve(axes, own, COLOURS[i], MARKERS[i], LABELS[latents])
        # where the literature puts the classes
        axes.axvline(1.0, color=GREY, lw=1, ls=":")
        axes.set_xlabel("spread of the physics within a class\n(1: as wide as the literature gives)")
        axes.set_title(f"Simulated: {classes} classes, sources not seen", fontsize=10, loc="left")
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("balanced accuracy")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _curve(axes: "Axes", rows: Sequence[Mapping[str, Any]], colour: str, marker: str, label: str) -> None:
    """Clusters solid with their 68 % band, the forest dashed, chance dotted."""
    x = [row["spread"] for row in rows]
    accuracy = [row["balanced_accuracy"] for row in rows]
    axes.fill_between(x, [r["low"] for r in rows], [r["high"] for r in rows], color=colour, alpha=0.2, lw=0)
    axes.plot(x, accuracy, color=colour, marker=marker, lw=1.8, label=f"{label}: clusters")
    axes.plot(
        x,
        [r["forest"] for r in rows],
        color=colour,
        marker=marker,
        mfc="white",
        lw=1.2,
        ls="--",
        label=f"{label}: forest",
    )
    axes.plot(x, [r["chance"] for r in rows], color=colour, lw=1.0, ls=":", label=f"{label}: chance")
