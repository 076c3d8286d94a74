"""The picture of a network: its core in the middle, its periphery around it, a sector for each class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .figures import COLOURS, GREY, MARKERS
from .network_figures import Drawn, Network, headline, panels_of, title
from .network_layout import RIM, positions, sample_edges

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
GROUPS = 7  # classes of a colour of their own
LETTER = 0.035  # width of a letter at the rim, rad


def draw_networks(data: Network, drawn: Sequence[Drawn]) -> "Figure":
    """Draw one panel a threshold: the core in a disc in the middle, the periphery in a ring around it.

    Each class has a sector; the nearer to the middle, the higher the coreness.

    Parameters
    ----------
    data : Network
        Nodes and classes.
    drawn : sequence of Drawn
        At least one.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, panels = panels_of(len(drawn), 4.8, 5.5, None)
    chosen = data.nodes.chosen
    groups = _groups(data.classes)
    group = _group_of(data.classes[chosen], groups)
    for axes, each in zip(panels, drawn, strict=True):
        core = each.is_core[chosen]
        place, disc, bounds = positions(core, each.coreness[chosen], group)
        i, j, total = sample_edges(data.nodes, each.tau, seed=data.seed)
        total = total if data.nodes.note else int(each.degree.sum()) // 2  # exact, which float32 is not
        _draw_edges(axes, place[i], place[j])
        _draw_nodes(axes, place, core, group, len(groups))
        _draw_sectors(axes, bounds, groups)
        if 0 < disc < 1:
            _circle(axes, disc + RIM / 2)
        axes.set_xlim(-1.12, 1.12)
        axes.set_ylim(-1.12, 1.12)
        axes.set_aspect("equal")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        title(axes, each)
        n_core, n = int(each.is_core.sum()), len(each.is_core)
        lines = [f"core {n_core:,}   periphery {n - n_core:,}   edge density {each.edge_density:.3g}"]
        lines.append(
            f"{len(i):,} of {total:,} edges drawn, at random" if len(i) < total else f"{total:,} edges"
        )
        axes.set_xlabel("\n".join(lines), fontsize=9)
    _class_legend(figure, groups, data.classes)
    note = "dashed: Lip's core (black rims); a sector a class; the farther out, the lower the coreness"
    headline(figure, data, "core and periphery", "; ".join(part for part in (note, data.nodes.note) if part))
    height = figure.get_figheight()
    figure.subplots_adjust(0.01, 0.9 / height, 0.99, 1 - 0.85 / height, wspace=0.03, hspace=0.25)
    return figure


def _groups(classes: NDArray[Any]) -> list[str]:
    """Return the classes that get a colour, the most frequent first, as names sort."""
    names, counts = np.unique(classes[classes != ""], return_counts=True)
    most = np.argsort(-counts, kind="stable")[:GROUPS]
    return sorted(str(name) for name in names[most])


def _draw_edges(axes: "Axes", start: Array, stop: Array) -> None:
    from matplotlib.collections import LineCollection

    alpha = float(np.clip(400 / max(len(start), 1), 0.07, 0.5))
    lines = LineCollection(
        list(np.stack([start, stop], axis=1)), colors="#555555", linewidths=0.5, alpha=alpha, rasterized=True
    )
    axes.add_collection(lines)


def _group_of(classes: NDArray[Any], groups: list[str]) -> NDArray[np.int64]:
    """Return the place of each class in `groups`; rarer ones come after them, unknown ones last."""
    place = {name: i for i, name in enumerate(groups)} | {"": len(groups) + 1}
    return np.array([place.get(str(name), len(groups)) for name in classes], np.int64)


def _draw_nodes(
    axes: "Axes", place: Array, core: NDArray[np.bool_], group: NDArray[np.int64], coloured: int
) -> None:
    """Scatter the nodes by class, rare and unknown ones in grey; those of the core have a black rim."""
    size = float(np.clip(500 / np.sqrt(max(len(place), 1)), 5.0, 36.0))
    for i in range(coloured + 2):
        of = group == i
        grey = i >= coloured
        axes.scatter(
            place[of, 0],
            place[of, 1],
            s=0.7 * size if grey else size,
            color=GREY if grey else COLOURS[i % len(COLOURS)],
            marker="o" if grey else MARKERS[i % len(MARKERS)],
            linewidths=np.where(core[of], 0.6, 0.0).tolist(),
            edgecolors="black",
            zorder=3,
            rasterized=True,
        )


def _draw_sectors(axes: "Axes", bounds: Array, groups: list[str]) -> None:
    """Divide the sectors and write the class at the rim of each, where there is room."""
    names = [*groups, "other", "not known"]
    wide = np.abs(np.diff(bounds)) > 0
    if wide.sum() < 2:
        return
    for i in np.flatnonzero(wide):
        edge, middle = bounds[i], (bounds[i] + bounds[i + 1]) / 2
        axes.plot([0, 1.02 * np.cos(edge)], [0, 1.02 * np.sin(edge)], color="#b5b5b5", lw=0.6, zorder=1)
        if LETTER * len(names[i]) > 1.3 * abs(bounds[i + 1] - bounds[i]):
            continue  # no room; the legend has it
        turn = np.degrees(middle) % 360 - 90
        turn = turn - 180 if 90 < turn % 360 < 270 else turn
        axes.text(
            1.065 * np.cos(middle),
            1.065 * np.sin(middle),
            names[i],
            ha="center",
            va="center",
            rotation=turn,
            rotation_mode="anchor",
            fontsize=8,
        )


def _circle(axes: "Axes", radius: float) -> None:
    from matplotlib.patches import Circle

    axes.add_patch(Circle((0, 0), radius, fill=False, ec="black", lw=0.8, ls=(0, (4, 3)), zorder=4))


def _class_legend(figure: "Figure", groups: list[str], classes: NDArray[Any]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            ls="",
            color=COLOURS[i % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            label=f"{name} ({int((classes == name).sum()):,})",
        )
        for i, name in enumerate(groups)
    ]
    rest = int((~np.isin(classes, [*groups, ""])).sum())
    unknown = int((classes == "").sum())
    if rest or unknown:
        words = [f"other classes ({rest:,})"] * bool(rest) + [f"class not known ({unknown:,})"] * bool(
            unknown
        )
        handles.append(Line2D([], [], ls="", color=GREY, marker="o", ms=4, label=", ".join(words)))
    figure.legend(handles=handles, loc="lower center", ncols=min(len(handles), 8), fontsize=9, frameon=False)
