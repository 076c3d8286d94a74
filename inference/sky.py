"""Angles on the sky."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def separation(ra: ArrayLike, dec: ArrayLike, ra0: float, dec0: float) -> NDArray[Any]:
    """Return the angle between positions and one position, by the haversine formula.

    Parameters
    ----------
    ra, dec : array_like, shape (n,), float64
        Positions, deg.
    ra0, dec0 : float
        The one position, deg.

    Returns
    -------
    ndarray, shape (n,), float64
        arcsec; NaN where a position is not known.
    """
    a, d = np.radians(np.asarray(ra, np.float64)), np.radians(np.asarray(dec, np.float64))
    a0, d0 = np.radians(ra0), np.radians(dec0)
    h = np.sin((d - d0) / 2) ** 2 + np.cos(d) * np.cos(d0) * np.sin((a - a0) / 2) ** 2
    angle: NDArray[Any] = np.degrees(2 * np.arcsin(np.sqrt(np.minimum(h, 1.0)))) * 3600
    return angle
