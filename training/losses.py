"""What training makes small."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .autoencoder import Autoencoder, minmax, scaled
from .datasets import Spectra

# normalised units; an error below this is taken for this
ERROR_FLOOR = 0.05


def training_loss(
    model: Autoencoder,
    spectra: Spectra,
    rows: NDArray[np.intp],
    *,
    noise: float = 0.0,
    mask: float = 0.0,
    weighted: bool = False,
    denoise: float = 0.0,
) -> Tensor:
    """Return the loss of one step: the error against the spectra as they came in, or less of their noise.

    Parameters
    ----------
    model : Autoencoder
        In training mode.
    spectra : Spectra
        Training spectra, with errors where bins are weighted by them.
    rows : ndarray, shape (B,), int
        Rows of this step.
    noise : float
        Standard deviation of Gaussian noise on the normalised input, from torch's random state.
    mask : float
        Probability of each token of the input to be hidden, from torch's random state.
    weighted : bool
        Weight bins by :func:`inverse_variance`.
    denoise : float
        Share, 0 to 1, of the error against the noise-free spectra, which are normalised with the minimum
        and maximum of the noisy ones; the rest is the error against the noisy ones.

    Returns
    -------
    Tensor, shape (), float32
        Mean absolute error of the normalised spectra.

    Raises
    ------
    ValueError
        Weights are asked for and the spectra were read without errors, or `denoise` and without truth.
    """
    normalised, scale = minmax(torch.from_numpy(spectra.value[rows]))
    shown = normalised + noise * torch.randn_like(normalised) if noise else normalised
    hidden = torch.rand(len(rows), model.config.tokens) < mask if mask else None  # (B, T)
    reconstruction = model.decoder(model.encoder.encode(shown, hidden))
    weight = None
    if weighted:
        if spectra.error is None:
            raise ValueError("weights need the errors of the spectra: read_spectra(paths, errors=True)")
        weight = inverse_variance(torch.from_numpy(spectra.error[rows]), scale)
    loss = mean_absolute_error(normalised, reconstruction, weight)
    if not denoise:
        return loss
    if spectra.truth is None:
        raise ValueError("denoising needs the noise-free spectra: read_spectra(paths, truth=True)")
    true = scaled(torch.from_numpy(spectra.truth[rows]), scale)
    return (1 - denoise) * loss + denoise * mean_absolute_error(true, reconstruction, weight)


def mean_absolute_error(normalised: Tensor, reconstruction: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean of |normalised - reconstruction|.

    The absolute error, not its square: one noisy high bin sets the scale of a whole MinMax-normalised
    spectrum, and squares would spend the latents on such bins alone.

    Parameters
    ----------
    normalised, reconstruction : Tensor, shape (B, n_bins), float32
        Dimensionless, the first in 0..1.
    weight : Tensor, shape (B, n_bins), float32, optional
        Weight of each bin; see :func:`inverse_variance`.

    Returns
    -------
    Tensor, shape (), float32
        Mean over rows and bins.
    """
    difference = (normalised - reconstruction).abs()
    return difference.mean() if weight is None else (weight * difference).mean()


def inverse_variance(error: Tensor, scale: Tensor) -> Tensor:
    """Return weights of bins from the errors of a spectrum: 1 / error^2, of mean 1 in each spectrum.

    Parameters
    ----------
    error : Tensor, shape (B, n_bins), float32
        1 sigma, in the recipe's quantity.
    scale : Tensor, shape (B, 2), float32
        min and max of the spectrum, in the recipe's quantity.

    Returns
    -------
    Tensor, shape (B, n_bins), float32
        Dimensionless. Errors are divided by max - min, as the spectrum is, and raised to 0.05 where they
        are less: bins without counts have errors near zero, and would otherwise be all that matters.
    """
    width = scale[:, 1:] - scale[:, :1]  # (B, 1)
    sigma = (error / torch.where(width == 0, 1.0, width)).clamp(min=ERROR_FLOOR)  # (B, n_bins)
    weight = sigma**-2
    return weight / weight.mean(dim=1, keepdim=True)
