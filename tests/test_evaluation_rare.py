"""Planted sources: recovered where they stand apart, and p-values that tell whether they are ones."""

import json
from functools import partial

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("onnx")

from aligned_bundle import seal, write_aligned_bundle
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.reference import Reference
from chandra_embed.training.evaluation import rare
from chandra_embed.training.evaluation.cli import evaluate
from chandra_embed.training.evaluation.planted import Planted
from chandra_embed.training.evaluation.rare import pvalue_rows, recovery_rows, run, table
from chandra_embed.training.evaluation.strangeness import HardnessSpace, Space
from click.testing import CliRunner

SMALL = {"normals": 260, "each": 4}
METHODS = ("knn", "isolation", "mahalanobis", "combination", "shown such sources")
KINDS = ("ULX-like", "supersoft", "flaring YSO")
pytestmark = pytest.mark.usefixtures("few_draws")


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def planted(normals=1500, each=50, seed=0):
    """Make rows whose rare kinds stand apart in the embedding, or in hardness, or nowhere."""
    rng = np.random.default_rng(seed)
    kind = np.array([""] * normals + [name for name in KINDS for _ in range(each)])
    n = len(kind)
    x, hardness = rng.normal(size=(n, 6)) * [1, 1, 1, 0.1, 0.1, 0.1], rng.normal(0, 0.2, (n, 3))
    x[kind == "ULX-like"] += [0, 0, 0, 9, 0, 0]
    hardness[kind == "supersoft"] += 3.0
    source = np.array([f"s{i}" for i in range(n)])
    counts = 40 + 400 * rng.random(n)
    return Planted({"spectrum": unit(x)}, rng.random(n), counts, hardness, kind, source, {"file": "x"})


def scores_of(sample):
    found = {}
    spaces = {"spectrum": (Space, sample.embedding["spectrum"]), "hardness": (HardnessSpace, sample.hardness)}
    for name, (maker, rows) in spaces.items():
        space = maker(rows[sample.normal])
        other = space.score(rows[~sample.normal])
        for method, own in space.own.items():
            found[name, method] = np.concatenate([own, other[method]])
    return found


def test_what_stands_apart_is_recovered_and_nothing_else():
    sample = planted(each=10)
    rows = list(recovery_rows(sample, scores_of(sample)))
    assert {row["space"] for row in rows} == {"spectrum"}
    all_rows = {
        row["kind"]: row
        for row in rows
        if (row["counts"], row["method"], row["ranked"]) == ("all", "knn", "all rows")
    }
    assert all_rows["ULX-like"]["recovered"] == 1
    assert all_rows["ULX-like"]["difference_low95"] > 0
    assert all_rows["supersoft"]["recovered"] < 0.3
    assert all_rows["supersoft"]["hardness_recovered"] == 1
    assert all_rows["supersoft"]["difference_high95"] < 0
    assert all_rows["flaring YSO"]["recovered"] < 0.3
    assert all_rows["flaring YSO"]["hardness_recovered"] < 0.3
    for row in rows:
        assert row["low95"] <= row["recovered"] <= row["high95"]
        assert row["difference"] == pytest.approx(row["recovered"] - row["hardness_recovered"])


def test_cells_add_up():
    sample = planted(each=10)
    rows = list(recovery_rows(sample, scores_of(sample)))
    of = [row for row in rows if row["method"] == "knn" and row["ranked"] == "like counts"]
    total = next(row for row in of if (row["kind"], row["counts"]) == ("all kinds", "all"))
    bins = [row for row in of if row["kind"] == "all kinds" and row["counts"] not in ("all", ">= 100")]
    assert total["n"] == 30 == sum(row["n"] for row in bins)
    assert total["recovered"] * 30 == pytest.approx(sum(row["recovered"] * row["n"] for row in bins))
    kinds = [row for row in of if row["counts"] == "all" and row["kind"] != "all kinds"]
    assert {row["kind"]: row["n"] for row in kinds} == dict.fromkeys(KINDS, 10)


def reference_of(sample):
    rows = sample.normal
    return Reference.build(
        sample.embedding["spectrum"][rows],
        sample.reconstruction_error[rows],
        sample.net_counts[rows],
        sample.source_id[rows],
        n_trees=20,
    )


