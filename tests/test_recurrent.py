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
from chandra_embed.training.recurrent import RecurrentBlock  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other
SMALL = AutoencoderConfig(width=18, depth=2, n_latent=3, kind="recurrent")


def spectra(n=5, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).gamma(1.0, size=(n, 400)).astype(np.float32))


def test_shapes_and_first_layer_are_those_of_the_transformer():
    x = spectra()
    model = build(SMALL, 0)
    latent, normalised, scale, embedding = model.encoder(x)
    assert latent.shape == embedding.shape == (5, 3)
    assert model.decoder(latent).shape == (5, 400)
    expected, expected_scale = minmax(x)
    assert torch.equal(normalised, expected)
    assert torch.equal(scale, expected_scale)
    assert torch.equal(model(x)[0], expected)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(5))


def test_the_embedding_is_centred():
    encoder = build(SMALL, 0).encoder
    encoder.latent_mean.copy_(torch.tensor([0.1, -0.2, 0.3]))
    latent, _, _, embedding = encoder(spectra())
    centred = latent - encoder.latent_mean
    assert torch.allclose(embedding, centred / centred.norm(dim=1, keepdim=True), atol=1e-6)


@pytest.mark.parametrize("grad", [True, False])
def test_nan_harms_its_own_row_alone(grad):
    x = spectra()
    model = build(SMALL, 0).eval()
    with torch.set_grad_enabled(grad):
        clean, clean_back = model.encoder(x)[3], model(x)[1]
        x[2, 5] = torch.nan
        hurt, hurt_back = model.encoder(x)[3], model(x)[1]
    others = [0, 1, 3, 4]
    assert torch.allclose(hurt[others], clean[others], atol=1e-6)
    assert torch.allclose(hurt_back[others], clean_back[others], atol=1e-6)
    assert torch.isnan(hurt[2]).all()


def test_constant_spectrum():
    latent, normalised, _, embedding = build(SMALL, 0).encoder(torch.full((2, 400), -3.0))
    assert (normalised == 0).all()
    assert torch.isfinite(latent).all()
    assert torch.allclose(embedding.norm(dim=1), torch.ones(2))


def test_the_block_is_the_formula():
    """Each way, one step after the other: the cell of Hochreiter & Schmidhuber with a forget gate."""
    torch.manual_seed(0)
    block = RecurrentBlock(9, 0.0)
    lstm, hidden = block.lstm, block.lstm.hidden_size
    x = torch.randn(2, 6, 9)
    inside = block.norm(x)
    both = torch.zeros(2, 6, 2 * hidden)
    for way, suffix in enumerate(("", "_reverse")):
        weights = [
            getattr(lstm, f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        w_in, w_back, b_in, b_back = weights
        h, c = torch.zeros(2, hidden), torch.zeros(2, hidden)
        for t in range(5, -1, -1) if way else range(6):
            gates = inside[:, t] @ w_in.T + b_in + h @ w_back.T + b_back
            i, f, g, o = gates.split(hidden, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            both[:, t, way * hidden : (way + 1) * hidden] = h
    assert torch.allclose(block(x), x + block.out(both), atol=1e-6)


@pytest.mark.parametrize("n_latent", [8, 64])
@pytest.mark.parametrize(
    "settings", [{}, {"width": 48}, {"width": 112, "heads": 8}, {"depth": 4}, {"patch": 8}]
)
def test_as_many_parameters_as_the_transformer(settings, n_latent):
    counts = [
        parameter_count(build(AutoencoderConfig(kind=kind, n_latent=n_latent, **settings), 0))
        for kind in ("transformer", "recurrent")
    ]
    assert counts[1] == pytest.approx(counts[0], rel=0.02)


def test_heads_are_the_transformers_alone():
    AutoencoderConfig(width=18, heads=4, kind="recurrent")
    with pytest.raises(ChandraEmbedError, match="width 18"):
        AutoencoderConfig(width=18, heads=4)


def test_unknown_kind_is_refused_with_its_name():
    with pytest.raises(ChandraEmbedError, match="kind convolution: give one of transformer, recurrent"):
        AutoencoderConfig(kind="convolution")


def test_what_was_stored_before_there_were_kinds_is_a_transformer():
    stored = {"n_bins": 400, "patch": 20, "width": 16, "depth": 1, "heads": 2, "n_latent": 3, "mlp_ratio": 2}
    assert AutoencoderConfig(**stored).kind == "transformer"


@pytest.mark.parametrize("kind", ["transformer", "recurrent"])
def test_a_hidden_token_tells_nothing_of_its_bins(kind):
    encoder = build(AutoencoderConfig(width=18, heads=2, depth=1, n_latent=3, kind=kind), 0).encoder.eval()
    with torch.no_grad():
        encoder.embed_patch.bias.normal_()
    a = spectra(2)
    b = a.clone()
    b[:, 40:60] = 0
    hidden = torch.zeros(2, 20, dtype=torch.bool)
    assert torch.equal(encoder.encode(a, hidden), encoder.encode(a))
    hidden[:, 2] = True
    assert torch.equal(encoder.encode(a, hidden), encoder.encode(b, hidden))
    assert not torch.allclose(encoder.encode(b, hidden), encoder.encode(b))  # hidden is not zero
    assert not torch.allclose(encoder.encode(a, hidden), encoder.encode(a))
