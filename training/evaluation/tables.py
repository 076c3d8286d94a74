"""Tables and figures on disk, and intervals: what every evaluation ends with.

Rows are not independent (a source has up to 142 detections), so intervals come from drawing sources with
replacement (Efron & Tibshirani 1993, percentile intervals), and two methods are compared on the same draws.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...inference.catalog import store
from ...inference.cli.layout import json_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .sample import Sample

REPLICATES = 1000
LEVELS = (0.16, 0.84, 0.025, 0.975)
# edges of the bins of net counts
COUNT_EDGES = (10.0, 40.0, 100.0, 300.0, 1000.0)


@dataclass(frozen=True)
class Interval:
    """A figure with its 68 % and 95 % intervals."""

    value: float
    low: float
    high: float
    low95: float
    high95: float

    def columns(self, name: str) -> dict[str, float]:
        """Return ``name``, ``name_low``, ``name_high``, ``name_low95``, ``name_high95`` for a table."""
        return {
            name: self.value,
            f"{name}_low": self.low,
            f"{name}_high": self.high,
            f"{name}_low95": self.low95,
            f"{name}_high95": self.high95,
        }

    def text(self, digits: int = 4) -> str:
        """Return the value with its 68 % interval, for people."""
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} - {self.high:.{digits}f})"


def from_replicates(value: float, replicates: ArrayLike) -> Interval:
    """Return the percentile intervals of bootstrap replicates of a figure."""
    return Interval(
        float(value), *(float(q) for q in np.quantile(np.asarray(replicates, np.float64), LEVELS))
    )


def drawn_units(m: int, replicates: int, random_state: int) -> Iterator[NDArray[np.int64]]:
    """Yield bootstrap draws of units, such as sources: each m of the numbers 0 to m - 1, with replacement.

    Parameters
    ----------
    m : int
        How many units.
    replicates : int
        How many draws.
    random_state : int
        Seed; the same seed gives the same draws.
    """
    rng = np.random.default_rng(random_state)
    for _ in range(replicates):
        yield rng.integers(m, size=m)


def source_draws(
    source_id: NDArray[np.str_], replicates: int = REPLICATES, random_state: int = 0
) -> Iterator[NDArray[np.intp]]:
    """Yield row numbers of bootstrap draws: sources with replacement, each with all of its rows.

    Parameters
    ----------
    source_id : ndarray, shape (n,), str
        Source of each row.
    replicates : int
        How many draws.
    random_state : int
        Seed; the same seed gives the same draws, so figures of the same rows can be paired.
    """
    _, index = np.unique(source_id, return_inverse=True)
    order = np.argsort(index, kind="stable")
    count = np.bincount(index)
    first = np.cumsum(count) - count
    for drawn in drawn_units(len(count), replicates, random_state):
        sizes = count[drawn]
        # within each drawn source 0, 1, ..., added to where its rows begin
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        yield order[np.repeat(first[drawn], sizes) + within]


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float],
    source_id: NDArray[np.str_],
    *,
    replicates: int = REPLICATES,
    random_state: int = 0,
) -> Interval:
    """Return a statistic of all rows with its intervals over draws of sources.

    Parameters
    ----------
    statistic : callable
        Takes row numbers, returns the figure of those rows.
    source_id : ndarray, shape (n,), str
        Source of each row.
    replicates, random_state : int
        As :func:`source_draws`.
    """
    found = [statistic(rows) for rows in source_draws(source_id, replicates, random_state)]
    return from_replicates(statistic(np.arange(len(source_id))), found)


def mean_interval(
    values: ArrayLike, source_id: NDArray[np.str_], *, replicates: int = REPLICATES, random_state: int = 0
) -> Interval:
    """Return the mean over rows with its intervals over draws of sources.

    For a paired comparison give the difference of two methods' values, row by row.

    Parameters
    ----------
    values : array_like, shape (n,), float
        One number a row.
    source_id : ndarray, shape (n,), str
        Source of each row.
    replicates, random_state : int
        As :func:`source_draws`.

    Raises
    ------
    ValueError
        No rows.
    """
    numbers = np.asarray(values, np.float64)
    if not len(numbers):
        raise ValueError("no rows: there is no mean")
    _, index = np.unique(source_id, return_inverse=True)
    return ratio_interval(np.bincount(index, numbers), np.bincount(index), replicates, random_state)


def ratio_interval(
    total: ArrayLike, count: ArrayLike, replicates: int = REPLICATES, random_state: int = 0
) -> Interval:
    """Return sum(total) / sum(count) with its intervals over draws of the units.

    Parameters
    ----------
    total, count : array_like, shape (m,), float
        Sum and number of rows of each unit (a source, or a group of sources).
    replicates, random_state : int
        As :func:`source_draws`.
    """
    sums, rows = np.asarray(total, np.float64), np.asarray(count, np.float64)
    means = np.empty(replicates)
    for i, drawn in enumerate(drawn_units(len(sums), replicates, random_state)):
        means[i] = sums[drawn].sum() / rows[drawn].sum()
    return from_replicates(sums.sum() / rows.sum(), means)


def count_bins(net_counts: NDArray[np.float64]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return ``all`` and each bin of net counts that has rows: its label and mask, shape (n,), bool."""
    edges = (-np.inf, *COUNT_EDGES, np.inf)
    labels = [f"< {edges[1]:g}", *(f"{a:g} - {b:g}" for a, b in pairwise(COUNT_EDGES)), f">= {edges[-2]:g}"]
    parts = [("all", np.ones(len(net_counts), bool))]
    parts += [
        (label, (net_counts >= a) & (net_counts < b))
        for label, (a, b) in zip(labels, pairwise(edges), strict=True)
    ]
    return [(label, mask) for label, mask in parts if mask.any()]


