import csv

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation import nuisance
from chandra_embed.training.evaluation.nuisance import fold_numbers, measure, predict, run, table
from chandra_embed.training.evaluation.symbolic import r2
from latent_sample import made_sample, unit_rows

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.usefixtures("few_draws")


@pytest.fixture(scope="module", autouse=True)
def _few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nuisance, "TREES", 20)
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nuisance")
    blind = made_sample(300, quantity="flux")
    blind.latent[:, 2] = np.random.default_rng(5).normal(size=300)
    blind.embedding[...] = unit_rows(blind.latent)
    return folder, run([made_sample(300), blind], folder)


def test_folds_keep_sources_together_and_are_even():
    source = np.array([f"s{i}" for i in np.random.default_rng(0).integers(0, 53, 400)])
    fold = fold_numbers(source)
    assert all(len(set(fold[source == name])) == 1 for name in set(source))
    sizes = [len(set(source[fold == i])) for i in range(5)]
    assert max(sizes) - min(sizes) <= 1
    assert np.array_equal(fold, fold_numbers(source))
    assert not np.array_equal(fold, fold_numbers(source, 1))


@pytest.mark.parametrize("method", ["forest", "linear"])
def test_no_row_is_predicted_from_its_own_source(method):
    # each source has its own code and value: known only to those who saw it
    rng = np.random.default_rng(1)
    code, value = rng.normal(size=(80, 3)), rng.normal(size=80)
    index = np.repeat(np.arange(80), 5)
    source = np.array([f"s{i}" for i in index])
    x, y = code[index], value[index]
    assert r2(y, predict(x, y, fold_numbers(source), method)) < 0.15
    if method == "forest":
        assert r2(y, predict(x, y, np.arange(400) % 5, method)) > 0.6


def test_predictions_repeat():
    sample = made_sample(100)
    x, fold = sample.latent.astype(float), fold_numbers(sample.source_id)
    found = [predict(x, sample.truth["epoch"], fold, "forest", 3) for _ in range(2)]
    assert np.array_equal(*found)


def test_what_latents_know_is_told_for_each_recipe(done):
    folder, rows = done
    found = {(row["recipe"], row["quantity"]): row for row in rows}
    assert set(found) == {(r, q) for r in ("rate", "flux") for q in ("year", "theta", "log_net_counts")}
    assert found["rate", "year"]["r2_latent"] > 0.6
    assert found["rate", "year"]["r2"] > 0.3 > found["flux", "year"]["r2"] + 0.2
    assert found["rate", "log_net_counts"]["r2"] > 0.5
    assert abs(found["rate", "theta"]["r2"]) < 0.2
    assert all(row["r2_null"] < 0.1 for row in rows)
    assert all(row["r2_low"] <= row["r2"] <= row["r2_high"] for row in rows)
    assert {path.name for path in folder.iterdir()} == {
        f"nuisance.{e}" for e in ("csv", "json", "png", "pdf")
    }
    with open(folder / "nuisance.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 6
    assert table(rows).count("flux") == 3


def test_seen_and_faint_rows_do_not_count():
    sample = made_sample(300)
    sample.seen[:100] = True
    sample.detection["net_counts"][100:150] = 5.0
    assert {row["n"] for row in measure(sample)} == {150}


def test_what_does_not_vary_is_left_out():
    sample = made_sample(200, truth=False)
    assert [row["quantity"] for row in measure(sample)] == ["theta", "log_net_counts"]
    sample.detection["theta"][:160] = np.nan
    assert [row["quantity"] for row in measure(sample)] == ["log_net_counts"]


def test_too_few_sources_are_told(tmp_path):
    with pytest.raises(ChandraEmbedError, match=r"made\.h5: neither year"):
        run([made_sample(30)], tmp_path)
    assert not list(tmp_path.iterdir())
