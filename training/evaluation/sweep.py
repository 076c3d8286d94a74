"""How much the hyper-parameters matter: one changed at a time from the default, from records of runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...inference.cli.layout import table as layout
from ...inference.errors import ChandraEmbedError
from .figures import sweep_figure
from .records import Record
from .seeds import by_settings, changes, largest_data, matched, over_sources_and_seeds
from .tables import REPLICATES, save_figure, write_result

# a hyper-parameter matters where its worst value is worse than its best by more than this factor
MATTERS = 1.25


def run(records: Sequence[Record], folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Make the table and the figure of the sweep, ``sweep.csv``, ``.json``, ``.png`` and ``.pdf``.

    Parameters
    ----------
    records : sequence of Record
        Runs; the most numerous set with the same data counts. The default is the setting from which most
        others of its kind differ in one thing. Runs that differ in more are left out, and said so; another
        kind of model is one change, whatever else it needs.
    folder : Path
        Existing folder.

    Returns
    -------
    rows : list of dict
        By setting, the default first: setting, hyper_parameter, value, seeds, parameters, mae with its
        68 % interval over sources and seeds, ratio to the default (paired, the same seeds and sources).
    summary : dict
        worst_over_best with its interval, which settings those are, by_hyper_parameter (worst over best of
        each), matters (names above 1.25), the default's error by seed and its spread, left_out.

    Raises
    ------
    ChandraEmbedError
        No records, or none that differs from the default in one thing.
    """
    ours = largest_data(records)
    groups = by_settings(ours)
    default = _default(groups)
    rows, used = _rows(groups, default)
    if len(rows) < 2:
        raise ChandraEmbedError(
            f"{len(records)} records: none changes one setting of another; "
            "train runs that do, and record them with: chandra-embed evaluate record"
        )
    summary = _summary(rows, used)
    kept = {run.name for group in used for run in group}
    summary["left_out"] = sorted(record.name for record in records if record.name not in kept)
    first = used[0][0]
    meta = {
        "summary": summary,
        "recipe_fingerprint": first.recipe_fingerprint,
        "data": first.data,
        "test": first.test,
        "simulated": first.simulated,
        "replicates": REPLICATES,
        "random_state": 0,
        "seeds": sorted({run.seed for group in used for run in group}),
    }
    errors = summary["mae_by_seed"]
    ratios = [error / float(np.mean(errors)) for error in errors]
    save_figure(folder, "sweep", sweep_figure(rows, ratios, first.simulated))
    write_result(folder, "sweep", rows, meta)
    return rows, summary


def _default(groups: Sequence[list[Record]]) -> list[Record]:
    """Return the setting from which most others differ in one thing; of several, that with most seeds."""
    if not groups:
        raise ChandraEmbedError("no records of runs; make some with: chandra-embed evaluate record")

    def neighbours(group: list[Record]) -> int:
        return sum(len(changes(g[0], group[0])) == 1 for g in groups if g[0].kind == group[0].kind)

    return max(groups, key=neighbours)


def _rows(
    groups: Sequence[list[Record]], default: list[Record]
) -> tuple[list[dict[str, Any]], list[list[Record]]]:
    """Return the rows of the default and of all that differ from it in one thing, and their runs."""
    rows, used = [_row("default", "", "", default, default)], [default]
    others: list[tuple[str, Any, list[Record]]] = []
    for group in groups:
        changed = changes(group[0], default[0])
        these, _ = matched(group, default)
        if len(changed) == 1 and these:
            ((name, value),) = changed.items()
            if (name, value) not in [
                other[:2] for other in others
            ]:  # of another kind the one with most seeds
                others.append((name, value, group))
    for name, value, group in sorted(others, key=lambda other: (other[0], _order(other[1]))):
        rows.append(_row(f"{name} {value}", name, value, group, default))
        used.append(matched(group, default)[0])
    return rows, used


