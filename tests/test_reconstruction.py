import numpy as np
import pytest

torch = pytest.importorskip("torch")

from chandra_embed.training.autoencoder import AutoencoderConfig, build  # noqa: E402
from chandra_embed.training.reconstruction import (  # noqa: E402
    figures,
    fit_baseline,
    model_errors,
    normalise,
    table,
)

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other


def spectra(n, seed=0):
    return np.random.default_rng(seed).gamma(1.0, size=(n, 400)).astype(np.float32) * np.float32(1e-4)


def test_pca_is_the_singular_value_decomposition():
    train, test = spectra(60), spectra(7, seed=1)
    found = fit_baseline(train, 5).errors(test)
    x, y = (normalise(v).astype(np.float64) for v in (train, test))
    mean = x.mean(axis=0)
    axes = np.linalg.svd(x - mean, full_matrices=False)[2][:5]
    back = (y - mean) @ axes.T @ axes + mean
    assert found["pca"] == pytest.approx(np.abs(y - back).mean(axis=1), abs=1e-5)
    assert found["mean"] == pytest.approx(np.abs(y - mean).mean(axis=1), abs=1e-6)


def test_fewer_rows_than_latents():
    baseline = fit_baseline(spectra(3), 8)
    assert baseline.components.shape == (3, 400)
    assert baseline.errors(spectra(3))["pca"] == pytest.approx(0, abs=1e-5)


def test_errors_of_many_blocks():
    model = build(AutoencoderConfig(width=16, depth=1, heads=2, n_latent=3), 0)
    x = spectra(9)
    many = np.tile(x, (500, 1))
    errors = model_errors(model, many)
    with torch.inference_mode():
        normalised, reconstruction = model(torch.from_numpy(x))
    expected = (normalised - reconstruction).abs().mean(dim=1).numpy()
    assert errors == pytest.approx(np.tile(expected, 500), abs=1e-6)


def test_figures_by_counts():
    counts = np.array([0.0, 9.9, 10.0, 50.0, 5000.0, -3.0])
    errors = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], np.float32)
    rows = figures({"pca": errors}, counts, np.array(list("abcdef")))
    assert [(r["net_counts"], r["rows"], r["pca"][0]) for r in rows] == [
        ("all", 6, 3.5),
        ("< 10", 3, 3.0),
        ("10 - 40", 1, 3.0),
        ("40 - 100", 1, 4.0),
        (">= 1000", 1, 5.0),
    ]


def test_counts_that_are_not_known_are_in_the_total_alone():
    rows = figures({"pca": np.ones(3, np.float32)}, np.array([np.nan, 20, 20]), np.array(["a", "b", "c"]))
    assert [(r["net_counts"], r["rows"]) for r in rows] == [("all", 3), ("10 - 40", 2)]


def test_interval_draws_sources_not_rows():
    rng = np.random.default_rng(0)
    level = rng.normal(1, 0.1, 100)
    errors = np.repeat(level, 50).astype(np.float32)
    together = np.repeat(np.arange(100), 50).astype(str)
    alone = np.arange(5000).astype(str)
    counts = np.full(5000, 20.0)
    wide = figures({"pca": errors}, counts, together)[0]["pca"]
    narrow = figures({"pca": errors}, counts, alone)[0]["pca"]
    assert (wide[2] - wide[1]) / 2 == pytest.approx(level.std() / 10, rel=0.15)
    assert (narrow[2] - narrow[1]) / 2 == pytest.approx(level.std() / 5000**0.5, rel=0.15)
    assert figures({"pca": errors}, counts, together)[0]["pca"] == wide


def test_table_names_every_method_in_one_order():
    row = {"net_counts": "all", "rows": 1200, "sources": 3}
    row |= {"mean": [0.3, 0.2, 0.4], "pca": [0.2, 0.1, 0.3], "autoencoder": [0.1, 0.05, 0.2]}
    head, line = table([row]).splitlines()
    assert head.split()[-3:] == ["autoencoder", "pca", "mean"]
    assert "1,200" in line
    assert "0.10000 (0.05000 - 0.20000)" in line
