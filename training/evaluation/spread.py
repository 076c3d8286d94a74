"""Accuracy against the spread of physics within a class: how much of it a simulator could be giving away."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .clustering import DEFINITION, SEEDS, measure
from .tables import REPLICATES, sample_facts, save_figure, write_result
from .tasks import GROUPS, features_of, make_task

if TYPE_CHECKING:
    from .sample import Sample


SPREADS = (0.0, 0.25, 0.5, 1.0, 2.0)


def spread_curve(samples: Mapping[float, "Sample"]) -> list[dict[str, Any]]:
    """Measure clusters and forest on simulations that differ in the spread alone; about 20 s each.

    The method is chosen anew at each spread, on its seen sources; see :mod:`.clustering`.

    Parameters
    ----------
    samples : mapping of float to Sample
        Spread (0: all sources of a class have the same physics; 1: as wide as the literature gives) to the
        catalog simulated with it.

    Returns
    -------
    list of dict
        Rows ``spread``, ``latents``, ``classes``, ``method``, ``balanced_accuracy``, ``low``, ``high``,
        ``low95``, ``high95``, ``chance``, ``forest``, ``forest_bins``; by spread.

    Raises
    ------
    ValueError
        A sample that is not simulated: nobody can set its spread.
    ChandraEmbedError
        As :func:`.tasks.make_task`.
    """
    rows: list[dict[str, Any]] = []
    for spread, sample in sorted(samples.items()):
        if not sample.simulated:
            raise ValueError(f"spread {spread:g}: the sample is not simulated; give simulated ones")
        features = features_of(sample)
        for groups in GROUPS.values():
            task = make_task(sample, features, groups)
            if task is None:
                continue
            found = measure(task, every=False)
            for latents in found.measured:
                m = found.chosen(latents)
                rows.append(
                    {
                        "spread": float(spread),
                        "latents": latents,
                        "classes": len(found.names),
                        "method": m.method.name,
                        "balanced_accuracy": m.accuracy.value,
                        "low": m.accuracy.low,
                        "high": m.accuracy.high,
                        "low95": m.accuracy.low95,
                        "high95": m.accuracy.high95,
                        "chance": m.chance,
                        "forest": found.forest[latents][0],
                        "forest_bins": found.forest["bins"][0],
                    }
                )
    return rows


def write_spread(samples: Mapping[float, "Sample"], folder: Path) -> list[dict[str, Any]]:
    """Write the rows of :func:`spread_curve` as ``clusters_spread`` (CSV, JSON, PNG, PDF) and return them."""
    from .cluster_figures import draw_spread

    rows = spread_curve(samples)
    facts = {f"{spread:g}": sample_facts(sample) for spread, sample in sorted(samples.items())}
    meta = {"samples": facts, "definition": DEFINITION, "seeds": SEEDS, "replicates": REPLICATES}
    save_figure(folder, "clusters_spread", draw_spread(rows))
    write_result(folder, "clusters_spread", rows, meta)
    return rows
