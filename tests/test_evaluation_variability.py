"""How often the Gregory-Loredo test errs, on a few simulated sources; real light curves beside it."""

import json
import shutil

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chandra_embed.training.evaluation.variability import AIMS, detected, lightcurve_rows, run, table
from event_fits import write_lightcurve


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("variability")
    (folder / "data" / "lightcurves").mkdir(parents=True)
    rate = np.where(np.arange(40) < 10, 0.5, 0.02)
    write_lightcurve(folder / "data" / "lightcurves" / "varied_lc3.fits", rate)
    write_lightcurve(folder / "data" / "lightcurves" / "steady_lc3.fits", np.full(40, 0.02))
    write_lightcurve(folder / "data" / "lightcurves" / "hrc_lc3.fits", rate, INSTRUME="HRC")
    write_lightcurve(folder / "data" / "lightcurves" / "short_lc3.fits", rate[:1])
    return folder, *run(folder, each=12, data=folder / "data")


def test_flares_are_found_and_steady_sources_are_not(done):
    _, rows, _ = done
    totals = {row["light_curve"]: row for row in rows if row["counts"] in ("all", ">= 100")}
    assert totals["five-fold flare"]["detected"] > 0.85
    assert totals["steady"]["detected"] <= 0.05
    assert totals["gaps alone"]["detected"] == 0
    assert {name: row["n"] for name, row in totals.items()} == {
        "steady": 60,
        "five-fold flare": 36,
        "gaps alone": 60,
    }


def test_the_bins_add_up(done):
    _, rows, _ = done
    for kind in AIMS:
        total, *bins = [row for row in rows if row["light_curve"] == kind]
        assert total["n"] == sum(row["n"] for row in bins)
        assert total["detected"] * total["n"] == pytest.approx(
            sum(row["detected"] * row["n"] for row in bins)
        )
    for row in rows:
        assert row["low95"] <= row["low"] <= row["detected"] <= row["high"] <= row["high95"]
        best = row["detected"] >= row["aim"] if row["light_curve"] == "five-fold flare" else None
        assert row["reached"] == (row["detected"] <= row["aim"] if best is None else best)


def test_a_draw_repeats(done):
    for kind in AIMS:
        both = [detected(kind, (300.0, 1000.0), np.random.default_rng(5)) for _ in range(2)]
        assert both[0] == both[1]


def test_real_light_curves_stand_beside_their_headers(done):
    folder, _, curves = done
    by_name = {row["file"].split("/")[-1]: row for row in curves}
    assert by_name["hrc_lc3.fits"]["note"].startswith("hrc")
    assert by_name["short_lc3.fits"]["note"].startswith("too-short")
    varied, steady = by_name["varied_lc3.fits"], by_name["steady_lc3.fits"]
    assert (varied["header_prob"], varied["header_index"], varied["counts"]) == (0.75, 3.0, 280)
    assert varied["prob_low95"] > 0.9
    assert not varied["within"]
    assert varied["index"] >= 6
    assert steady["prob"] < 0.6
    assert lightcurve_rows(folder) == []


def test_what_is_written_says_what_it_is(done):
    folder, rows, curves = done
    content = json.loads((folder / "variability.json").read_text())
    assert content["rows"] == rows
    assert content["simulated"] is True
    assert json.loads((folder / "variability-lightcurves.json").read_text())["simulated"] is False
    assert (folder / "variability.png").stat().st_size > 5000
    text = table(rows, curves)
    assert text.startswith("Gregory-Loredo test of simulated sources")
    assert "of 2 probabilities of headers lie in our 95 % range" in text
    assert "real light curve" not in table(rows, [])


@pytest.mark.real
def test_real_headers_agree(chandra_data, tmp_path):
    names = (
        "yso_2CXOJ085904.0-472735/acisf02556_000N021_r0284b_lc3.fits.gz",
        "ulx_2CXOJ015306.7-134534/acisf08449_000N021_r0021b_lc3.fits.gz",
        "agn_2CXOJ100149.6+023853/acisf15236_001N021_r0003b_lc3.fits.gz",
    )
    for name in names:
        target = tmp_path / "lightcurves" / name
        target.parent.mkdir(parents=True)
        shutil.copy(chandra_data / "lightcurves" / name, target)
    rows = {row["file"]: row for row in lightcurve_rows(tmp_path)}
    assert set(rows) == set(names)
    assert all(row["within"] for row in rows.values())
    assert rows[names[0]]["prob"] > 0.9 > rows[names[1]]["prob"]
