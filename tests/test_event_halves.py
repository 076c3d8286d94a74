import numpy as np
import pytest

torch = pytest.importorskip("torch")

from chandra_embed.inference.event_map import EventRecipe  # noqa: E402
from chandra_embed.training.event_autoencoder import EventAutoencoderConfig, build_events  # noqa: E402
from chandra_embed.training.event_data import make_event_maps  # noqa: E402
from chandra_embed.training.event_halves import (  # noqa: E402
    fit_baseline,
    fractions,
    half_errors,
    pca_fractions,
)
from event_rows import draw_lists  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other
RECIPE = EventRecipe("cube", time_bins=8)


@pytest.fixture(scope="module")
def data():
    return make_event_maps(draw_lists(120), np.array([f"{i}" for i in range(120)]), np.zeros(120), RECIPE)


def test_fractions_sum_to_one_in_histogram_and_table(data):
    found = fractions(data.whole, RECIPE)
    for part in (found[:, : RECIPE.energy_bins], found[:, RECIPE.energy_bins :]):
        assert np.allclose(part.sum(axis=1), 1)
    assert not fractions(np.zeros((1, RECIPE.width), np.float32), RECIPE).any()


def test_errors_are_the_surprise_of_the_hidden_events(data):
    train, test = data.take(np.arange(80)), data.take(np.arange(80, 120))
    baseline = fit_baseline(train, test, 5)
    model = build_events(RECIPE, EventAutoencoderConfig(4, hidden=16), 0)
    found = half_errors(model, baseline, test)
    with torch.inference_mode():
        predicted = model.eval()(torch.from_numpy(test.shown))[1].numpy()
    row, bins = 7, RECIPE.energy_bins
    energy = predicted[row, :bins]
    curve = predicted[row, bins:].reshape(RECIPE.shape).sum(axis=(0, 2))
    hidden = test.hidden[row, :bins]
    times = test.hidden[row, bins:-1].reshape(RECIPE.shape).sum(axis=(0, 2))
    surprise = -(hidden @ np.log(energy) + times @ np.log(curve)) / hidden.sum()
    assert found["autoencoder"][row] == pytest.approx(surprise, rel=1e-4)
    assert found["pca"].mean() < found["mean"].mean()  # half the lists flare at one time: easy for a PCA


def test_the_whole_share_is_the_mean(data):
    baseline = fit_baseline(data, data, 3)
    assert baseline["components"].shape == (3, RECIPE.width - 1)
    everything = pca_fractions(baseline, data, 1.0)
    assert np.allclose(everything, fractions(data.whole, RECIPE).mean(axis=0), atol=1e-6)
    assert 0 < float(baseline["share"]) <= 1
