"""Whether rare sources planted among simulated normal ones come up, and whether p-values are what they say.

Every row is scored against the normal ones, as ``score`` does against a frozen reference, which holds no rare
source either: a rare row is never the neighbour of another. The same scores on the three hardness ratios
stand beside them, and the planted sources lie within the hardness and the counts of the normal ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.cli.layout import table as layout
from ...inference.encoder import Encoder
from ...inference.errors import ChandraEmbedError
from ...inference.reference import Reference, combine
from ...inference.score import ANOMALY_FILE
from ...inference.significance import COUNT_EDGES, count_edges
from .planted import EACH, NORMALS, SEED, Planted, planted_catalog, read_planted
from .rare_degrees import degree_rows, degree_text
from .rare_scores import FROZEN, HARDNESS, SHOWN, VARIABILITY, frozen_scores, rare_scores
from .real_scores import Judge, score_real
from .shares import plain_columns, share_interval
from .strangeness import COMBINATION, MAHALANOBIS, NEIGHBOUR, in_top
from .tables import REPLICATES, count_bins, mean_interval, save_figure, write_result
from .tasks import MIN_COUNTS

Array = NDArray[np.float64]
TOP = 0.02
ALL_KINDS = "all kinds"
RANKED = ("all rows", "like counts")
PRINTED = (COMBINATION, MAHALANOBIS, VARIABILITY, FROZEN, SHOWN)
LEAST = 20 * NEIGHBOUR  # normal rows


def run(
    model: str | Path, folder: Path, *, normals: int = NORMALS, each: int = EACH, data: Path | None = None
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Plant, embed, score, and measure what is recovered and how uniform the p-values are.

    Parameters
    ----------
    model : str or Path
        Bundle: a name or a folder; an aligned one is also measured in the spaces ``event`` and ``both``.
    folder : Path
        Existing folder; the simulated file is kept there. Tables (CSV, JSON): ``anomalies``,
        ``anomalies-degrees``, ``anomalies-pvalues``, ``anomalies-real``. Figure (PNG, PDF): ``anomalies``.
    normals, each : int
        Normal rows, and rare ones of each kind, to simulate.
    data : Path, optional
        Folder of real files, whose spectra are scored and shown.

    Returns
    -------
    rows : list of dict
        Of ``anomalies``: kind, counts (bin of net counts), space, method (``knn``, ``isolation``,
        ``combination``, ``mahalanobis``; in ``spectrum`` also ``frozen reference``: the anomaly of ``score``;
        in ``measured`` ``variability``: var_index_b; as a limit ``shown such sources``, see :mod:`.shown`),
        ranked (the top 2 % of ``all rows``, or of the rows of ``like counts``), n, recovered (share, with
        low, high: 68 %, and low95, high95), hardness_recovered (by the same method on the hardness ratios,
        by their combination where it has none), difference with difference_low, _high (68 %), _low95,
        _high95, paired.
    others : dict of str to list of dict
        ``anomalies-degrees``: see :func:`.rare_degrees.degree_rows`.
        ``anomalies-pvalues`` (empty without a frozen reference): counts, n, n_reference, ks_p (held-out
        normal rows against the calibration rows of the reference), ks_distance, ks_p_uniform (their p-values
        against the uniform distribution, as if the calibration rows had no scatter), below_5pct.
        ``anomalies-real``: see :func:`.real_scores.score_real`.

    Raises
    ------
    ChandraEmbedError
        The bundle cannot be loaded, or too few normal rows are left.
    """
    encoder = Encoder.load(model, "cpu")
    planted = read_planted(planted_catalog(folder, encoder.recipe, normals, each), model)
    if planted.normal.sum() < LEAST or planted.normal.all():
        raise ChandraEmbedError(
            f"{planted.facts['file']}: {planted.normal.sum()} normal and {(~planted.normal).sum()} rare rows "
            f"of {MIN_COUNTS} net counts that {encoder.manifest.name} has not seen; give another model"
        )
    frozen = None
    if ANOMALY_FILE in encoder.manifest.files:
        frozen = Reference.load(encoder.manifest.folder / ANOMALY_FILE)
    scores, spectrum = rare_scores(planted, frozen)
    rows = list(recovery_rows(planted, scores))
    judge = Judge(encoder, spectrum, planted.net_counts[planted.normal], frozen)
    others = {
        "anomalies-degrees": degree_rows(planted),
        "anomalies-pvalues": pvalue_rows(planted, frozen) if frozen else [],
        "anomalies-real": score_real(data, judge, folder) if data else [],
    }
    meta = _meta(encoder, planted)
    from .anomaly_figures import draw_recovered

    save_figure(folder, "anomalies", draw_recovered(rows))
    for name, each_table in {**others, "anomalies": rows}.items():
        write_result(folder, name, each_table, meta)
    return rows, others