def _order(value: Any) -> tuple[int, float, str]:
    """Sort numbers by size before texts."""
    number = isinstance(value, int | float)
    return (0, float(value), "") if number else (1, 0.0, str(value))


def _row(
    setting: str, name: str, value: Any, group: Sequence[Record], default: Sequence[Record]
) -> dict[str, Any]:
    """Return one row; only seeds that the default has too count."""
    these, those = matched(group, default)
    mae = over_sources_and_seeds(lambda x: x, (these, "mae"))
    ratio = over_sources_and_seeds(lambda a, b: a / b, (these, "mae"), (those, "mae"))
    facts = {"setting": setting, "hyper_parameter": name, "value": value, "seeds": len(these)}
    return {**facts, "parameters": these[0].parameters, **mae.columns("mae"), **ratio.columns("ratio")}


def _summary(rows: Sequence[Mapping[str, Any]], used: Sequence[Sequence[Record]]) -> dict[str, Any]:
    """Say how far the settings lie apart, which hyper-parameter matters, and how far the seeds do."""
    ratios = np.array([row["ratio"] for row in rows])
    worst, best = int(ratios.argmax()), int(ratios.argmin())
    a, b = matched(used[worst], used[best])
    apart = over_sources_and_seeds(lambda x, y: x / y, (a, "mae"), (b, "mae")) if a else None
    by_name: dict[str, float] = {}
    for name in dict.fromkeys(row["hyper_parameter"] for row in rows[1:]):
        of = [row["ratio"] for row in rows if row["hyper_parameter"] == name] + [1.0]  # 1: the default's
        by_name[name] = max(of) / min(of)
    errors = [run.mae["value"] for run in used[0]]
    return {
        "worst": rows[worst]["setting"],
        "best": rows[best]["setting"],
        "worst_over_best": float(ratios.max() / ratios.min()) if apart is None else apart.value,
        "worst_over_best_low": None if apart is None else apart.low,
        "worst_over_best_high": None if apart is None else apart.high,
        "by_hyper_parameter": by_name,
        "matters": [name for name, value in by_name.items() if value > MATTERS],
        "mae_by_seed": errors,
        "seed_spread": float(np.std(errors, ddof=1)) if len(errors) > 1 else None,
        "seeds_worst_over_best": max(errors) / min(errors),
    }


def table(rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> str:
    """Return the sweep as a table for people, with what follows from it."""
    cells = [
        [
            row["setting"],
            row["seeds"],
            f"{row['parameters']:,}",
            row["mae"],
            f"{row['mae_low']:.4f} - {row['mae_high']:.4f}",
            f"{row['ratio']:.3f}",
            f"{row['ratio_low']:.3f} - {row['ratio_high']:.3f}",
        ]
        for row in rows
    ]
    lines = [layout(("setting", "seeds", "parameters", "error", "68 %", "ratio", "68 %"), cells)]
    apart = f"worst over best: {summary['worst_over_best']:.3f}"
    if summary["worst_over_best_low"] is not None:
        apart += f" ({summary['worst_over_best_low']:.3f} - {summary['worst_over_best_high']:.3f})"
    lines.append(f"{apart}; worst {summary['worst']}, best {summary['best']}")
    matters = ", ".join(f"{n} ({summary['by_hyper_parameter'][n]:.3f})" for n in summary["matters"])
    lines.append(f"worst over best above {MATTERS:g}: {matters or 'no hyper-parameter'}")
    seeds = f"the default over {len(summary['mae_by_seed'])} seeds: "
    spread = (
        "one seed, no spread" if summary["seed_spread"] is None else f"spread {summary['seed_spread']:.5f}"
    )
    lines.append(f"{seeds}{spread}, worst over best {summary['seeds_worst_over_best']:.3f}")
    if summary["left_out"]:
        lines.append("left out (other data, or more than one change): " + ", ".join(summary["left_out"]))
    return "\n".join(lines)
