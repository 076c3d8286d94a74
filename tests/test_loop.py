import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from small import write_spectra

torch = pytest.importorskip("torch")

from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.training import checkpoint, loop  # noqa: E402
from chandra_embed.training.autoencoder import AutoencoderConfig, build  # noqa: E402
from chandra_embed.training.datasets import PARTS, read_spectra, split  # noqa: E402
from chandra_embed.training.loop import TrainConfig, learning_rate, settle_latents, train  # noqa: E402

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("few_draws")]
torch.set_num_threads(1)  # the work is small: more threads only wait for each other
MODEL = AutoencoderConfig(width=16, depth=1, heads=2, n_latent=3, dropout=0.1)
CONFIG = TrainConfig(epochs=3, batch_size=24, seed=4, validation=0.2, test=0.2)


class Killed(Exception):
    """What a kill between two epochs looks like."""


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    return read_spectra([write_spectra(tmp_path_factory.mktemp("spectra") / "spectra.h5", 96)], errors=True)


@pytest.fixture(scope="module")
def finished(spectra, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, train(spectra, MODEL, CONFIG, folder)


def numbers(state):
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in state.meta["history"]]


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_same_seed_same_numbers(spectra, finished, tmp_path):
    torch.manual_seed(123)
    again = train(spectra, MODEL, CONFIG, tmp_path)
    assert numbers(again) == numbers(finished[1])
    assert same(again.best, finished[1].best)
    assert same(again.weights, finished[1].weights)
    assert again.meta["figures"] == finished[1].meta["figures"]
    other = train(spectra, MODEL, replace(CONFIG, seed=5), tmp_path / "other")
    assert numbers(other) != numbers(again)


VARIANTS = {
    "transformer": (MODEL, {}),
    "recurrent": (replace(MODEL, kind="recurrent"), {}),
    "all variants": (MODEL, {"noise": 0.1, "mask": 0.2, "weighted": True, "rows": 40}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_same_seed_same_bytes_killed_or_not(spectra, tmp_path, name):
    model, changes = VARIANTS[name]
    config = replace(CONFIG, epochs=2, **changes)

    def kill(entry):
        raise Killed

    first = train(spectra, model, config, tmp_path / "first")
    with pytest.raises(Killed):
        train(spectra, model, config, tmp_path / "second", kill)
    torch.manual_seed(123)
    second = train(spectra, model, config, tmp_path / "second")
    for ours, theirs in ((first.best, second.best), (first.weights, second.weights)):
        assert ours.keys() == theirs.keys()
        assert all(ours[k].numpy().tobytes() == theirs[k].numpy().tobytes() for k in ours)
    assert first.meta["figures"] == second.meta["figures"]
    assert first.meta["model"]["kind"] == model.kind


def test_each_variant_changes_the_weights(spectra, finished, tmp_path):
    for i, changes in enumerate(({"noise": 0.1}, {"mask": 0.2}, {"weighted": True}, {"rows": 30})):
        state = train(spectra, MODEL, replace(CONFIG, **changes), tmp_path / str(i))
        assert not same(state.weights, finished[1].weights), changes


def test_denoising_changes_the_weights_and_judges_by_what_it_makes_small(spectra, finished, tmp_path):
    known = replace(spectra, truth=spectra.value * np.float32(0.9))
    state = train(known, MODEL, replace(CONFIG, denoise=0.5), tmp_path)
    assert not same(state.weights, finished[1].weights)
    for entry in state.meta["history"]:
        assert entry["fitted"] != entry["validation"]
    assert all(entry["fitted"] == entry["validation"] for entry in finished[1].meta["history"])


def test_fewer_rows_are_drawn_from_the_training_part_alone(spectra, finished, tmp_path):
    state = train(spectra, MODEL, replace(CONFIG, epochs=1, rows=30), tmp_path)
    whole = finished[1].meta["data"]["rows"]
    assert state.meta["data"]["rows"] == {**whole, "train": 30}
    assert set(state.seen.tolist()) < set(finished[1].seen.tolist())
    more = train(spectra, MODEL, replace(CONFIG, epochs=1, rows=10**6), tmp_path / "all")
    assert more.meta["data"]["rows"] == whole


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"mask": 1.0}, "mask 1.0: give a fraction"),
        ({"test": -0.1}, "test -0.1: give a fraction"),
        ({"test": 0.9}, "test 0.9: with 0.2 for validation nothing is left"),
        ({"denoise": 1.5}, "denoise 1.5: give a share"),
        ({"noise": -1.0}, "noise -1.0: give"),
        ({"noise": math.nan}, "noise nan: give"),
    ],
)
def test_impossible_settings_are_refused_with_their_name(changes, text):
    with pytest.raises(ChandraEmbedError, match=text):
        replace(CONFIG, **changes)


