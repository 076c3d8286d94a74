"""Comparing runs by their records, with intervals over sources and seeds together.

Two sets of runs are compared seed by seed on the same sources: every bootstrap draw takes the same groups of
sources and the same seeds for both.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.errors import ChandraEmbedError
from .records import Record
from .tables import REPLICATES, Interval, from_replicates

Matrix = NDArray[np.float64]
# what may differ between runs of the same settings
NOT_SETTINGS = ("seed", "threads")


def settings(record: Record) -> dict[str, Any]:
    """Return the model and training settings of a run, without seed and threads; ``kind`` is one."""
    merged = {**record.training, **record.model, "kind": record.kind}
    return {name: value for name, value in merged.items() if name not in NOT_SETTINGS}


def changes(record: Record, default: Record) -> dict[str, Any]:
    """Return the settings in which a run differs from the default; another kind is one change."""
    if record.kind != default.kind:
        return {"kind": record.kind}
    ours, theirs = settings(record), settings(default)
    names = sorted(ours.keys() | theirs.keys())
    return {name: ours.get(name) for name in names if ours.get(name) != theirs.get(name)}


def by_settings(records: Sequence[Record]) -> list[list[Record]]:
    """Gather the runs that differ in their seed alone; those with most seeds first, each by seed.

    Raises
    ------
    ChandraEmbedError
        Two records of the same settings and seed.
    """
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[json.dumps(settings(record), sort_keys=True)].append(record)
    for runs in found.values():
        runs.sort(key=lambda run: run.seed)
        for one, other in pairwise(runs):
            if one.seed == other.seed:
                raise ChandraEmbedError(
                    f"{one.name}, {other.name}: two records of the same settings and seed {one.seed}; "
                    "remove one"
                )
    return sorted(found.values(), key=lambda runs: (-len(runs), runs[0].name))


def largest_data(records: Sequence[Record]) -> list[Record]:
    """Return the records that share recipe, training files and test file: the most numerous such set."""
    found: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in records:
        found[record.same_data].append(record)
    return max(found.values(), key=len, default=[])


def matched(a: Sequence[Record], b: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return the runs of `a` and `b` whose seeds both have, in the order of the seeds.

    Raises
    ------
    ChandraEmbedError
        Two runs of one seed were measured on different sources.
    """
    ours, theirs = {run.seed: run for run in a}, {run.seed: run for run in b}
    common = sorted(ours.keys() & theirs.keys())
    for seed in common:
        if ours[seed].groups["rows"] != theirs[seed].groups["rows"]:
            raise ChandraEmbedError(
                f"{ours[seed].name}, {theirs[seed].name}: were measured on different sources; "
                "record both again on the same file"
            )
    return [ours[seed] for seed in common], [theirs[seed] for seed in common]


def over_sources_and_seeds(
    function: Callable[..., float],
    *parts: tuple[Sequence[Record], str],
    replicates: int = REPLICATES,
    random_state: int = 0,
) -> Interval:
    """Return a function of mean errors, with intervals over groups of sources and seeds.

    Parameters
    ----------
    function : callable
        Takes one mean error a part (over rows of a run, then over runs), returns the figure.
    parts : tuple of (records, column)
        Runs, of the same seeds in the same order in all parts, and a column of ``Record.groups``.
    replicates, random_state : int
        Bootstrap draws and their seed.
    """
    sums = [np.array([run.groups[column] for run in runs], np.float64) for runs, column in parts]
    rows = [np.array([run.groups["rows"] for run in runs], np.float64) for runs, _ in parts]
    filled = np.flatnonzero(np.sum([r.sum(axis=0) for r in rows], axis=0))
    n_seeds = len(sums[0])
    rng = np.random.default_rng(random_state)
    found: list[float] = []

    def means(seeds: NDArray[np.intp], groups: NDArray[np.intp]) -> list[float]:
        each = np.ix_(seeds, groups)
        return [
            float((s[each].sum(axis=1) / r[each].sum(axis=1)).mean()) for s, r in zip(sums, rows, strict=True)
        ]

    while len(found) < replicates:
        groups, seeds = (
            filled[rng.integers(len(filled), size=len(filled))],
            rng.integers(n_seeds, size=n_seeds),
        )
        if all(r[:, groups].any(axis=1).all() for r in rows):  # a run without a row has no mean
            found.append(function(*means(seeds, groups)))
    return from_replicates(function(*means(np.arange(n_seeds), filled)), found)


def label(runs: Sequence[Record], among: Sequence[Sequence[Record]]) -> str:
    """Name runs by their kind, and by what sets them apart from the first of `among` of that kind."""
    first = next(others for others in among if others[0].kind == runs[0].kind)
    differs = [f"{name} {value}" for name, value in changes(runs[0], first[0]).items()]
    return ", ".join([runs[0].kind, *differs])
