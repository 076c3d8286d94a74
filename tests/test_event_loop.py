import numpy as np
import pytest

torch = pytest.importorskip("torch")

from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.inference.event_map import EventRecipe  # noqa: E402
from chandra_embed.training import checkpoint as store  # noqa: E402
from chandra_embed.training.event_data import make_event_maps  # noqa: E402
from chandra_embed.training.event_loop import divergence  # noqa: E402
from chandra_embed.training.events import (  # noqa: E402
    EventAutoencoderConfig,
    EventTrainConfig,
    load_events,
    train_events,
)
from event_rows import draw_lists  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other
CONFIG = EventTrainConfig(EventAutoencoderConfig(4, hidden=16), epochs=3, batch_size=32)


@pytest.fixture(scope="module")
def data():
    names = np.array([f"source {i // 2}" for i in range(300)])
    return make_event_maps(draw_lists(300), names, np.full(300, 50.0), EventRecipe(time_bins=8))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    return folder, train_events(data, CONFIG, folder)


def same(a, b):
    return all(torch.equal(a.state.best[name], b.state.best[name]) for name in a.state.best)


def test_a_finished_run_loads_again(run, data):
    folder, done = run
    found = load_events(folder)
    assert found.meta["kind"] == "events"
    assert found.recipe == data.recipe
    assert same(found, done)
    assert torch.equal(found.seen, done.seen)
    losses = [entry["validation"] for entry in found.meta["history"]]
    assert losses[-1] < losses[0]
    assert not found.model().training


def test_latents_are_standardised_over_the_training_rows(run, data):
    from chandra_embed.training.datasets import split

    train = split(data.source_id, 0, 0.1, 0.5)["train"]
    with torch.inference_mode():
        rows = torch.from_numpy(np.concatenate([data.whole[train], data.shown[train]]))
        latent = run[1].model().encoder(rows).numpy()
    assert np.abs(latent.mean(axis=0)).max() < 1e-4
    assert np.abs(latent.std(axis=0, ddof=1) - 1).max() < 1e-3


def test_figures_are_of_test_sources_by_three_methods(run, data):
    total = run[1].meta["figures"][0]
    assert total["rows"] == run[1].meta["data"]["rows"]["test"]
    assert {"autoencoder", "pca", "mean"} <= set(total)


def test_a_stopped_run_goes_on_to_the_same_end(run, data, tmp_path):
    def stop(entry):
        if entry["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_events(data, CONFIG, tmp_path, stop)
    assert not load_events(tmp_path).meta["finished"]
    assert same(train_events(data, CONFIG, tmp_path), run[1])


def test_other_settings_and_finished_runs_are_refused(run, data, tmp_path):
    with pytest.raises(ChandraEmbedError, match="holds a finished run"):
        train_events(data, CONFIG, run[0])

    def stop(entry):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_events(data, CONFIG, tmp_path, stop)
    other = EventTrainConfig(CONFIG.model, epochs=3, batch_size=32, seed=1)
    with pytest.raises(ChandraEmbedError, match="seed 0, this command says 1"):
        train_events(data, other, tmp_path)


def test_too_few_sources(data, tmp_path):
    with pytest.raises(ChandraEmbedError, match="too few sources"):
        train_events(data.take(np.arange(3)), CONFIG, tmp_path)


def test_checkpoints_of_other_kinds_are_refused(tmp_path):
    with pytest.raises(ChandraEmbedError, match="train events"):
        load_events(tmp_path)
    other = store.Checkpoint({"format_version": 1}, {}, {}, {}, {}, torch.zeros(0))
    store.save(tmp_path, other)
    with pytest.raises(ChandraEmbedError, match="no model of events"):
        load_events(tmp_path)


def test_divergence_is_that_of_kullback_and_leibler():
    counts = torch.tensor([[3.0, 1.0], [0.0, 0.0]])
    fraction = torch.tensor([[0.5, 0.5], [0.5, 0.5]])
    expected = (0.75 * np.log(1.5) + 0.25 * np.log(0.5)) / 2  # a row without events says nothing
    assert float(divergence(counts, fraction.log())) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("noise", [-1.0, float("inf"), float("nan")])
def test_bad_noise(noise):
    with pytest.raises(ChandraEmbedError, match="noise"):
        EventTrainConfig(noise=noise)
