"""The pictures of a network, where matplotlib is installed."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .result import Found

PICTURES = ("network", "degrees", "adjacency", "sky")


def draw_pictures(found: Found, folder: Path) -> str:
    """Draw every picture as PNG and PDF into a folder.

    Parameters
    ----------
    found : Found
        What is drawn.
    folder : Path
        Where to.

    Returns
    -------
    str
        What to tell the user; empty where all went as asked.
    """
    if find_spec("matplotlib") is None:
        return "no pictures: matplotlib is not installed (pip install 'chandra-embed[plot]')"
    from ..report.figures import save
    from ..report.network_drawing import draw_networks
    from ..report.network_figures import Drawn, Network, draw_adjacency, draw_degrees
    from ..report.network_layout import sample_nodes
    from ..report.network_sky import draw_sky

    selection, asked = found.selection, found.asked
    code = None if asked.all_detections else selection.source_code
    nodes = sample_nodes(selection.x, code, seed=asked.seed)
    names = np.where(selection.columns["name"] != "", selection.columns["name"], selection.columns["file"])
    network = Network(
        nodes=nodes,
        classes=selection.columns["class"],
        ra=selection.columns["ra"],
        dec=selection.columns["dec"],
        names=names,
        subject=", ".join(part for part in (selection.modality, selection.where) if part),
        simulated=selection.simulated,
        seed=asked.seed,
    )
    place = {int(row): i for i, row in enumerate(selection.rows)}
    drawn = [
        Drawn(
            tau=each.level.tau,
            degree=each.level.degree,
            coreness=each.level.coreness.value,
            is_core=each.level.core.is_core,
            edge_density=each.level.edge_density,
            informative=each.level.informative,
            isolated=np.array([place[row["row"]] for row in each.isolated], np.int64),
        )
        for each in found.levels
    ]
    draw = dict(zip(PICTURES, (draw_networks, draw_degrees, draw_adjacency, draw_sky), strict=True))
    told = "simulated, " if selection.simulated else ""
    for name, make in draw.items():
        paths = [folder / f"{name}.{kind}" for kind in ("png", "pdf")]
        save(make(network, drawn), paths, f"{name} ({told}{network.subject})")
    return nodes.note and f"pictures of the network and its adjacency: {nodes.note}"
