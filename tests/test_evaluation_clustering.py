import csv
import json
import logging
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation import clustering, tasks
from chandra_embed.training.evaluation.clusterers import Method
from class_blobs import blob_sample

pytest.importorskip("matplotlib")
FEW = (Method("k-means", "as they are"), Method("HDBSCAN", "unit"), Method("k-means", "unit"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One whole run on blobs, with few methods and draws."""
    folder = tmp_path_factory.mktemp("clusters")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clustering, "REPLICATES", 100)
        patch.setattr(clustering, "PERMUTATIONS", 40)
        patch.setattr(clustering.forest, "TREES", 30)
        # a default argument, bound when the function was made
        patch.setattr(clustering.measure, "__defaults__", (FEW, True))
        return clustering.run(blob_sample(each=15, detections=2), folder), folder


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_have_what_is_promised(finished):
    rows, _ = finished
    assert len(rows) == 2 * 3 * len(FEW)
    for row in rows:
        assert row["classes"] in (8, 2)
        assert row["low95"] <= row["low"] <= row["high"] <= row["high95"]
        # noise, where a method has it, takes chance below that of one cluster a row
        assert 0.0 <= row["chance"] < 0.8
        assert row["chance"] > 1 / row["classes"] or "HDBSCAN" in row["method"]
    for classes in (8, 2):
        for latents in ("autoencoder", "pca", "bands"):
            own = [r for r in rows if r["classes"] == classes and r["latents"] == latents]
            assert sum(r["chosen"] for r in own) == 1
            best = max(own, key=lambda r: r["chosen_on"])
            assert best["chosen"]
            assert np.isfinite(best["ahead"]) == (latents != "autoencoder")
            assert not any(np.isfinite(r["ahead"]) for r in own if not r["chosen"])


def test_blobs_are_found_and_noise_is_not(finished):
    rows, _ = finished
    of = {(r["latents"], r["classes"]): r for r in rows if r["chosen"]}
    ours, pca = of["autoencoder", 8], of["pca", 8]
    assert ours["balanced_accuracy"] > 0.95
    assert ours["ceiling"] > 0.95
    assert pca["balanced_accuracy"] < 0.4
    assert abs(pca["balanced_accuracy"] - pca["chance"]) < 0.12
    assert pca["ahead_low95"] > 0.4
    assert pca["ahead"] == pytest.approx(ours["balanced_accuracy"] - pca["balanced_accuracy"])
    assert ours["ratio"] == pytest.approx(ours["ceiling"] / ours["ceiling_bins"])


def test_everything_is_written(finished):
    rows, folder = finished
    content = json.loads((folder / "clusters.json").read_text())
    assert len(content["rows"]) == len(rows)
    assert content["seeds"] == list(clustering.SEEDS)
    assert content["simulated"] is True
    forests = read_csv(folder / "clusters_forest.csv")
    assert [r["features"] for r in forests] == ["autoencoder", "pca", "bands", "bins"] * 2
    for k in (8, 2):
        matrix = read_csv(folder / f"clusters_matrix_{k}.csv")
        assert len(matrix) == k
        for row in matrix:
            shares = [float(x) for name, x in row.items() if name not in ("class", "members")]
            assert sum(shares) == pytest.approx(1.0)
    for name in ("clusters_matrix_8", "clusters_matrix_2", "clusters_accuracy"):
        for ending in ("png", "pdf"):
            assert (folder / f"{name}.{ending}").stat().st_size > 1000


def test_the_table_shows_the_chosen_alone(finished):
    rows, _ = finished
    text = clustering.table(rows)
    assert text.count("k-means") + text.count("HDBSCAN") == 6
    assert "8 classes: autoencoder - pca +" in text
    # blobs of blobs give their class away
    assert "give the class away" in text


def test_the_choice_does_not_look_at_unseen_sources(monkeypatch):
    monkeypatch.setattr(clustering, "REPLICATES", 10)
    monkeypatch.setattr(clustering, "PERMUTATIONS", 5)
    monkeypatch.setattr(clustering.forest, "TREES", 5)
    sample = blob_sample(each=9)
    spoiled = sample.latent.copy()
    spoiled[~sample.seen] = np.random.default_rng(1).normal(size=spoiled[~sample.seen].shape)
    found = []
    for latent in (sample.latent, spoiled):
        task = tasks.make_task(sample, {"autoencoder": latent}, tasks.GROUPS[8])
        found.append(clustering.measure(task, FEW))
    assert [m.chosen_on for m in found[0].measured["autoencoder"]] == [
        m.chosen_on for m in found[1].measured["autoencoder"]
    ]
    assert found[0].chosen("autoencoder").accuracy.value > 0.95
    assert found[1].chosen("autoencoder").accuracy.value < 0.7


class Recorder(Method):
    """A way of clustering that keeps what it was given and what it gave."""

    calls: ClassVar[list[tuple[np.ndarray, np.ndarray]]] = []

    def runs(self, x, k, seeds):
        self.calls.append((x, super().runs(x, k, seeds)))
        return self.calls[-1][1]


def test_clusters_are_of_all_rows_and_measured_on_the_unseen(monkeypatch):
    monkeypatch.setattr(clustering, "REPLICATES", 10)
    monkeypatch.setattr(clustering, "PERMUTATIONS", 5)
    monkeypatch.setattr(clustering.forest, "TREES", 5)
    monkeypatch.setattr(Recorder, "calls", [])
    sample = blob_sample(each=9)
    task = tasks.make_task(sample, {"autoencoder": sample.latent}, tasks.GROUPS[8])
    found = clustering.measure(task, (Recorder("k-means", "as they are"),)).chosen("autoencoder")
    *choices, (rows, labels) = Recorder.calls
    assert len(choices) == len(clustering.SEEDS)
    seen = {tuple(row) for row in task.features["autoencoder"][task.seen]}
    assert all({tuple(row) for row in x} < seen for x, _ in choices)
    assert np.array_equal(rows, task.features["autoencoder"])
    assert np.array_equal(found.labels, labels[:, ~task.seen])


def test_intervals_lie_about_the_figure(monkeypatch):
    monkeypatch.setattr(clustering, "REPLICATES", 200)
    monkeypatch.setattr(clustering, "PERMUTATIONS", 5)
    monkeypatch.setattr(clustering.forest, "TREES", 5)
    sample = blob_sample(each=30, width=2.0)
    task = tasks.make_task(sample, {"autoencoder": sample.latent}, tasks.GROUPS[8])
    for m in clustering.measure(task, FEW[:1]).measured["autoencoder"]:
        assert m.replicates.mean() == pytest.approx(m.accuracy.value)
        assert m.accuracy.low < m.accuracy.value < m.accuracy.high


def test_a_file_without_these_classes_is_refused(tmp_path, caplog):
    sample = blob_sample(("powerlaw", "thermal"))
    with caplog.at_level(logging.ERROR), pytest.raises(ChandraEmbedError, match="powerlaw, thermal"):
        clustering.run(sample, tmp_path)
    unnamed = replace(sample, detection={**sample.detection, "class": np.full(len(sample), "")})
    with pytest.raises(ChandraEmbedError, match=r"blobs\.h5"):
        clustering.run(unnamed, tmp_path)
    assert not list(tmp_path.iterdir())
