from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.training.autoencoder import (  # noqa: E402
    AutoencoderConfig,
    build,
    minmax,
    parameter_count,
)

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other
SMALL = AutoencoderConfig(width=16, depth=1, heads=2, n_latent=3)


def spectra(n=5, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).gamma(1.0, size=(n, 400)).astype(np.float32))


def test_shapes():
    latent, normalised, scale, embedding = build(SMALL, 0).encoder(spectra())
    assert latent.shape == embedding.shape == (5, 3)
    assert normalised.shape == (5, 400)
    assert scale.shape == (5, 2)
    assert build(SMALL, 0).decoder(latent).shape == (5, 400)


def test_default_size():
    assert 150_000 <= parameter_count(build(AutoencoderConfig(), 0)) <= 300_000


def test_patch_of_eight_bins():
    config = replace(SMALL, patch=8)
    assert config.tokens == 50
    normalised, reconstruction = build(config, 0)(spectra())
    assert normalised.shape == reconstruction.shape == (5, 400)


@pytest.mark.parametrize("factor", [1e-30, 1e-5, 1.0, 1e5, 1e30])
def test_minmax_at_every_scale(factor):
    x = spectra().double() * factor
    normalised, scale = minmax(x.float())
    expected = (x - x.amin(1, keepdim=True)) / (x.amax(1, keepdim=True) - x.amin(1, keepdim=True))
    assert torch.allclose(normalised.double(), expected, atol=1e-6)
    assert (normalised.amin(1) == 0).all()
    assert (normalised.amax(1) == 1).all()
    assert torch.equal(scale, torch.stack([x.float().amin(1), x.float().amax(1)], dim=1))


@pytest.mark.parametrize("value", [0.0, 1e-5, -3.0, 7e30])
def test_constant_spectrum_gives_zeros(value):
    normalised, scale = minmax(torch.full((2, 400), value))
    assert (normalised == 0).all()
    assert (scale == torch.tensor(value)).all()


def test_one_high_bin():
    x = torch.zeros(1, 400)
    x[0, 17] = 1e-38
    normalised, _ = minmax(x)
    assert normalised[0, 17] == 1
    assert normalised.sum() == 1


def test_embedding_is_the_centred_latent_scaled_to_one():
    encoder = build(SMALL, 0).encoder
    encoder.latent_mean.copy_(torch.tensor([0.1, -0.2, 0.3]))
    latent, _, _, embedding = encoder(spectra())
    centred = latent - encoder.latent_mean
    assert torch.allclose(embedding, centred / centred.norm(dim=1, keepdim=True), atol=1e-6)


@pytest.mark.parametrize("size", [0.0, 1e-45, 1e-30, 1.0, 1e30])
def test_embedding_has_length_one_however_short_the_latent(size):
    encoder = build(SMALL, 0).encoder
    row = torch.tensor([[0.0, size, -size]])
    unit = encoder.unit(row)
    assert torch.isfinite(unit).all()
    assert abs(float(unit.norm()) - 1) < 1e-6
    if size == 0:
        assert unit.tolist() == [[1, 0, 0]]


def test_nan_harms_its_own_row_alone():
    x = spectra()
    encoder = build(SMALL, 0).encoder.eval()
    clean = encoder(x)[3]
    x[2, 5] = torch.nan
    hurt = encoder(x)[3]
    others = [0, 1, 3, 4]
    assert torch.allclose(hurt[others], clean[others], atol=1e-6)
    assert torch.isnan(hurt[2]).all()


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    a = build(SMALL, 3).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    b, c = build(SMALL, 3).state_dict(), build(SMALL, 4).state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert any(not torch.equal(a[name], c[name]) for name in a)


@pytest.mark.parametrize(
    ("name", "value"), [("patch", 7), ("width", 18), ("n_latent", 0), ("depth", 0), ("dropout", 1.0)]
)
def test_impossible_shape_is_refused_with_its_name(name, value):
    with pytest.raises(ChandraEmbedError, match=f"{name} {value}"):
        AutoencoderConfig(**{name: value})


def test_attention_is_the_formula():
    attention = build(SMALL, 0).encoder.blocks[0].attention
    x = torch.randn(2, SMALL.tokens, 16, generator=torch.Generator().manual_seed(0))
    qkv = attention.qkv(x)
    mixed = torch.zeros(2, SMALL.tokens, 16)
    for b in range(2):
        for head in range(2):
            q, k, v = (qkv[b, :, part * 16 + head * 8 : part * 16 + head * 8 + 8] for part in range(3))
            weight = torch.softmax(q @ k.T / 8**0.5, dim=-1)
            mixed[b, :, head * 8 : head * 8 + 8] = weight @ v
    assert torch.allclose(attention(x), attention.out(mixed), atol=1e-6)