def test_run_begun_before_the_variants_goes_on(spectra, finished, tmp_path):
    def kill(entry):
        raise Killed

    with pytest.raises(Killed):
        train(spectra, MODEL, CONFIG, tmp_path, kill)
    old = checkpoint.load(tmp_path)
    del old.meta["model"]["kind"]
    for name in ("noise", "mask", "weighted", "denoise", "rows"):
        del old.meta["training"][name]
    checkpoint.save(tmp_path, old)
    assert same(train(spectra, MODEL, CONFIG, tmp_path).best, finished[1].best)


@pytest.mark.parametrize("epochs_before", [1, 2])
def test_resume_ends_as_if_never_killed(spectra, finished, tmp_path, epochs_before):
    def kill(entry):
        if entry["epoch"] == epochs_before:
            raise Killed

    with pytest.raises(Killed):
        train(spectra, MODEL, CONFIG, tmp_path, kill)
    assert not checkpoint.load(tmp_path).meta["finished"]
    seen = []
    resumed = train(spectra, MODEL, CONFIG, tmp_path, lambda entry: seen.append(entry["epoch"]))
    assert seen == list(range(epochs_before + 1, 4))
    assert numbers(resumed) == numbers(finished[1])
    assert same(resumed.best, finished[1].best)
    assert same(resumed.weights, finished[1].weights)


def test_kill_while_saving_leaves_the_checkpoint_before(spectra, tmp_path, monkeypatch):
    def kill(entry):
        raise Killed

    with pytest.raises(Killed):
        train(spectra, MODEL, CONFIG, tmp_path, kill)
    before = (tmp_path / checkpoint.FILE).read_bytes()

    def half_written(content, path):
        path.write_bytes(b"PK half")
        raise Killed

    monkeypatch.setattr(checkpoint.torch, "save", half_written)
    with pytest.raises(Killed):
        train(spectra, MODEL, CONFIG, tmp_path)
    assert (tmp_path / checkpoint.FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("model", "config", "text"),
    [
        (MODEL, replace(CONFIG, batch_size=25), "batch_size 24, this command says 25"),
        (replace(MODEL, width=32), CONFIG, "width 16, this command says 32"),
    ],
)
def test_resume_with_other_settings_names_both(spectra, tmp_path, model, config, text):
    def kill(entry):
        raise Killed

    with pytest.raises(Killed):
        train(spectra, MODEL, CONFIG, tmp_path, kill)
    with pytest.raises(ChandraEmbedError, match=text):
        train(spectra, model, config, tmp_path)


def test_resume_with_other_spectra_names_both(spectra, tmp_path):
    def kill(entry):
        raise Killed

    with pytest.raises(Killed):
        train(spectra, MODEL, CONFIG, tmp_path, kill)
    other = read_spectra([write_spectra(tmp_path / "other.h5", 96, seed=1)])
    with pytest.raises(ChandraEmbedError) as caught:
        train(other, MODEL, CONFIG, tmp_path)
    for file in (spectra.files[0], other.files[0]):
        assert file["sha256"] in str(caught.value)


def test_finished_run_is_refused(spectra, finished):
    with pytest.raises(ChandraEmbedError, match="finished run"):
        train(spectra, MODEL, CONFIG, finished[0])


def test_the_error_falls_and_stands_beside_the_baselines(finished):
    history = finished[1].meta["history"]
    assert history[-1]["train"] < history[0]["train"]
    assert 0 < history[0]["pca"] < history[0]["mean"]


def test_best_weights_are_those_of_the_best_epoch(spectra, tmp_path):
    copies = []

    def keep(entry):
        copies.append(checkpoint.load(tmp_path).weights)

    # a rate that makes later epochs worse
    state = train(spectra, MODEL, replace(CONFIG, learning_rate=0.3, epochs=4), tmp_path, keep)
    errors = [entry["validation"] for entry in state.meta["history"]]
    best, kept = copies[int(np.argmin(errors))], dict(state.best)
    for name in ("encoder.to_latent.weight", "encoder.to_latent.bias", "decoder.from_latent.weight"):
        ratio = kept[name] / best[name]  # settle_latents: one power of two
        assert torch.equal(ratio, ratio.flatten()[0].expand_as(ratio))
        kept[name] = best[name]
    kept["encoder.latent_mean"] = torch.zeros(3)
    assert same(kept, best)


def test_early_stop(spectra, tmp_path, monkeypatch):
    errors = iter([0.5, 0.4, 0.6, 0.4, 0.41, 0.1, 0.1])

    def given(model, value):
        return np.full(len(value), next(errors), np.float32)

    monkeypatch.setattr(loop, "model_errors", given)
    state = train(spectra, MODEL, replace(CONFIG, epochs=20, patience=3), tmp_path)
    assert len(state.meta["history"]) == 5


