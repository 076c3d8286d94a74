import numpy as np
import pytest

torch = pytest.importorskip("torch")

from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.training.aligner import Aligner, AlignerConfig, build_aligner  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)
CONFIG = AlignerConfig(spectrum=6, event=4, text=9, size=5, hidden=8)


def rows(n, width, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32))


def test_every_head_gives_unit_rows_of_the_same_space():
    model = build_aligner(CONFIG, 0).eval()
    for name, width in (("spectrum", 6), ("event", 4), ("text", 9)):
        z = getattr(model, name)(1e4 * rows(7, width))
        assert z.shape == (7, 5)
        np.testing.assert_allclose(z.detach().norm(dim=1), 1, atol=1e-6)
        assert torch.equal(z, model(name, 1e4 * rows(7, width)))


def test_an_absent_modality_has_no_head():
    model = build_aligner(AlignerConfig(spectrum=6, text=9), 0)
    assert list(model.heads) == ["spectrum", "text"]
    with pytest.raises(ValueError, match="'event'"):
        model.event(rows(2, 4))
    with pytest.raises(ChandraEmbedError, match="two at least"):
        Aligner(AlignerConfig(spectrum=6))


def test_the_input_is_standardised_by_the_buffers():
    model = build_aligner(CONFIG, 0).eval()
    head, x = model.heads["spectrum"], rows(5, 6)
    before = model.spectrum(x)
    head.mean += 3
    head.scale *= 2
    np.testing.assert_allclose(model.spectrum(2 * x + 3).detach(), before.detach(), atol=1e-6)
    assert {"heads.spectrum.mean", "heads.spectrum.scale"} <= model.state_dict().keys()


def test_nothing_left_is_the_first_axis_and_nan_stays_nan():
    head = build_aligner(CONFIG, 0).eval().heads["event"]
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    assert head(rows(2, 4)).tolist() == [[1, 0, 0, 0, 0]] * 2
    x = rows(2, 4)
    x[1] = torch.nan
    assert head(x)[0].tolist() == [1, 0, 0, 0, 0]
    assert torch.isnan(head(x)[1]).all()


def test_noise_and_dropout_only_while_training():
    model, x = build_aligner(CONFIG, 0), rows(3, 6)
    model.eval()
    assert torch.equal(model.spectrum(x), model.spectrum(x))
    model.train()
    assert not torch.equal(model.spectrum(x), model.spectrum(x))
    still = build_aligner(AlignerConfig(spectrum=6, text=9, noise=0, dropout=0), 0).train()
    assert torch.equal(still.spectrum(x), still.spectrum(x))


def test_the_temperature_stays_between_its_limits():
    model = build_aligner(CONFIG, 0)
    assert model.temperature == pytest.approx(CONFIG.temperature)
    for value, expected in ((9.0, 1.0), (-9.0, CONFIG.temperature_low), (float(np.log(0.3)), 0.3)):
        with torch.no_grad():
            model.log_temperature.fill_(value)
        model.clamp_temperature()
        assert model.temperature == pytest.approx(expected)


def test_first_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    first = build_aligner(CONFIG, 3).state_dict()
    torch.manual_seed(2)
    second, other = build_aligner(CONFIG, 3).state_dict(), build_aligner(CONFIG, 4).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"regulariser": "l2"}, "geometry"),
        ({"weight": -1}, "weight -1"),
        ({"weight": float("nan")}, "weight nan"),
        ({"dropout": 1.0}, "dropout 1.0"),
        ({"soft": 1.0}, "soft 1.0"),
        ({"size": 0}, "size 0"),
        ({"temperature": 0.001}, "temperature 0.001"),
        ({"temperature_low": 0.0}, "above 0"),
    ],
)
def test_settings_that_make_no_sense(change, words):
    with pytest.raises(ChandraEmbedError, match=words):
        AlignerConfig(**change)


def test_the_level_is_one_more_number_and_stays_within_training():
    model = build_aligner(AlignerConfig(spectrum=6, text=9, size=5, hidden=8, level=True), 0).eval()
    head, x = model.heads["spectrum"], rows(4, 7)
    head.low.fill_(-4.0)
    head.high.fill_(-1.0)
    x[:, -1] = torch.tensor([-4.0, -9.0, -1.0, 3.0])
    x[1, :-1], x[3, :-1] = x[0, :-1], x[2, :-1]
    z = model.spectrum(x).detach()
    assert torch.equal(z[0], z[1])
    assert torch.equal(z[2], z[3])
    x[0, -1] = -2.0
    assert not torch.allclose(model.spectrum(x).detach()[0], z[1])
    assert {"heads.spectrum.low", "heads.spectrum.high"} <= model.state_dict().keys()
