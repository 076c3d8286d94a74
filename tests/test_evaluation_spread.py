import json

import pytest
from chandra_embed.training.evaluation import clustering, spread
from chandra_embed.training.evaluation.clusterers import Method
from class_blobs import blob_sample

pytest.importorskip("matplotlib")


@pytest.fixture
def quick(monkeypatch):
    """One method, few draws."""
    monkeypatch.setattr(clustering, "REPLICATES", 50)
    monkeypatch.setattr(clustering, "PERMUTATIONS", 10)
    monkeypatch.setattr(clustering.forest, "TREES", 10)
    monkeypatch.setattr(clustering.measure, "__defaults__", ((Method("k-means", "as they are"),), True))


@pytest.mark.usefixtures("quick")
def test_wider_classes_are_harder_to_find(tmp_path):
    samples = {2.0: blob_sample(width=4.0), 0.0: blob_sample(width=0.01)}
    rows = spread.write_spread(samples, tmp_path)
    assert [r["spread"] for r in rows] == [0.0] * 6 + [2.0] * 6
    ours = {r["spread"]: r for r in rows if r["latents"] == "autoencoder" and r["classes"] == 8}
    assert ours[0.0]["balanced_accuracy"] == 1.0
    assert ours[2.0]["balanced_accuracy"] < 0.7
    assert ours[2.0]["forest"] < ours[0.0]["forest"]
    content = json.loads((tmp_path / "clusters_spread.json").read_text())
    assert set(content["samples"]) == {"0", "2"}
    assert (tmp_path / "clusters_spread.pdf").stat().st_size > 1000


def test_real_spectra_have_no_spread_to_set():
    with pytest.raises(ValueError, match="not simulated"):
        spread.spread_curve({1.0: blob_sample(simulated=False)})
