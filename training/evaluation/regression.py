"""Whether words and data together tell physical quantities better than the better of the two alone.

Every arm has the same regressors with the same tuning on the same validation sources (:mod:`.experts`), at a
dimension matched by PCA; the representations are those of frozen models. `Both` mixes what each modality says
alone, their concatenation, and the shared space; a modality alone mixes its own two regressors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.cli.layout import table as layout
from ...inference.errors import ChandraEmbedError
from ...inference.progress import Progress
from .experts import MOST_DIMENSIONS, REGRESSORS, Expert, Rowsets, components, fit_expert, mix
from .pair_sample import PairSample
from .quantities import band_ratios
from .tables import LEVELS, REPLICATES, Interval, sample_facts, save_figure, source_count, write_result

Array = NDArray[np.float64]
MODALITIES = ("spectrum", "events", "lightcurve")
HARDNESS = ("hard_hs", "hard_hm", "hard_ms")
# the quantities that the aim is stated for
STATED = (*HARDNESS, "var_prob_b", "var_index_b")
LEAST = {"train": 50, "validation": 20, "test": 50}  # sources


@dataclass(frozen=True)
class Result:
    """What was found for one quantity; errors are mean absolute errors of the test rows.

    Parameters
    ----------
    errors : dict of str to float
        By arm, and of ``constant``, the training median.
    better : str
        ``text`` or ``data``: the single modality of the smaller error.
    absolute, percent : Interval
        How much smaller the error of both is, in the quantity's unit and in per cent of the better one's.
    weights : dict of str to float
        Of the experts of both.
    settings : dict of str to dict
        What validation chose for each expert.
    """

    errors: dict[str, float]
    better: str
    absolute: Interval
    percent: Interval
    weights: dict[str, float]
    settings: dict[str, dict[str, Any]]


def compare(
    reduced: Mapping[str, Mapping[str, Array]], y: Array, rows: Rowsets, source_id: NDArray[np.str_]
) -> Result:
    """Predict one quantity from text, from data and from both, and compare the errors over test sources.

    Parameters
    ----------
    reduced : mapping of str to mapping of str to ndarray
        Principal components, by scaling, of ``text``, ``data``, ``concatenation`` and ``shared``; further
        ones are arms of their own.
    y : ndarray, shape (n,), float64
        The quantity, finite in all of `rows`.
    rows : Rowsets
        No source in two of them.
    source_id : ndarray, shape (n,), str
        Source of each row: the unit of the bootstrap.
    """
    experts: dict[str, list[Expert]] = {
        name: [fit_expert(name, x, y, rows, regressor) for regressor in REGRESSORS]
        for name, x in reduced.items()
    }
    both = [each for name in ("text", "data", "concatenation", "shared") for each in experts[name]]
    truth = y[rows.test]
    error = {name: np.abs(truth - mix(of, y, rows)[0]) for name, of in experts.items()}
    mixed, weights = mix(both, y, rows)
    error["both"] = np.abs(truth - mixed)
    error["constant"] = np.abs(truth - np.median(y[rows.train]))
    means = {name: float(each.mean()) for name, each in error.items()}
    better = min(("text", "data"), key=lambda name: means[name])
    absolute, percent = improvement(error[better], error["both"], source_id[rows.test])
    settings = {each.name: each.settings for of in experts.values() for each in of}
    return Result(means, better, absolute, percent, weights, settings)


def improvement(
    error: Array, smaller: Array, source_id: NDArray[np.str_], *, random_state: int = 0
) -> tuple[Interval, Interval]:
    """Return how much smaller one mean error is than another, with intervals paired over sources.

    Parameters
    ----------
    error, smaller : ndarray, shape (n,), float64
        Absolute errors of the same rows.
    source_id : ndarray, shape (n,), str
        Source of each row.
    random_state : int
        Seed of the draws.

    Returns
    -------
    absolute, percent : Interval
        mean(error) - mean(smaller), and 100 times that over mean(error).
    """
    _, index = np.unique(source_id, return_inverse=True)
    sums = np.stack([np.bincount(index, error), np.bincount(index, smaller), np.bincount(index)])
    rng, m = np.random.default_rng(random_state), sums.shape[1]
    drawn = np.stack([sums[:, rng.integers(m, size=m)].sum(axis=1) for _ in range(REPLICATES)])
    found = []
    for of in (sums.sum(axis=1)[None], drawn):
        gain = of[:, 0] - of[:, 1]
        found.append((gain / of[:, 2], 100 * gain / np.maximum(of[:, 0], 1e-300)))
    (value, share), (values, shares) = found
    return _interval(value, values), _interval(share, shares)


def _interval(value: Array, replicates: Array) -> Interval:
    return Interval(float(value[0]), *(float(q) for q in np.quantile(replicates, LEVELS)))


def representations(pairs: PairSample, modality: str) -> dict[str, list[NDArray[Any]]]:
    """Return what each arm is given, as blocks of columns.

    Parameters
    ----------
    pairs : PairSample
        Of `n` rows.
    modality : {"spectrum", "events", "lightcurve"}
        What the data are.

    Returns
    -------
    dict of str to list of ndarray, shape (n, k)
        ``text``, ``data``, ``concatenation``, ``shared`` (the aligned embeddings; of a light curve the
        text's alone, since those of events know energies); ``aligned_data``, the aligned embedding of the
        data without a text; and with spectra ``band_ratios``.
    """
    p = pairs
    data: NDArray[Any] = {
        "spectrum": p.spectra.latent,
        "events": p.event_latent,
        "lightcurve": p.light_curve,
    }[modality]
    shared: list[NDArray[Any]] = [p.text]
    if modality != "lightcurve":
        shared.append(p.spectra.embedding if modality == "spectrum" else p.event)
    found = {
        "text": [p.text_vector],
        "data": [data],
        "concatenation": [p.text_vector, data],
        "shared": shared,
    }
    if len(shared) > 1:
        found["aligned_data"] = shared[1:]
    if modality == "spectrum":
        found["band_ratios"] = [band_ratios(p.spectra.value, p.spectra.recipe)]
    return found


def quantities(pairs: PairSample) -> dict[str, Array]:
    """Return the quantities that are predicted, each shape (n,), float64, NaN where not known.

    ``hard_*``, ``var_prob_b`` and ``var_index_b`` as measured; of simulated detections also the truth:
    ``powlaw_gamma``, ``log_nh`` (all absorbers, 1e22 cm^-2), ``log_kt`` (keV), ``log_photon_flux``, and
    ``true_hard_*``, the hardness without noise.
    """
    d, t = pairs.spectra.detection, pairs.spectra.truth
    unknown = np.full(len(pairs), np.nan)
    found = {name: np.asarray(d.get(name, unknown), np.float64) for name in STATED}
    found["powlaw_gamma"] = t.get("gamma", unknown)
    logs = {"log_nh": "nh_total", "log_kt": "kt", "log_photon_flux": "photon_flux"}
    for name, column in logs.items():
        value = t.get(column, unknown)
        found[name] = np.log10(value, out=unknown.copy(), where=value > 0)
    for name in HARDNESS:
        x, y = (t.get(f"photflux_{band}", unknown) for band in name[-2:])
        found[f"true_{name}"] = np.divide(x - y, x + y, out=unknown.copy(), where=x + y > 0)
    return found


def rowsets(part: NDArray[np.str_], usable: NDArray[np.bool_]) -> Rowsets:
    """Return the usable rows of each part."""
    return Rowsets(*(np.flatnonzero(usable & (part == name)) for name in ("train", "validation", "test")))


def enough(rows: Rowsets, source_id: NDArray[np.str_], y: Array) -> bool:
    """Whether every part has sources enough, and the quantity varies where it is learnt and measured."""
    return all(
        source_count(source_id[getattr(rows, name)]) >= least and np.ptp(y[getattr(rows, name)]) > 0
        for name, least in LEAST.items()
    )


def run(
    pairs: PairSample, folder: Path, *, modality: str = "events"
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Compare text, data and both on every quantity that is known for enough sources.

    Parameters
    ----------
    pairs : PairSample
        All parts: experts are fitted on training sources, tuned on validation, measured on test sources.
    folder : Path
        Existing folder; ``regression-MODALITY`` is written as CSV, JSON, PNG and PDF.
    modality : {"spectrum", "events", "lightcurve"}
        What the data are.

    Returns
    -------
    rows : list of dict
        data_modality, variable, text, data, both (mean absolute errors), absolute and percent (how much
        smaller the error of both is than that of the better single one), low and high (95 % of
        `absolute`, paired over sources), percent_low and percent_high (95 % likewise), better,
        concatenation, shared, aligned_data, band_ratios (spectra only), constant, n_train, n_validation,
        n_test, data_kind.
    summary : dict
        Over the quantities the aim is stated for: mean_percent, improved (lower bound above 0), worse (upper
        bound below 0), known.

    Raises
    ------
    ValueError
        `modality` is none of the three.
    ChandraEmbedError
        No detection has such data, or no quantity is known for enough sources.
    """
    if modality not in MODALITIES:
        raise ValueError(f"modality {modality!r}: give one of {', '.join(MODALITIES)}")
    names = ", ".join(file["name"] for file in pairs.spectra.files)
    blocks = representations(pairs, modality)
    there = np.all([np.isfinite(x).all(axis=1) for of in blocks.values() for x in of], axis=0)
    known = {
        name: y
        for name, y in quantities(pairs).items()
        if enough(rowsets(pairs.part, there & np.isfinite(y)), pairs.source_id, y)
    }
    if not known:
        raise ChandraEmbedError(
            f"{names}: no quantity is known for {LEAST['train']} training, {LEAST['validation']} validation "
            f"and {LEAST['test']} test sources that have {modality} and a text; give more"
        )
    train = rowsets(pairs.part, there).train
    # the same number of components for every arm, so that two modalities have no more numbers than one
    most = min(MOST_DIMENSIONS, *(sum(x.shape[1] for x in blocks[name]) for name in ("text", "data")))
    reduced = {name: components(of, train, most) for name, of in blocks.items()}
    rows, details = [], {}
    with Progress(len(known), f"regression from {modality}", unit="quantities") as progress:
        for name, y in known.items():
            sets = rowsets(pairs.part, there & np.isfinite(y))
            found = compare(reduced, y, sets, pairs.source_id)
            rows.append(_row(modality, name, found, sets, pairs))
            details[name] = {"weights": found.weights, "settings": found.settings}
            progress.update(1)
    summary = summarise(rows)
    from .alignment_figures import draw_regression

    save_figure(folder, f"regression-{modality}", draw_regression(rows, pairs.data))
    write_result(folder, f"regression-{modality}", rows, _meta(pairs, most, details, summary))
    return rows, summary


def _row(modality: str, name: str, found: Result, sets: Rowsets, pairs: PairSample) -> dict[str, Any]:
    arms = [
        arm
        for arm in ("concatenation", "shared", "aligned_data", "band_ratios", "constant")
        if arm in found.errors
    ]
    return {
        "data_modality": modality,
        "variable": name,
        **{arm: found.errors[arm] for arm in ("text", "data", "both")},
        "absolute": found.absolute.value,
        "percent": found.percent.value,
        "low": found.absolute.low95,
        "high": found.absolute.high95,
        "percent_low": found.percent.low95,
        "percent_high": found.percent.high95,
        "better": found.better,
        **{arm: found.errors[arm] for arm in arms},
        **{f"n_{part}": len(getattr(sets, part)) for part in LEAST},
        "data_kind": pairs.data,
    }


def summarise(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return mean improvement, and what improves or worsens beyond its interval, of the stated quantities."""
    of = [row for row in rows if row["variable"] in STATED]
    return {
        "known": [row["variable"] for row in of],
        "improved": [row["variable"] for row in of if row["low"] > 0],
        "worse": [row["variable"] for row in of if row["high"] < 0],
        "mean_percent": float(np.mean([row["percent"] for row in of])) if of else float("nan"),
    }


def _meta(
    pairs: PairSample, most: int, details: Mapping[str, Any], summary: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        **sample_facts(pairs.spectra),
        "data": pairs.data,
        "texts": pairs.facts,
        "dimensions": most,
        "replicates": REPLICATES,
        "interval": "bootstrap over test sources, paired, percentiles: low and high 95 %",
        "summary": summary,
        "experts": details,
    }


def table(rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> str:
    """Lay out what :func:`run` returned, for people."""
    bands = "band_ratios" in rows[0]
    lines = [
        [
            row["variable"],
            *(f"{row[name]:.4f}" for name in ("text", "data", "both")),
            f"{row['absolute']:+.4f} ({row['low']:+.4f} - {row['high']:+.4f})",
            f"{row['percent']:+.1f}",
            *([f"{row['band_ratios']:.4f}"] if bands else []),
            row["n_test"],
        ]
        for row in rows
    ]
    head = [
        "Variable",
        "Text",
        "Data",
        "Both",
        "Absolute (95 %)",
        "%",
        *(["Band ratios"] if bands else []),
        "n",
    ]
    title = f"Mean absolute error, data: {rows[0]['data_modality']}; {rows[0]['data_kind']}"
    text = f"{title}\n{layout(head, lines)}"
    if summary["known"]:
        text += (
            f"\nof {', '.join(summary['known'])}: mean improvement {summary['mean_percent']:+.1f} %; "
            f"better beyond the interval: {', '.join(summary['improved']) or 'none'}; "
            f"worse: {', '.join(summary['worse']) or 'none'}"
        )
    return text
