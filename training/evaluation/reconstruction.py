"""How well spectra come back from the latents, and how much closer to the truth than they were measured.

The figure is the mean absolute error of MinMax-normalised spectra of sources that the model has not seen.
Against the noise-free truth, put on the noisy input's own scale, it says what reconstruction smooths away:
the input itself has error 0 against the input, and an error of its own against the truth.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.cli.layout import table as layout
from ...inference.errors import ChandraEmbedError
from .errors import all_errors, row_errors
from .figures import PER_PAGE, by_counts_figure, real_figure
from .outside_data import DATA
from .records import Record, read_records
from .sample import Sample, read_sample
from .seeds import by_settings, label, largest_data, matched, over_sources_and_seeds
from .tables import (
    REPLICATES,
    Interval,
    count_bins,
    mean_interval,
    sample_facts,
    save_figure,
    source_count,
    write_result,
)

LEAST_SEEDS = 3
Errors = Mapping[str, Mapping[str, NDArray[np.float64]]]


def real_sample(model: str | Path, folder: Path) -> tuple[Sample | None, str]:
    """Ingest the real spectra under ``CHANDRA_EMBED_DATA`` with the model's recipe.

    Parameters
    ----------
    model : str or Path
        Bundle: a name or a folder.
    folder : Path
        Where ``real-spectra.h5`` is written; an earlier one is replaced.

    Returns
    -------
    sample : Sample or None
        The spectra that could be used; None without any.
    said : str
        What was used, or why nothing was.
    """
    from ...inference.catalog.ingest import ingest
    from ...inference.encoder import Encoder

    named = os.environ.get(DATA, "")
    spectra = Path(named) / "spectra"
    if not named or not spectra.is_dir():
        where = f"{spectra} is no folder" if named else f"{DATA} is not set"
        return None, f"real spectra are left out: {where}"
    path = folder / "real-spectra.h5"
    summary = ingest([spectra], path, Encoder.load(model, "cpu").recipe)
    if not summary.used:
        return None, f"real spectra are left out: none of the {summary.given} files can be used"
    sample = read_sample(path, model)
    return sample, f"{len(sample)} real spectra of {summary.given} files are shown, without a ranking"


def run(
    sample: Sample, real: Sample | None, folder: Path, records: Sequence[Record] | None = None
) -> list[dict[str, Any]]:
    """Measure reconstruction, and write tables and figures.

    Parameters
    ----------
    sample : Sample
        Spectra with what the model makes of them; only sources it has not seen count.
    real : Sample, optional
        Real spectra, shown one by one.
    folder : Path
        Existing folder. Tables (CSV, JSON): ``reconstruction``, ``reconstruction_by_counts``,
        ``reconstruction_differences``, ``reconstruction_real``. Figures (PNG, PDF):
        ``reconstruction_by_counts``, ``reconstruction_real_1`` and so on.
    records : sequence of Record, optional
        Runs over several seeds; by default those of the package. They are measured on data of their own.

    Returns
    -------
    list of dict
        Rows of ``reconstruction``: model, data (``simulated`` or ``real``), mae with its 68 % interval
        mae_low and mae_high, truth_mae (NaN where the truth is not known).

    Raises
    ------
    ChandraEmbedError
        The model has seen every source of the sample.
    """
    unseen = sample.take(~sample.seen)
    if not len(unseen):
        names = ", ".join(file["name"] for file in sample.files)
        raise ChandraEmbedError(f"{names}: {sample.model} has seen all of its sources; give other spectra")
    errors = _errors(unseen)
    counts = _by_counts(errors, unseen)
    rows = [
        {key: row[key] for key in ("model", "data", "mae", "mae_low", "mae_high", "truth_mae")}
        for row in counts
        if row["net_counts"] == "all"
    ]
    differences = _differences(errors, unseen)
    runs = _seed_runs(read_records() if records is None else records, unseen)
    rows += [_run_row(group, runs) for group in runs]
    differences += _run_differences(runs)
    meta = {**sample_facts(sample), "rows_used": len(unseen), "sources": source_count(unseen.source_id)}
    meta |= {"replicates": REPLICATES, "random_state": 0, "interval": "bootstrap over sources, percentiles"}
    if real is not None:
        rows += _write_real(real, folder)
        meta["real"] = sample_facts(real)
    meta["runs"] = [[run.name for run in group] for group in runs]
    write_result(folder, "reconstruction_by_counts", counts, meta)
    write_result(folder, "reconstruction_differences", differences, meta)
    save_figure(folder, "reconstruction_by_counts", by_counts_figure(counts, unseen.simulated))
    write_result(folder, "reconstruction", rows, meta)
    return rows


def _errors(sample: Sample) -> Errors:
    """Return the errors of every method by the name it has in the tables."""
    given_back: dict[str, Any] = {
        sample.model: sample.reconstruction,
        f"PCA-{sample.pca.shape[1]}": sample.pca_reconstruction,
    }
    if sample.mean is not None:
        given_back["mean spectrum"] = sample.mean
    return all_errors(sample.value, sample.normalised, sample.truth_value, given_back)


def _kind(simulated: bool) -> str:
    return "simulated" if simulated else "real"


def _by_counts(errors: Errors, sample: Sample) -> list[dict[str, Any]]:
    """Return the errors of every method, for all rows and by net counts, with intervals over sources."""
    rows = []
    for method, columns in errors.items():
        for bin_label, mask in count_bins(sample.net_counts):
            source_id = sample.source_id[mask]
            row: dict[str, Any] = {"model": method, "data": _kind(sample.simulated), "net_counts": bin_label}
            row |= {"rows": int(mask.sum()), "sources": source_count(source_id)}
            for name in ("mae", "truth_mae"):
                unknown = Interval(*[np.nan] * 5)
                known = name in columns
                row |= (mean_interval(columns[name][mask], source_id) if known else unknown).columns(name)
            rows.append(row)
    return rows


def _differences(errors: Errors, sample: Sample) -> list[dict[str, Any]]:
    """Return paired differences, on the same sources, of the autoencoder to the PCA and to the input."""
    autoencoder, pca = list(errors)[:2]
    pairs = [(autoencoder, pca, "mae")]
    if sample.truth_value is not None:
        pairs += [(autoencoder, pca, "truth_mae"), (autoencoder, "input", "truth_mae")]
    rows = []
    for a, b, name in pairs:
        interval = mean_interval(errors[a][name] - errors[b][name], sample.source_id)
        row = {"model": a, "minus": b, "data": _kind(sample.simulated), "quantity": name, "over": "sources"}
        rows.append({**row, **interval.columns("difference")})
    return rows


def _seed_runs(records: Sequence[Record], sample: Sample) -> list[list[Record]]:
    """Return the settings with three seeds or more, of the sample's recipe and one data."""
    ours = [record for record in records if record.recipe_fingerprint == sample.recipe.fingerprint]
    groups = [group for group in by_settings(largest_data(ours)) if len(group) >= LEAST_SEEDS]
    return sorted(groups, key=lambda group: group[0].kind != "transformer")  # the others are set against it


