"""How well an aligned space brings spectra, events and words of one source together, and at what price.

Retrieval asks every test source's own partner among all of them, in both directions. Beside it stand shuffled
pairs, an oracle that knows the class and nothing else, the text without the words that name a class, and a
linear map from words to latents. Then what alignment does to neighbourhoods: cosines within and between
classes, and the spread of hardness among the nearest other sources, each before and after.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.cli.layout import table as layout
from ...inference.errors import ChandraEmbedError
from ..datasets import log_range
from .narrowing import NEIGHBOURS, centred, class_cosines, neighbour_spread
from .pair_sample import PairSample
from .retrieval import (
    SHARES,
    Ranks,
    bag_of_words,
    class_ranks,
    more_recall,
    one_each,
    rank_pairs,
    recall_columns,
)
from .tables import REPLICATES, count_bins, mean_interval, sample_facts, save_figure, write_result

Array = NDArray[np.float64]
LEAST = 100  # sources: below, 1 % of them is no place
HARDNESS = ("hard_hs", "hard_hm", "hard_ms")
ALIGNED, PLAIN, BAG, SHUFFLED = "aligned", "without class words", "bag of words", "shuffled"


def modalities(pairs: PairSample) -> dict[str, NDArray[Any]]:
    """Return the aligned embeddings that are asked for words: spectrum, and with events event and both."""
    found: dict[str, NDArray[Any]] = {"spectrum": pairs.spectra.embedding}
    if np.isfinite(pairs.event).any():
        found |= {"event": pairs.event, "both": pairs.both}
    return found


def run(
    pairs: PairSample, folder: Path, *, seed: int = 0
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Measure retrieval in both directions and what alignment does to neighbourhoods.

    Parameters
    ----------
    pairs : PairSample
        Rows of the test part count, one detection and one text a source.
    folder : Path
        Existing folder. Tables (CSV, JSON): ``alignment``, ``alignment-differences``, ``alignment-counts``,
        ``alignment-cosines``, ``alignment-spread``. Figures (PNG, PDF): ``alignment``,
        ``alignment-neighbours``.
    seed : int
        Of the detections chosen and of the shuffled pairs.

    Returns
    -------
    rows : list of dict
        Of ``alignment``: direction, method (``aligned``; then as controls ``without class words``,
        ``bag of words``, ``shuffled``), recall_1pct, recall_5pct, recall_10pct and median_rank with 68 % and
        95 % intervals over sources, n (sources), null_recall_1pct, class_oracle_1pct, class_oracle_5pct,
        class_oracle_10pct, data.
    others : dict of str to list of dict
        Rows of the other tables, by name.

    Raises
    ------
    ChandraEmbedError
        Fewer than 100 test sources with a text.
    """
    test = _test(pairs)
    sources = len(np.unique(test.source_id))
    if sources < LEAST:
        names = ", ".join(file["name"] for file in pairs.spectra.files)
        raise ChandraEmbedError(
            f"{names}: {sources} test sources have a text that the model can read; give at least {LEAST}, "
            "whose sources the model has not seen"
        )
    rows, differences = _retrieval(test, seed)
    cosines, spreads = neighbourhoods(pairs, seed)
    others = {
        "alignment-differences": differences,
        "alignment-counts": _by_counts(test, seed),
        "alignment-cosines": cosines,
        "alignment-spread": spreads,
    }
    meta = _meta(pairs, seed)
    for name, each in {"alignment": rows, **others}.items():
        write_result(folder, name, each, meta)
    from .alignment_figures import draw_narrowing, draw_recalls

    save_figure(folder, "alignment", draw_recalls(rows, pairs.data))
    if cosines and spreads:
        save_figure(folder, "alignment-neighbours", draw_narrowing(cosines, spreads, pairs.data))
    return rows, others


def _test(pairs: PairSample) -> PairSample:
    """Return the test rows whose text the model can read."""
    return pairs.take((pairs.part == "test") & np.isfinite(pairs.text).all(axis=1))


