"""Whether clusters of latents are classes of sources: ``evaluate clusters``.

One definition holds for every figure: each class gets the cluster that the best assignment gives it (see
:mod:`.assignment`), and the balanced accuracies of five seeds are averaged. By it a way of clustering is
chosen on sources that the model has seen in training, for each kind of latents by itself, and by it the
chosen one is measured, once, on sources the model has never seen. Clusters are made of all rows, as one would
of a catalog: of the few unseen ones alone, k-means falls now into one solution, now into another. Labels
serve the assignment alone, as in the published figures (arXiv 2510.14102), and that is made on the unseen
rows. For the choice each seed clusters its own four fifths of the seen sources and no others, so that a way
that does well once by luck is not chosen. Intervals come from drawing sources, with the assignment, not
the clusters, made anew; the best of all assignments gains more from a draw than from the sample itself, and
that mean gain is taken off them.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...inference.cli.layout import table as lay_out
from ...inference.errors import ChandraEmbedError
from ...inference.simulate.classes import CLASSES
from . import assignment, forest
from .bands import NAMES
from .clusterers import METHODS, Method, one_thread
from .tables import REPLICATES, Interval, from_replicates, sample_facts, save_figure, write_result
from .tasks import GROUPS, MIN_COUNTS, MOST_ROWS, Task, features_of, file_names, make_task

if TYPE_CHECKING:
    from .sample import Sample

logger = logging.getLogger("chandra_embed")

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
SEEDS = (0, 1, 2, 3, 4)
DRAWN = 0.8  # of the seen sources, for each seed of the choice
PERMUTATIONS = 200
LEAK = 0.75  # a forest that tells 8 classes apart better than this reads the label, not the physics
DEFINITION = (
    f"spectra of at least {MIN_COUNTS} net counts; "
    f"clusters are made of all rows, of seen and unseen sources (at most {MOST_ROWS:,} rows each, whole), "
    "and measured on the unseen; one cluster a class by the assignment that maximises the trace of the "
    "contingency matrix normalised by true class; "
    "mean recall, averaged over the seeds. The method is chosen by the same definition on sources seen in "
    "training alone, four fifths of them each seed. "
    "Intervals: bootstrap over sources, assignment redone, clusters kept, centred on the figure. Chance: "
    "classes shuffled between sources, assignment redone. Ceiling: random forest, 5 folds of whole sources"
)


@dataclass(frozen=True)
class Measured:
    """One way of clustering one kind of latents, measured on unseen sources.

    `labels` has shape (seeds, unseen rows), `replicates` (draws,).
    """

    method: Method
    chosen: bool
    chosen_on: float
    labels: Labels
    accuracy: Interval
    replicates: Array
    chance: float


@dataclass(frozen=True)
class Found:
    """All that is found for one set of classes; `forest` maps features to value and replicates."""

    names: tuple[str, ...]
    true: Labels
    measured: dict[str, list[Measured]]
    forest: dict[str, tuple[float, Array]]

    def chosen(self, latents: str) -> Measured:
        """Return the chosen method's result."""
        return next(m for m in self.measured[latents] if m.chosen)


def choose(
    x: NDArray[np.floating],
    true: Labels,
    source_id: NDArray[np.str_],
    classes: int,
    methods: Sequence[Method],
) -> list[float]:
    """Return each method's balanced accuracy on seen sources; the best is chosen.

    Parameters
    ----------
    x : ndarray, shape (n, d), float
        Latents.
    true : ndarray, shape (n,), int64
        Classes.
    source_id : ndarray, shape (n,), str
        Source of each row; four fifths of the sources are drawn each seed.
    classes : int
        Number of classes and of clusters.
    methods : sequence of Method
        What to try.
    """
    names, index = np.unique(source_id, return_inverse=True)
    found = np.zeros(len(methods))
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(names))
        rows = (order < max(DRAWN * len(names), classes))[index]
        found += [
            assignment.balanced_accuracy(true[rows], m.runs(x[rows], classes, (seed,))[0], classes)
            for m in methods
        ]
    return [float(total) for total in found / len(SEEDS)]


