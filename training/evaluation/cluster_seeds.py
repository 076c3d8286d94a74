"""Clusters over several seeds: what ``evaluate clusters`` found on runs of reduced budget, by their records.

One run says little of a recipe: another seed is another network, another split and other unseen sources.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...inference.cli.layout import table as lay_out
from ...inference.recipe import Recipe
from .records import Record
from .seeds import settings
from .tables import Interval

LEAST_SEEDS = 3


def scores_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Interval]:
    """Return what a record keeps of the rows of :func:`.clustering.rows_of`.

    The accuracy of each chosen method, ``clusters-8-pca`` and so on, and by how much the autoencoder's is
    ahead of it on the same sources, ``clusters-8-ahead-of-pca``.
    """
    found = {}
    for row in rows:
        if not row["chosen"]:
            continue
        name = f"clusters-{row['classes']}"
        names = ("balanced_accuracy", "low", "high", "low95", "high95")
        found[f"{name}-{row['latents']}"] = Interval(*(float(row[each]) for each in names))
        if row["latents"] != "autoencoder":
            names = ("ahead", "ahead_low", "ahead_high", "ahead_low95", "ahead_high95")
            found[f"{name}-ahead-of-{row['latents']}"] = Interval(*(float(row[each]) for each in names))
    return found


def seed_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Average the accuracy of clusters over the seeds of each recipe and setting.

    Parameters
    ----------
    records : sequence of Record
        Those without figures of clusters, and settings of fewer than 3 seeds, are left out.

    Returns
    -------
    list of dict
        ``recipe`` (rate or flux), ``denoise``, ``classes``, ``latents``, ``seeds``, ``balanced_accuracy``
        (mean over the seeds), ``least`` and ``most`` (of them), ``ahead`` (mean of the autoencoder's lead;
        NaN for itself) and ``ahead_in`` (seeds whose 95 % interval of that lead is above 0).
    """
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if any(name.startswith("clusters-") for name in record.scores):
            key = json.dumps([record.recipe_fingerprint, settings(record)], sort_keys=True)
            groups[key].append(record)
    rows = []
    for runs in groups.values():
        if len({run.seed for run in runs}) < LEAST_SEEDS:
            continue
        kept = sorted(set.intersection(*(set(run.scores) for run in runs)))
        for name in kept:
            _, classes, latents = name.split("-", 2)
            if latents.startswith("ahead"):
                continue
            value = [run.scores[name]["value"] for run in runs]
            lead = [run.scores.get(f"clusters-{classes}-ahead-of-{latents}") for run in runs]
            rows.append(
                {
                    "recipe": _quantity(runs[0]),
                    "denoise": float(runs[0].training.get("denoise", 0.0)),
                    "classes": int(classes),
                    "latents": latents,
                    "seeds": len(runs),
                    "balanced_accuracy": float(np.mean(value)),
                    "least": min(value),
                    "most": max(value),
                    "ahead": float(np.mean([one["value"] if one else np.nan for one in lead])),
                    "ahead_in": sum(one["low95"] > 0 for one in lead if one),
                }
            )
    order = {"autoencoder": 0, "pca": 1, "bands": 2}
    return sorted(rows, key=lambda r: (-r["classes"], r["recipe"], r["denoise"], order[r["latents"]]))


def _quantity(record: Record) -> str:
    """Return the quantity of a run's recipe; a recipe of other settings is named by its fingerprint."""
    known = {Recipe(quantity=name).fingerprint: name for name in ("rate", "flux")}
    return known.get(record.recipe_fingerprint, record.recipe_fingerprint[:12])


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay out the rows of :func:`seed_rows` for people; empty without rows."""
    if not rows:
        return ""
    head = (
        "recipe",
        "denoise",
        "classes",
        "latents",
        "mean of seeds",
        "least - most",
        "autoencoder ahead by",
    )
    cells = [
        (
            row["recipe"],
            f"{row['denoise']:g}",
            row["classes"],
            row["latents"],
            f"{row['balanced_accuracy']:.3f} ({row['seeds']})",
            f"{row['least']:.3f} - {row['most']:.3f}",
            "" if np.isnan(row["ahead"]) else f"{row['ahead']:+.3f}, clear in {row['ahead_in']}",
        )
        for row in rows
    ]
    said = "training runs of reduced budget, each seed its own sources (clear: 95 % interval above 0)"
    return f"{said}\n{lay_out(head, cells)}"
