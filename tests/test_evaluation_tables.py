import csv
import json

import numpy as np
import pytest
from chandra_embed.training.evaluation import tables
from chandra_embed.training.evaluation.tables import (
    bootstrap,
    count_bins,
    from_replicates,
    mean_interval,
    ratio_interval,
    sample_facts,
    save_figure,
    source_draws,
    write_result,
)

SOURCES = np.array(["b", "a", "b", "c", "a", "b"])


def test_a_draw_takes_whole_sources():
    rng = np.random.default_rng(3)
    names = ["a", "b", "c"]
    for rows in source_draws(SOURCES, 50, 3):
        drawn = [names[i] for i in rng.integers(3, size=3)]
        expected = [i for name in drawn for i in range(6) if SOURCES[i] == name]
        assert rows.tolist() == expected


def test_the_mean_of_draws_is_the_bootstrap_of_the_mean():
    values = np.random.default_rng(0).normal(size=6)
    fast = mean_interval(values, SOURCES, replicates=80, random_state=2)
    slow = bootstrap(lambda rows: values[rows].mean(), SOURCES, replicates=80, random_state=2)
    for name in ("value", "low", "high", "low95", "high95"):
        assert getattr(fast, name) == pytest.approx(getattr(slow, name), abs=1e-12)
    assert fast.value == pytest.approx(values.mean())
    assert fast.low95 <= fast.low <= fast.high <= fast.high95


def test_repeated_rows_of_a_source_are_no_more_evidence():
    rng = np.random.default_rng(1)
    values, names = rng.normal(size=40), np.array([f"s{i:02d}" for i in range(40)])
    once = mean_interval(values, names)
    often = mean_interval(np.repeat(values, 9), np.repeat(names, 9))
    as_if_alone = mean_interval(np.repeat(values, 9), np.array([f"{i:03d}" for i in range(360)]))
    assert often.low == pytest.approx(once.low)
    assert often.high == pytest.approx(once.high)
    assert as_if_alone.high - as_if_alone.low < 0.5 * (once.high - once.low)


def test_the_interval_covers_what_it_says():
    """68 % and 95 % intervals of a normal mean, 300 times."""
    rng = np.random.default_rng(4)
    names = np.array([f"s{i}" for i in range(60)])
    inside = np.zeros(2)
    for i in range(300):
        found = mean_interval(rng.normal(size=60), names, replicates=200, random_state=i)
        inside += [found.low <= 0 <= found.high, found.low95 <= 0 <= found.high95]
    assert 0.60 < inside[0] / 300 < 0.75
    assert 0.90 < inside[1] / 300 < 0.98


def test_no_rows_have_no_mean():
    with pytest.raises(ValueError, match="no rows"):
        mean_interval([], np.array([], dtype=str))


def test_one_source_has_an_interval_of_no_width():
    found = mean_interval([1.0, 3.0], np.array(["a", "a"]))
    assert (found.value, found.low, found.high95) == (2, 2, 2)
    assert ratio_interval([4.0], [2.0]).value == 2


def test_an_interval_as_columns_and_as_text():
    found = from_replicates(0.5, np.linspace(0, 1, 1001))
    assert found.columns("x") == pytest.approx(
        {"x": 0.5, "x_low": 0.16, "x_high": 0.84, "x_low95": 0.025, "x_high95": 0.975}
    )
    assert found.text(2) == "0.50 (0.16 - 0.84)"


def test_every_row_is_in_one_bin_of_counts():
    counts = np.array([-3.0, 0, 9.99, 10, 39, 40, 100, 299, 300, 1000, 1e6])
    (everything, mask), *bins = count_bins(counts)
    assert everything == "all"
    assert mask.all()
    np.testing.assert_array_equal(np.sum([mask for _, mask in bins], axis=0), 1)
    assert [label for label, _ in bins] == [
        "< 10", "10 - 40", "40 - 100", "100 - 300", "300 - 1000", ">= 1000",
    ]  # fmt: skip
    assert [label for label, _ in count_bins(counts[:3])] == ["all", "< 10"]
    assert count_bins(counts[:0]) == []


def test_a_result_is_the_same_in_both_files(tmp_path):
    rows = [{"a": 1, "b": np.float32(0.5)}, {"a": np.nan, "c": 'x, "y"'}]
    write_result(tmp_path, "name", rows, {"seed": np.int64(3), "bad": float("inf")})
    content = json.loads((tmp_path / "name.json").read_text())
    assert content["rows"] == [{"a": 1, "b": 0.5}, {"a": None, "c": 'x, "y"'}]
    assert (content["name"], content["seed"], content["bad"]) == ("name", 3, None)
    assert "numpy" in content["versions"]
    with open(tmp_path / "name.csv", newline="") as file:
        read = list(csv.DictReader(file))
    assert read == [{"a": "1", "b": "0.5", "c": ""}, {"a": "", "b": "", "c": 'x, "y"'}]


def test_a_result_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    write_result(tmp_path, "name", [{"a": 1}], {})
    before = (tmp_path / "name.json").read_bytes()

    def stop(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_result(tmp_path, "name", [{"a": 2}], {})
    assert (tmp_path / "name.json").read_bytes() == before


def test_an_empty_result_is_written(tmp_path):
    write_result(tmp_path, "none", [], {})
    assert json.loads((tmp_path / "none.json").read_text())["rows"] == []
    assert (tmp_path / "none.csv").read_text().strip() == ""


def test_no_folder_of_this_machine_in_a_result(tmp_path, monkeypatch):
    from types import SimpleNamespace

    from chandra_embed.inference.recipe import Recipe

    monkeypatch.setattr(tables.store, "command_line", lambda: "chandra-embed evaluate x /a/b/c.h5 -o /d/e")
    file = {"name": "c.h5", "sha256": "0", "command": "chandra-embed simulate -o /a/b/c.h5"}
    facts = {"model": "m 1.0.0", "encoder_sha256": "0", "simulated": True, "recipe": Recipe()}
    sample = SimpleNamespace(**facts, files=(file,))
    write_result(tmp_path, "x", [], sample_facts(sample))
    text = (tmp_path / "x.json").read_text()
    content = json.loads(text)
    assert "/" not in content["command"] + content["files"][0]["command"]
    assert content["recipe_fingerprint"] == Recipe().fingerprint
    assert content["simulated"] is True


def test_a_figure_is_saved_twice(tmp_path):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    save_figure(tmp_path, "f", figure)
    assert (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "f.pdf").read_bytes()[:4] == b"%PDF"