def test_p_values_of_the_same_population_are_uniform_and_of_another_not():
    frozen = reference_of(planted(seed=1, normals=3000, each=1))
    same = pvalue_rows(planted(seed=2, normals=3000, each=1), frozen)
    assert [row["counts"] for row in same] == ["40 - 100", "100 - 300", ">= 300"]
    assert all(row["ks_p"] > 0.01 for row in same)
    assert all(row["ks_p_uniform"] <= row["ks_p"] + 0.2 for row in same)
    assert sum(row["n_reference"] for row in same) == len(frozen.calibration_net_counts)
    other = planted(seed=3, normals=3000, each=1)
    other.reconstruction_error[:] += 0.4
    assert all(row["ks_p"] < 1e-6 and row["ks_p_uniform"] < 1e-6 for row in pvalue_rows(other, frozen))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = write_aligned_bundle(tmp_path_factory.mktemp("rare") / "tiny")
    rng = np.random.default_rng(0)
    x = unit(rng.normal(size=(600, 8)))
    counts = 40 + 300 * rng.random(600)
    reference = Reference.build(x, rng.random(600), counts, np.arange(600).astype(str), n_trees=10)
    reference.save(folder / "anomaly.npz")
    return seal(folder)


@pytest.fixture(scope="module")
def done(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("anomalies")
    return folder, *run(model, folder, **SMALL)


def test_every_space_method_and_ranking_has_a_row(done):
    _, rows, _ = done
    assert {(row["space"], row["method"]) for row in rows} == {
        *((space, m) for space in ("spectrum", "event", "both") for m in METHODS),
        ("spectrum", "frozen reference"),
        *(("measured", m) for m in ("variability", "shown such sources")),
    }
    assert {row["kind"] for row in rows} == {"all kinds", *KINDS}
    total = [row for row in rows if (row["kind"], row["counts"]) == ("all kinds", "all")]
    assert {row["n"] for row in total} == {12}
    assert len(total) == 2 * (3 * len(METHODS) + 3)
    keys = {"kind", "counts", "space", "method", "n", "recovered", "low", "high", "hardness_recovered"}
    assert keys | {"difference", "difference_low", "difference_high"} <= set(rows[0])


def test_tables_and_the_figure_are_written(done):
    folder, rows, others = done
    content = json.loads((folder / "anomalies.json").read_text())
    assert content["rows"] == rows
    assert content["simulated"] is True
    assert content["rare_rows"] == 12
    assert str(folder) not in (folder / "anomalies.json").read_text()
    for ending in ("png", "pdf"):
        assert (folder / f"anomalies.{ending}").stat().st_size > 5000
    assert {"counts", "n", "ks_p"} <= set(others["anomalies-pvalues"][0])
    text = table(rows, others)
    assert text.startswith("Rare sources recovered among the strangest 2%, simulated spectra")
    assert "Conformal p-values of normal rows held out, simulated spectra" in text
    assert "Rare sources among the lowest 1% of degrees, simulated spectra" in text
    assert {row["space"] for row in others["anomalies-degrees"]} == {"spectrum", "event", "both"}
    assert "Real spectra" not in text


def test_too_few_normal_rows_are_named(done, model, monkeypatch):
    folder, *_ = done
    monkeypatch.setattr(rare, "LEAST", 10_000)
    with pytest.raises(
        ChandraEmbedError, match=r"evaluation-rare\.h5: \d+ normal and 12 rare rows of 40 net"
    ):
        run(model, folder, **SMALL)


def test_the_command_and_a_bundle_without_a_reference(done, tmp_path, monkeypatch):
    folder, *_ = done
    monkeypatch.setattr(rare, "run", partial(run, **SMALL))
    monkeypatch.delenv("CHANDRA_EMBED_DATA", raising=False)
    model = write_aligned_bundle(tmp_path / "plain")
    arguments = ["anomalies", "--model", str(model), "-o", str(folder)]
    refused = CliRunner().invoke(evaluate, arguments)
    assert refused.exit_code == 1
    assert "anomalies.json: exists already; give --overwrite" in refused.stderr
    told = CliRunner().invoke(evaluate, [*arguments, "--overwrite", "--json"])
    assert told.exit_code == 0, told.output
    assert "real spectra are left out: CHANDRA_EMBED_DATA names no folder" in told.stderr
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    written = json.loads((folder / "anomalies.json").read_text())["rows"]
    degrees = json.loads((folder / "anomalies-degrees.json").read_text())["rows"]
    assert lines == [  # no p-values, no real spectra
        *({"table": "anomalies", **row} for row in written),
        *({"table": "anomalies-degrees", **row} for row in degrees),
    ]
    assert "frozen reference" not in {row.get("method") for row in lines}
    text = table(written, {"anomalies-degrees": degrees, "anomalies-pvalues": [], "anomalies-real": []})
    assert "p-values" not in text
