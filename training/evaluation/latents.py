"""What latents mean: which physical quantities they follow, alone and together in a short formula.

Formulae are searched on one half of the sources and scored on the other half, none of which the model has
seen. Beside each stand a linear fit of all latents, the same search from the three band ratios, and the same
search for a shuffled target.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...inference.cli.layout import table as layout
from ...inference.errors import ChandraEmbedError
from ...inference.progress import Progress
from ..datasets import split
from .quantities import RATIOS, band_ratios, physical_quantities
from .symbolic import MAX_NODES, Expression, r2, search
from .tables import REPLICATES, bootstrap, sample_facts, save_figure, write_result
from .tasks import MIN_COUNTS

if TYPE_CHECKING:
    from .sample import Sample

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
MIN_SOURCES = 25  # sources of each half that know a quantity


@dataclass(frozen=True)
class Parts:
    """Where each of `n` rows goes: searched on, chosen by, or held out; each shape (n,), bool."""

    searched: Mask
    choosing: Mask
    held_out: Mask

    @property
    def fitted(self) -> Mask:
        """Searched on or chosen by."""
        return self.searched | self.choosing

    def enough(self, source_id: NDArray[np.str_]) -> bool:
        """Whether every part has sources enough for a figure."""
        return all(
            len(np.unique(source_id[part])) >= least
            for part, least in (
                (self.searched, MIN_SOURCES),
                (self.choosing, MIN_SOURCES // 2),
                (self.held_out, MIN_SOURCES),
            )
        )


def halves(source_id: NDArray[np.str_], seen: Mask, seed: int = 0) -> Parts:
    """Hold out about half of the sources, none that the model has seen; choose by a third of the others.

    Parameters
    ----------
    source_id : ndarray, shape (n,), str
        Source of each row.
    seen : ndarray, shape (n,), bool
        The source is among those of the model's training or validation.
    seed : int
        Another seed, another split.

    Returns
    -------
    Parts
        No source stands in two of them.
    """
    unseen = len(np.unique(source_id[~seen])) / max(1, len(np.unique(source_id)))
    share = min(1.0, 0.5 / unseen) if unseen else 0.0
    # salts that the model's own split does not use: an independent hash
    held_out = split(source_id, seed + 101, validation=0.0, test=share)["test"] & ~seen
    choosing = split(source_id, seed + 202, validation=0.0, test=1 / 3)["test"] & ~held_out
    return Parts(~held_out & ~choosing, choosing, held_out)


@dataclass(frozen=True)
class Regression:
    """What one quantity's search gave: the chosen formula, all of the front, and R^2 on held-out rows."""

    chosen: Expression
    front: list[dict[str, Any]]
    scores: dict[str, float]


def best_expression(
    x: Array, y: Array, parts: Parts, names: Sequence[str], seed: int
) -> tuple[Expression, list[Expression]]:
    """Search formulae on one part and choose, on another, the one of highest R^2.

    Parameters
    ----------
    x : ndarray, shape (n, k), float64
        Variables.
    y : ndarray, shape (n,), float64
        The quantity.
    parts : Parts
        Of the rows; those held out are not looked at.
    names : sequence of str, length k
        What the variables are called.
    seed : int
        Of the search.

    Returns
    -------
    chosen : Expression
        Of at most 20 nodes; of equals the shortest.
    front : list of Expression
        All that the search gave, from short to long.
    """
    front = search(x[parts.searched], y[parts.searched], names, seed)
    scores = [r2(y[parts.choosing], each(x[parts.choosing])) for each in front]
    return front[int(np.argmax(scores))], front


