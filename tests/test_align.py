import json
import time
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.training import align, checkpoint  # noqa: E402
from chandra_embed.training.align import AlignTrainConfig, embed_part, fit_aligner  # noqa: E402
from chandra_embed.training.align_checkpoint import load_aligner  # noqa: E402
from chandra_embed.training.aligner import AlignerConfig  # noqa: E402
from chandra_embed.training.contrastive import geometry, variance_covariance  # noqa: E402
from chandra_embed.training.datasets import is_seen  # noqa: E402
from shared_factor import shared_factor  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)
CONFIG = AlignerConfig(hidden=32, size=8, dropout=0.1, noise=0.1, temperature=0.07, temperature_low=0.01)
TRAINING = AlignTrainConfig(epochs=6, batch_size=64, learning_rate=3e-3, warmup=5, seed=4)


class Killed(Exception):
    """What a kill between two epochs looks like."""


@pytest.fixture(scope="module")
def data():
    return shared_factor()


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    began = time.process_time()
    state = fit_aligner(data, CONFIG, folder, TRAINING)
    return folder, state, time.process_time() - began


def figures(state, method="aligner"):
    return {row["direction"]: row for row in state.meta["figures"] if row["method"] == method}


def numbers(state):
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in state.meta["history"]]


def test_a_shared_factor_is_found_far_above_chance_in_seconds(finished):
    _, state, seconds = finished
    found = figures(state)
    directions = ("spectrum->text", "text->spectrum", "event->text", "text->event", "spectrum->event")
    for direction in directions:
        assert found[direction]["recall_1pct"] > 0.25, direction  # chance: 0.01
        assert found[direction]["recall_1pct"] <= found[direction]["recall_5pct"] <= 1
        assert found[direction]["median_rank"] < found[direction]["n"] / 20
    assert found["spectrum->text"]["n"] > 400
    assert found["event->text"]["n"] < found["spectrum->text"]["n"]
    assert seconds < 20
    assert "text->spectrum" in figures(state, "bag of words")


def test_shuffled_pairs_teach_nothing(data, tmp_path):
    # no source keeps its own text, in any part
    order = np.random.default_rng(1).permutation(len(data))
    wrong = replace(data, text=data.text[order])
    state = fit_aligner(wrong, CONFIG, tmp_path, replace(TRAINING, epochs=3))
    for row in figures(state).values():
        if "text" in row["direction"]:
            assert row["recall_1pct"] < 0.04


def test_the_temperature_is_learnt(finished):
    history = finished[1].meta["history"]
    assert len({entry["temperature"] for entry in history}) == len(history)
    assert all(0.01 <= entry["temperature"] <= 1 for entry in history)
    assert history[-1]["train"] < history[0]["train"]


def test_same_bytes_killed_or_not(data, finished, tmp_path):
    def kill(entry):
        if entry["epoch"] in (1, 3):
            raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            fit_aligner(data, CONFIG, tmp_path, TRAINING, on_epoch=kill)
        torch.manual_seed(123)
    again = fit_aligner(data, CONFIG, tmp_path, TRAINING)
    first = finished[1]
    assert numbers(again) == numbers(first)
    assert again.meta["figures"] == first.meta["figures"]
    for ours, theirs in ((again.best, first.best), (again.weights, first.weights)):
        assert ours.keys() == theirs.keys()
        assert all(ours[k].numpy().tobytes() == theirs[k].numpy().tobytes() for k in ours)


def test_what_was_saved_is_what_was_fitted(data, finished):
    folder, state, _ = finished
    found = load_aligner(folder)
    assert found.meta == state.meta
    part = data.take("test")
    ours, theirs = (embed_part(s.aligner(), part) for s in (found, state))
    for name in ("spectrum", "event", "text"):
        assert np.array_equal(ours[name], theirs[name], equal_nan=True)
    assert np.array_equal(np.isnan(ours["event"][:, 0]), ~part.present("event"))
    assert json.loads((folder / "meta.json").read_text())["kind"] == "aligner"
    assert found.bag_of_words().weights.shape == (20, 16)


def test_seen_are_the_sources_of_training_and_validation(data, finished):
    seen = is_seen(data.source_id, finished[1].seen.numpy())
    assert np.array_equal(seen, data.split != "test")


def test_the_best_epoch_is_kept(data, tmp_path, monkeypatch):
    recalls = iter([0.1, 0.5, 0.3, 0.5, 0.2, 0.1])
    monkeypatch.setattr(align, "validation_recall", lambda model, part: next(recalls))
    kept = {}

    def keep(entry):
        kept[entry["epoch"]] = checkpoint.load(tmp_path).weights

    state = fit_aligner(data, CONFIG, tmp_path, replace(TRAINING, patience=3), on_epoch=keep)
    assert len(state.meta["history"]) == 5  # three epochs after the second without a better one
    assert all(torch.equal(state.best[name], kept[2][name]) for name in state.best)