def source_count(source_id: NDArray[np.str_]) -> int:
    """Return how many sources rows come from."""
    return len(np.unique(source_id))


def sample_facts(sample: "Sample") -> dict[str, Any]:
    """Return what names the data and the model of a result: fingerprints, no folders."""
    files = [{**file, "command": store.without_folders(file["command"])} for file in sample.files]
    return {
        "model": sample.model,
        "encoder_sha256": sample.encoder_sha256,
        "simulated": sample.simulated,
        "recipe": json.loads(sample.recipe.to_json()),
        "recipe_fingerprint": sample.recipe.fingerprint,
        "files": files,
    }


def write_result(folder: Path, name: str, rows: Sequence[Mapping[str, Any]], meta: Mapping[str, Any]) -> None:
    """Write a table as ``name.csv`` and, with all that made it, as ``name.json``.

    A command writes its main table after all else: its ``name.json``, which is there whole or not at all,
    says that nothing is missing.

    Parameters
    ----------
    folder : Path
        Existing folder; files of this name there are replaced.
    name : str
        Of the table; the main one of a command has the command's name.
    rows : sequence of mapping
        The table; columns in the order in which they first appear. NaN and infinities become empty cells.
    meta : mapping
        Seeds, data (see :func:`sample_facts`), settings. Versions and the command are added.
    """
    plain = [json.loads(json_line(row)) for row in rows]
    columns = list(dict.fromkeys(key for row in plain for key in row))
    with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(plain)
    content = {
        "name": name,
        **json.loads(json_line(meta)),
        "command": store.without_folders(store.command_line()),
        "versions": json.loads(store.versions()),
        "rows": plain,
    }
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    draft = folder / f".{name}.json.part"
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, folder / f"{name}.json")


def save_figure(folder: Path, name: str, figure: "Figure") -> None:
    """Write a figure as ``name.png`` and ``name.pdf``; existing files are replaced."""
    from ...inference.report.figures import save

    save(figure, [folder / f"{name}.png", folder / f"{name}.pdf"], name)
