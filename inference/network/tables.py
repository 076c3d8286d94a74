"""The tables of a network: rows of what is written as CSV and of network.json."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .result import AtLevel, Found
from .select import COLUMNS, FLAGS, HARDNESS


def result(found: Found) -> dict[str, Any]:
    """Return what stands in network.json."""
    return {
        "n": found.n,
        "modality": found.selection.modality,
        "where": found.selection.where,
        "thresholds": [
            {
                "tau": each.level.tau,
                "edge_density": each.level.edge_density,
                "core_size": each.level.core.size,
                "periphery_size": each.level.periphery_size,
                "p_density": each.p("density"),
                "p_degree": each.p("degree"),
                "p_cloud": each.p("cloud"),
                "informative": each.level.informative,
            }
            for each in found.levels
        ],
        "classes": class_rows(found),
    }


def class_rows(found: Found) -> list[dict[str, Any]]:
    """Return a row a threshold and class."""
    return [{"tau": each.level.tau, **share.facts()} for each in found.levels for share in each.classes]


def threshold_rows(found: Found) -> list[dict[str, Any]]:
    """Return a row a threshold: everything that is one number."""
    return [_threshold(each) for each in found.levels]


def _threshold(each: AtLevel) -> dict[str, Any]:
    level, facts = each.level, each.edges
    quartiles = np.percentile(level.degree, (0, 25, 50, 75, 100))
    names = ("degree_min", "degree_q25", "degree_median", "degree_q75", "degree_max")
    return {
        "tau": level.tau,
        "how": level.how,
        "edges": level.edges,
        "pairs": level.pairs,
        "edge_density": level.edge_density,
        "informative": level.informative,
        "core_size": level.core.size,
        "periphery_size": level.periphery_size,
        "lip_cost": level.core.cost,
        **dict(zip(names, quartiles, strict=True)),
        "without_edges": level.isolated,
        "components": level.component_count,
        "largest_component": level.largest_component,
        "coreness_residual": level.coreness.residual,
        "coreness_passes": level.coreness.passes,
        **({} if facts is None else facts.numbers()),
        "p_density": each.p("density"),
        "p_density_not": each.reason("density"),
        "p_degree": each.p("degree"),
        "p_degree_not": each.reason("degree"),
        "p_cloud": each.p("cloud"),
        "p_cloud_not": each.reason("cloud"),
    }


def null_rows(found: Found) -> list[dict[str, Any]]:
    """Return a row a threshold, null and statistic."""
    return [{"tau": each.level.tau, **test.row()} for each in found.levels for test in each.nulls]


def subsample_rows(found: Found) -> list[dict[str, Any]]:
    """Return a row a threshold and statistic, with the interval from subsamples of the sources."""
    return [
        {"tau": each.level.tau, "draws": each.edges.subsamples.draws, **row}
        for each in found.levels
        if each.edges is not None
        for row in each.edges.subsamples.rows
    ]


def isolated_rows(found: Found) -> list[dict[str, Any]]:
    """Return the most isolated detections of every threshold."""
    return [{"tau": each.level.tau, **row} for each in found.levels for row in each.isolated]


def degree_rows(found: Found) -> list[dict[str, Any]]:
    """Return the degree distribution at every threshold: a row a degree that occurs."""
    rows = []
    for each in found.levels:
        degree, count = np.unique(each.level.degree, return_counts=True)
        at_most = np.cumsum(count) / found.n
        rows += [
            {"tau": each.level.tau, "degree": d, "detections": c, "share_at_most": s}
            for d, c, s in zip(degree.tolist(), count.tolist(), at_most.tolist(), strict=True)
        ]
    return rows


def node_rows(found: Found) -> list[dict[str, Any]]:
    """Return a row a node: what it is, and what it is in the network at every threshold."""
    selection = found.selection
    columns: dict[str, Any] = {"row": selection.rows}
    columns |= {name: selection.columns[name] for name in (*COLUMNS, *HARDNESS, *FLAGS)}
    for each in found.levels:
        level, facts = each.level, each.edges
        columns |= {
            f"degree_{each.label}": level.degree,
            f"strength_{each.label}": level.strength,
            f"is_core_{each.label}": level.core.is_core.astype(np.int8),
            f"coreness_{each.label}": level.coreness.value,
            f"component_{each.label}": selection.rows[level.component],
        }
        if facts is not None:
            columns |= {f"{name}_{each.label}": values for name, values in facts.of_nodes().items()}
    lists = {name: values.tolist() for name, values in columns.items()}
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def robustness_rows(found: Found) -> list[dict[str, Any]]:
    """Return a row a pair of rankings."""
    return found.robustness


# name of the table, what makes its rows
TABLES: dict[str, Callable[[Found], list[dict[str, Any]]]] = {
    "thresholds": threshold_rows,
    "classes": class_rows,
    "isolated": isolated_rows,
    "degrees": degree_rows,
    "nodes": node_rows,
    "nulls": null_rows,
    "subsamples": subsample_rows,
    "robustness": robustness_rows,
}
