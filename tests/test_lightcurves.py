"""CSC light curves: bins, rates and what the header states."""

from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.catalog.lightcurves import LightCurve, read_lightcurve
from chandra_embed.inference.errors import Quarantined
from event_fits import write_lightcurve


def refused(path: Path) -> str:
    with pytest.raises(Quarantined) as caught:
        read_lightcurve(path)
    return caught.value.reason


def test_bins_rates_and_header(tmp_path: Path) -> None:
    rate = np.array([0.2, 0.4, 0.0, 0.2])
    found = read_lightcurve(write_lightcurve(tmp_path / "a_lc3.fits", rate))
    curve = found.curve
    np.testing.assert_array_equal(curve.start, [0, 100, 200, 300])
    np.testing.assert_array_equal(curve.width, 100)
    np.testing.assert_array_equal(curve.fraction, 0.5)
    np.testing.assert_allclose(curve.rate, rate)
    np.testing.assert_allclose(curve.rate_error, 0.1 * rate)
    np.testing.assert_allclose(curve.counts, 50 * rate)
    assert (curve.prob, curve.index) == (0.75, 3.0)
    facts = found.detection
    assert (facts["obsid"], facts["obi"], facts["region_id"]) == (123, 0, 43)
    assert (facts["var_prob_b"], facts["var_index_b"]) == (0.75, 3.0)
    np.testing.assert_allclose([facts[n] for n in ("counts", "background_counts", "net_counts")], [40, 2, 38])
    assert facts["exposure"] == 392.0


def test_a_bin_that_was_not_watched_has_no_rate() -> None:
    curve = LightCurve(np.arange(2.0), np.full(2, 10.0), np.array([4.0, 0.0]), np.array([0.5, 0.0]))
    np.testing.assert_array_equal(curve.rate, [0.8, np.nan])
    np.testing.assert_array_equal(curve.rate_error, [0.4, np.nan])
    with pytest.raises(ValueError, match="differ in length"):
        LightCurve(np.arange(2.0), np.ones(2), np.ones(3), np.ones(2))


@pytest.mark.parametrize(
    ("reason", "header"),
    [
        ("hrc", {"INSTRUME": "HRC"}),
        ("not-chandra", {"TELESCOP": "XMM"}),
        ("not-broad", {"BAND": "hard"}),
        ("no-counts", {"TOTCTS": 0}),
        ("no-counts", {"TOTCTS": None}),
        ("no-exposure", {"EXPOSURE": 0.0}),
    ],
)
def test_refused_by_header(tmp_path: Path, reason: str, header: dict[str, object]) -> None:
    assert refused(write_lightcurve(tmp_path / "a_lc3.fits", [0.1, 0.2], **header)) == reason


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = write_lightcurve(tmp_path / "a_lc3.fits", [0.1, np.nan])
    assert refused(path) == "not-finite"
    path = write_lightcurve(tmp_path / "a_lc3.fits", [0.1, 0.2])
    path.write_bytes(path.read_bytes()[:5000])
    assert refused(path) == "truncated"
    path.write_bytes(b"")
    assert refused(path) == "empty-file"


def test_what_the_header_leaves_out(tmp_path: Path) -> None:
    path = write_lightcurve(
        tmp_path / "a_lc3.fits", [0.1, 0.2], TIMEDEL=None, INTEGTIM=None, PROB=None, VARINDEX=None
    )
    curve = read_lightcurve(path).curve
    np.testing.assert_array_equal(curve.width, 100)
    np.testing.assert_array_equal(curve.fraction, 1)
    assert np.isnan([curve.prob, curve.index]).all()


@pytest.mark.real
def test_real_light_curves(chandra_data: Path) -> None:
    files = sorted((chandra_data / "lightcurves").glob("*/*"))
    assert len(files) == 19
    for path in files:
        found = read_lightcurve(path)
        assert 0 <= found.detection["var_prob_b"] <= 1
        assert found.detection["var_index_b"] in range(11)
        assert ((found.curve.fraction > 0) & (found.curve.fraction <= 1)).all()
        if "15235" not in path.name:  # whose rates stand apart from its 26 events
            assert found.curve.counts.sum() == pytest.approx(found.detection["counts"], rel=0.006)
