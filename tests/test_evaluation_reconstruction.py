import csv
import json

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation.reconstruction import real_sample, run, table
from chandra_embed.training.evaluation.sample import read_sample
from chandra_embed.training.evaluation.tables import mean_interval
from evaluation import bundle, made_record, spectra_with_truth
from small import write_spectra

ROWS = np.random.default_rng(9).integers(1, 5, 200)
pytestmark = pytest.mark.usefixtures("few_draws")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reconstruction")


@pytest.fixture(scope="module")
def model(folder):
    return bundle(folder / "model", [f"source {i}" for i in range(10)])


@pytest.fixture(scope="module")
def sample(folder, model):
    return read_sample(spectra_with_truth(folder / "spectra.h5"), model)


@pytest.fixture(scope="module")
def real(folder, model):
    found = read_sample(write_spectra(folder / "real.h5", 40, simulated=False), model)
    return found.take(np.arange(20, 34))  # of no source that is seen


@pytest.fixture(scope="module")
def records(sample):
    same = {"rows": ROWS, "recipe": sample.recipe.fingerprint}
    found = [made_record(f"t{s}", seed=s, **same) for s in range(3)]
    found += [made_record(f"r{s}", factor=1.2, seed=s, kind="recurrent", **same) for s in range(3)]
    found += [made_record(f"two{s}", factor=9, seed=s, depth=7, **same) for s in range(2)]
    return [*found, made_record("other recipe", factor=9, rows=ROWS, recipe="other")]


@pytest.fixture(scope="module")
def made(folder, sample, real, records):
    out = folder / "out"
    out.mkdir()
    return out, run(sample, real, out, records)


def content(made, name):
    return json.loads((made[0] / f"{name}.json").read_text())


def test_rows_have_the_promised_fields(made):
    for row in made[1]:
        assert list(row) == ["model", "data", "mae", "mae_low", "mae_high", "truth_mae"]
    assert [(row["model"].split(" ")[0], row["data"]) for row in made[1]] == [
        ("spectrum-8", "simulated"), ("PCA-8", "simulated"), ("mean", "simulated"), ("input", "simulated"),
        ("transformer", "simulated"), ("recurrent", "simulated"), ("spectrum-8", "real"),
    ]  # fmt: skip


def test_only_sources_not_seen_count(made, sample):
    unseen = np.array([int(name.split()[1]) >= 10 for name in sample.source_id])
    a, b = sample.normalised[unseen].astype(float), sample.reconstruction[unseen]
    row = made[1][0]
    assert row["mae"] == pytest.approx(np.abs(a - b).mean(), rel=1e-6)
    expected = mean_interval(np.abs(a - b).mean(axis=1), sample.source_id[unseen])
    assert (row["mae_low"], row["mae_high"]) == pytest.approx((expected.low, expected.high), rel=1e-6)
    assert content(made, "reconstruction")["rows_used"] == unseen.sum()


def test_the_input_is_its_own_and_has_an_error_to_the_truth(made, sample):
    row = next(row for row in made[1] if row["model"] == "input")
    assert (row["mae"], row["mae_low"], row["mae_high"]) == (0, 0, 0)
    total, n = 0.0, 0
    for i in np.flatnonzero(~sample.seen):
        value, truth = sample.value[i].astype(float), sample.truth_value[i].astype(float)
        total += np.abs(value - truth).mean() / (value.max() - value.min())
        n += 1
    assert row["truth_mae"] == pytest.approx(total / n, rel=1e-4)


def test_differences_are_paired(made, sample):
    rows = content(made, "reconstruction_differences")["rows"]
    assert [(row["minus"], row["quantity"]) for row in rows[:3]] == [
        ("PCA-8", "mae"), ("PCA-8", "truth_mae"), ("input", "truth_mae"),
    ]  # fmt: skip
    by_model = {row["model"]: row for row in made[1][:4]}
    assert rows[0]["difference"] == pytest.approx(made[1][0]["mae"] - by_model["PCA-8"]["mae"], rel=1e-6)
    assert rows[0]["difference_low95"] < rows[0]["difference"] < rows[0]["difference_high95"]


