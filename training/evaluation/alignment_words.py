"""What a text would have to hold for its observation to be found: retrieval by true words of the source.

The aligner's text side is replaced by words that are neither wrong nor left out: the class, the physics that
the texts state, and at last what they may not state, hardness and brightness in a few grades. The data are
those of the frozen encoders; how probable each word is for them is learnt from sources that are not tested.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets import log_range
from ..pairs.facts import EMISSION, emission_of
from .alignment_recall import LEAST
from .pair_sample import PairSample
from .regression import quantities
from .retrieval import Ranks, one_each, recall_columns

Words = NDArray[np.str_]
# of /truth: without them nothing is known of the source
TRUTH = ("shape", "population", "nh", "nh_total", "gamma", "kt", "kt2")
ABSORBERS = ("absorption", "reddening", "extinction")
LIGHT = "variability"
STATED = "all physics that texts state"
HARDNESS, FLUX = ("true_hard_hs", "true_hard_ms"), "log_photon_flux"
GRADES = (2, 4, 8)
STRENGTH = 0.03  # inverse of the ridge of the classifiers, scikit-learn's C; not tuned
RAREST = 1e-4  # no word is less probable: one surprise does not outweigh all the others
LEAST_FITTED = 100  # rows


def word_rows(test: PairSample, pairs: PairSample, seed: int) -> list[dict[str, Any]]:
    """Return how often true words find their observation among all, by what they tell.

    Parameters
    ----------
    test : PairSample
        Of :func:`.alignment_recall.readable`: what is measured on.
    pairs : PairSample
        All parts; the probabilities of words are fitted to the training and validation rows.
    seed : int
        Of the detections chosen.

    Returns
    -------
    list of dict
        Of ``alignment-words``: words, direction, recall_1pct, recall_5pct, recall_10pct and median_rank with
        intervals over sources, n, null_recall_1pct, perfect_1pct (what both sides would reach if the data
        left no doubt either), descriptions (different ones among the n sources), data. Empty where the truth
        of the sources is not known, or too few are.
    """
    if any(name not in pairs.spectra.truth for name in TRUTH):
        return []
    fitted = pairs.take(np.isin(pairs.part, ("train", "validation")))
    name, usable = _data_name(test)
    chosen = one_each(test.source_id, usable, seed)
    if len(chosen) < LEAST or len(fitted) < LEAST_FITTED:
        return []
    part = test.take(chosen)
    x, of_test = _standard(_data(fitted, name), _data(part, name))
    known, asked = _attributes(fitted, fitted), _attributes(part, fitted)
    score = {kind: word_score(x, known[kind], of_test, asked[kind]) for kind in known}
    rows = []
    for words, kinds in _sets():
        total = np.sum([score[kind] for kind in kinds], axis=0)
        _, cell, count = np.unique(
            np.stack([asked[kind] for kind in kinds]), axis=1, return_inverse=True, return_counts=True
        )
        perfect = Ranks(np.zeros(len(part), np.int64), count[cell.ravel()])
        for direction, ranked in ((f"{name}->words", total), (f"words->{name}", total.T)):
            rows.append(
                {
                    "words": words,
                    "direction": direction,
                    **recall_columns(score_ranks(ranked), part.source_id),
                    "perfect_1pct": float(perfect.recall(0.01).mean()),
                    "descriptions": len(count),
                    "data": part.data,
                }
            )
    return rows


def word_score(x: NDArray[Any], words: Words, of_test: NDArray[Any], asked: Words) -> NDArray[np.float64]:
    """Return by how much each observation makes each word more probable than it is of itself.

    Parameters
    ----------
    x : ndarray, shape (m, k), float64
        Observations to learn from, and `words`, shape (m,), what is true of each.
    of_test : ndarray, shape (n, k), float64
        Observations, and `asked`, shape (n,), the words of them.

    Returns
    -------
    ndarray, shape (n, n), float64
        Natural logarithm of p(word j | observation i) / p(word j); 0 for a word that was not learnt.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    values, index = np.unique(words, return_inverse=True)
    if len(values) < 2:
        return np.zeros((len(of_test), len(asked)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a bound from below all the same
        model = LogisticRegression(C=STRENGTH, max_iter=300).fit(x, index)
    share = np.bincount(index) / len(index)
    gain = np.log(np.maximum(model.predict_proba(of_test), RAREST)) - np.log(share)
    gain = np.hstack([gain, np.zeros((len(gain), 1))])
    column = {value: i for i, value in enumerate(values.tolist())}
    found: NDArray[np.float64] = gain[:, [column.get(word, -1) for word in asked.tolist()]]
    return found


def score_ranks(score: NDArray[np.float64]) -> Ranks:
    """Return where the diagonal of a matrix, shape (n, n), stands in each row, larger first."""
    own = np.diag(score)[:, None]
    return Ranks((score > own).sum(axis=1), (score == own).sum(axis=1))


def _data_name(test: PairSample) -> tuple[str, NDArray[np.bool_]]:
    """Return what the observations are, and which rows have that: events beside the spectra where known."""
    there: NDArray[np.bool_] = np.asarray(np.isfinite(test.event_latent).all(axis=1))
    if len(np.unique(test.source_id[there])) < LEAST:
        return "spectrum", np.ones(len(test), np.bool_)
    return "both", there


def _data(pairs: PairSample, name: str) -> NDArray[np.float64]:
    """Return the latents of the data with the spectra's level; NaN where a row has no events."""
    parts = [pairs.spectra.latent, log_range(pairs.spectra.value)[:, None]]
    if name == "both":
        parts.append(pairs.event_latent)
    return np.hstack(parts).astype(np.float64)


def _standard(x: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Standardise both with mean and deviation of the first; what is not known takes the mean."""
    mean, scale = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    first, second = (np.nan_to_num((each - mean) / scale) for each in (x, other))
    return first, second


def _attributes(pairs: PairSample, fitted: PairSample) -> dict[str, Words]:
    """Return what is true of each row in words, by kind of word; grades end at quantiles of `fitted`."""
    truth = pairs.spectra.truth
    columns = {name: column.tolist() for name, column in truth.items() if column.ndim == 1}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    graded = [emission_of(str(kind), row) for kind, row in zip(pairs.kind, rows, strict=True)]
    subtype = [f"{kind}/{row['population']}" for kind, row in zip(pairs.kind, rows, strict=True)]
    found = {"class": pairs.kind, "subtype": np.array(subtype, np.str_)}
    found |= {kind: np.array([of.get(kind, "") for of in graded], np.str_) for kind in EMISSION}
    known, own = quantities(fitted), quantities(pairs)
    for name in (*HARDNESS, FLUX):
        found |= {f"{name} {n}": _grades(own[name], known[name], n) for n in GRADES}
    return found


def _grades(value: NDArray[np.float64], known: NDArray[np.float64], n: int) -> Words:
    """Return `n` grades of as many known values each; empty where a value is not known."""
    finite = known[np.isfinite(known)]
    edges = np.quantile(finite, np.arange(1, n) / n) if finite.size else np.zeros(0)
    return np.where(np.isfinite(value), np.digitize(value, edges).astype(np.str_), "")


def _sets() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what is told, and the kinds of words that tell it; the longer ones hold all texts may state."""
    yield "class", ("class",)
    yield "subtype", ("subtype",)
    yield "subtype, absorption", ("subtype", *ABSORBERS)
    yield "subtype, all physics but light curves", ("subtype", *(k for k in EMISSION if k != LIGHT))
    stated = ("subtype", *EMISSION)
    yield STATED, stated
    for n in GRADES:
        yield f"{STATED}, hardness in {n} grades", (*stated, *(f"{name} {n}" for name in HARDNESS))
    for n in GRADES:
        yield f"{STATED}, flux in {n} grades", (*stated, f"{FLUX} {n}")
    for n in GRADES:
        both = (*(f"{name} {n}" for name in HARDNESS), f"{FLUX} {n}")
        yield f"{STATED}, hardness and flux in {n} grades", (*stated, *both)
