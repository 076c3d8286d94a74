"""What latents mean: which physical quantities they follow, alone and together in a short formula.

Formulae are searched on one half of the sources and scored on the other half, none of which the model has
seen.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...inference.cli.layout import table as layout
from ...inference.errors import ChandraEmbedError
from ...inference.progress import Progress
from .latent_correlations import associations, mean_best_rho
from .latent_expressions import regress
from .parts import MIN_SOURCES, Mask, Parts, halves
from .quantities import band_ratios, physical_quantities
from .symbolic import MAX_NODES
from .tables import REPLICATES, sample_facts, save_figure, write_result
from .tasks import MIN_COUNTS

if TYPE_CHECKING:
    from .sample import Sample

Array = NDArray[np.float64]


def run(sample: "Sample", folder: Path, *, kind: str = "AGN", seed: int = 0) -> list[dict[str, Any]]:
    """Relate latents to physical quantities, for one class and for all, and write tables and figures.

    Parameters
    ----------
    sample : Sample
        Rows of at least 40 net counts are used.
    folder : Path
        Existing folder. Tables (CSV, JSON): ``latents``, ``latents-fronts``, ``latents-associations``.
        Figures (PNG, PDF): ``latents``, ``latents-associations``.
    kind : str
        The class of the first table.
    seed : int
        Of splits, searches and nulls.

    Returns
    -------
    list of dict
        Rows of ``latents``: sources (the class, or ``all``), data (``simulated`` or ``real``), quantity,
        expression, complexity, r2 (of the printed expression, on held-out sources, with 68 % and 95 %
        intervals), r2_linear, r2_null, r2_bands, the best latent and its rank correlation, and how many rows.

    Raises
    ------
    ChandraEmbedError
        No quantity is known for enough sources, or the extra ``symbolic`` is not installed.
    """
    bright = sample.take(sample.net_counts >= MIN_COUNTS)
    groups = {}
    for sources, mask in ((kind, bright.detection["class"] == kind), ("all", np.ones(len(bright), bool))):
        part = bright.take(mask)
        groups[sources] = part, _known(part, seed)
    total = sum(len(known) for _, known in groups.values())
    if not total:
        names = ", ".join(file["name"] for file in sample.files)
        raise ChandraEmbedError(
            f"{names}: no quantity varies and is known for {2 * MIN_SOURCES} sources of at least "
            f"{MIN_COUNTS} net counts, half of them not seen by the model; give more spectra"
        )
    rows: list[dict[str, Any]] = []
    fronts: list[dict[str, Any]] = []
    matrix: list[dict[str, Any]] = []
    summary: dict[str, Any] = {}
    with Progress(total, "latents", unit="quantities") as progress:
        for sources, (part, known) in groups.items():
            if not known:
                continue
            found = _measure(part, known, sources, seed, progress)
            rows += found[0]
            fronts += found[1]
            matrix += found[2]
            summary[sources] = found[3]
    meta = _meta(sample, seed, summary)
    write_result(folder, "latents-fronts", fronts, meta)
    write_result(folder, "latents-associations", matrix, meta)
    _draw(rows, fronts, matrix, folder, sample.simulated)
    write_result(folder, "latents", rows, meta)
    return rows


def _known(part: "Sample", seed: int) -> dict[str, Array]:
    """Return the quantities that vary and are known for enough sources of every part."""
    parts = halves(part.source_id, part.seen, seed)
    kept = {}
    for name, y in physical_quantities(part).items():
        of = np.isfinite(y)
        if of.any() and np.ptp(y[of]) > 0 and _of(parts, of).enough(part.source_id[of]):
            kept[name] = y
    return kept


def _of(parts: Parts, rows: Mask) -> Parts:
    return Parts(parts.searched[rows], parts.choosing[rows], parts.held_out[rows])


def _measure(
    part: "Sample", known: Mapping[str, Array], sources: str, seed: int, progress: Progress
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """Return rows, fronts, associations and summary of one group of sources."""
    parts = halves(part.source_id, part.seen, seed)
    latent = part.latent.astype(np.float64)
    ratios = band_ratios(part.value, part.recipe)
    unseen = ~part.seen
    of_unseen = {name: y[unseen] for name, y in known.items()}
    matrix = associations(latent[unseen], of_unseen, seed)
    data = "simulated" if part.simulated else "real"
    rows, fronts = [], []
    for name, y in known.items():
        of = np.isfinite(y)
        found = regress(latent[of], ratios[of], y[of], _of(parts, of), part.source_id[of], seed)
        best = max((m for m in matrix if m["quantity"] == name), key=lambda m: abs(m["rho"]))
        rows.append(
            {
                "sources": sources,
                "data": data,
                "quantity": name,
                "expression": found.chosen.text,
                "complexity": found.chosen.complexity,
                **found.scores,
                "best_latent": best["latent"],
                "rho": best["rho"],
                "n_fitted": int(parts.fitted[of].sum()),
                "n_held_out": int(parts.held_out[of].sum()),
            }
        )
        fronts += [{"sources": sources, "quantity": name, **entry} for entry in found.front]
        progress.update(1)
    summary = {
        "rows": len(part),
        "quantities": list(known),
        **mean_best_rho(latent[unseen], of_unseen, part.source_id[unseen]),
    }
    return rows, fronts, [{"sources": sources, **row} for row in matrix], summary


def _meta(sample: "Sample", seed: int, summary: Mapping[str, Any]) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        **sample_facts(sample),
        "pyoperon": version("pyoperon"),
        "seed": seed,
        "min_counts": MIN_COUNTS,
        "max_nodes": MAX_NODES,
        "replicates": REPLICATES,
        "interval": "bootstrap over held-out sources, percentiles",
        "summary": summary,
    }


def _draw(
    rows: Sequence[Mapping[str, Any]],
    fronts: Sequence[Mapping[str, Any]],
    matrix: Sequence[Mapping[str, Any]],
    folder: Path,
    simulated: bool,
) -> None:
    from .latent_figures import draw_associations, draw_regressions

    save_figure(folder, "latents", draw_regressions(rows, fronts, simulated))
    save_figure(folder, "latents-associations", draw_associations(matrix, simulated))


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay out the rows of :func:`run` for people, one block a group of sources."""
    blocks = []
    for sources in dict.fromkeys(row["sources"] for row in rows):
        of = [row for row in rows if row["sources"] == sources]
        lines = [
            [
                row["quantity"],
                f"{row['r2']:.3f} ({row['r2_low']:.3f} - {row['r2_high']:.3f})",
                *(f"{row[name]:.3f}" for name in ("r2_linear", "r2_bands", "r2_null")),
                row["best_latent"],
                f"{row['rho']:.2f}",
                row["complexity"],
                row["expression"],
            ]
            for row in of
        ]
        head = ["quantity", "R^2 (68 %)", "linear", "bands", "null", "best", "rho", "nodes", "expression"]
        rho = np.mean([abs(row["rho"]) for row in of])
        what = "all classes" if sources == "all" else sources
        blocks.append(
            f"{of[0]['data']} spectra, {what}: R^2 on held-out sources; "
            f"mean |rho| of the best latent {rho:.2f}\n" + layout(head, lines)
        )
    return "\n\n".join(blocks)
