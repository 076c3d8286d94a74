"""How well spectra come back from the bottleneck, beside PCA with as many numbers and the mean spectrum.

The figure is the mean absolute error of normalised spectra. Rows are not independent (a source has up to
142 detections), so the interval comes from drawing sources, not rows, with replacement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .autoencoder import Autoencoder, minmax, scaled
from .evaluation.tables import REPLICATES, count_bins, mean_interval, source_count

METHODS = ("autoencoder", "pca", "mean")
BLOCK = 4096


@dataclass(frozen=True)
class Baseline:
    """PCA of normalised spectra.

    Parameters
    ----------
    mean : ndarray, shape (n_bins,), float32
        Mean spectrum of the training rows.
    components : ndarray, shape (n_latent, n_bins), float32
        Orthonormal rows.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]

    def errors(self, value: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return mean |normalised - reconstruction| of each row by the PCA and by the mean spectrum.

        Parameters
        ----------
        value : ndarray, shape (n, n_bins), float32
            Spectra in the recipe's quantity.

        Returns
        -------
        dict of str to ndarray, shape (n,), float32
            ``pca`` and ``mean``.
        """
        pca, mean = np.empty(len(value), np.float32), np.empty(len(value), np.float32)
        for start in range(0, len(value), BLOCK):
            rows = slice(start, start + BLOCK)
            centred = normalise(value[rows]) - self.mean
            mean[rows] = np.abs(centred).mean(axis=1)
            pca[rows] = np.abs(centred - (centred @ self.components.T) @ self.components).mean(axis=1)
        return {"pca": pca, "mean": mean}


def normalise(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """Apply the network's own first layer to spectra (n, n_bins)."""
    normalised: NDArray[np.float32] = minmax(torch.from_numpy(value))[0].numpy()
    return normalised


def fit_baseline(value: NDArray[np.float32], n_latent: int) -> Baseline:
    """Fit the PCA to spectra (n, n_bins) in the recipe's quantity; fewer rows give fewer components."""
    from sklearn.decomposition import PCA

    pca = PCA(n_components=min(n_latent, *value.shape), svd_solver="covariance_eigh").fit(normalise(value))
    return Baseline(pca.mean_.astype(np.float32), pca.components_.astype(np.float32))


def model_errors(
    model: Autoencoder, value: NDArray[np.float32], target: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return the autoencoder's mean |normalised - reconstruction| of each row, shape (n,), float32.

    With a `target` (the noise-free spectra, shape (n, n_bins)) the error is against that, normalised with the
    minimum and maximum of `value`.
    """
    errors = np.empty(len(value), np.float32)
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(value), BLOCK):
            rows = slice(start, start + BLOCK)
            wanted, scale = minmax(torch.from_numpy(value[rows]))
            reconstruction = model.decoder(model.encoder.encode(wanted))
            if target is not None:
                wanted = scaled(torch.from_numpy(target[rows]), scale)
            errors[rows] = (wanted - reconstruction).abs().mean(dim=1).numpy()
    return errors


def figures(
    errors: Mapping[str, NDArray[np.float32]],
    net_counts: NDArray[np.float64],
    source_id: NDArray[np.str_],
    *,
    replicates: int = REPLICATES,
    random_state: int = 0,
) -> list[dict[str, Any]]:
    """Return the mean error by method for all rows and by net counts, each with a 68 % interval.

    Parameters
    ----------
    errors : mapping of str to ndarray, shape (n,), float32
        Error of each row by method.
    net_counts : ndarray, shape (n,), float64
        Net counts of each row.
    source_id : ndarray, shape (n,), str
        Source of each row.
    replicates : int
        Bootstrap draws of sources.
    random_state : int
        Seed of the draws.

    Returns
    -------
    list of dict
        ``net_counts`` (a label), ``rows``, ``sources``, and by method [mean, 16 %, 84 %]. Bins of net
        counts without rows are left out.
    """
    rows: list[dict[str, Any]] = []
    for label, mask in count_bins(net_counts):
        of = source_id[mask]
        row: dict[str, Any] = {"net_counts": label, "rows": int(mask.sum()), "sources": source_count(of)}
        for method, values in errors.items():
            found = mean_interval(values[mask], of, replicates=replicates, random_state=random_state)
            row[method] = [round(x, 6) for x in (found.value, found.low, found.high)]
        rows.append(row)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return figures as a table for people."""
    methods = [name for name in METHODS if name in rows[0]]
    lines = [f"{'net counts':>12} {'rows':>8} {'sources':>8}" + "".join(f" {name:>26}" for name in methods)]
    for row in rows:
        cells = ("{:.5f} ({:.5f} - {:.5f})".format(*row[name]) for name in methods)
        lines.append(
            f"{row['net_counts']:>12} {row['rows']:>8,} {row['sources']:>8,}"
            + "".join(f" {c:>26}" for c in cells)
        )
    return "\n".join(lines)
