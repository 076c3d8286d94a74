"""The error of each row: what was put in against what came back, and both against the noise-free truth."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
BLOCK = 8192


def row_errors(a: Array, b: Array) -> NDArray[np.float64]:
    """Return the mean over bins of |a - b| of each row.

    Parameters
    ----------
    a, b : ndarray, shape (n, n_bins), float32
        Spectra in normalised units; `b` may be one row, shape (n_bins,).

    Returns
    -------
    ndarray, shape (n,), float64
        Dimensionless.
    """
    other = np.broadcast_to(b, a.shape)
    errors = np.empty(len(a), np.float64)
    for start in range(0, len(a), BLOCK):
        rows = slice(start, start + BLOCK)
        errors[rows] = np.abs(a[rows] - other[rows]).mean(axis=1, dtype=np.float64)
    return errors


def normalised_truth(value: Array, truth_value: Array) -> Array:
    """Put noise-free spectra on the scale that their noisy ones were normalised with.

    Parameters
    ----------
    value, truth_value : ndarray, shape (n, n_bins), float32
        Noisy spectra, none of them constant, and the noise-free ones, in the recipe's quantity.

    Returns
    -------
    ndarray, shape (n, n_bins), float32
        (truth - min) / (max - min), min and max the noisy row's own; may lie outside 0..1.
    """
    low, high = value.min(axis=1, keepdims=True), value.max(axis=1, keepdims=True)
    normalised: Array = (truth_value - low) / (high - low)
    return normalised


def all_errors(
    value: Array, normalised: Array, truth_value: Array | None, given_back: Mapping[str, Any]
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the errors of every method, and of the input itself, against input and truth.

    Parameters
    ----------
    value, normalised : ndarray, shape (n, n_bins), float32
        Spectra in the recipe's quantity, and scaled to 0..1.
    truth_value : ndarray, shape (n, n_bins), float32, or None
        Noise-free spectra in the recipe's quantity.
    given_back : mapping of str to ndarray, shape (n, n_bins) or (n_bins,), float32
        What each method makes of `normalised`.

    Returns
    -------
    dict of str to dict of str to ndarray, shape (n,), float64
        By method, ``input`` last: ``mae`` against the input, and ``truth_mae`` where the truth is known.
    """
    truth = None if truth_value is None else normalised_truth(value, truth_value)
    found = {}
    for name, spectra in {**given_back, "input": normalised}.items():
        found[name] = {"mae": row_errors(normalised, spectra)}
        if truth is not None:
            found[name]["truth_mae"] = row_errors(truth, spectra)
    return found
