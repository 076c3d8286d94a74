"""Pictures of an embedded catalog: where detections lie, which are strange, what the model made of them.

Figures are plain objects without pyplot, so that nothing opens a window and nothing stays in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart with any colour vision; markers differ too
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#9a9a9a"


@dataclass(frozen=True)
class Overview:
    """What :func:`overview` draws, of `n` detections.

    Parameters
    ----------
    embedding : ndarray, shape (n, d), float32
        Unit rows.
    groups : ndarray, shape (n,), str
        What detections are coloured by; empty where not known.
    group_label : str
        What the groups are.
    anomaly : ndarray, shape (n,), float64
        0..1, larger is stranger; NaN where not scored.
    thresholds : ndarray, shape (t,), float64
        Similarities that degrees count from.
    degree : ndarray, shape (t, n), int64
        Other detections at least so similar.
    energy_edges : ndarray, shape (n_bins + 1,), float64
        keV.
    spectra, reconstructions : ndarray, shape (m, n_bins), float32
        A few spectra and what the model makes of them, in `unit`.
    captions : sequence of str, length m
        What each of them is.
    unit : str
        Label of the spectra's axis.
    simulated : bool
        Every panel says so where True.
    """

    embedding: NDArray[np.float32]
    groups: NDArray[np.str_]
    group_label: str
    anomaly: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    degree: NDArray[np.int64]
    energy_edges: NDArray[np.float64]
    spectra: NDArray[np.float32]
    reconstructions: NDArray[np.float32]
    captions: Sequence[str]
    unit: str
    simulated: bool


def project(x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project rows on their two first principal components.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Finite rows.

    Returns
    -------
    coordinates : ndarray, shape (n, 2), float64
        Signs are chosen so that the largest loading of each component is positive.
    explained : ndarray, shape (2,), float64
        Fraction of the variance along each; 0 where there is none.
    """
    centred = x.astype(np.float64) - (x.mean(axis=0, dtype=np.float64) if len(x) else 0.0)
    variance, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    variance, axes = np.maximum(variance[::-1], 0.0), axes[:, ::-1]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1.0, 1.0)
    kept = np.zeros((x.shape[1], 2))
    kept[:, : min(2, x.shape[1])] = axes[:, :2]
    explained = np.zeros(2)
    explained[: min(2, len(variance))] = (variance / (variance.sum() or 1.0))[:2]
    return centred @ kept, explained


