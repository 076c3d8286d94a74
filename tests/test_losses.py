from dataclasses import replace

import numpy as np
import pytest
from small import write_spectra

torch = pytest.importorskip("torch")

from chandra_embed.training.autoencoder import AutoencoderConfig, build  # noqa: E402
from chandra_embed.training.datasets import read_spectra  # noqa: E402
from chandra_embed.training.losses import (  # noqa: E402
    ERROR_FLOOR,
    inverse_variance,
    mean_absolute_error,
    training_loss,
)

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other
MODEL = AutoencoderConfig(width=16, depth=1, heads=2, n_latent=3)


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    path = write_spectra(tmp_path_factory.mktemp("spectra") / "spectra.h5", 40)
    return read_spectra([path], errors=True)


@pytest.fixture(scope="module")
def model():
    return build(MODEL, 0).train()


def test_value():
    a = torch.tensor([[0.0, 1.0], [0.5, 0.0]])
    b = torch.tensor([[0.5, 1.0], [0.0, -1.0]])
    assert float(mean_absolute_error(a, b)) == pytest.approx((0.5 + 0 + 0.5 + 1) / 4)


def test_one_outlier_pulls_no_harder_than_any_other_bin():
    reconstruction = torch.zeros(1, 4, requires_grad=True)
    mean_absolute_error(torch.tensor([[1.0, 100.0, -1.0, 0.1]]), reconstruction).backward()
    assert reconstruction.grad.abs().tolist() == [[0.25] * 4]


def naive_weight(error, low, high):
    """Inverse variances of one spectrum, bin after bin."""
    width = high - low if high != low else 1.0
    weight = [1 / max(e / width, ERROR_FLOOR) ** 2 for e in error]
    return [w * len(weight) / sum(weight) for w in weight]


def test_weighted_loss_is_the_formula(spectra, model):
    rows = np.array([3, 0, 17])
    x = torch.from_numpy(spectra.value[rows])
    with torch.no_grad():
        normalised, reconstruction = model(x)
        found = training_loss(model, spectra, rows, weighted=True)
    total = 0.0
    for value, error, a, b in zip(
        spectra.value[rows].astype(float),
        spectra.error[rows].astype(float),
        normalised,
        reconstruction,
        strict=True,
    ):
        weight = naive_weight(error, value.min(), value.max())
        assert sum(weight) == pytest.approx(400)
        total += sum(w * abs(float(p) - float(q)) for w, p, q in zip(weight, a, b, strict=True)) / 400
    assert float(found) == pytest.approx(total / 3, rel=1e-5)
    assert float(found) != pytest.approx(float(mean_absolute_error(normalised, reconstruction)), rel=1e-3)


@pytest.mark.parametrize("factor", [1e-30, 1e-5, 1.0, 1e10])
def test_weights_at_every_scale(factor):
    error = torch.tensor([[0.0, 0.1, 0.2, 0.01]])
    scale = torch.tensor([[1.0, 3.0]])
    found = inverse_variance(error * factor, scale * factor)
    assert found[0].tolist() == pytest.approx(naive_weight(error[0].tolist(), 1.0, 3.0), rel=1e-5)
    assert float(found[0, 0]) == float(found[0, 3])  # both below the floor
    assert float(found.mean()) == pytest.approx(1)


def test_weights_of_a_constant_spectrum_and_of_errors_of_zero():
    found = inverse_variance(
        torch.tensor([[0.0] * 4, [0.0, 1.0, 1.0, 0.0]]), torch.tensor([[2.0, 2.0], [0.0, 1.0]])
    )
    assert torch.isfinite(found).all()
    assert found[0].tolist() == [1.0] * 4


def test_weights_without_errors(spectra, model):
    with pytest.raises(ValueError, match="errors=True"):
        training_loss(model, replace(spectra, error=None), np.arange(3), weighted=True)


def test_without_variants_it_is_the_plain_error_and_draws_nothing(spectra, model):
    rows = np.arange(7)
    before = torch.random.get_rng_state()
    found = training_loss(model, spectra, rows, noise=0.0, mask=0.0)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(found, mean_absolute_error(*model(torch.from_numpy(spectra.value[rows]))))


class Recording(torch.nn.Module):
    """An encoder that keeps what it is shown."""

    def encode(self, normalised, hidden=None):
        self.shown, self.hidden = normalised, hidden
        return torch.zeros(len(normalised), 3)


@pytest.fixture
def recorded():
    built = build(MODEL, 0)
    built.encoder = Recording()
    return built


def test_noise_is_on_the_input_and_not_on_the_target(spectra, recorded):
    rows = np.arange(40)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = training_loss(recorded, spectra, rows, noise=0.2)
    value = spectra.value
    clean = (value - value.min(1, keepdims=True)) / np.ptp(value, axis=1, keepdims=True)
    noise = recorded.encoder.shown.numpy() - clean
    assert noise.std() == pytest.approx(0.2, rel=0.03)
    assert abs(noise.mean()) < 0.01
    with torch.no_grad():
        back = recorded.decoder(torch.zeros(40, 3)).numpy()
    assert float(found.detach()) == pytest.approx(np.abs(clean - back).mean(), rel=1e-5)


@pytest.mark.parametrize("mask", [0.15, 0.6])
def test_mask_hides_its_fraction_of_tokens(spectra, recorded, mask):
    rows = np.tile(np.arange(40), 25)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        training_loss(recorded, spectra, rows, mask=mask)
    hidden = recorded.encoder.hidden
    assert hidden.shape == (1000, 20)
    assert float(hidden.float().mean()) == pytest.approx(mask, abs=0.015)
    assert len(np.unique(hidden.numpy(), axis=0)) > 500  # others in each row


def smooth(spectra, seed=1):
    """Return the spectra with made-up noise-free ones, some beyond the range of the noisy."""
    rng = np.random.default_rng(seed)
    true = spectra.value * rng.uniform(0.2, 2.0, spectra.value.shape).astype(np.float32)
    return replace(spectra, truth=true)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_denoising_is_the_formula(spectra, model, share):
    known, rows = smooth(spectra), np.array([3, 0, 17])
    with torch.no_grad():
        normalised, reconstruction = model(torch.from_numpy(known.value[rows]))
        found = training_loss(model, known, rows, denoise=share)
    total = 0.0
    for i, row in enumerate(rows):
        low, high = known.value[row].min(), known.value[row].max()
        true = (known.truth[row] - low) / (high - low)
        r = reconstruction[i].numpy()
        noisy = np.abs(normalised[i].numpy() - r).mean()
        total += (1 - share) * noisy + share * np.abs(true - r).mean()
    assert float(found) == pytest.approx(total / len(rows), rel=1e-5)


def test_denoising_without_the_truth_is_refused(spectra, model):
    with pytest.raises(ValueError, match="truth=True"):
        training_loss(model, spectra, np.array([0]), denoise=0.5)
