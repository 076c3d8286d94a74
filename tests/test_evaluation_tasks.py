import logging
from dataclasses import replace

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation import tasks
from class_blobs import blob_sample


def test_eight_classes_and_two():
    sample = blob_sample()
    features = tasks.features_of(sample)
    assert {name: x.shape for name, x in features.items()} == {
        "autoencoder": (96, 8),
        "pca": (96, 8),
        "bands": (96, 3),
    }
    eight = tasks.make_task(sample, features, tasks.GROUPS[8])
    assert eight.names == tuple(tasks.GROUPS[8])
    assert len(eight.true) == 96
    two = tasks.make_task(sample, features, tasks.GROUPS[2])
    assert two.names == ("AGN", "compact")
    kept = np.isin(sample.detection["class"], ["AGN", "CV", "HMXB", "LMXB", "NS"])
    np.testing.assert_array_equal(two.true, (sample.detection["class"][kept] != "AGN").astype(int))
    np.testing.assert_array_equal(two.features["autoencoder"], sample.latent[kept])
    np.testing.assert_array_equal(two.seen, sample.seen[kept])


def test_rows_of_no_class_and_classes_of_one_source_are_left_out(caplog):
    sample = blob_sample()
    kind = sample.detection["class"].astype("U10")
    kind[:3] = ""
    rows = np.flatnonzero(kind == "NS")
    kind[rows[1:]] = "galaxy"
    sample = replace(sample, detection={**sample.detection, "class": kind})
    with caplog.at_level(logging.WARNING):
        task = tasks.make_task(sample, tasks.features_of(sample), tasks.GROUPS[8])
    assert "NS" not in task.names
    assert len(task.names) == 7
    assert len(task.true) == 96 - 3 - 12
    assert task.true.max() == 6
    assert "class NS is left out" in caplog.text


def test_spectra_of_few_counts_are_left_out():
    sample = blob_sample()
    net = np.full(96, float(tasks.MIN_COUNTS))
    net[:4], net[4] = tasks.MIN_COUNTS - 1e-9, np.nan
    sample = replace(sample, detection={**sample.detection, "net_counts": net})
    task = tasks.make_task(sample, {"pca": sample.pca}, tasks.GROUPS[8])
    np.testing.assert_array_equal(task.features["pca"], sample.pca[5:])


def test_no_such_classes_is_none():
    sample = blob_sample(("powerlaw", "thermal"))
    assert tasks.make_task(sample, {"pca": sample.pca}, tasks.GROUPS[8]) is None
    one = blob_sample(("AGN", "YSO"))
    assert tasks.make_task(one, {"pca": one.pca}, tasks.GROUPS[2]) is None


@pytest.mark.parametrize(("seen", "says"), [(False, "seen none"), (True, "seen all")])
def test_both_parts_are_needed(seen, says):
    sample = blob_sample()
    sample = replace(sample, seen=np.full(96, seen))
    with pytest.raises(ChandraEmbedError, match=f"blobs.h5: blobs 1.0.0 has {says}"):
        tasks.make_task(sample, {"pca": sample.pca}, tasks.GROUPS[8])


def test_bands_that_are_not_known_are_left_out_and_it_is_said(caplog):
    sample = blob_sample()
    unknown = {f"hard_{xy}": np.full(96, np.nan) for xy in ("hs", "hm", "ms")}
    with caplog.at_level(logging.WARNING):
        features = tasks.features_of(replace(sample, detection={**sample.detection, **unknown}))
    assert set(features) == {"autoencoder", "pca"}
    assert "bands are left out" in caplog.text


def test_latents_that_are_not_finite_are_refused():
    sample = blob_sample()
    sample.latent[5, 0] = np.nan
    with pytest.raises(ValueError, match="autoencoder: row 5 is not finite"):
        tasks.features_of(sample)


def test_too_many_rows_are_thinned_by_source(monkeypatch, caplog):
    monkeypatch.setattr(tasks, "MOST_ROWS", 30)
    sample = blob_sample(each=8, detections=2)
    with caplog.at_level(logging.WARNING):
        task = tasks.make_task(sample, {"pca": sample.pca}, tasks.GROUPS[8])
    for part in (task.seen, ~task.seen):
        assert 25 <= part.sum() <= 30
        assert (np.unique(task.source_id[part], return_counts=True)[1] == 2).all()
    assert "rows are clustered" in caplog.text
