"""What training makes small."""

from torch import Tensor


def mean_absolute_error(normalised: Tensor, reconstruction: Tensor) -> Tensor:
    """Return the mean of |normalised - reconstruction|.

    The absolute error, not its square: one noisy high bin sets the scale of a whole MinMax-normalised
    spectrum, and squares would spend the latents on such bins alone.

    Parameters
    ----------
    normalised, reconstruction : Tensor, shape (B, n_bins), float32
        Dimensionless, the first in 0..1.

    Returns
    -------
    Tensor, shape (), float32
        Mean over rows and bins.
    """
    return (normalised - reconstruction).abs().mean()