def test_latents_are_centred_and_scaled_by_the_training_rows(spectra, finished):
    rows = spectra.take(split(spectra.source_id, CONFIG.seed, CONFIG.validation, CONFIG.test)["train"])
    model = finished[1].autoencoder()
    with torch.inference_mode():
        latent = model.encoder(torch.from_numpy(rows.value))[0]
    assert torch.allclose(model.encoder.latent_mean, latent.mean(dim=0), atol=1e-5)
    assert not torch.equal(model.encoder.latent_mean, torch.zeros(3))
    assert 0.5 < float((latent - latent.mean(dim=0)).square().mean().sqrt()) <= 1


@pytest.mark.parametrize("growth", [1e-3, 1.0, 300.0])
def test_scaling_latents_changes_no_other_bit(spectra, growth):
    model = build(MODEL, 0).eval()
    x = torch.from_numpy(spectra.value)
    with torch.no_grad():
        model.encoder.to_latent.weight *= growth
        before, latent_before = model(x)[1], model.encoder(x)[0]
        settle_latents(model, spectra.value)
        after, (latent, _, _, embedding) = model(x)[1], model.encoder(x)[0:4]
    assert torch.equal(after, before)
    ratio = float(latent_before[0, 0] / latent[0, 0])
    assert math.log2(ratio) == round(math.log2(ratio))
    assert torch.equal(latent * ratio, latent_before)
    assert 0.5 < float((latent - latent.mean(dim=0)).square().mean().sqrt()) <= 1 + 1e-6
    centred = latent_before.double() - latent_before.double().mean(dim=0)
    assert torch.allclose(embedding.double(), centred / centred.norm(dim=1, keepdim=True), atol=1e-3)


def test_latents_that_do_not_vary(spectra):
    model = build(MODEL, 0).eval()
    with torch.no_grad():
        model.encoder.to_latent.weight.zero_()
    settle_latents(model, spectra.value)
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


def test_figures_are_those_of_the_test_rows(spectra, finished):
    masks = split(spectra.source_id, CONFIG.seed, CONFIG.validation, CONFIG.test)
    test = spectra.take(masks["test"])
    row = finished[1].meta["figures"][0]
    assert row["rows"] == len(test) == finished[1].meta["data"]["rows"]["test"]
    with torch.inference_mode():
        normalised, reconstruction = finished[1].autoencoder()(torch.from_numpy(test.value))
    assert row["autoencoder"][0] == pytest.approx(float((normalised - reconstruction).abs().mean()), abs=1e-6)
    low, high = row["autoencoder"][1:]
    assert low <= row["autoencoder"][0] <= high
    assert sum(masks[name].sum() for name in PARTS) == len(spectra)


def test_loss_that_is_not_finite(spectra, tmp_path):
    with pytest.raises(ChandraEmbedError, match="give a smaller --lr"):
        train(spectra, MODEL, replace(CONFIG, learning_rate=1e30), tmp_path)


def test_too_few_sources(spectra, tmp_path):
    with pytest.raises(ChandraEmbedError, match="4 spectra leave no source"):
        train(spectra.take(np.arange(4)), MODEL, CONFIG, tmp_path)


def test_learning_rate():
    config = TrainConfig(learning_rate=2.0, warmup=10)
    rates = [learning_rate(step, 110, config) for step in range(110)]
    assert rates[:10] == pytest.approx([0.2 * (i + 1) for i in range(10)])
    assert rates[10] == 2.0
    assert rates[60] == pytest.approx(2 * (0.01 + 0.99 * 0.5))
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert rates[-1] == pytest.approx(0.02, rel=0.1)
    assert all(math.isfinite(learning_rate(0, n, config)) for n in (1, 2, 5))


def test_decay_leaves_biases_norms_and_positions_alone():
    model = build(MODEL, 0)
    decayed, others = loop.make_optimizer(model, CONFIG).param_groups
    assert decayed["weight_decay"] == CONFIG.weight_decay
    assert others["weight_decay"] == 0
    names = {id(p): name for name, p in model.named_parameters()}
    assert all(names[id(p)].endswith("weight") for p in decayed["params"])
    assert {"encoder.position", "decoder.position"} <= {names[id(p)] for p in others["params"]}
    assert len(decayed["params"]) + len(others["params"]) == len(names)


def test_threads_and_random_state_are_given_back(spectra, tmp_path):
    torch.manual_seed(7)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    train(spectra, MODEL, replace(CONFIG, epochs=1, threads=threads + 1), tmp_path)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads
