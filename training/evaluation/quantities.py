"""What latents are compared with: physical quantities of sources, and nuisances of their observation."""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...inference.preprocess import BROAD

if TYPE_CHECKING:
    from ...inference.recipe import Recipe
    from .sample import Sample

Array = NDArray[np.float64]
BANDS = ((0.5, 1.2), (1.2, 2.0), (2.0, 7.0))  # CSC s, m, h, keV
RATIOS = ("ratio_hs", "ratio_hm", "ratio_ms")
LABELS = {
    "hard_ms": "hardness ratio ms",
    "hard_hm": "hardness ratio hm",
    "hard_hs": "hardness ratio hs",
    "gamma": "photon index",
    "log_nh": "log10 nH (1e22 cm^-2)",
    "log_kt": "log10 kT (keV)",
    "median_energy": "median energy (keV)",
    "log_net_counts": "log10 net counts",
    "var_prob_b": "variability probability",
    "log_photon_flux": "log10 photon flux",
    "year": "observation year",
    "theta": "off-axis angle (arcmin)",
}


def physical_quantities(sample: "Sample") -> dict[str, Array]:
    """Return the physical quantities of each row, NaN where one is not known.

    Parameters
    ----------
    sample : Sample
        Of `n` rows.

    Returns
    -------
    dict of str to ndarray, shape (n,), float64
        ``hard_*`` and ``var_prob_b`` as in ``/detection``; ``gamma``, ``log_nh`` (all absorbers, 1e22 cm^-2),
        ``log_kt`` (keV) and ``log_photon_flux`` (photons cm^-2 s^-1) from the truth of simulated spectra;
        ``median_energy`` (keV, :func:`median_energy`); ``log_net_counts``.
    """
    d, t = sample.detection, sample.truth
    unknown = np.full(len(sample), np.nan)
    return {
        "hard_ms": d.get("hard_ms", unknown),
        "hard_hm": d.get("hard_hm", unknown),
        "hard_hs": d.get("hard_hs", unknown),
        "gamma": t.get("gamma", unknown),
        "log_nh": _log10(t.get("nh_total", t.get("nh", unknown))),
        "log_kt": _log10(t.get("kt", unknown)),
        "median_energy": median_energy(sample.value, sample.recipe),
        "log_net_counts": _log10(sample.net_counts),
        "var_prob_b": d.get("var_prob_b", unknown),
        "log_photon_flux": _log10(t.get("photon_flux", unknown)),
    }


def nuisances(sample: "Sample") -> dict[str, Array]:
    """Return what belongs to the observation: ``year``, ``theta`` (arcmin), ``log_net_counts``.

    The year is that of ``date_obs``, or the simulated epoch; NaN where neither is known.

    Returns
    -------
    dict of str to ndarray, shape (n,), float64
    """
    unknown = np.full(len(sample), np.nan)
    year = np.array([_year(text) for text in sample.detection["date_obs"]], np.float64).reshape(len(sample))
    epoch = 1999.0 + sample.truth.get("epoch", unknown)
    return {
        "year": np.where(np.isfinite(epoch), epoch, year),
        "theta": sample.detection["theta"],
        "log_net_counts": _log10(sample.net_counts),
    }


def median_energy(
    value: NDArray[np.float32], recipe: "Recipe", lo: float = BROAD[0], hi: float = BROAD[1]
) -> Array:
    """Return the energy below which half of a spectrum lies: E50 of Hong et al. (2004, ApJ 614, 508).

    Parameters
    ----------
    value : ndarray, shape (n, n_bins), float32
        Density on the recipe's grid: of net counts (``rate``) or of photons (``flux``).
    recipe : Recipe
        The grid.
    lo, hi : float
        Range that counts, keV.

    Returns
    -------
    ndarray, shape (n,), float64
        keV; the first such energy where background subtraction makes the sum fall, NaN where it is not
        positive.
    """
    edges = recipe.energy_edges()
    inside = np.clip(np.minimum(edges[1:], hi) - np.maximum(edges[:-1], lo), 0.0, None)
    total = np.cumsum(value * inside, axis=1, dtype=np.float64)
    found = np.full(len(value), np.nan)
    for i in np.flatnonzero(total[:, -1] > 0):
        half = total[i, -1] / 2
        j = int(np.argmax(total[i] >= half))
        before = total[i, j - 1] if j else 0.0
        # the density is constant inside a bin
        found[i] = max(edges[j], lo) + inside[j] * (half - before) / (total[i, j] - before)
    return found


def band_ratios(value: NDArray[np.float32], recipe: "Recipe") -> Array:
    """Return the three ratios (x - y)/(x + y) of a spectrum's bands s, m and h, as :data:`RATIOS` names them.

    Parameters
    ----------
    value : ndarray, shape (n, n_bins), float32
        Density on the recipe's grid.
    recipe : Recipe
        The grid.

    Returns
    -------
    ndarray, shape (n, 3), float64
        Within -1..1; a band below zero counts as zero, and two empty bands give 0.
    """
    edges = recipe.energy_edges()
    bands = []
    for lo, hi in BANDS:
        inside = np.clip(np.minimum(edges[1:], hi) - np.maximum(edges[:-1], lo), 0.0, None)
        bands.append(np.maximum((value * inside).sum(axis=1, dtype=np.float64), 0.0))
    s, m, h = bands
    return np.stack([_ratio(h, s), _ratio(h, m), _ratio(m, s)], axis=1)


def _ratio(x: Array, y: Array) -> Array:
    total = x + y
    ratio: Array = np.divide(x - y, total, out=np.zeros_like(total), where=total > 0)
    return ratio


def _log10(x: Array) -> Array:
    """Logarithm, NaN where there is none."""
    log: Array = np.log10(x, out=np.full(len(x), np.nan), where=x > 0)
    return log


def _year(text: str) -> float:
    """Year and fraction of a date such as ``2012-05-03T10:00:00``; NaN where it is none."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return float("nan")
    return day.year + (day.timetuple().tm_yday - 1) / 365.25
