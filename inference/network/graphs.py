"""Files of the graph at each threshold, for Gephi, Cytoscape and one's own programs."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from .graph import Graph
from .graph_formats import write_edges_csv, write_edges_parquet, write_gexf, write_graphml
from .result import AtLevel, Found

MOST_DRAWN = 1_000_000  # edges of a graph that programs for looking at it still open


def write_graphs(found: Found, each: AtLevel, graph: Graph, folder: Path) -> list[str]:
    """Write the graph at one threshold: edges as CSV and Parquet, GraphML, GEXF.

    Parameters
    ----------
    found : Found
        What the nodes are.
    each : AtLevel
        The threshold, with what needs edges.
    graph : Graph
        Its edges.
    folder : Path
        Where to.

    Returns
    -------
    list of str
        What was left out, and why.
    """
    nodes = _attributes(found, each)
    notes = []
    write_edges_csv(folder / f"edges-{each.label}.csv", graph, nodes["label"])
    if find_spec("pyarrow") is not None:
        write_edges_parquet(folder / f"edges-{each.label}.parquet", graph, nodes["label"])
    else:
        notes.append("edges as CSV only: pyarrow is not installed (pip install 'chandra-embed[parquet]')")
    if graph.edge_count > MOST_DRAWN:
        notes.append(
            f"at {each.label}: no GraphML and GEXF of {graph.edge_count:,} edges; see the table of edges"
        )
        return notes
    facts = {
        "threshold": repr(each.level.tau),
        "modality": found.selection.modality,
        "where": found.selection.where,
        "data": "simulated" if found.selection.simulated else "observed",
    }
    write_graphml(folder / f"graph-{each.label}.graphml", graph, nodes, facts)
    write_gexf(folder / f"graph-{each.label}.gexf", graph, nodes, facts)
    return notes


def _attributes(found: Found, each: AtLevel) -> dict[str, Any]:
    """Return what every node is, by name."""
    columns, level = found.selection.columns, each.level
    nodes: dict[str, Any] = {
        "label": np.where(columns["name"] != "", columns["name"], columns["file"]),
        "row": found.selection.rows,
        **{name: columns[name] for name in ("obsid", "class", "ra", "dec", "net_counts", "var_prob_b")},
        "degree": level.degree,
        "core": level.core.is_core,
        "coreness": level.coreness.value,
        "component": found.selection.rows[level.component],
    }
    if each.edges is not None:
        nodes |= {"k_core": each.edges.core_number, "community": each.edges.communities.community}
    return nodes
