"""What a model that is shown one half of the events says of the other half, beside PCA and the mean.

Error of a reconstruction would reward copying Poisson noise: PCA with 64 numbers gives the histogram of
thirty events back exactly and says nothing of the next event. So each is asked of events it has not seen.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..inference.event_map import EventRecipe
from .event_autoencoder import EventAutoencoder
from .event_data import EventMaps, Rows

BLOCK = 4096
SHARES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0)


def fractions(rows: Rows, recipe: EventRecipe) -> Rows:
    """Return rows (n, width) as fractions of their events in histogram and table, (n, width - 1)."""
    n = np.maximum(rows[:, : recipe.energy_bins].sum(axis=1, keepdims=True), 1.0)
    found: Rows = rows[:, :-1] / n
    return found


def fit_baseline(training: EventMaps, validation: EventMaps, n_latent: int) -> dict[str, Tensor]:
    """Fit a PCA to square roots of the training rows' fractions (few rows: fewer components).

    Its reconstructions have empty bins; they are mixed with the mean of the training rows, in the share
    that is best on the halves of the validation rows.

    Returns
    -------
    dict of str to Tensor
        ``mean`` (width - 1,) and ``components`` (l, width - 1) of the PCA, ``fraction`` (width - 1,), the
        mean of the training rows, and ``share`` (), that of `fraction` in the mixture.
    """
    from sklearn.decomposition import PCA

    whole = fractions(training.whole, training.recipe)
    pca = PCA(min(n_latent, *whole.shape), svd_solver="covariance_eigh").fit(np.sqrt(whole))
    found = {
        "mean": torch.from_numpy(pca.mean_.astype(np.float32)),
        "components": torch.from_numpy(pca.components_.astype(np.float32)),
        "fraction": torch.from_numpy(whole.mean(axis=0)),
    }
    errors = [_errors(pca_fractions(found, validation, share), validation).mean() for share in SHARES]
    return {**found, "share": torch.tensor(SHARES[int(np.argmin(errors))])}


def pca_fractions(baseline: Mapping[str, Tensor], rows: EventMaps, share: float) -> Rows:
    """Return the fractions that the PCA predicts from the shown halves, shape (n, width - 1), float32."""
    mean, components = baseline["mean"].numpy(), baseline["components"].numpy()
    centred = np.sqrt(fractions(rows.shown, rows.recipe)) - mean
    back = np.clip(mean + (centred @ components.T) @ components, 0, None) ** 2
    bins = rows.recipe.energy_bins
    for part in (back[:, :bins], back[:, bins:]):
        part /= np.maximum(part.sum(axis=1, keepdims=True), 1e-6)
    found: Rows = (1 - share) * back + share * baseline["fraction"].numpy()
    return found


def half_errors(
    model: EventAutoencoder, baseline: Mapping[str, Tensor], rows: EventMaps
) -> dict[str, NDArray[np.float32]]:
    """Return the error of each row's hidden half as predicted from its shown half, by method.

    The error is the mean of -ln(fraction predicted) over the hidden events, in the energy histogram plus in
    the light curve of all time bins: nats an event, smaller is better.

    Parameters
    ----------
    model : EventAutoencoder
        Trained.
    baseline : mapping of str to Tensor
        See :func:`fit_baseline`.
    rows : EventMaps
        Rows of which neither half is empty.

    Returns
    -------
    dict of str to ndarray, shape (n,), float32
        ``autoencoder``, ``pca`` and ``mean`` (every row like the mean of the training rows).
    """
    model.eval()
    with torch.inference_mode():
        blocks = torch.split(torch.from_numpy(rows.shown), BLOCK)
        found = torch.cat([model(block)[1] for block in blocks]).numpy()
    mean = np.broadcast_to(baseline["fraction"].numpy(), found.shape)
    return {
        "autoencoder": _errors(found, rows),
        "pca": _errors(pca_fractions(baseline, rows, float(baseline["share"])), rows),
        "mean": _errors(mean, rows),
    }


def _errors(predicted: Rows, rows: EventMaps) -> NDArray[np.float32]:
    """Return the mean of -ln(fraction) over the hidden events, histogram plus light curve, shape (n,)."""
    bins, recipe = rows.recipe.energy_bins, rows.recipe
    wanted = fractions(rows.hidden, recipe)
    total = np.zeros(len(predicted))
    for given, found in (
        (wanted[:, :bins], predicted[:, :bins]),
        (_light_curve(wanted[:, bins:], recipe), _light_curve(predicted[:, bins:], recipe)),
    ):
        total -= (given * np.log(np.maximum(found, 1e-9))).sum(axis=1)
    return total.astype(np.float32)


def _light_curve(table: Rows, recipe: EventRecipe) -> Rows:
    """Sum tables (n, cells) over energy and interval, (n, time_bins)."""
    found: Rows = table.reshape(-1, *recipe.shape).sum(axis=(1, 3))
    return found
