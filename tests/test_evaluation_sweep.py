import csv
import json

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation import sweep
from chandra_embed.training.evaluation.sweep import run, table
from evaluation import made_record

ROWS = np.random.default_rng(9).integers(1, 5, 200)


def made(name, factor=1.0, seed=0, **model):
    return made_record(name, factor=factor, seed=seed, rows=ROWS, **model)


@pytest.fixture
def records():
    return [
        *(made(f"default-{s}", seed=s) for s in range(3)),
        *(made(f"recurrent-{s}", 1.05, seed=s, kind="recurrent", width=96) for s in range(3)),
        made("shallow", 1.1, depth=1),
        made("deep", 0.95, depth=3),
        made("narrow", 1.4, width=40),
        made("two changes", 5.0, width=40, depth=1),
        made("seed not the default's", 5.0, seed=8, width=20),
        made("other data", 5.0, test="other", width=20),
    ]


@pytest.fixture
def undrawn(monkeypatch):
    """No figure: it is drawn once, where what is written is looked at."""
    monkeypatch.setattr(sweep, "save_figure", lambda *_: None)


@pytest.mark.usefixtures("undrawn")
def test_one_setting_changed_at_a_time(records, tmp_path):
    rows, summary = run(records, tmp_path)
    assert [row["setting"] for row in rows] == [
        "default", "depth 1", "depth 3", "kind recurrent", "width 40",
    ]  # fmt: skip
    assert [row["seeds"] for row in rows] == [3, 1, 1, 3, 1]
    np.testing.assert_allclose([row["ratio"] for row in rows], [1, 1.1, 0.95, 1.05, 1.4])
    for row in rows:  # paired on the same sources
        np.testing.assert_allclose([row["ratio_low"], row["ratio_high95"]], row["ratio"])
        assert row["mae_low95"] <= row["mae_low"] < row["mae"] < row["mae_high"]
    assert (summary["worst"], summary["best"]) == ("width 40", "depth 3")
    assert summary["worst_over_best"] == pytest.approx(1.4 / 0.95)
    assert summary["by_hyper_parameter"] == pytest.approx({"depth": 1.1 / 0.95, "kind": 1.05, "width": 1.4})
    assert summary["matters"] == ["width"]
    assert summary["left_out"] == ["other data", "seed not the default's", "two changes"]
    errors = [record.mae["value"] for record in records[:3]]
    assert summary["seed_spread"] == pytest.approx(np.std(errors, ddof=1))


@pytest.mark.usefixtures("undrawn")
def test_the_table_says_what_matters(records, tmp_path):
    text = table(*run(records, tmp_path))
    assert "worst over best: 1.474" in text
    assert "worst over best above 1.25: width (1.400)" in text
    assert "over 3 seeds" in text
    assert "left out" in text
    assert "no hyper-parameter" in table(*run(records[:8], tmp_path))


def test_results_are_written(records, tmp_path):
    rows, summary = run(records, tmp_path)
    content = json.loads((tmp_path / "sweep.json").read_text())
    assert content["rows"][4]["value"] == 40
    assert content["summary"]["worst"] == summary["worst"]
    assert content["simulated"] is True
    assert content["seeds"] == [0, 1, 2]
    with open(tmp_path / "sweep.csv", newline="") as file:
        assert [row["setting"] for row in csv.DictReader(file)] == [row["setting"] for row in rows]
    assert (tmp_path / "sweep.png").stat().st_size > 1000
    assert (tmp_path / "sweep.pdf").read_bytes()[:4] == b"%PDF"


@pytest.mark.usefixtures("undrawn")
def test_a_seed_alone_has_no_spread(records, tmp_path):
    rows, summary = run([records[0], *records[6:9]], tmp_path)
    assert len(rows) == 4
    assert summary["seed_spread"] is None
    assert "no spread" in table(rows, summary)


@pytest.mark.parametrize(("kept", "text"), [(slice(0), "no records"), (slice(3), "3 records: none changes")])
def test_too_few_records_name_the_mend(records, tmp_path, kept, text):
    with pytest.raises(ChandraEmbedError, match=f"{text}.*evaluate record"):
        run(records[kept], tmp_path)
    assert not list(tmp_path.iterdir())