def test_inputs_are_standardised_by_training_rows_alone(data, finished):
    model, train = finished[1].aligner(), data.split == "train"
    rows = data.event[train]
    rows = rows[np.isfinite(rows[:, 0])].astype(float)
    np.testing.assert_allclose(model.heads["event"].mean, rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(model.heads["event"].scale, rows.std(axis=0), rtol=1e-5)
    # one scale for all components of a text
    level = np.sqrt(data.text[train].astype(float).var(axis=0).mean())
    np.testing.assert_allclose(model.heads["text"].scale, level, rtol=1e-5)


@pytest.mark.parametrize(
    "change",
    [{"regulariser": "geometry", "weight": 1.0}, {"weight": 0.0}, {"soft": 0.2}, {"between": 0.0}],
)
def test_every_loss_learns_and_is_another_one(data, finished, tmp_path, change):
    state = fit_aligner(data, replace(CONFIG, **change), tmp_path, replace(TRAINING, epochs=4))
    assert figures(state)["spectrum->text"]["recall_1pct"] > 0.15
    assert numbers(state)[0]["train"] != numbers(finished[1])[0]["train"]


def test_the_regularisers_do_what_they_are_for(data, tmp_path):
    def fit(name, **change):
        model = fit_aligner(
            data, replace(CONFIG, **change), tmp_path / name, replace(TRAINING, epochs=4)
        ).aligner()
        part = data.take("test")
        z, x = embed_part(model, part)["spectrum"], torch.from_numpy(part.rows["spectrum"])
        before = model.heads["spectrum"].standardise(x)[:300]
        z = torch.from_numpy(z[:300])
        return float(variance_covariance(z)), float(geometry(z, before))

    uneven, moved = fit("none", weight=0.0)
    assert fit("variance", weight=20.0)[0] < 0.6 * uneven
    assert fit("geometry", weight=50.0, regulariser="geometry")[1] < 0.7 * moved


def test_a_level_that_the_text_speaks_of_helps(data, tmp_path):
    # brightness that neither the latents nor the events know of
    level = np.repeat(np.random.default_rng(5).normal(size=len(data) // 2), 2).astype(np.float32)
    words = np.hstack([data.text, 10 * level[:, None]])
    told = replace(data, text=words, event=None)
    state = fit_aligner(replace(told, level=level - 3), CONFIG, tmp_path, TRAINING)
    without = fit_aligner(told, CONFIG, tmp_path / "without", TRAINING)
    ours, theirs = (figures(s)["text->spectrum"]["median_rank"] for s in (state, without))
    assert ours < 0.7 * theirs
    head = state.aligner().heads["spectrum"]
    assert float(head.low) == pytest.approx(float(level[data.split == "train"].min()) - 3)
    assert float(head.high) == pytest.approx(float(level[data.split == "train"].max()) - 3)
    assert state.bag_of_words().weights.shape == (21, 17)


def test_two_modalities(data, tmp_path):
    for absent, direction in (("event", "spectrum->text"), ("spectrum", "event->text")):
        two = replace(data, **{absent: None})
        state = fit_aligner(two, CONFIG, tmp_path / absent, replace(TRAINING, epochs=4))
        assert set(figures(state)) == {direction, "->".join(reversed(direction.split("->")))}
        assert figures(state)[direction]["recall_1pct"] > 0.2


def test_another_run_is_not_gone_on_with(data, finished, tmp_path):
    with pytest.raises(ChandraEmbedError, match="finished run"):
        fit_aligner(data, CONFIG, finished[0], TRAINING)

    def kill(entry):
        raise Killed

    with pytest.raises(Killed):
        fit_aligner(data, CONFIG, tmp_path, TRAINING, on_epoch=kill)
    with pytest.raises(ChandraEmbedError, match=r"weight 0\.1, this command says 0\.2"):
        fit_aligner(data, replace(CONFIG, weight=0.2), tmp_path, TRAINING)
    with pytest.raises(ChandraEmbedError, match="epochs 6, this command says 7"):
        fit_aligner(data, CONFIG, tmp_path, replace(TRAINING, epochs=7))
    with pytest.raises(ChandraEmbedError, match="pairs"):
        fit_aligner(shared_factor(seed=1), CONFIG, tmp_path, TRAINING)


def test_few_pairs_are_one_batch(data, tmp_path):
    state = fit_aligner(data, CONFIG, tmp_path, replace(TRAINING, batch_size=5000, epochs=2))
    assert len(state.meta["history"]) == 2
    assert np.isfinite(state.meta["history"][-1]["train"])


def test_a_loss_that_is_not_finite_is_said(data, tmp_path):
    with pytest.raises(ChandraEmbedError, match="smaller learning rate"):
        fit_aligner(data, CONFIG, tmp_path, replace(TRAINING, learning_rate=1e30, clip=1e30))


def test_a_checkpoint_of_another_kind_is_refused(finished, tmp_path):
    state = finished[1]
    checkpoint.save(tmp_path, replace(state, meta={**state.meta, "kind": "transformer"}))
    with pytest.raises(ChandraEmbedError, match="no run of an aligner"):
        load_aligner(tmp_path)
