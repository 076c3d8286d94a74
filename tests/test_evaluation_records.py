import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.training.evaluation.records import (
    GROUPS,
    add_scores,
    evaluate_run,
    group_of,
    read_record,
    read_records,
    record_runs,
    write_record,
)
from chandra_embed.training.evaluation.spectra_rows import read_rows
from chandra_embed.training.evaluation.tables import from_replicates
from evaluation import made_record, spectra_with_truth
from small import write_spectra


def test_groups_depend_on_the_name_alone():
    names = [f"2CXO J{i}" for i in range(2000)]
    found = group_of(names)
    np.testing.assert_array_equal(group_of(names[::-1])[::-1], found)
    assert found.min() >= 0
    assert found.max() < GROUPS
    assert len(np.unique(found)) > 190
    assert group_of([]).shape == (0,)


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = made_record("run", kind="recurrent")
    write_record(tmp_path / "run.json", record)
    assert read_record(tmp_path / "run.json") == record
    assert len((tmp_path / "run.json").read_text().splitlines()) < 30
    write_record(tmp_path / "a.json", replace(record, name="a"))
    assert [each.name for each in read_records(tmp_path)] == ["a", "run"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format_version": 1, "name": "x"}', '{"format_version": "x"}']
)
def test_what_is_no_record_is_named(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(ChandraEmbedError, match=r"bad\.json: is no record"):
        read_records(tmp_path)


def test_a_newer_record_asks_for_an_upgrade(tmp_path):
    (tmp_path / "new.json").write_text(json.dumps({"format_version": 99, "more": 1}))
    with pytest.raises(ChandraEmbedError, match=r"format version 99.*upgrade"):
        read_record(tmp_path / "new.json")


def test_scores_are_added_and_replaced(tmp_path):
    path = tmp_path / "run.json"
    write_record(path, made_record("run"))
    for value in (0.3, 0.4):
        add_scores(
            path, {"balanced accuracy, 8 classes": from_replicates(value, [value - 0.01, value + 0.01])}
        )
    found = read_record(path)
    assert found.scores["balanced accuracy, 8 classes"]["value"] == 0.4
    assert replace(found, scores={}) == made_record("run")


def test_the_records_of_the_package_can_be_read():
    records = read_records()
    assert len({record.name for record in records}) == len(records)
    for record in records:
        assert "/" not in record.test["command"]
        assert len(record.groups["rows"]) == GROUPS
        assert sum(record.groups["rows"]) == record.test["rows"]


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    return spectra_with_truth(tmp_path_factory.mktemp("data") / "spectra.h5", 300)


@pytest.fixture(scope="module")
def run(spectra, tmp_path_factory):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from chandra_embed.training.autoencoder import AutoencoderConfig
    from chandra_embed.training.datasets import read_spectra
    from chandra_embed.training.loop import TrainConfig, train

    folder = tmp_path_factory.mktemp("runs") / "small"
    model = AutoencoderConfig(width=16, depth=1, heads=2, n_latent=3)
    train(read_spectra([spectra]), model, TrainConfig(epochs=2, seed=4, test=0.3), folder)
    return folder


@pytest.fixture(scope="module")
def recorded(run, spectra):
    return evaluate_run(run, read_rows(spectra))


@pytest.mark.train
def test_the_errors_are_those_that_training_ended_with(recorded, run):
    meta = json.loads((run / "meta.json").read_text())
    figures = meta["figures"]
    for name, ours in (("autoencoder", recorded.mae), ("pca", recorded.pca_mae)):
        np.testing.assert_allclose([ours["value"], ours["low"], ours["high"]], figures[0][name], atol=2e-6)
    assert (recorded.test["rows"], recorded.test["sources"]) == (figures[0]["rows"], figures[0]["sources"])
    assert [row["net_counts"] for row in recorded.by_counts] == [row["net_counts"] for row in figures[1:]]
    assert [row["rows"] for row in recorded.by_counts] == [row["rows"] for row in figures[1:]]
    assert recorded.minus_pca["value"] == pytest.approx(
        recorded.mae["value"] - recorded.pca_mae["value"], abs=2e-6
    )


@pytest.mark.train
def test_a_record_says_what_the_run_was(recorded, run, spectra):
    meta = json.loads((run / "meta.json").read_text())
    assert (recorded.name, recorded.kind, recorded.seed, recorded.epochs) == ("small", "transformer", 4, 2)
    assert recorded.parameters == meta["parameters"]
    assert recorded.model["n_latent"] == 3
    assert (
        recorded.test["sha256"] == recorded.data["files"][0]["sha256"] == meta["data"]["files"][0]["sha256"]
    )
    assert recorded.simulated
    assert recorded.recipe_fingerprint == Recipe().fingerprint
    assert str(spectra.parent) not in json.dumps(recorded.data) + json.dumps(recorded.test)


@pytest.mark.train
def test_the_truth_is_normalised_with_the_noisy_range(recorded, run, spectra):
    import torch
    from chandra_embed.training.checkpoint import load
    from chandra_embed.training.datasets import is_seen

    state = load(run)
    with h5py.File(spectra) as file:
        value, truth = file["spectrum/value"][...], file["truth/value"][...]
        names = [name.decode() for name in file["detection/source_id"][...]]
    kept = ~is_seen(names, state.seen.numpy()) & (np.ptp(value, axis=1) > 0)
    with torch.inference_mode():
        given = state.autoencoder()(torch.from_numpy(value[kept]))[1].numpy()
    ours, inputs = [], []
    for x, t, r in zip(value[kept].astype(float), truth[kept].astype(float), given, strict=True):
        scaled = (t - x.min()) / (x.max() - x.min())
        ours.append(np.abs(r - scaled).mean())
        inputs.append(np.abs((x - x.min()) / (x.max() - x.min()) - scaled).mean())
    assert recorded.truth_mae["value"] == pytest.approx(np.mean(ours), abs=2e-6)
    assert recorded.input_truth_mae["value"] == pytest.approx(np.mean(inputs), abs=2e-6)


@pytest.mark.train
def test_the_groups_add_up(recorded):
    rows = sum(recorded.groups["rows"])
    assert rows == recorded.test["rows"]
    for name in ("mae", "pca_mae", "truth_mae"):
        assert len(recorded.groups[name]) == GROUPS
        assert sum(recorded.groups[name]) / rows == pytest.approx(getattr(recorded, name)["value"], abs=2e-6)


@pytest.mark.train
def test_a_record_is_small_and_the_same_again(run, spectra, recorded, tmp_path):
    assert record_runs([run], spectra, tmp_path / "new") == [recorded]
    path = tmp_path / "new" / "small.json"
    assert read_record(path) == recorded
    assert path.stat().st_size < 12_000
    with pytest.raises(ChandraEmbedError, match=r"small\.json: exists already.*--overwrite"):
        record_runs([run], spectra, tmp_path / "new")
    assert record_runs([run / "."], spectra, tmp_path / "new", overwrite=True) == [recorded]


@pytest.mark.train
def test_spectra_without_truth_leave_it_unknown(run, tmp_path):
    path = write_spectra(tmp_path / "real.h5", 400, seed=5, simulated=False)
    found = evaluate_run(run, read_rows(path))
    assert found.truth_mae is found.input_truth_mae is found.pca_truth_mae is None
    assert "truth_mae" not in found.groups
    assert not found.simulated


@pytest.mark.train
def test_what_cannot_be_recorded_is_named(run, spectra, tmp_path):
    from chandra_embed.training import checkpoint

    rows = read_rows(spectra)
    state = checkpoint.load(run)
    checkpoint.save(tmp_path / "half", replace(state, meta={**state.meta, "finished": False}))
    with pytest.raises(ChandraEmbedError, match="half: the run is not finished"):
        evaluate_run(tmp_path / "half", rows)
    other = read_rows(write_spectra(tmp_path / "other.h5", 4, recipe=Recipe(group_min=9)))
    with pytest.raises(ChandraEmbedError, match=r"other\.h5: recipe fingerprint"):
        evaluate_run(run, other)
    names = list(dict.fromkeys(rows.detection["source_id"].tolist()))
    import torch
    from chandra_embed.training.datasets import source_keys

    checkpoint.save(tmp_path / "all", replace(state, seen=torch.from_numpy(source_keys(names))))
    with pytest.raises(ChandraEmbedError, match="has seen all of its sources"):
        evaluate_run(tmp_path / "all", rows)
    with pytest.raises(ChandraEmbedError, match="two runs of this name"):
        record_runs([run, run], spectra, tmp_path / "records")
