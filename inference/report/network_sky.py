"""Where on the sky the most isolated detections of a network lie."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .figures import COLOURS
from .network_figures import PALE, Drawn, Network, headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
NUMBERED = 10  # isolated detections that are numbered and named
LONGEST = 26  # letters of a name
_TOGETHER = 3.0  # deg: numbers of detections nearer than this stand as one


def draw_sky(data: Network, drawn: Sequence[Drawn]) -> "Figure":
    """Draw the most isolated detections of each threshold on the whole sky (Mollweide, ICRS).

    A ring a threshold, each next one wider. Those of the highest informative threshold (of the highest, where
    none is) are numbered and named.

    Parameters
    ----------
    data : Network
        Positions and names.
    drawn : sequence of Drawn
        At least one.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.5, 6.0))
    axes = figure.add_axes((0.045, 0.15, 0.68, 0.75), projection="mollweide")
    x, y = -np.radians((data.ra + 180.0) % 360.0 - 180.0), np.radians(data.dec)  # east to the left
    placed = np.isfinite(x) & np.isfinite(y)
    _galactic_plane(axes)
    axes.scatter(
        x[placed],
        y[placed],
        s=7,
        color=PALE,
        linewidths=0,
        rasterized=True,
        label=f"all detections ({int(placed.sum()):,})",
    )
    for i, each in enumerate(drawn):
        rows = each.isolated[placed[each.isolated]]
        colour = COLOURS[i % len(COLOURS)]
        axes.scatter(
            x[rows],
            y[rows],
            s=20 + 70 * i,
            facecolors=colour if i == 0 else "none",
            edgecolors=colour,
            linewidths=1.4,
            zorder=4,
            label=f"the {len(each.isolated)} most isolated, similarity ≥ {each.tau:.4g}"
            + ("" if each.informative else " (uninformative)"),
        )
    _frame(axes)
    _number(axes, data, drawn, x, y)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, fontsize=9, frameon=False)
    lost = int((~placed).sum())
    headline(figure, data, "the most isolated", f"{lost:,} without a position" if lost else "")
    return figure


def _galactic_plane(axes: "Axes") -> None:
    """Draw the Galactic equator and centre."""
    from astropy.coordinates import SkyCoord

    plane = SkyCoord(l=np.arange(0.0, 360.0, 1.0), b=np.zeros(360), unit="deg", frame="galactic").icrs
    x, y = -np.radians((plane.ra.deg + 180.0) % 360.0 - 180.0), np.radians(plane.dec.deg)
    order = np.argsort(x)
    axes.plot(x[order], y[order], color="#7a7a7a", lw=0.9, ls=(0, (5, 3)), label="Galactic equator")


def _frame(axes: "Axes") -> None:
    """Label the axes in hours and degrees, right ascension growing to the left."""
    hours = np.arange(-10, 11, 2)
    axes.set_xticks(np.radians(-15.0 * hours), [f"{hour % 24}$^\\mathrm{{h}}$" for hour in hours])
    axes.tick_params(labelsize=9)
    axes.grid(alpha=0.35, lw=0.6)
    axes.set_xlabel("right ascension", labelpad=14)
    axes.set_ylabel("declination")


def _number(axes: "Axes", data: Network, drawn: Sequence[Drawn], x: Array, y: Array) -> None:
    """Number the most isolated of one threshold on the map, and name them beside it."""
    good = [each for each in drawn if each.informative] or list(drawn)
    each = max(good, key=lambda one: one.tau)
    named = each.isolated[:NUMBERED]
    lines = [f"most isolated at ≥ {each.tau:.4g}:"]
    labels: list[tuple[float, float, list[int]]] = []
    for number, row in enumerate(named, 1):
        kind = f" ({data.classes[row]})" if data.classes[row] else ""
        lines.append(f"{number}.  {_short(str(data.names[row]))}{kind}, degree {each.degree[row]:,}")
        if np.isfinite(x[row]) and np.isfinite(y[row]):
            _place(labels, x[row], y[row], number)
    for at, height, numbers in labels:
        axes.annotate(
            ", ".join(map(str, numbers)),
            (at, height),
            xytext=(9, 7),
            textcoords="offset points",
            fontsize=9,
            weight="bold",
            zorder=6,
            bbox={"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.75},
        )
    axes.text(1.03, 0.98, "\n".join(lines), transform=axes.transAxes, fontsize=8.5, va="top", linespacing=1.6)


def _short(name: str) -> str:
    """Return the end of a name that is long, such as a file's."""
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"


def _place(labels: list[tuple[float, float, list[int]]], x: float, y: float, number: int) -> None:
    """Add a number, to that of a detection nearby where there is one."""
    for at, height, numbers in labels:
        if np.hypot((x - at) * np.cos(y), y - height) < np.radians(_TOGETHER):
            numbers.append(number)
            return
    labels.append((x, y, [number]))
