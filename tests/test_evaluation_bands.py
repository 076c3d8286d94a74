import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation.bands import band_fluxes, band_shares


def ratios(flux):
    """hard_hs, hard_hm, hard_ms of fluxes in s, m, h; NaN where both bands are empty."""
    s, m, h = np.asarray(flux, float).T
    with np.errstate(invalid="ignore"):
        return (h - s) / (h + s), (h - m) / (h + m), (m - s) / (m + s)


FLUXES = np.array(
    [[1, 2, 3], [5, 0, 0], [0, 5, 0], [0, 0, 5], [1, 1, 0], [0, 1, 3], [2, 0, 1], [1e-6, 1, 1e6]], float
)


def test_shares_come_back_from_the_ratios():
    expected = FLUXES / FLUXES.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(band_shares(*ratios(FLUXES)), expected, rtol=1e-6, atol=1e-9)


def test_no_flux_at_all_is_a_third_each():
    np.testing.assert_allclose(band_shares(*np.full((3, 1), np.nan)), [[1 / 3] * 3])


def detection(flux, net, exposure):
    hs, hm, ms = ratios(flux)
    return {
        "hard_hs": hs,
        "hard_hm": hm,
        "hard_ms": ms,
        "net_counts": np.asarray(net, float),
        "exposure": np.asarray(exposure, float),
    }


def test_fluxes_are_rates_with_a_floor_of_one_count():
    found = band_fluxes(detection([[1, 1, 8], [1, 0, 0], [1, 1, 1]], [100, 50, -3], [1e3, 1e4, 1e3]))
    np.testing.assert_allclose(
        10**found, [[0.01, 0.01, 0.08], [50e-4, 1e-4, 1e-4], [1e-3, 1e-3, 1e-3]], rtol=1e-12
    )


def test_what_is_not_known_is_said():
    good = detection([[1, 2, 3]], [30], [1e3])
    with pytest.raises(ChandraEmbedError, match="hard_hm"):
        band_fluxes({name: x for name, x in good.items() if name != "hard_hm"})
    with pytest.raises(ChandraEmbedError, match="row 0: exposure nan"):
        band_fluxes({**good, "exposure": np.array([np.nan])})
    unknown = {name: np.array([np.nan]) for name in ("hard_hs", "hard_hm", "hard_ms")}
    with pytest.raises(ChandraEmbedError, match="hardness ratios"):
        band_fluxes({**good, **unknown})
