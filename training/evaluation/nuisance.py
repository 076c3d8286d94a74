"""What embeddings know of the observation rather than of the source: year, off-axis angle, counts.

The less an embedding predicts of these on sources held out, the more its similarities are about sources.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...inference.cli.layout import table as layout
from ...inference.errors import ChandraEmbedError
from .parts import MIN_SOURCES
from .quantities import nuisances
from .symbolic import r2
from .tables import REPLICATES, bootstrap, sample_facts, save_figure, write_result
from .tasks import MIN_COUNTS

if TYPE_CHECKING:
    from .sample import Sample

Array = NDArray[np.float64]
FOLDS = 5
TREES = 100


def fold_numbers(source_id: NDArray[np.str_], seed: int = 0) -> NDArray[np.int64]:
    """Deal sources, in random order, to five folds.

    Parameters
    ----------
    source_id : ndarray, shape (n,), str
        Source of each row.
    seed : int
        Of the order.

    Returns
    -------
    ndarray, shape (n,), int64
        0..4; all rows of a source have one number, and folds differ by one source at most.
    """
    names, index = np.unique(source_id, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    return dealt[index]


def predict(x: Array, y: Array, fold: NDArray[np.int64], method: str, seed: int = 0) -> Array:
    """Predict y from x, each fold by a regression fitted on the others.

    Parameters
    ----------
    x : ndarray, shape (n, k), float64
        Embedding or latents.
    y : ndarray, shape (n,), float64
        What is predicted.
    fold : ndarray, shape (n,), int64
        Fold of each row.
    method : {"forest", "linear"}
        Random forest (Breiman 2001), or ridge regression with a constant.
    seed : int
        Of the forest.

    Returns
    -------
    ndarray, shape (n,), float64
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import Ridge

    found = np.full(len(y), np.nan)
    for number in np.unique(fold):
        out = fold == number
        model = (
            # one job: threads would add up the trees in any order
            RandomForestRegressor(TREES, min_samples_leaf=5, max_features=1 / 3, random_state=seed, n_jobs=1)
            if method == "forest"
            else Ridge(alpha=1.0)
        )
        found[out] = model.fit(x[~out], y[~out]).predict(x[out])
    return found


def measure(sample: "Sample", seed: int = 0) -> list[dict[str, Any]]:
    """Return R^2 of each nuisance of one sample; see :func:`run`."""
    part = sample.take((sample.net_counts >= MIN_COUNTS) & ~sample.seen)
    embedding, latent = part.embedding.astype(np.float64), part.latent.astype(np.float64)
    rows = []
    for name, values in nuisances(part).items():
        of = np.isfinite(values)
        y, source_id = values[of], part.source_id[of]
        if len(np.unique(source_id)) < 2 * MIN_SOURCES or not np.ptp(y) > 0:
            continue
        fold = fold_numbers(source_id, seed)
        guess = predict(embedding[of], y, fold, "forest", seed)
        shuffled = np.random.default_rng([seed, 303]).permutation(y)
        rows.append(
            {
                "recipe": sample.recipe.quantity,
                "model": sample.model,
                "data": "simulated" if sample.simulated else "real",
                "quantity": name,
                **_interval(y, guess, source_id),
                "r2_latent": r2(y, predict(latent[of], y, fold, "forest", seed)),
                "r2_linear": r2(y, predict(embedding[of], y, fold, "linear")),
                "r2_null": r2(shuffled, predict(embedding[of], shuffled, fold, "forest", seed)),
                "n": len(y),
            }
        )
    return rows


def _interval(y: Array, guess: Array, source_id: NDArray[np.str_]) -> dict[str, float]:
    """R^2 with its intervals over draws of sources."""
    return bootstrap(lambda rows: r2(y[rows], guess[rows]), source_id).columns("r2")


def run(samples: Sequence["Sample"], folder: Path, *, seed: int = 0) -> list[dict[str, Any]]:
    """Measure what embeddings tell of the observation, and write a table and a figure.

    Parameters
    ----------
    samples : sequence of Sample
        One a model, such as one a recipe. Rows of at least 40 net counts of sources that the model has not
        seen are used.
    folder : Path
        Existing folder; ``nuisance`` is written as CSV, JSON, PNG and PDF.
    seed : int
        Of folds, forests and the shuffled null.

    Returns
    -------
    list of dict
        recipe (``rate`` or ``flux``), model, data (``simulated`` or ``real``), quantity, r2 (from the
        embedding by a random forest, five folds by source, with 68 % and 95 % intervals), r2_latent (the
        same from the latents), r2_linear (ridge regression), r2_null (the target shuffled), n (rows).

    Raises
    ------
    ChandraEmbedError
        No nuisance varies and is known for enough sources.
    """
    rows = [row for sample in samples for row in measure(sample, seed)]
    if not rows:
        names = ", ".join(file["name"] for sample in samples for file in sample.files)
        raise ChandraEmbedError(
            f"{names}: neither year, theta nor net counts vary over {2 * MIN_SOURCES} sources of at least "
            f"{MIN_COUNTS} net counts that the model has not seen; give more spectra"
        )
    meta = {
        "samples": [sample_facts(sample) for sample in samples],
        "seed": seed,
        "min_counts": MIN_COUNTS,
        "folds": FOLDS,
        "trees": TREES,
        "replicates": REPLICATES,
        "interval": "bootstrap over sources, percentiles",
    }
    from .latent_figures import draw_nuisances

    save_figure(folder, "nuisance", draw_nuisances(rows, any(sample.simulated for sample in samples)))
    write_result(folder, "nuisance", rows, meta)
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay out the rows of :func:`run` for people."""
    lines = [
        [
            row["recipe"],
            row["model"],
            row["data"],
            row["quantity"],
            f"{row['r2']:.3f} ({row['r2_low']:.3f} - {row['r2_high']:.3f})",
            *(f"{row[name]:.3f}" for name in ("r2_latent", "r2_linear", "r2_null")),
            row["n"],
        ]
        for row in rows
    ]
    head = ["recipe", "model", "data", "quantity", "R^2 (68 %)", "from latents", "linear", "null", "rows"]
    return "R^2 of nuisances from the embedding, on sources held out: less is better\n" + layout(head, lines)