def measure(task: Task, methods: Sequence[Method] = METHODS, every: bool = True) -> Found:
    """Choose on seen sources, then measure on the others; see the module's docstring.

    Parameters
    ----------
    task : Task
        Rows, classes and features.
    methods : sequence of Method
        What to choose from; of equals the first.
    every : bool
        Measure the methods that were not chosen too.
    """
    k, new = len(task.names), ~task.seen
    true = task.true[new]
    index, weights = assignment.source_weights(task.source_id[new], REPLICATES)
    measured: dict[str, list[Measured]] = {}
    predicted: dict[str, tuple[float, Array]] = {}
    for name, x in task.features.items():
        with one_thread():
            tried = choose(x[task.seen], task.true[task.seen], task.source_id[task.seen], k, methods)
            best = int(np.argmax(tried))
            measured[name] = [
                _measure_one(method, i == best, tried[i], x, new, true, k, index, weights)
                for i, method in enumerate(methods)
                if every or i == best
            ]
    for name, x in {**task.features, "bins": task.spectra}.items():
        guess = forest.out_of_fold(x[new], true, task.source_id[new])
        once = np.ones((1, weights.shape[1]), np.float32)
        value = float(assignment.bootstrap_recall(true, guess, k, index, once)[0])
        predicted[name] = (value, assignment.bootstrap_recall(true, guess, k, index, weights))
    return Found(task.names, true, measured, predicted)


def _measure_one(
    method: Method,
    chosen: bool,
    chosen_on: float,
    x: NDArray[np.floating],
    new: NDArray[np.bool_],
    true: Labels,
    k: int,
    index: Labels,
    weights: NDArray[np.float32],
) -> Measured:
    """Cluster rows once a seed and measure the result on the new ones, whose classes are `true`."""
    labels = method.runs(x, k, SEEDS)[:, new]
    value = float(np.mean([assignment.balanced_accuracy(true, one, k) for one in labels]))
    replicates = np.mean(
        [assignment.bootstrap_accuracy(true, one, k, index, weights) for one in labels], axis=0
    )
    replicates += value - replicates.mean()
    shuffled = assignment.chance(true, labels, k, index, PERMUTATIONS)
    accuracy = from_replicates(value, replicates)
    return Measured(method, chosen, chosen_on, labels, accuracy, replicates, shuffled)


def rows_of(found: Found) -> list[dict[str, Any]]:
    """Return the rows of the table: every method of every kind of latents, the chosen ones marked.

    ``ahead`` is the autoencoder's chosen method minus this one, on the same draws of sources; only in the
    chosen rows of the others. ``ratio`` is the forest on the latents over that on the bins.
    """
    rows = []
    bins = found.forest["bins"]
    for latents, results in found.measured.items():
        ceiling = found.forest[latents]
        ratio = from_replicates(ceiling[0] / bins[0], ceiling[1] / bins[1])
        for m in results:
            row = {
                "latents": latents,
                "classes": len(found.names),
                "method": m.method.name,
                "chosen": m.chosen,
                "balanced_accuracy": m.accuracy.value,
                "low": m.accuracy.low,
                "high": m.accuracy.high,
                "low95": m.accuracy.low95,
                "high95": m.accuracy.high95,
                "chance": m.chance,
                "ceiling": ceiling[0],
                "ceiling_bins": bins[0],
                **ratio.columns("ratio"),
                "chosen_on": m.chosen_on,
                "spectra": len(found.true),
            }
            rows.append(row | _ahead(found, latents, m))
    return rows


def _ahead(found: Found, latents: str, m: Measured) -> dict[str, float]:
    """Paired difference to the autoencoder."""
    if not m.chosen or latents == "autoencoder":
        return Interval(*[float("nan")] * 5).columns("ahead")
    ours = found.chosen("autoencoder")
    difference = from_replicates(ours.accuracy.value - m.accuracy.value, ours.replicates - m.replicates)
    return difference.columns("ahead")


def forest_rows(found: Found) -> list[dict[str, Any]]:
    """Return the forest's balanced accuracy on each kind of features, with the ratio to the bins."""
    bins = found.forest["bins"]
    return [
        {
            "features": name,
            "classes": len(found.names),
            **from_replicates(value, replicates).columns("balanced_accuracy"),
            **from_replicates(value / bins[0], replicates / bins[1]).columns("ratio"),
        }
        for name, (value, replicates) in found.forest.items()
    ]


def matrix(found: Found, latents: str = "autoencoder") -> Array:
    """Return the contingency matrix of the chosen method, averaged over the seeds, shape (k, k + 1)."""
    each = found.chosen(latents).labels
    k = len(found.names)
    mean: Array = np.mean([assignment.ordered_shares(found.true, one, k) for one in each], axis=0)
    return mean


