import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation.experts import components
from chandra_embed.training.evaluation.regression import (
    LEAST,
    compare,
    improvement,
    quantities,
    representations,
    rowsets,
    run,
    summarise,
    table,
)
from made_pairs import made_pairs

pytest.importorskip("matplotlib")
KEYS = {"data_modality", "variable", "text", "data", "both", "absolute", "percent", "low", "high"}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("regression")
    pairs = made_pairs(500)
    return pairs, folder, *run(pairs, folder, modality="events")


def planted(text_level, data_level, *, n=1200, shared=0.3, seed=0):
    """Return the comparison for a quantity of which each side is a noisy view."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)

    def view(level):
        return np.column_stack([z + level * rng.normal(size=n), rng.normal(size=(n, 5))])

    blocks = {"text": [view(text_level)], "data": [view(data_level)]}
    blocks["concatenation"] = [*blocks["text"], *blocks["data"]]
    blocks["shared"] = [view(shared)] if shared else [rng.normal(size=(n, 4))]
    part = np.repeat(["train", "validation", "test"], n // 3)
    rows = rowsets(part, np.ones(n, bool))
    reduced = {name: components(of, rows.train) for name, of in blocks.items()}
    return compare(reduced, z, rows, np.array([f"s{i}" for i in range(n)]))


def test_two_views_of_one_factor_tell_more_than_either():
    found = planted(0.6, 0.6, shared=0)
    assert found.errors["both"] < min(found.errors["text"], found.errors["data"])
    assert found.absolute.low95 > 0
    # two views of equal noise: sqrt(2) less, in the mean
    assert 10 < found.percent.value < 45
    assert found.errors[found.better] == min(found.errors["text"], found.errors["data"])
    assert found.absolute.value == pytest.approx(found.errors[found.better] - found.errors["both"])
    assert found.percent.value == pytest.approx(100 * found.absolute.value / found.errors[found.better])


@pytest.mark.parametrize("seed", range(3))
def test_a_text_that_knows_nothing_adds_nothing(seed):
    found = planted(1e6, 0.3, shared=0, seed=seed)
    assert found.better == "data"
    assert found.absolute.low95 < 0 < found.absolute.high95 or abs(found.percent.value) < 2
    assert found.errors["text"] == pytest.approx(found.errors["constant"], rel=0.1)
    assert sum(w for name, w in found.weights.items() if name.startswith(("text", "shared"))) < 0.15


def test_the_shared_space_counts_for_both_alone():
    found = planted(1e6, 1e6, shared=0.2)
    assert found.errors["both"] < 0.4 * found.errors["data"]
    assert found.errors["shared"] == pytest.approx(found.errors["both"], rel=0.1)


def test_the_improvement_is_paired_over_sources():
    rng = np.random.default_rng(0)
    error = rng.exponential(size=200)
    source = np.repeat([f"s{i}" for i in range(50)], 4)
    absolute, percent = improvement(error, 0.8 * error, source)
    assert absolute.value == pytest.approx(0.2 * error.mean())
    assert [percent.value, percent.low95, percent.high95] == pytest.approx([20] * 3)
    assert absolute.low95 < absolute.low < absolute.value < absolute.high < absolute.high95
    zero, _ = improvement(error, error, source)
    assert (zero.value, zero.low95, zero.high95) == (0, 0, 0)
    # the whole of a source is drawn: rows of one error a source vary as 50 rows do, not as 200
    one = np.repeat(rng.exponential(size=50), 4)
    wide = improvement(one, np.zeros(200), source)[0]
    spread = one[::4].std() / np.sqrt(50)
    assert (wide.high - wide.low) / 2 == pytest.approx(spread, rel=0.15)


def test_rows_hold_what_is_promised(done):
    pairs, _, rows, summary = done
    assert set(rows[0]) >= KEYS
    names = [row["variable"] for row in rows]
    assert names == ["hard_hs", "hard_hm", "hard_ms", "var_index_b", "powlaw_gamma", "log_nh"]
    for row in rows:
        assert row["data_modality"] == "events"
        assert row["absolute"] == pytest.approx(min(row["text"], row["data"]) - row["both"])
        assert row["low"] <= row["absolute"] <= row["high"]
        assert "band_ratios" not in row
    hard = rows[0]  # text and events each hold half of it
    assert hard["low"] > 0
    assert "hard_hs" in summary["improved"]
    assert summary["known"] == ["hard_hs", "hard_hm", "hard_ms", "var_index_b"]
    assert summary["mean_percent"] == pytest.approx(np.mean([row["percent"] for row in rows[:4]]))
    there = np.isfinite(pairs.event).all(axis=1) & (pairs.part == "test")
    assert hard["n_test"] == there.sum()
    assert rows[1]["n_test"] == (there & np.isfinite(pairs.spectra.detection["hard_hm"])).sum()


def test_files_say_what_was_done(done):
    _, folder, rows, summary = done
    assert {path.name for path in folder.iterdir()} == {
        f"regression-events.{ending}" for ending in ("csv", "json", "png", "pdf")
    }
    content = json.loads((folder / "regression-events.json").read_text())
    assert content["rows"] == rows
    assert content["summary"] == summary
    assert content["data"] == "simulated spectra, semi-simulated texts"
    assert content["dimensions"] == 16
    weights = content["experts"]["hard_hs"]["weights"]
    assert sum(weights.values()) == pytest.approx(1)
    assert len(weights) == 8
    with open(folder / "regression-events.csv", newline="") as file:
        assert [row["variable"] for row in csv.DictReader(file)] == [row["variable"] for row in rows]


def test_the_table_is_laid_out_as_promised(done):
    *_, rows, summary = done
    text = table(rows, summary)
    title, head, *lines = text.splitlines()
    assert "simulated spectra, semi-simulated texts" in title
    assert head.split()[:5] == ["Variable", "Text", "Data", "Both", "Absolute"]
    assert "%" in head
    assert lines[0].startswith("hard_hs")
    assert "mean improvement" in lines[-1]


def test_unshared_factors_give_no_improvement(tmp_path):
    rows, summary = run(made_pairs(500, shared=False, seed=3), tmp_path, modality="spectrum")
    by = {row["variable"]: row for row in rows}
    for name in ("hard_ms", "var_index_b"):
        assert by[name]["better"] == "data"
        assert by[name]["percent"] < 5
    assert "band_ratios" in by["hard_ms"]
    assert "Band ratios" in table(rows, summary)


def test_what_each_arm_is_given():
    pairs = made_pairs(60)
    for modality, data in (("spectrum", pairs.spectra.latent), ("events", pairs.event_latent)):
        found = representations(pairs, modality)
        assert found["data"][0] is data
        assert [x is y for x, y in zip(found["concatenation"], (pairs.text_vector, data), strict=True)]
        assert len(found["shared"]) == 2
        assert ("band_ratios" in found) == (modality == "spectrum")
    curve = representations(pairs, "lightcurve")
    assert curve["data"][0] is pairs.light_curve
    # embeddings of events know energies, light curves do not
    assert [x is pairs.text for x in curve["shared"]] == [True]


def test_quantities_are_measured_or_true():
    pairs = made_pairs(50)
    truth = {**pairs.spectra.truth, "photflux_h": np.full(50, 3.0), "photflux_s": np.full(50, 1.0)}
    truth["kt"] = np.array([1.0, np.nan, -1.0, 10.0, 0.0] * 10)
    pairs = replace(pairs, spectra=replace(pairs.spectra, truth=truth))
    found = quantities(pairs)
    np.testing.assert_array_equal(found["hard_ms"], pairs.spectra.detection["hard_ms"])
    np.testing.assert_array_equal(found["powlaw_gamma"], truth["gamma"])
    np.testing.assert_allclose(found["log_nh"], np.log10(truth["nh_total"]))
    np.testing.assert_array_equal(found["log_kt"][:5], [0, np.nan, np.nan, 1, np.nan])
    np.testing.assert_array_equal(found["true_hard_hs"], 0.5)
    assert np.isnan(found["true_hard_hm"]).all()
    assert np.isnan(found["log_photon_flux"]).all()


def test_the_summary_is_of_the_stated_quantities():
    rows = [
        {"variable": "hard_hs", "low": 0.1, "high": 0.2, "percent": 10.0},
        {"variable": "hard_hm", "low": -0.2, "high": -0.1, "percent": -4.0},
        {"variable": "log_nh", "low": 1.0, "high": 2.0, "percent": 50.0},
    ]
    assert summarise(rows) == {
        "known": ["hard_hs", "hard_hm"],
        "improved": ["hard_hs"],
        "worse": ["hard_hm"],
        "mean_percent": 3.0,
    }


def test_too_few_sources_are_named(tmp_path):
    with pytest.raises(ChandraEmbedError, match=rf"spectra\.h5: .*{LEAST['train']} training"):
        run(made_pairs(60), tmp_path, modality="spectrum")
    with pytest.raises(ChandraEmbedError, match="have events and a text"):
        run(made_pairs(400, events=False), tmp_path, modality="events")
    with pytest.raises(ValueError, match="modality 'images'"):
        run(made_pairs(60), tmp_path, modality="images")
