"""How often the right text is among the first: what the aligner is stopped on, and its linear baseline.

One row a source is asked for among one row a source, so that no source stands in its own way; where
sources have several rows, the mean over several such draws.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .align_data import Part
from .evaluation.retrieval import SHARES, rank_pairs, unit_rows

Array = NDArray[np.float32]
# pairs that one figure rests on: more draws of few sources, or so many of many
ROWS, DRAWS = 2000, 8
# ridge penalties tried, in units of the mean squared length of a standardised text
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


@dataclass(frozen=True)
class BagOfWords:
    """A linear map from text vectors to what the spectrum's head takes: text @ weights + intercept.

    Parameters
    ----------
    weights : ndarray, shape (t, l), float32
        l numbers: the latent, and the level where the aligner takes it.
    intercept : ndarray, shape (l,), float32
    mean, scale : ndarray, shape (l,), float32
        Of the training rows: they are compared after (row - mean) / scale.
    """

    weights: Array
    intercept: Array
    mean: Array
    scale: Array

    def unit(self, latent: Array) -> Array:
        """Return latents (n, l) standardised and scaled to unit length."""
        return unit_rows((latent - self.mean) / self.scale).astype(np.float32)

    def predict(self, text: Array) -> Array:
        """Return the latents that texts (n, t) speak for, shape (n, l), float32."""
        found: Array = text @ self.weights + self.intercept
        return found


def fit_bag_of_words(train: Part, validation: Part, data: str) -> BagOfWords:
    """Fit ridge regression from text vectors to the latents of `data`, its penalty chosen on validation.

    Parameters
    ----------
    train, validation : Part
        Rows to fit to, and to choose by (mean recall at 1 %, both directions).
    data : str
        ``"spectrum"`` or ``"event"``.

    Returns
    -------
    BagOfWords
    """
    keep = train.present(data)
    text, latent = train.rows["text"][keep].astype(np.float64), train.rows[data][keep].astype(np.float64)
    t_mean, mean, scale = text.mean(axis=0), latent.mean(axis=0), spread(latent)
    x, y = text - t_mean, (latent - mean) / scale
    gram, product = x.T @ x, x.T @ y
    level = max(float(np.trace(gram)) / len(gram), 1e-12)
    found, best = None, -1.0
    for penalty in PENALTIES:
        beta = np.linalg.solve(gram + penalty * level * np.eye(len(gram)), product) * scale
        candidate = BagOfWords(*(a.astype(np.float32) for a in (beta, mean - t_mean @ beta, mean, scale)))
        recall = mean_recall(
            candidate.unit(validation.rows[data]),
            candidate.unit(candidate.predict(validation.rows["text"])),
            validation.source_id,
            validation.present(data),
        )
        if recall > best:
            found, best = candidate, recall
    assert found is not None
    return found


def spread(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each column, 1 where it is constant, shape (width,), float64."""
    deviation = rows.std(axis=0)
    found: NDArray[np.float64] = np.where(
        deviation > 1e-6 * np.abs(rows).max(axis=0, initial=1e-12), deviation, 1.0
    )
    return found


def one_row_a_source(source_id: NDArray[np.str_], mask: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """Yield rows of `mask` in which no source stands twice, in several draws where sources are few.

    Parameters
    ----------
    source_id : ndarray, shape (n,), str
        Source of each row.
    mask : ndarray, shape (n,), bool
        Rows to draw from.

    Yields
    ------
    ndarray, shape (m,), intp
        Row numbers, one of each source, of 2,000 sources at most.
    """
    rows = np.flatnonzero(mask)
    names, source = np.unique(source_id[rows], return_inverse=True)
    draws = 1 if len(names) == len(rows) else int(np.clip(ROWS // max(len(names), 1), 1, DRAWS))
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(rows))
        chosen = np.zeros(len(names), np.intp)
        chosen[source[order]] = rows[order]  # the last one written stays
        yield np.sort(np.random.default_rng(draw).permutation(chosen)[:ROWS])


def mean_recall(a: Array, b: Array, source_id: NDArray[np.str_], mask: NDArray[np.bool_]) -> float:
    """Return recall at 1 %, the mean over both directions and the draws of one row a source."""
    found = [
        rank_pairs(query[rows], target[rows]).recall(SHARES["1pct"]).mean()
        for rows in one_row_a_source(source_id, mask)
        for query, target in ((a, b), (b, a))
    ]
    return float(np.mean(found))


def retrieval_rows(
    embeddings: dict[str, Array], part: Part, pairs: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Return the recalls and the median rank of each direction of some pairs of modalities.

    Parameters
    ----------
    embeddings : dict of str to ndarray, shape (m, d), float32
        Unit rows by modality; what stands in rows without numbers does not matter.
    part : Part
        The rows they were made of.
    pairs : list of (str, str)
        Which modalities; a pair without two sources is left out.

    Returns
    -------
    list of dict
        ``direction``, ``recall_1pct``, ``recall_5pct``, ``recall_10pct``, ``median_rank``, ``n`` (sources).
    """
    found = []
    for a, b in pairs:
        mask = part.present(a) & part.present(b)
        draws = list(one_row_a_source(part.source_id, mask))
        n = len(draws[0])
        for one, other in ((a, b), (b, a)) if n > 1 else ():
            ranks = [rank_pairs(embeddings[one][rows], embeddings[other][rows]) for rows in draws]
            recalls = {
                f"recall_{name}": round(float(np.mean([r.recall(share).mean() for r in ranks])), 6)
                for name, share in SHARES.items()
            }
            median = float(np.median(np.concatenate([r.rank for r in ranks])))
            found.append({"direction": f"{one}->{other}", **recalls, "median_rank": median, "n": n})
    return found
