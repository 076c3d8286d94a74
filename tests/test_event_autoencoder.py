from math import lgamma, log

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.inference.event_map import EventRecipe, event_maps  # noqa: E402
from chandra_embed.training.event_autoencoder import (  # noqa: E402
    EventAutoencoderConfig,
    EventTables,
    build_events,
    log_odds,
)
from event_rows import draw_lists  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other
MODEL = EventAutoencoderConfig(n_latent=3, hidden=16)
RECIPES = {"map": EventRecipe(time_bins=8), "cube": EventRecipe("cube", time_bins=8)}


@pytest.fixture(params=["map", "cube"])
def recipe(request):
    return RECIPES[request.param]


@pytest.fixture
def rows(recipe):
    return torch.from_numpy(event_maps(draw_lists(40), recipe))


def test_shapes(recipe, rows):
    model = build_events(recipe, MODEL, 0).eval()
    latent, fraction = model(rows)
    assert latent.shape == (40, 3)
    assert fraction.shape == (40, recipe.width - 1)
    bins = recipe.energy_bins
    assert torch.allclose(fraction[:, :bins].sum(dim=1), torch.ones(40))
    assert torch.allclose(fraction[:, bins:].sum(dim=1), torch.ones(40))


def test_the_seed_alone_makes_the_weights(recipe, rows):
    before = torch.random.get_rng_state()
    a, b, c = (build_events(recipe, MODEL, seed).eval()(rows)[0] for seed in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(before, torch.random.get_rng_state())


def test_tables_are_sums(recipe, rows):
    tables = EventTables(recipe)
    energy, table, live = tables.split(rows)
    cells = table.numpy().reshape(40, *recipe.shape)
    curves = tables.light_curves(table)
    assert [curve.shape[1] for curve in curves] == [2, 4, 8]
    for curve in curves:
        k = curve.shape[1]
        assert np.array_equal(curve.numpy(), cells.sum(axis=(1, 3)).reshape(40, k, -1).sum(axis=2))
    bands = cells.sum(axis=(2, 3)).reshape(40, 3, -1).sum(axis=2)
    assert np.array_equal((energy @ tables.bands).numpy(), bands)
    assert torch.equal(live[:, 0], rows[:, -1])


@pytest.mark.parametrize("counts", [[0, 0], [1, 0, 0, 0], [3, 5], [0, 400, 0, 0, 0, 0, 0, 0], [9000] * 16])
def test_log_odds_are_gregory_and_loredo_s(counts):
    m, n = len(counts), sum(counts)
    exact = lgamma(m) + sum(lgamma(k + 1) for k in counts) + n * log(m) - lgamma(n + m)
    found = log_odds(torch.tensor([counts], dtype=torch.float32))
    assert float(found[0, 0]) == pytest.approx(exact, abs=0.012 * (m + 1), rel=1e-6)


def test_statistics_tell_a_flare_and_a_hard_source(recipe):
    model = build_events(recipe, MODEL, 0)
    found = model.encoder.features.statistics(torch.from_numpy(event_maps(draw_lists(30), recipe)))
    odds = found[:, -1]
    flaring = torch.arange(30) % 3 == 0
    assert odds[flaring].min() > odds[~flaring].max()
    hard = [1 - 2 * len(e.band(0.5, 1.2)) / len(e) for e in draw_lists(30)]
    assert np.corrcoef(found[:, 2].numpy(), hard)[0, 1] > 0.99


def test_settled_latents_have_mean_0_and_variance_1(recipe, rows):
    model = build_events(recipe, MODEL, 0).eval()
    model.encoder.features.settle(rows)
    model.encoder.settle(rows)
    latent = model.encoder(rows).detach()
    assert latent.mean(dim=0).abs().max() < 1e-5
    assert (latent.var(dim=0) - 1).abs().max() < 1e-3


def test_any_legal_row_gives_finite_latents(recipe, rows):
    model = build_events(recipe, MODEL, 0).eval()
    model.encoder.features.settle(rows)
    awkward = torch.zeros(3, recipe.width)
    awkward[1, 0] = awkward[1, recipe.energy_bins] = awkward[1, -1] = 1.0
    awkward[2, 0] = awkward[2, recipe.energy_bins] = 1e6
    awkward[2, -1] = 1e7
    assert all(torch.isfinite(out).all() for out in model(awkward))


def test_the_default_encoder_is_small():
    for recipe in (EventRecipe(), EventRecipe("cube", parts_per_band=1, time_bins=32)):
        encoder = build_events(recipe, EventAutoencoderConfig(), 0).encoder
        assert sum(p.numel() for p in encoder.parameters()) < 500_000


@pytest.mark.parametrize("setting", [{"n_latent": 0}, {"hidden": 0}, {"depth": -1}, {"dropout": 1.0}])
def test_bad_shapes_are_refused(setting):
    with pytest.raises(ChandraEmbedError, match=next(iter(setting))):
        EventAutoencoderConfig(**setting)
