"""Whether planted rare sources stand at the edge of the similarity graph: among its lowest degrees.

The graph is that of all rows together, rare ones among them, as ``network`` draws it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.cli.layout import table as layout
from ...inference.network.degrees import degrees_and_strengths
from ...inference.network.pairs import same_source_pairs
from ...inference.significance import COUNT_EDGES
from .planted import Planted
from .shares import plain_columns, share_interval
from .tables import Interval

THRESHOLDS = (0.5, 0.7, 0.9)
LOWEST = 0.01
ALL_KINDS = "all kinds"
RANKED = ("all rows", "like counts")


def degree_rows(planted: Planted) -> list[dict[str, Any]]:
    """Return the rows of ``anomalies-degrees``.

    Parameters
    ----------
    planted : Planted
        Rows of `n` detections.

    Returns
    -------
    list of dict
        space, threshold, edge_density, ranked (lowest 1 % of ``all rows``, or of those of ``like counts``),
        kind, n (planted), found (of them among the lowest), lowest_share (of all rows; rows that tie with the
        last place belong to the lowest, so that it can be above 1 %), enrichment (share of the planted over
        share of all rows) with low, high (68 %), low95, high95 over planted sources, isolates_best (the
        threshold of highest enrichment for its space, ranking and kind; none where nothing is found).
    """
    rows = list(_rows(planted))
    for row in rows:
        beside = [other for other in rows if _key(other) == _key(row)]
        best = max(beside, key=lambda other: other["enrichment"])
        row["isolates_best"] = row is best and best["found"] > 0
    return rows


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["space"], row["ranked"], row["kind"]


def _rows(planted: Planted) -> Iterator[dict[str, Any]]:
    n = len(planted.kind)
    pairs = same_source_pairs(planted.source_id)
    like = np.digitize(planted.net_counts, COUNT_EDGES)
    groups = dict(zip(RANKED, (np.zeros(n, np.intp), like), strict=True))
    for space, x in planted.embedding.items():
        degrees, _ = degrees_and_strengths(x, THRESHOLDS, excluded=pairs)
        for threshold, degree in zip(THRESHOLDS, degrees, strict=True):
            density = float(degree.sum() / 2 / max(n * (n - 1) // 2 - len(pairs[0]), 1))
            for ranked, group in groups.items():
                lowest = lowest_of(degree, LOWEST, group)
                for kind in (ALL_KINDS, *dict.fromkeys(planted.kind[~planted.normal].tolist())):
                    mask = ~planted.normal if kind == ALL_KINDS else planted.kind == kind
                    found, share = int(lowest[mask].sum()), float(lowest.mean())
                    yield {
                        "space": space,
                        "threshold": threshold,
                        "edge_density": density,
                        "ranked": ranked,
                        "kind": kind,
                        "n": int(mask.sum()),
                        "found": found,
                        "lowest_share": share,
                        **plain_columns("enrichment", _over(share_interval(found, int(mask.sum())), share)),
                    }


def _over(interval: Interval, share: float) -> Interval:
    """Divide a share and its intervals by another share."""
    value, *ends = (each / share for each in vars(interval).values())
    return Interval(value, *ends)


def lowest_of(degree: NDArray[np.int64], share: float, group: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which rows are among the lowest `share` of their group, ties with the last place among them.

    Parameters
    ----------
    degree : ndarray, shape (n,), int64
        Degrees.
    share : float
        Of the rows of each group, rounded up.
    group : ndarray, shape (n,), intp
        Group of each row.

    Returns
    -------
    ndarray, shape (n,), bool
    """
    found = np.zeros(len(degree), np.bool_)
    for each in np.unique(group):
        inside = group == each
        own = np.sort(degree[inside])
        found[inside] = degree[inside] <= own[int(np.ceil(share * len(own))) - 1]
    return found


def degree_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay out the rows for people, and say which threshold isolates best."""
    shown = [row for row in rows if row["ranked"] == RANKED[0]]
    head = ["space", "threshold", "edge density", "kind", "n", "found", "times as many (68 %)", "95 %"]
    lines = [
        [
            *(row[name] for name in ("space", "threshold", "edge_density", "kind", "n", "found")),
            f"{row['enrichment']:.1f} ({row['low']:.1f} - {row['high']:.1f})",
            f"{row['low95']:.1f} - {row['high95']:.1f}",
        ]
        for row in shown
    ]
    title = f"Rare sources among the lowest {LOWEST:.0%} of degrees, simulated spectra\n"
    said = [_said(space, shown) for space in dict.fromkeys(row["space"] for row in shown)]
    return "\n".join([title + layout(head, lines), *said])


def _said(space: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Say which threshold isolates all kinds best in one space."""
    own = [row for row in rows if row["space"] == space and row["kind"] == ALL_KINDS]
    best = next((row for row in own if row["isolates_best"]), None)
    if best is None:
        return f"{space}: no threshold isolates any"
    near = [f"{row['threshold']:g}" for row in own if row is not best and row["high"] >= best["low"]]
    beside = f"; {' and '.join(near)} not clearly less (68 %)" if near else ""
    doubt = "" if best["low95"] > 1 else "; chance could do it (95 %)"
    return f"{space}: {best['threshold']:g} isolates best{beside}{doubt}"
