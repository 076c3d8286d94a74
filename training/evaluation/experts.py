"""Regressors that every arm of a comparison has alike, and their mixture: k-NN and ridge on a PCA.

An expert is one representation with one regressor. Its scaling, its dimension and its penalty are those of
the least error on validation rows; an arm is the convex combination of its experts of the least validation
error. So an arm never wins by more tuning than another had, only by what it is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
K = 3
MOST_DIMENSIONS = 64
BLOCK = 1024
DIMENSIONS = (2, 4, 8, 16, 32, 64)
# penalty of the ridge, in units of the mean eigenvalue of X'X
PENALTIES = tuple(10.0**p for p in range(-6, 2))
SCALINGS = ("columns", "blocks")
REGRESSORS = ("k-NN", "ridge")


@dataclass(frozen=True)
class Rowsets:
    """Row numbers of training, validation and test, each shape (m,), intp."""

    train: Rows
    validation: Rows
    test: Rows


@dataclass(frozen=True)
class Expert:
    """Predictions of one tuned regressor, the settings validation chose and its error there.

    Parameters
    ----------
    name : str
        Representation and regressor.
    validation, test : ndarray, shape (m,), float64
        Predictions.
    error : float
        Mean absolute error of the validation rows.
    settings : dict
        scaling, dimensions, and of a ridge penalty.
    """

    name: str
    validation: Array
    test: Array
    error: float
    settings: dict[str, Any]


def components(blocks: Sequence[NDArray[Any]], train: Rows, most: int = MOST_DIMENSIONS) -> dict[str, Array]:
    """Put blocks of columns side by side and return their principal components, by the training rows.

    Parameters
    ----------
    blocks : sequence of ndarray, shape (n, k_i), float
        Representations; rows with NaN stay NaN and must not be among `train`.
    train : ndarray, shape (m,), intp
        Rows that scale and components are taken from.
    most : int
        Components kept, if there are so many.

    Returns
    -------
    dict of str to ndarray, shape (n, d), float64
        By scaling: ``columns``, each column to variance 1; ``blocks``, each block to total variance 1, as its
        columns stand to each other. Constant columns are left out.

    Raises
    ------
    ValueError
        No column varies over the training rows.
    """
    found = {}
    for scaling in SCALINGS:
        x = np.concatenate([_scaled(np.asarray(b, np.float64), train, scaling) for b in blocks], axis=1)
        if not x.shape[1]:
            raise ValueError("no column varies over the training rows")
        _, _, axes = np.linalg.svd(x[train], full_matrices=False)
        found[scaling] = x @ axes[:most].T
    return found


def _scaled(block: Array, train: Rows, scaling: str) -> Array:
    """Centre a block and scale its columns, or all of it."""
    mean, deviation = block[train].mean(axis=0), block[train].std(axis=0)
    kept = deviation > 1e-9 * max(1e-30, float(np.abs(block[train]).max(initial=0.0)))
    size = deviation[kept] if scaling == "columns" else np.sqrt((deviation[kept] ** 2).sum())
    scaled: Array = (block[:, kept] - mean[kept]) / size
    return scaled


def fit_expert(name: str, reduced: Mapping[str, Array], y: Array, rows: Rowsets, regressor: str) -> Expert:
    """Tune one regressor on validation rows and return its predictions.

    Parameters
    ----------
    name : str
        Of the representation.
    reduced : mapping of str to ndarray, shape (n, d), float64
        Of :func:`components`.
    y : ndarray, shape (n,), float64
        The quantity, finite in all of `rows`.
    rows : Rowsets
        Fitted on, tuned on, and measured on.
    regressor : {"k-NN", "ridge"}
        Mean of the 3 nearest training rows, or ridge regression with a constant.

    Returns
    -------
    Expert
        Of equal errors the first: fewer dimensions, smaller penalty.
    """
    predict = _nearest if regressor == "k-NN" else _ridge
    best: tuple[float, str, dict[str, Any]] | None = None
    tuned: dict[str, Any] = {}
    for scaling, x in reduced.items():
        for d in dict.fromkeys(min(d, x.shape[1]) for d in DIMENSIONS):
            for settings in _penalties(regressor):
                guess = predict(x[:, :d], y, rows.train, rows.validation, **settings)
                error = float(np.abs(y[rows.validation] - guess).mean())
                if best is None or error < best[0]:
                    best = error, scaling, {"dimensions": d, **settings}
                    tuned = {"validation": guess}
    assert best is not None
    error, scaling, chosen = best
    settings = {name: value for name, value in chosen.items() if name != "dimensions"}
    x = reduced[scaling][:, : chosen["dimensions"]]
    return Expert(
        f"{name}, {regressor}",
        tuned["validation"],
        predict(x, y, rows.train, rows.test, **settings),
        error,
        {"scaling": scaling, **chosen},
    )


def _penalties(regressor: str) -> list[dict[str, float]]:
    return [{}] if regressor == "k-NN" else [{"penalty": p} for p in PENALTIES]


def _nearest(x: Array, y: Array, train: Rows, rows: Rows) -> Array:
    """Mean of the three nearest training rows."""
    from scipy.spatial.distance import cdist

    found, k = np.empty(len(rows)), min(K, len(train))
    for start in range(0, len(rows), BLOCK):
        distance = cdist(x[rows[start : start + BLOCK]], x[train], "sqeuclidean")
        near = np.argpartition(distance, k - 1, axis=1)[:, :k]
        found[start : start + BLOCK] = y[train][near].mean(axis=1)
    return found


def _ridge(x: Array, y: Array, train: Rows, rows: Rows, penalty: float) -> Array:
    """Ridge regression with a constant that is not penalised (Hoerl & Kennard 1970)."""
    mean, level = x[train].mean(axis=0), y[train].mean()
    design = x[train] - mean
    gram = design.T @ design
    size = max(float(np.trace(gram)) / len(gram), 1e-300)
    weights = np.linalg.solve(gram + penalty * size * np.eye(len(gram)), design.T @ (y[train] - level))
    found: Array = (x[rows] - mean) @ weights + level
    return found


def mixture_weights(guesses: Array, y: Array) -> Array:
    """Return the convex weights of experts under which their sum has the least mean absolute error.

    Parameters
    ----------
    guesses : ndarray, shape (n, m), float64
        Predictions of `m` experts.
    y : ndarray, shape (n,), float64
        What they should be.

    Returns
    -------
    ndarray, shape (m,), float64
        At least 0, sum 1: the exact optimum, a linear program (Charnes, Cooper & Ferguson 1955).
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    n, m = guesses.shape
    # minimise sum t_i over weights w and t_i >= |y_i - (G w)_i|
    inside, slack = csr_array(guesses), eye_array(n, format="csr")
    bound: Any = vstack([hstack([inside, -slack]), hstack([-inside, -slack])], format="csr")
    result = linprog(
        np.concatenate([np.zeros(m), np.full(n, 1 / n)]),
        A_ub=bound,
        b_ub=np.concatenate([y, -y]),
        A_eq=np.concatenate([np.ones(m), np.zeros(n)])[None],
        b_eq=[1.0],
        bounds=(0, None),
        method="highs",
    )
    assert result.x is not None  # the corner of each expert alone is feasible
    weights = np.clip(result.x[:m], 0.0, None)
    normalised: Array = weights / weights.sum()
    return normalised


def mix(experts: Sequence[Expert], y: Array, rows: Rowsets) -> tuple[Array, dict[str, float]]:
    """Return an arm's predictions of the test rows and the weight of each expert, chosen on validation.

    Parameters
    ----------
    experts : sequence of Expert
        Of one arm.
    y : ndarray, shape (n,), float64
        The quantity.
    rows : Rowsets
        As the experts have them.
    """
    weights = mixture_weights(np.stack([e.validation for e in experts], axis=1), y[rows.validation])
    mixed: Array = np.stack([e.test for e in experts], axis=1) @ weights
    return mixed, {e.name: float(w) for e, w in zip(experts, weights, strict=True)}
