"""Quantities as short formulae of latents: searched, chosen and scored on three parts of the sources.

Beside each stand a linear fit of all latents, the same search from the three band ratios, and the same search
for a shuffled target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .latent_correlations import latent_names
from .parts import Mask, Parts
from .quantities import RATIOS
from .symbolic import Expression, r2, search
from .tables import bootstrap

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Regression:
    """What one quantity's search gave: the chosen formula, all of the front, and R^2 on held-out rows."""

    chosen: Expression
    front: list[dict[str, Any]]
    scores: dict[str, float]


def best_expression(
    x: Array, y: Array, parts: Parts, names: Sequence[str], seed: int
) -> tuple[Expression, list[Expression]]:
    """Search formulae on one part and choose, on another, the one of highest R^2.

    Parameters
    ----------
    x : ndarray, shape (n, k), float64
        Variables.
    y : ndarray, shape (n,), float64
        The quantity.
    parts : Parts
        Of the rows; those held out are not looked at.
    names : sequence of str, length k
        What the variables are called.
    seed : int
        Of the search.

    Returns
    -------
    chosen : Expression
        Of at most 20 nodes; of equals the shortest.
    front : list of Expression
        All that the search gave, from short to long.
    """
    front = search(x[parts.searched], y[parts.searched], names, seed)
    scores = [r2(y[parts.choosing], each(x[parts.choosing])) for each in front]
    return front[int(np.argmax(scores))], front


def regress(
    latent: Array, ratios: Array, y: Array, parts: Parts, source_id: NDArray[np.str_], seed: int = 0
) -> Regression:
    """Express a quantity by latents and score it on the held-out rows, with what it has to be compared with.

    Parameters
    ----------
    latent : ndarray, shape (n, l), float64
        Latents.
    ratios : ndarray, shape (n, 3), float64
        Band ratios.
    y : ndarray, shape (n,), float64
        The quantity, finite.
    parts : Parts
        Of the rows.
    source_id : ndarray, shape (n,), str
        Source of each row: the unit of the bootstrap.
    seed : int
        Of the searches and of the shuffled null.
    """
    names = latent_names(latent.shape[1])
    chosen, front = best_expression(latent, y, parts, names, seed)
    out = np.flatnonzero(parts.held_out)
    guess = chosen(latent)
    # shuffled within each part: the same numbers, the same search, nothing to find
    null = y.copy()
    rng = np.random.default_rng([seed, 303])
    for part in (parts.searched, parts.choosing):
        null[part] = rng.permutation(y[part])
    nothing, _ = best_expression(latent, null, parts, names, seed)
    bands, _ = best_expression(ratios, y, parts, RATIOS, seed)
    interval = bootstrap(lambda rows: r2(y[out[rows]], guess[out[rows]]), source_id[out])
    scores = {
        **interval.columns("r2"),
        "r2_linear": r2(y[out], _linear(latent, y, parts.fitted)[out]),
        "r2_null": r2(y[out], nothing(latent)[out]),
        "r2_bands": r2(y[out], bands(ratios)[out]),
    }
    entries = [
        {
            "complexity": each.complexity,
            "r2": r2(y[out], each(latent)[out]),
            "r2_choosing": r2(y[parts.choosing], each(latent)[parts.choosing]),
            "chosen": each is chosen,
            "expression": each.text,
        }
        for each in front
    ]
    return Regression(chosen, entries, scores)


def _linear(x: Array, y: Array, fitted: Mask) -> Array:
    """Least squares of all variables and a constant on the fitted rows, evaluated on every row."""
    design = np.column_stack([np.ones(len(x)), x])
    weights = np.linalg.lstsq(design[fitted], y[fitted], rcond=None)[0]
    prediction: Array = design @ weights
    return prediction