def _run_label(group: Sequence[Record], groups: Sequence[Sequence[Record]]) -> str:
    return f"{label(group, groups)} ({len(group)} seeds)"


def _run_row(group: Sequence[Record], groups: Sequence[Sequence[Record]]) -> dict[str, Any]:
    """Return the row of one set of runs: means over seeds, the interval over sources and seeds."""
    mae = over_sources_and_seeds(lambda x: x, (group, "mae"))
    truth = [run.truth_mae["value"] for run in group if run.truth_mae]
    return {
        "model": _run_label(group, groups),
        "data": _kind(group[0].simulated),
        "mae": mae.value,
        "mae_low": mae.low,
        "mae_high": mae.high,
        "truth_mae": float(np.mean(truth)) if len(truth) == len(group) else np.nan,
    }


def _run_differences(groups: Sequence[Sequence[Record]]) -> list[dict[str, Any]]:
    """Return paired differences of every set of runs to the PCA, and of the sets to the first."""
    rows = []
    for group in groups:
        name = _run_label(group, groups)
        facts = {"data": _kind(group[0].simulated), "quantity": "mae", "over": "sources and seeds"}
        spread = float(np.std([run.mae["value"] for run in group], ddof=1))
        interval = over_sources_and_seeds(lambda a, b: a - b, (group, "mae"), (group, "pca_mae"))
        minus = f"PCA-{group[0].model['n_latent']}"
        rows.append({"model": name, "minus": minus, **facts, **interval.columns("difference")})
        rows[-1] |= {"seeds": len(group), "spread_over_seeds": spread}
        if group is groups[0]:
            continue
        first, this = matched(groups[0], group)
        if len(first) >= LEAST_SEEDS:
            interval = over_sources_and_seeds(lambda a, b: a - b, (first, "mae"), (this, "mae"))
            row = {"model": _run_label(groups[0], groups), "minus": name, **facts}
            rows.append({**row, **interval.columns("difference"), "seeds": len(first)})
    return rows


def _write_real(real: Sample, folder: Path) -> list[dict[str, Any]]:
    """Draw real spectra one by one and write their errors; return their row."""
    errors = row_errors(real.normalised, real.reconstruction)
    names = ["/".join(Path(name).parts[-2:]) for name in real.detection["file"]]
    each = [
        {"file": name, "net_counts": float(net), "mae": float(error), "data": _kind(real.simulated)}
        for name, net, error in zip(names, real.net_counts, errors, strict=True)
    ]
    write_result(folder, "reconstruction_real", each, sample_facts(real))
    for page, start in enumerate(range(0, len(real), PER_PAGE), 1):
        part = np.arange(start, min(start + PER_PAGE, len(real)))
        save_figure(folder, f"reconstruction_real_{page}", real_figure(real.take(part), names[start:]))
    interval = mean_interval(errors, real.source_id)
    row = {"model": real.model, "data": _kind(real.simulated), "mae": interval.value}
    return [{**row, "mae_low": interval.low, "mae_high": interval.high, "truth_mae": np.nan}]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows of :func:`run` as a table for people."""
    cells = [
        [
            row["model"],
            row["data"],
            row["mae"],
            f"{row['mae_low']:.4f} - {row['mae_high']:.4f}",
            row["truth_mae"],
        ]
        for row in rows
    ]
    lines = [
        "mean absolute error of normalised spectra of sources not seen in training;",
        "68 % interval over sources (and seeds); truth: against the noise-free spectrum",
        layout(("model", "data", "error", "68 %", "error to truth"), cells),
    ]
    if any(row["data"] == "real" for row in rows):
        lines.append("real spectra are few: they are drawn one by one, and rank nothing")
    return "\n".join(lines)