def overview(data: Overview) -> "Figure":
    """Draw four panels: the embedding by group and by anomaly, a few spectra, the degrees.

    Parameters
    ----------
    data : Overview
        What to draw.

    Returns
    -------
    matplotlib.figure.Figure
        Save it with :func:`save`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 10.0), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(1.0, 1.05))
    left, right = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    coordinates, explained = project(data.embedding)
    _draw_groups(left, coordinates, data)
    _draw_anomaly(figure, right, coordinates, data)
    for axes in (left, right):
        axes.set_xlabel(f"first principal component ({explained[0]:.0%} of the variance)")
        axes.set_ylabel(f"second principal component ({explained[1]:.0%})")
        axes.set_aspect("equal", adjustable="datalim")
    _draw_spectra(figure, grid[1, 0], data)
    _draw_degrees(figure.add_subplot(grid[1, 1]), data)
    return figure


def save(figure: "Figure", paths: Sequence[Path], title: str) -> None:
    """Write a figure to each path, in the format of its extension; PDF carries no date.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    paths : sequence of Path
        Such as ``overview.png`` and ``overview.pdf``; existing files are replaced.
    title : str
        Stored in the files.
    """
    for path in paths:
        metadata: dict[str, Any] = {"Title": title}
        if path.suffix.lower() == ".pdf":
            metadata["CreationDate"] = None
        figure.savefig(path, dpi=150, metadata=metadata)


def _titled(axes: "Axes", text: str, data: Overview) -> None:
    axes.set_title(("Simulated: " if data.simulated else "") + text, fontsize=11, loc="left")


def _legend_below(axes: "Axes") -> None:
    """Put the legend under the axes: points may lie anywhere in them."""
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.11),
        ncols=4,
        fontsize=9,
        markerscale=2,
        frameon=False,
        columnspacing=1.2,
        handletextpad=0.2,
    )


def _draw_groups(axes: "Axes", coordinates: NDArray[np.float64], data: Overview) -> None:
    """Scatter the projection, one colour and marker a group."""
    names = sorted(set(data.groups.tolist()))
    for i, name in enumerate(names):
        of = data.groups == name
        axes.scatter(
            coordinates[of, 0],
            coordinates[of, 1],
            s=9,
            alpha=0.55,
            linewidths=0,
            color=COLOURS[i % len(COLOURS)] if name else GREY,
            marker=MARKERS[i % len(MARKERS)],
            label=f"{name or 'not known'} ({of.sum():,})",
            rasterized=True,
        )
    if names:
        _legend_below(axes)
    _titled(axes, f"embedding by {data.group_label}", data)


def _draw_anomaly(figure: "Figure", axes: "Axes", coordinates: NDArray[np.float64], data: Overview) -> None:
    """Scatter the projection by anomaly, the strangest on top."""
    scored = np.isfinite(data.anomaly)
    if not scored.all():
        axes.scatter(
            coordinates[~scored, 0],
            coordinates[~scored, 1],
            s=5,
            color="#d0d0d0",
            linewidths=0,
            rasterized=True,
            label="not scored",
        )
        _legend_below(axes)
    order = np.flatnonzero(scored)[np.argsort(data.anomaly[scored], kind="stable")]
    points = axes.scatter(
        coordinates[order, 0],
        coordinates[order, 1],
        c=data.anomaly[order],
        s=4 + 22 * data.anomaly[order] ** 6,
        cmap="cividis_r",
        vmin=0,
        vmax=1,
        linewidths=0,
        rasterized=True,
    )
    figure.colorbar(points, ax=axes, label="anomaly (mean quantile, 1: strangest)", pad=0.01, fraction=0.05)
    _titled(axes, "embedding by anomaly", data)


def _draw_spectra(figure: "Figure", place: Any, data: Overview) -> None:
    """Draw a few spectra as steps, each in its own strip, with the reconstruction over it."""
    m = max(1, len(data.spectra))
    strips = place.subgridspec(m, 1, hspace=0.0).subplots(sharex=True, squeeze=False)[:, 0]
    energy = np.sqrt(data.energy_edges[1:] * data.energy_edges[:-1])
    for i, axes in enumerate(strips[: len(data.spectra)]):
        axes.stairs(data.spectra[i], data.energy_edges, color=GREY, lw=1.0, label="spectrum")
        axes.plot(energy, data.reconstructions[i], color=COLOURS[4], lw=1.6, label="reconstruction")
        axes.set_xscale("log")
        axes.set_xlim(data.energy_edges[0], data.energy_edges[-1])
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.35 * (high - low))  # room for the caption
        axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0), useMathText=True)
        axes.yaxis.get_offset_text().set_fontsize(8)
        axes.tick_params(axis="y", labelsize=8)
        axes.locator_params(axis="y", nbins=4)
        axes.text(0.985, 0.94, data.captions[i], transform=axes.transAxes, ha="right", va="top", fontsize=9)
    first, last = strips[0], strips[-1]
    ticks = [e for e in (0.5, 1, 2, 3, 5, 8) if data.energy_edges[0] <= e <= data.energy_edges[-1]]
    last.set_xticks(ticks, [f"{e:g}" for e in ticks])
    last.minorticks_off()
    last.set_xlabel("energy (keV)")
    strips[m // 2].set_ylabel(data.unit)
    _titled(first, "spectra (grey), reconstructions (orange)", data)


def _draw_degrees(axes: "Axes", data: Overview) -> None:
    """Draw which fraction of detections has at least a degree, for every threshold."""
    n = data.degree.shape[1]
    for i, (tau, degree) in enumerate(zip(data.thresholds, data.degree, strict=True)):
        values = np.sort(degree)
        axes.step(
            np.maximum(values, 0.8),
            1.0 - np.arange(n) / max(n, 1),
            where="pre",
            color=COLOURS[i % len(COLOURS)],
            ls=("-", "--", ":", "-.")[i % 4],
            lw=1.8,
            label=f"cosine similarity ≥ {tau:g}",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.8, max(2, 1.3 * n))
    axes.set_ylim(0.7 / max(n, 1), 1.4)
    axes.set_xlabel("degree k: other detections at least so similar")
    axes.set_ylabel("fraction of detections of degree ≥ k")
    axes.grid(alpha=0.25)
    if len(data.thresholds):
        axes.legend(fontsize=9, loc="lower left", framealpha=0.9)
    _titled(axes, "degree distribution of the similarity graph", data)
