"""The three bands as the baseline of the latents: what a hardness diagram and a flux already tell."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.errors import ChandraEmbedError

Array = NDArray[np.float64]
NAMES = ("log10 F_s", "log10 F_m", "log10 F_h")
COLUMNS = ("hard_hs", "hard_hm", "hard_ms", "net_counts", "exposure")


def band_shares(hard_hs: Array, hard_hm: Array, hard_ms: Array) -> Array:
    """Return the share of each band in the photon flux of the three, from the hardness ratios.

    hard_xy = (F_x - F_y) / (F_x + F_y), so F_y / F_x = (1 - hard_xy) / (1 + hard_xy).

    Parameters
    ----------
    hard_hs, hard_hm, hard_ms : ndarray, shape (n,), float64
        A ratio is NaN where both of its bands have no flux.

    Returns
    -------
    ndarray, shape (n, 3), float64
        s, m, h; each row sums to 1. A third each where no band has flux.
    """
    hs, hm, ms = (np.asarray(x, np.float64) for x in (hard_hs, hard_hm, hard_ms))
    flux = np.zeros((len(hs), 3))
    hard = (hs > -1) & (hm > -1)  # F_h > 0; a comparison with NaN is False
    flux[hard, 0] = (1 - hs[hard]) / (1 + hs[hard])
    flux[hard, 1] = (1 - hm[hard]) / (1 + hm[hard])
    flux[hard, 2] = 1.0
    middle = ~hard & (ms > -1)  # no flux in h, some in m
    flux[middle, 0] = (1 - ms[middle]) / (1 + ms[middle])
    flux[middle, 1] = 1.0
    flux[~hard & (ms == -1), 0] = 1.0
    flux[flux.sum(axis=1) == 0] = 1.0
    share: Array = flux / flux.sum(axis=1, keepdims=True)
    return share


def band_fluxes(detection: Mapping[str, NDArray[Any]]) -> Array:
    """Return the logarithm of each detection's flux in s, m and h, as the observation measured it.

    Net count rate in 0.5-7.0 keV times each band's share of the photon flux: photon fluxes but for the mean
    effective area, which the hardness ratios have taken out between the bands. No band is set below one net
    count.

    Parameters
    ----------
    detection : mapping of str to ndarray, shape (n,)
        Columns of ``/detection``: :data:`COLUMNS`.

    Returns
    -------
    ndarray, shape (n, 3), float64
        log10 of counts s^-1: :data:`NAMES`.

    Raises
    ------
    ChandraEmbedError
        A column is not there, exposures are not known, or more than half of the rows with 10 counts have no
        hardness ratio.
    """
    lacking = [name for name in COLUMNS if name not in detection]
    if lacking:
        raise ChandraEmbedError(f"no column {', '.join(lacking)} in /detection; ingest with --catalog")
    ratios = np.array([detection[name] for name in COLUMNS[:3]], np.float64)
    net, exposure = (np.asarray(detection[name], np.float64) for name in COLUMNS[3:])
    if not ((exposure > 0) & np.isfinite(net)).all():
        row = int(np.argmin((exposure > 0) & np.isfinite(net)))
        raise ChandraEmbedError(
            f"row {row}: exposure {exposure[row]} s, net counts {net[row]}; ingest the file again"
        )
    bright = net >= 10
    if bright.any() and np.isnan(ratios[:, bright]).all(axis=0).mean() > 0.5:
        raise ChandraEmbedError(
            "most rows have no hardness ratios, so no bands: ingest with --responses or --catalog"
        )
    counts = np.maximum(net, 1.0)[:, None]
    found: Array = np.log10(np.maximum(counts * band_shares(*ratios), 1.0) / exposure[:, None])
    return found