def _retrieval(test: PairSample, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of ``alignment``, the aligned ones first, and the paired differences."""
    rows, controls, differences = [], [], []
    for name, embedding in modalities(test).items():
        chosen = one_each(test.source_id, np.isfinite(embedding).all(axis=1), seed)
        if len(chosen) < LEAST:
            continue
        part, x = test.take(chosen), embedding[chosen]
        oracle = class_ranks(part.kind)
        for direction, found in _methods(part, name, x, seed):
            told = [_row(direction, method, ranks, oracle, part) for method, ranks in found.items()]
            rows.append(told[0])
            controls += told[1:]
            differences += _differences(direction, found, oracle, part)
    return rows + controls, differences


def _methods(
    part: PairSample, name: str, x: NDArray[Any], seed: int
) -> Iterator[tuple[str, dict[str, Ranks]]]:
    """Yield both directions with the ranks of each method; the aligned pairs stand first."""
    shuffled = np.random.default_rng([seed, 505]).permutation(len(part))
    ways: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {ALIGNED: (x, part.text)}
    if part.plain is not None:
        # a text that is nothing but its class leaves no words: it is like no other
        ways[PLAIN] = x, np.nan_to_num(part.plain)
    if name == "spectrum" and part.bag:
        words, own = bag_of_words(part.text_vector, spectrum_rows(part), part.bag)
        ways[BAG] = own, words
    ways[SHUFFLED] = x, part.text[shuffled]
    yield f"{name}->text", {method: rank_pairs(a, b) for method, (a, b) in ways.items()}
    yield f"text->{name}", {method: rank_pairs(b, a) for method, (a, b) in ways.items()}


def spectrum_rows(part: PairSample) -> NDArray[Any]:
    """Return what the bundle's linear baseline compares: latents, with their level where it has that."""
    latent = part.spectra.latent
    if len(part.bag["mean"]) == latent.shape[1]:
        return latent
    return np.hstack([latent, log_range(part.spectra.value)[:, None]])


def _row(direction: str, method: str, ranks: Ranks, oracle: Ranks, part: PairSample) -> dict[str, Any]:
    known = bool((part.kind != "").any())
    return {
        "direction": direction,
        "method": method,
        **recall_columns(ranks, part.source_id),
        **{
            f"class_oracle_{name}": float(oracle.recall(share).mean()) if known else float("nan")
            for name, share in SHARES.items()
        },
        "data": part.data,
    }


def _differences(
    direction: str, found: Mapping[str, Ranks], oracle: Ranks, part: PairSample
) -> list[dict[str, Any]]:
    """Return by how much the aligned recall is above each other one, paired over sources."""
    others = {name: ranks for name, ranks in found.items() if name != ALIGNED}
    if (part.kind != "").any():
        others["class oracle"] = oracle
    return [
        {
            "direction": direction,
            "above": name,
            "recall": share,
            **more_recall(found[ALIGNED], ranks, SHARES[share], part.source_id).columns("difference"),
            "n": len(part),
        }
        for name, ranks in others.items()
        for share in SHARES
    ]


def _by_counts(test: PairSample, seed: int) -> list[dict[str, Any]]:
    """Return the recalls of texts by net counts: ranks among all sources, means over those of the bin."""
    rows = []
    for name, embedding in modalities(test).items():
        chosen = one_each(test.source_id, np.isfinite(embedding).all(axis=1), seed)
        part = test.take(chosen)
        ranks = rank_pairs(embedding[chosen], part.text)
        for label, mask in count_bins(part.spectra.net_counts):
            row: dict[str, Any] = {"direction": f"{name}->text", "net_counts": label}
            for share, value in SHARES.items():
                found = mean_interval(ranks.recall(value)[mask], part.source_id[mask])
                row |= found.columns(f"recall_{share}")
            rows.append({**row, "n": int(mask.sum())})
    return rows


def neighbourhoods(pairs: PairSample, seed: int = 0) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return cosines within and between classes, and spreads of hardness, before and after alignment.

    Parameters
    ----------
    pairs : PairSample
        One detection of every test source counts; the training rows give the mean that is taken off before.
    seed : int
        Of the detections chosen.

    Returns
    -------
    cosines : list of dict
        modality, alignment (``before`` or ``after``), within_class, between_classes and gap with intervals,
        n (sources).
    spreads : list of dict
        modality, variable, neighbours, before, after and difference (after - before) with intervals, n:
        means over sources of the standard deviation among the 10 nearest other sources.
    """
    test = _test(pairs)
    chosen = test.take(one_each(test.source_id, np.ones(len(test), bool), seed))
    return _cosines(pairs, chosen), _spreads(pairs, chosen)


def _before_and_after(pairs: PairSample, chosen: PairSample) -> Iterator[tuple[str, Array, NDArray[Any]]]:
    """Yield each modality with what it was before alignment and is after it, rows of `chosen`.

    Before: latents, or text vectors, less the mean of the training rows, at unit length.
    """
    train = pairs.part == "train"
    latents = {
        "spectrum": (pairs.spectra.latent, chosen.spectra.latent, chosen.spectra.embedding),
        "event": (pairs.event_latent, chosen.event_latent, chosen.event),
        "text": (pairs.text_vector, chosen.text_vector, chosen.text),
    }
    for name, (of_all, own, after) in latents.items():
        if not np.isfinite(after).any():
            continue
        known = np.isfinite(of_all).all(axis=1)
        yield name, centred(own, of_all[train if (train & known).any() else known]), after


def _cosines(pairs: PairSample, chosen: PairSample) -> list[dict[str, Any]]:
    """Return mean cosines within and between classes, before and after alignment."""
    rows = []
    for name, before, after in _before_and_after(pairs, chosen):
        there = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
        for stage, x in (("before", before), ("after", after)):
            found = class_cosines(x[there], chosen.kind[there])
            if found is not None:
                rows.append(
                    {
                        "modality": name,
                        "alignment": stage,
                        **found.within.columns("within_class"),
                        **found.between.columns("between_classes"),
                        **found.gap.columns("gap"),
                        "n": int(there.sum()),
                    }
                )
    return rows


def _spreads(pairs: PairSample, chosen: PairSample) -> list[dict[str, Any]]:
    """Return the spread of hardness among the 10 nearest other sources, before, after and the difference."""
    rows = []
    for name, before, after in _before_and_after(pairs, chosen):
        if name == "text":
            continue
        there = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
        for variable in HARDNESS:
            value = np.asarray(chosen.spectra.detection[variable], np.float64)
            known = there & np.isfinite(value)
            if known.sum() <= NEIGHBOURS:
                continue
            was = neighbour_spread(before[known], value[known])
            now = neighbour_spread(after[known], value[known])
            sources = chosen.source_id[known]
            rows.append(
                {
                    "modality": name,
                    "variable": variable,
                    "neighbours": NEIGHBOURS,
                    **mean_interval(was, sources).columns("before"),
                    **mean_interval(now, sources).columns("after"),
                    **mean_interval(now - was, sources).columns("difference"),
                    "n": int(known.sum()),
                }
            )
    return rows


def _meta(pairs: PairSample, seed: int) -> dict[str, Any]:
    return {
        **sample_facts(pairs.spectra),
        "data": pairs.data,
        "texts": pairs.facts,
        "seed": seed,
        "replicates": REPLICATES,
        "interval": "bootstrap over sources, percentiles: low and high 68 %, low95 and high95 95 %",
        "recall": "share of queries whose own partner is among the first 1, 5 or 10 % of n; ties averaged",
        "before": "latents or text vectors less the mean of the training rows, at unit length",
    }


def table(rows: Sequence[Mapping[str, Any]], others: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Lay out what :func:`run` returned, for people."""
    head = ["direction", "method", "@1 % (68 %)", "@5 %", "@10 %", "median rank", "class oracle @1 %", "n"]
    lines = [
        [
            row["direction"],
            row["method"],
            f"{row['recall_1pct']:.3f} ({row['recall_1pct_low']:.3f} - {row['recall_1pct_high']:.3f})",
            f"{row['recall_5pct']:.3f} ({row['recall_5pct_low']:.3f} - {row['recall_5pct_high']:.3f})",
            f"{row['recall_10pct']:.3f}",
            f"{row['median_rank']:.0f}",
            f"{row['class_oracle_1pct']:.3f}",
            row["n"],
        ]
        for row in rows
    ]
    first = rows[0]
    title = f"Recall, {first['data']}; by chance @1 % is {first['null_recall_1pct']:.3f}"
    blocks = [f"{title}\n{layout(head, lines)}"]
    texts = {"alignment-spread": _spread_text, "alignment-cosines": _cosine_text}
    blocks += [text(others[name]) for name, text in texts.items() if others[name]]
    return "\n\n".join(blocks)


def _spread_text(spreads: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        [
            row["modality"],
            row["variable"],
            f"{row['before']:.3f}",
            f"{row['after']:.3f}",
            f"{row['difference']:+.4f} ({row['difference_low95']:+.4f} - {row['difference_high95']:+.4f})",
            row["n"],
        ]
        for row in spreads
    ]
    head = ["modality", "variable", "before", "after", "difference (95 %)", "n"]
    return f"Spread among the {NEIGHBOURS} nearest other sources\n{layout(head, lines)}"


def _cosine_text(cosines: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        [
            row["modality"],
            row["alignment"],
            *(f"{row[name]:.3f}" for name in ("within_class", "between_classes", "gap")),
            row["n"],
        ]
        for row in cosines
    ]
    head = ["modality", "alignment", "within a class", "between classes", "difference", "n"]
    return f"Mean cosine of two sources\n{layout(head, lines)}"