def regress(
    latent: Array, ratios: Array, y: Array, parts: Parts, source_id: NDArray[np.str_], seed: int = 0
) -> Regression:
    """Express a quantity by latents and score it on the held-out rows, with what it has to be compared with.

    Parameters
    ----------
    latent : ndarray, shape (n, l), float64
        Latents.
    ratios : ndarray, shape (n, 3), float64
        Band ratios.
    y : ndarray, shape (n,), float64
        The quantity, finite.
    parts : Parts
        Of the rows.
    source_id : ndarray, shape (n,), str
        Source of each row: the unit of the bootstrap.
    seed : int
        Of the searches and of the shuffled null.
    """
    names = latent_names(latent.shape[1])
    chosen, front = best_expression(latent, y, parts, names, seed)
    out = np.flatnonzero(parts.held_out)
    guess = chosen(latent)
    # shuffled within each part: the same numbers, the same search, nothing to find
    null = y.copy()
    rng = np.random.default_rng([seed, 303])
    for part in (parts.searched, parts.choosing):
        null[part] = rng.permutation(y[part])
    nothing, _ = best_expression(latent, null, parts, names, seed)
    bands, _ = best_expression(ratios, y, parts, RATIOS, seed)
    interval = bootstrap(lambda rows: r2(y[out[rows]], guess[out[rows]]), source_id[out])
    scores = {
        **interval.columns("r2"),
        "r2_linear": r2(y[out], _linear(latent, y, parts.fitted)[out]),
        "r2_null": r2(y[out], nothing(latent)[out]),
        "r2_bands": r2(y[out], bands(ratios)[out]),
    }
    entries = [
        {
            "complexity": each.complexity,
            "r2": r2(y[out], each(latent)[out]),
            "r2_choosing": r2(y[parts.choosing], each(latent)[parts.choosing]),
            "chosen": each is chosen,
            "expression": each.text,
        }
        for each in front
    ]
    return Regression(chosen, entries, scores)


def _linear(x: Array, y: Array, fitted: Mask) -> Array:
    """Least squares of all variables and a constant on the fitted rows, evaluated on every row."""
    design = np.column_stack([np.ones(len(x)), x])
    weights = np.linalg.lstsq(design[fitted], y[fitted], rcond=None)[0]
    prediction: Array = design @ weights
    return prediction


def latent_names(n: int) -> list[str]:
    """Return ``z1`` to ``zn``."""
    return [f"z{i}" for i in range(1, n + 1)]


def spearman(x: Array, y: Array) -> Array:
    """Return the rank correlation (Spearman 1904) of each column of x with y.

    Parameters
    ----------
    x : ndarray, shape (n, k), float64
    y : ndarray, shape (n,), float64
        Finite.

    Returns
    -------
    ndarray, shape (k,), float64
        Ties have mean ranks; 0 for a constant.
    """
    from scipy.stats import rankdata

    a, b = rankdata(x, axis=0) - (len(y) + 1) / 2, rankdata(y) - (len(y) + 1) / 2
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum())
    rho: Array = np.divide(b @ a, size, out=np.zeros(x.shape[1]), where=size > 0)
    return rho


def associations(latent: Array, known: Mapping[str, Array], seed: int = 0) -> list[dict[str, Any]]:
    """Return the rank correlation and mutual information of each latent with each quantity.

    Parameters
    ----------
    latent : ndarray, shape (n, l), float64
        Latents.
    known : mapping of str to ndarray, shape (n,), float64
        Quantities; rows with NaN do not count.
    seed : int
        Of the estimator of mutual information (Kraskov et al. 2004, 3 neighbours).

    Returns
    -------
    list of dict
        quantity, latent, rho, mutual_information (nat), n (rows).
    """
    from sklearn.feature_selection import mutual_info_regression

    rows = []
    for name, y in known.items():
        of = np.isfinite(y)
        rho = spearman(latent[of], y[of])
        information = mutual_info_regression(latent[of], y[of], random_state=seed)
        rows += [
            {"quantity": name, "latent": z, "rho": r, "mutual_information": i, "n": int(of.sum())}
            for z, r, i in zip(latent_names(latent.shape[1]), rho.tolist(), information.tolist(), strict=True)
        ]
    return rows


def mean_best_rho(latent: Array, known: Mapping[str, Array], source_id: NDArray[np.str_]) -> dict[str, float]:
    """Return the mean over quantities of |rho| of the latent that follows each best, with intervals.

    The replicates keep each quantity's best latent; figures of real catalogs in the literature are of other
    sources and other quantities.
    """
    best = {name: int(np.argmax(np.abs(spearman(latent[f], y[f])))) for name, y, f in _finite(known)}

    def mean(rows: NDArray[np.intp]) -> float:
        found = []
        for name, y, _ in _finite(known):
            of = rows[np.isfinite(y[rows])]
            found.append(abs(float(spearman(latent[of][:, [best[name]]], y[of])[0])))
        return float(np.mean(found))

    return bootstrap(mean, source_id).columns("mean_abs_rho")


def _finite(known: Mapping[str, Array]) -> list[tuple[str, Array, Mask]]:
    return [(name, y, np.isfinite(y)) for name, y in known.items()]


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
    write_result(folder, "latents", rows, meta)
    write_result(folder, "latents-fronts", fronts, meta)
    write_result(folder, "latents-associations", matrix, meta)
    _draw(rows, fronts, matrix, folder, sample.simulated)
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