def run(sample: "Sample", folder: Path) -> list[dict[str, Any]]:
    """Measure clusters for 8 and for 2 classes and write tables and figures; 80 s on one core for 2,000 rows.

    Parameters
    ----------
    sample : Sample
        Rows with a class, of seen and of unseen sources. At most 2,500 rows of each are clustered.
    folder : Path
        Existing folder: ``clusters`` (the rows returned), ``clusters_forest``, ``clusters_matrix_8`` and
        ``_2`` (CSV, JSON; the matrices drawn too) and the figure ``clusters_accuracy``.

    Returns
    -------
    list of dict
        See :func:`rows_of`.

    Raises
    ------
    ChandraEmbedError
        No class to find, or no seen sources to choose the method on.
    """
    from . import cluster_figures as figures

    features = features_of(sample)
    meta = {**sample_facts(sample), "definition": DEFINITION, "seeds": SEEDS, "bands": NAMES}
    meta |= {"replicates": REPLICATES, "permutations": PERMUTATIONS, "forest_leak_above": LEAK}
    meta["min_counts"] = MIN_COUNTS
    rows: list[dict[str, Any]] = []
    forests: list[dict[str, Any]] = []
    for groups in GROUPS.values():
        task = make_task(sample, features, groups)
        if task is None:
            logger.warning("fewer than two of %s: not measured", ", ".join(dict.fromkeys(groups.values())))
            continue
        found = measure(task)
        rows += rows_of(found)
        forests += forest_rows(found)
        name = f"clusters_matrix_{len(found.names)}"
        write_result(folder, name, _matrix_rows(found), meta)
        drawn = figures.draw_matrix(matrix(found), found.names, _members(found), _title(found, sample))
        save_figure(folder, name, drawn)
    if not rows:
        there = ", ".join(sorted(set(map(str, sample.detection["class"])))) or "nothing"
        raise ChandraEmbedError(f"{file_names(sample)}: the column class holds {there}, no two of {CLASSES}")
    write_result(folder, "clusters_forest", forests, meta)
    save_figure(folder, "clusters_accuracy", figures.draw_accuracy(rows, sample.simulated))
    write_result(folder, "clusters", rows, meta)
    return rows


def _members(found: Found) -> list[int]:
    return [int(n) for n in np.bincount(found.true, minlength=len(found.names))]


def _title(found: Found, sample: "Sample") -> str:
    prefix = "Simulated: " if sample.simulated else ""
    m = found.chosen("autoencoder")
    return f"{prefix}{m.method.name}; balanced accuracy {m.accuracy.text(3)}"


def _matrix_rows(found: Found) -> list[dict[str, Any]]:
    """One row a true class: members, share in each class's cluster, share in none."""
    columns = [*found.names, "none"]
    return [
        {"class": name, "members": n, **dict(zip(columns, shares, strict=True))}
        for name, n, shares in zip(found.names, _members(found), matrix(found), strict=True)
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the chosen methods as a table for people, with what it takes to judge them."""
    head = ("latents", "classes", "method", "balanced accuracy", "68 %", "95 %", "chance", "forest")
    cells = [
        (
            row["latents"],
            row["classes"],
            row["method"],
            row["balanced_accuracy"],
            f"{row['low']:.3f} - {row['high']:.3f}",
            f"{row['low95']:.3f} - {row['high95']:.3f}",
            row["chance"],
            row["ceiling"],
        )
        for row in rows
        if row["chosen"]
    ]
    sizes = {row["classes"]: row["spectra"] for row in rows}
    said = ", ".join(f"{n:,} for {k} classes" for k, n in sizes.items())
    lines = [lay_out(head, cells), "", f"spectra of unseen sources, {MIN_COUNTS} net counts or more: {said}"]
    for row in rows:
        if row["chosen"] and row["latents"] != "autoencoder":
            lines.append(
                f"{row['classes']} classes: autoencoder - {row['latents']} {row['ahead']:+.3f}, "
                f"95 % {row['ahead_low95']:+.3f} to {row['ahead_high95']:+.3f}"
            )
        elif row["chosen"]:
            lines.append(
                f"{row['classes']} classes: forest on the latents over forest on the bins {row['ratio']:.3f} "
                f"({row['ceiling']:.3f} / {row['ceiling_bins']:.3f})"
            )
            if row["classes"] == len(CLASSES) and row["ceiling_bins"] > LEAK:
                lines.append(f"  above {LEAK}: the spectra give the class away")
    return "\n".join(lines)
