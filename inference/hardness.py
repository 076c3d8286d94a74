"""Hardness ratios of one's own spectra, with intervals from the Poisson posteriors of the counts."""

import numpy as np
from numpy.typing import NDArray

from .preprocess import Array, Observation, band_counts, mean_area

BANDS = {"s": (0.5, 1.2), "m": (1.2, 2.0), "h": (2.0, 7.0)}  # CSC bands, keV
RATIOS = (("h", "s"), ("h", "m"), ("m", "s"))  # harder band first
DRAWS = 4000
LIMITS = (15.865, 84.135)  # percent: the central 68.27 %


def hardness_columns(observation: Observation) -> dict[str, float]:
    """Return hard_hs, hard_hm, hard_ms of one observation, with their 68 % limits.

    hard_xy = (F_x - F_y) / (F_x + F_y), F = net counts / (exposure x band-mean effective area), in
    photons cm^-2 s^-1; negative net counts count as zero. The limits are percentiles of the ratio when the
    total and the background counts of each band are drawn from their posteriors (gamma, flat prior; normal
    where the background file gives its own errors) and only draws with a positive source are kept; the
    draws are the same at every call.

    Parameters
    ----------
    observation : Observation
        Counts, background and effective area.

    Returns
    -------
    dict of str to float
        NaN without an effective area or where it does not cover a band; the ratio is NaN where
        neither band has net counts.
    """
    names = [f"hard_{x}{y}{limit}" for x, y in RATIOS for limit in ("", "_lolim", "_hilim")]
    if observation.area is None:
        return dict.fromkeys(names, float("nan"))
    rng = np.random.default_rng(0)
    flux: dict[str, float] = {}
    draws: dict[str, Array] = {}
    for band, (lo, hi) in BANDS.items():
        (area,), (covered,) = mean_area(observation, np.array([lo, hi]))
        source, _, net = band_counts(observation, lo, hi)
        factor = observation.exposure * area if covered > 0.99 else 0.0  # a part says nothing of the band
        flux[band] = max(net, 0.0) / factor if factor > 0 else np.nan
        total = rng.gamma(source + 1.0, size=DRAWS) - _background_draws(observation, lo, hi, rng, DRAWS)
        if total.min() <= 0:
            more = rng.gamma(source + 1.0, size=3 * DRAWS)
            more -= _background_draws(observation, lo, hi, rng, 3 * DRAWS)
            total = np.append(total, more)
        draws[band] = _positive(total) / factor if factor > 0 else np.full(DRAWS, np.nan)
    out: dict[str, float] = {}
    for hard, soft in RATIOS:
        ratio = f"hard_{hard}{soft}"
        both = flux[hard] + flux[soft]
        out[ratio] = (flux[hard] - flux[soft]) / both if both > 0 else float("nan")
        x, y = draws[hard], draws[soft]
        limits = np.nanpercentile((x - y) / (x + y), LIMITS) if np.isfinite(x + y).any() else (np.nan, np.nan)
        out[f"{ratio}_lolim"], out[f"{ratio}_hilim"] = float(limits[0]), float(limits[1])
    return out


def _background_draws(
    o: Observation, lo: float, hi: float, rng: np.random.Generator, size: int
) -> Array | float:
    """Draw the background expected in the source region of one band, counts."""
    if o.background is None:
        return 0.0
    inside = (o.energy_lo >= lo) & (o.energy_hi <= hi)
    scale = np.broadcast_to(np.asarray(o.scale, np.float64), inside.shape)[inside]
    counts = o.background[inside]
    if o.background_error is not None:
        sigma = np.sqrt(((scale * o.background_error[inside]) ** 2).sum())
        normal: Array = rng.normal((scale * counts).sum(), sigma, size=size)
        return np.maximum(normal, 0.0)
    gamma: Array = scale.mean() * rng.gamma(counts.sum() + 1.0, size=size)
    return gamma


def _positive(draws: Array) -> Array:
    """Keep the positive draws, repeated to :data:`DRAWS`."""
    kept: NDArray[np.float64] = draws[draws > 0]
    if kept.size == 0:  # background far above the total: the source is at its lower bound
        kept = np.array([np.finfo(np.float64).tiny])
    return np.resize(kept, DRAWS)
