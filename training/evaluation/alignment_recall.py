"""How often the aligned space finds a source's own partner among all, and how often the controls do.

The controls are shuffled pairs, an oracle that knows the class and nothing else, the text without the words
that name a class, and a linear map from words to latents.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets import log_range
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
from .tables import count_bins, mean_interval

LEAST = 100  # sources: below, 1 % of them is no place
ALIGNED, PLAIN, BAG, SHUFFLED = "aligned", "without class words", "bag of words", "shuffled"


def readable(pairs: PairSample) -> PairSample:
    """Return the test rows whose text the model can read."""
    return pairs.take((pairs.part == "test") & np.isfinite(pairs.text).all(axis=1))


def modalities(pairs: PairSample) -> dict[str, NDArray[Any]]:
    """Return the aligned embeddings that are asked for words: spectrum, and with events event and both."""
    found: dict[str, NDArray[Any]] = {"spectrum": pairs.spectra.embedding}
    if np.isfinite(pairs.event).any():
        found |= {"event": pairs.event, "both": pairs.both}
    return found


def recalls(test: PairSample, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the recalls of every direction and method, and by how much the aligned ones are above the rest.

    Parameters
    ----------
    test : PairSample
        Of :func:`readable`.
    seed : int
        Of the detections chosen and of the shuffled pairs.

    Returns
    -------
    rows : list of dict
        Of ``alignment``, the aligned ones first; a modality of fewer than 100 sources has none.
    differences : list of dict
        Of ``alignment-differences``: direction, above (the other method), recall, difference with intervals,
        paired over sources, n.
    """
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


def recalls_by_counts(test: PairSample, seed: int) -> list[dict[str, Any]]:
    """Return the recalls of texts by net counts: ranks among all sources, means over those of the bin.

    Parameters
    ----------
    test : PairSample
        Of :func:`readable`.
    seed : int
        Of the detections chosen.

    Returns
    -------
    list of dict
        Of ``alignment-counts``: direction, net_counts, recall_1pct, recall_5pct, recall_10pct with intervals,
        n (sources of the bin).
    """
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