def _cells(planted: Planted) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield kind, label of the counts and mask of the rare rows of each cell."""
    bins = count_bins(planted.net_counts)
    bins.insert(1, (">= 100", planted.net_counts >= 100))
    kinds = list(dict.fromkeys(planted.kind[~planted.normal].tolist()))
    for kind in (ALL_KINDS, *kinds):
        of_kind = ~planted.normal if kind == ALL_KINDS else planted.kind == kind
        for label, inside in bins:
            if (of_kind & inside).any():
                yield kind, label, of_kind & inside


def recovery_rows(planted: Planted, scores: Mapping[tuple[str, str], Array]) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``anomalies``, see :func:`run`.

    Parameters
    ----------
    planted : Planted
        Rows of `n` detections.
    scores : mapping of (space, method) to ndarray, shape (n,), float64
        Larger is stranger; the space ``hardness`` must hold ``knn``, ``isolation`` and ``combination``.
    """
    one = np.zeros(len(planted.kind), np.intp)
    like = np.digitize(planted.net_counts, COUNT_EDGES)
    groups = dict(zip(RANKED, (one, like), strict=True))
    for (space, method), score in scores.items():
        if space == HARDNESS:
            continue
        beside = scores.get((HARDNESS, method), scores[HARDNESS, COMBINATION])
        for ranked, group in groups.items():
            hit, other = in_top(score, TOP, group), in_top(beside, TOP, group)
            for kind, counts, mask in _cells(planted):
                gain = hit[mask].astype(float) - other[mask]
                n = int(mask.sum())
                yield {
                    "kind": kind,
                    "counts": counts,
                    "space": space,
                    "method": method,
                    "ranked": ranked,
                    "n": n,
                    **plain_columns("recovered", share_interval(int(hit[mask].sum()), n)),
                    "hardness_recovered": float(other[mask].mean()),
                    **mean_interval(gain, planted.source_id[mask]).columns("difference"),
                }


def pvalue_rows(planted: Planted, frozen: Reference) -> list[dict[str, Any]]:
    """Compare the normal rows, none of which the reference holds, with the reference's calibration rows.

    Whether two samples are of one distribution is asked of their scores, bin by bin: p-values of one set of
    calibration rows share its scatter, so that a test of many of them against the uniform distribution finds
    that scatter; its p-value is given beside.
    """
    from scipy.stats import ks_1samp, ks_2samp, uniform

    normal = planted.normal
    found = frozen_scores(planted, frozen)
    calibration = frozen.calibration_scores(frozen.k)
    reference, counts = combine(calibration, calibration), frozen.calibration_net_counts
    edges = count_edges(counts)
    limits = [MIN_COUNTS, *(float(edge) for edge in edges if edge > MIN_COUNTS), np.inf]
    rows = []
    for low, high in pairwise(limits):
        own = normal & (planted.net_counts >= low) & (planted.net_counts < high)
        theirs = reference[np.digitize(counts, edges) == np.digitize(low, edges)]
        if not own.any() or not theirs.size:
            continue
        pvalue = found["anomaly_pvalue"][own]
        two = ks_2samp(theirs, found["anomaly"][own], method="asymp")
        rows.append(
            {
                "counts": f"{low:g} - {high:g}" if np.isfinite(high) else f">= {low:g}",
                "n": int(own.sum()),
                "n_reference": int(theirs.size),
                "ks_p": float(two.pvalue),
                "ks_distance": float(two.statistic),
                "ks_p_uniform": float(ks_1samp(pvalue, uniform.cdf, method="asymp").pvalue),
                "below_5pct": float((pvalue <= 0.05).mean()),
            }
        )
    return rows


def _meta(encoder: Encoder, planted: Planted) -> dict[str, Any]:
    manifest = encoder.manifest
    return {
        "model": f"{manifest.name} {manifest.version}",
        "encoder_sha256": manifest.files["encoder.onnx"],
        "simulated": True,
        "planted": planted.facts,
        "normal_rows": int(planted.normal.sum()),
        "rare_rows": int((~planted.normal).sum()),
        "seed": SEED,
        "top": TOP,
        "min_counts": MIN_COUNTS,
        "replicates": REPLICATES,
        "interval": "shares: Jeffreys; differences: bootstrap over sources; low, high 68 %, others 95 %",
        "reference": manifest.content.get("anomaly_reference"),
    }


def table(rows: Sequence[Mapping[str, Any]], others: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Lay out what :func:`run` returned, for people."""
    key = ("kind", "counts", "space", "method")
    cells: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        if row["method"] in PRINTED and row["counts"] in ("all", ">= 100"):
            cells.setdefault(tuple(row[name] for name in key), {})[row["ranked"]] = row
    lines = [
        [*names, found[RANKED[0]]["n"], *(text for ranked in RANKED for text in _pair(found[ranked]))]
        for names, found in cells.items()
    ]
    head = [*key, "n"]
    for ranked in RANKED:
        head += [f"of {ranked} (68 %)", "hardness", "difference (95 %)"]
    blocks = [
        f"Rare sources recovered among the strangest {TOP:.0%}, simulated spectra\n" + layout(head, lines)
    ]
    if others["anomalies-degrees"]:
        blocks.append(degree_text(others["anomalies-degrees"]))
    if others["anomalies-pvalues"]:
        blocks.append(_pvalue_text(others["anomalies-pvalues"]))
    if others["anomalies-real"]:
        blocks.append(_real_text(others["anomalies-real"]))
    return "\n\n".join(blocks)


def _pair(row: Mapping[str, Any]) -> list[str]:
    return [
        f"{row['recovered']:.2f} ({row['low']:.2f} - {row['high']:.2f})",
        f"{row['hardness_recovered']:.2f}",
        f"{row['difference']:+.2f} ({row['difference_low95']:+.2f} - {row['difference_high95']:+.2f})",
    ]


def _pvalue_text(rows: Sequence[Mapping[str, Any]]) -> str:
    names = ("counts", "n", "n_reference", "ks_p", "ks_p_uniform", "below_5pct")
    head = ["net counts", "normal rows", "reference", "KS p", "KS p, uniform", "p <= 0.05"]
    lines = [[row[name] for name in names] for row in rows]
    return "Conformal p-values of normal rows held out, simulated spectra\n" + layout(head, lines)


def _real_text(rows: Sequence[Mapping[str, Any]]) -> str:
    head = ["real spectrum", "object", "from", "net counts", "quantile", "p"]
    lines = [
        [row.get(name) for name in ("file", "object", "mission", "net_counts", "quantile", "pvalue")]
        for row in rows
    ]
    return "Real spectra, strangest first, beside simulated normal ones: shown, without a claim\n" + layout(
        head, lines
    )