def test_runs_over_seeds_are_compared_on_the_same_sources(made, records):
    rows = {(r["model"], r["minus"]): r for r in content(made, "reconstruction_differences")["rows"]}
    # every record here is a multiple of another: the interval comes from the sources and seeds alone
    apart = rows["transformer (3 seeds)", "recurrent (3 seeds)"]
    assert apart["over"] == "sources and seeds"
    assert apart["difference"] == pytest.approx(np.mean([-0.2 * r.mae["value"] for r in records[:3]]))
    assert apart["difference_high95"] < 0
    assert rows["recurrent (3 seeds)", "PCA-8"]["difference_high95"] < 0
    assert rows["transformer (3 seeds)", "PCA-8"]["spread_over_seeds"] == pytest.approx(
        np.std([r.mae["value"] for r in records[:3]], ddof=1)
    )
    row = made[1][4]
    assert row["mae"] == pytest.approx(np.mean([r.mae["value"] for r in records[:3]]))
    assert row["truth_mae"] == pytest.approx(row["mae"] / 2)
    assert content(made, "reconstruction")["runs"] == [["t0", "t1", "t2"], ["r0", "r1", "r2"]]


def test_bins_of_counts_add_up(made):
    rows = [row for row in content(made, "reconstruction_by_counts")["rows"] if row["model"] == "PCA-8"]
    everything, *bins = rows
    assert everything["net_counts"] == "all"
    assert sum(row["rows"] for row in bins) == everything["rows"]
    total = sum(row["rows"] * row["mae"] for row in bins)
    assert total / everything["rows"] == pytest.approx(everything["mae"])
    assert all(row["truth_mae_low95"] <= row["truth_mae"] <= row["truth_mae_high95"] for row in rows)


def test_every_table_and_figure_is_there_twice(made):
    names = sorted(path.name for path in made[0].iterdir())
    tables = (
        "reconstruction",
        "reconstruction_by_counts",
        "reconstruction_differences",
        "reconstruction_real",
    )
    figures = ("reconstruction_by_counts", "reconstruction_real_1", "reconstruction_real_2")
    assert names == sorted(
        [f"{t}.{e}" for t in tables for e in ("csv", "json")]
        + [f"{f}.{e}" for f in figures for e in ("png", "pdf")]
    )
    with open(made[0] / "reconstruction_real.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 14
    assert {row["data"] for row in content(made, "reconstruction_real")["rows"]} == {"real"}


def test_the_table_calls_simulated_data_so(made):
    text = table(made[1])
    assert text.count("simulated") == 6
    assert "rank nothing" in text
    assert "rank" not in table(made[1][:4])


def test_real_spectra_have_no_truth(real, tmp_path):
    rows = run(real, None, tmp_path, [])
    assert {row["data"] for row in rows} == {"real"}
    assert all(np.isnan(row["truth_mae"]) for row in rows)
    assert len(content((tmp_path,), "reconstruction_differences")["rows"]) == 1


def test_nothing_unseen_is_an_error(sample, tmp_path):
    with pytest.raises(ChandraEmbedError, match=r"spectra\.h5: spectrum-8 \S+ has seen all"):
        run(sample.take(sample.seen), None, tmp_path, [])


def test_without_data_it_is_said_what_is_left_out(monkeypatch, model, tmp_path):
    monkeypatch.delenv("CHANDRA_EMBED_DATA", raising=False)
    assert real_sample(model, tmp_path) == (None, "real spectra are left out: CHANDRA_EMBED_DATA is not set")
    monkeypatch.setenv("CHANDRA_EMBED_DATA", str(tmp_path))
    found, said = real_sample(model, tmp_path)
    assert found is None
    assert "spectra is no folder" in said
    (tmp_path / "spectra").mkdir()
    (tmp_path / "spectra" / "a.pha").write_text("no FITS")
    found, said = real_sample(model, tmp_path)
    assert found is None
    assert "none of the 1 files" in said


@pytest.mark.real
def test_real_spectra_are_ingested_and_drawn(chandra_data, model, tmp_path, sample):
    found, said = real_sample(model, tmp_path)
    assert 10 < len(found) < 60
    assert f"{len(found)} real spectra" in said
    assert not found.simulated
    rows = run(sample, found.take(np.arange(6)), tmp_path, [])
    assert rows[-1]["data"] == "real"
    assert (tmp_path / "reconstruction_real_1.png").exists()
