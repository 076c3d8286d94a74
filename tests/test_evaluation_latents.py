import csv
import json
from functools import partial

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation import latent_expressions, latents
from chandra_embed.training.evaluation.latents import run, table
from chandra_embed.training.evaluation.parts import halves
from chandra_embed.training.evaluation.symbolic import Expression, r2, search
from latent_sample import made_sample

pytest.importorskip("pyoperon")
pytest.importorskip("matplotlib")
pytestmark = pytest.mark.usefixtures("few_draws")
FILES = {
    f"{name}.{ending}"
    for name, endings in (
        ("latents", ("csv", "json", "png", "pdf")),
        ("latents-fronts", ("csv", "json")),
        ("latents-associations", ("csv", "json", "png", "pdf")),
    )
    for ending in endings
}


@pytest.fixture(autouse=True)
def _short_search(monkeypatch):
    monkeypatch.setattr(latent_expressions, "search", partial(search, evaluations=1_500))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("latents")
    sample = made_sample(400)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latent_expressions, "search", partial(search, evaluations=1_500))
        return sample, folder, run(sample, folder)


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_rows_say_what_latents_mean(done):
    _, folder, rows = done
    assert {path.name for path in folder.iterdir()} == FILES
    assert {row["sources"] for row in rows} == {"AGN", "all"}
    assert {row["data"] for row in rows} == {"simulated"}
    found = {row["quantity"]: row for row in rows if row["sources"] == "all"}
    assert set(found) == {"gamma", "log_nh", "median_energy", "log_net_counts"}
    assert found["gamma"]["r2"] > 0.7
    assert found["log_nh"]["r2"] > 0.5
    assert found["gamma"]["best_latent"] == "z1"
    assert abs(found["gamma"]["rho"]) > 0.8
    for row in rows:
        assert row["complexity"] <= 20
        assert row["r2_null"] < 0.1
        assert row["n_fitted"] + row["n_held_out"] == (200 if row["sources"] == "AGN" else 400)


def test_stored_figures_are_those_of_the_stored_text(done):
    sample, folder, _ = done
    parts = halves(sample.source_id, sample.seen)
    out, y = parts.held_out, sample.truth["gamma"]
    of = [r for r in read(folder / "latents-fronts.csv") if (r["sources"], r["quantity"]) == ("all", "gamma")]
    assert len(of) > 2
    for row in of:
        each = Expression(row["expression"], tuple(f"z{i}" for i in range(1, 9)))
        assert each.complexity == int(row["complexity"])
        assert r2(y[out], each(sample.latent)[out]) == pytest.approx(float(row["r2"]), abs=1e-6)
    chosen = [row for row in of if row["chosen"] == "True"]
    stored = next(
        r for r in read(folder / "latents.csv") if (r["sources"], r["quantity"]) == ("all", "gamma")
    )
    assert [row["expression"] for row in chosen] == [stored["expression"]]


def test_the_summary_holds_the_mean_rank_correlation(done):
    _, folder, rows = done
    meta = json.loads((folder / "latents.json").read_text())
    for sources, summary in meta["summary"].items():
        best = [abs(row["rho"]) for row in rows if row["sources"] == sources]
        assert summary["mean_abs_rho"] == pytest.approx(np.mean(best))
        assert summary["mean_abs_rho_low"] < summary["mean_abs_rho"] < summary["mean_abs_rho_high"]


def test_the_table_shows_every_row(done):
    text = table(done[2])
    assert text.count("gamma") == 2
    assert "simulated spectra, AGN" in text
    assert "all classes" in text


def test_the_same_seed_writes_the_same_tables(done, tmp_path, monkeypatch):
    sample, folder, _ = done
    monkeypatch.setattr(latents, "_draw", lambda *_: None)  # slow, and drawn once already
    run(sample, tmp_path)
    for name in ("latents.csv", "latents-fronts.csv", "latents-associations.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_faint_rows_do_not_count_and_a_class_may_be_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(latents, "_draw", lambda *_: None)
    sample = made_sample(300, truth=False, kinds=("CV",))
    sample.detection["net_counts"][:100] = 12.0
    rows = run(sample, tmp_path)
    assert {row["sources"] for row in rows} == {"all"}
    assert {row["data"] for row in rows} == {"real"}
    assert all(row["n_fitted"] + row["n_held_out"] == 200 for row in rows)


def test_too_few_sources_are_told(tmp_path):
    with pytest.raises(ChandraEmbedError, match=r"made\.h5: no quantity"):
        run(made_sample(400, sources=20), tmp_path)
    sample = made_sample(300)
    sample.seen[:] = True
    with pytest.raises(ChandraEmbedError, match="not seen"):
        run(sample, tmp_path)
    assert not list(tmp_path.iterdir())
