from functools import partial

import numpy as np
import pytest
from chandra_embed.training.evaluation import latent_expressions
from chandra_embed.training.evaluation.latent_expressions import regress
from chandra_embed.training.evaluation.parts import halves
from chandra_embed.training.evaluation.symbolic import r2, search

pytest.importorskip("pyoperon")


@pytest.fixture(autouse=True)
def _short_search(monkeypatch):
    monkeypatch.setattr(latent_expressions, "search", partial(search, evaluations=3_000))


def test_a_regression_is_chosen_without_the_held_out_rows():
    rng = np.random.default_rng(3)
    x, bands = rng.normal(size=(300, 4)), rng.normal(size=(300, 3))
    y = x[:, 0] - 0.5 * x[:, 2] + 0.3 * rng.normal(size=300)
    source = np.array([f"s{i}" for i in range(300)])
    parts = halves(source, np.zeros(300, bool))
    found = regress(x, bands, y, parts, source)
    assert found.scores["r2"] == pytest.approx(r2(y[parts.held_out], found.chosen(x[parts.held_out])))
    assert found.scores["r2"] > 0.8
    assert found.scores["r2_linear"] > 0.8
    assert found.scores["r2_null"] < 0.1
    assert found.scores["r2_bands"] < 0.1
    assert found.scores["r2_low95"] < found.scores["r2_low"] < found.scores["r2"] < found.scores["r2_high"]
    best = max(found.front, key=lambda entry: entry["r2_choosing"])
    assert best["chosen"]
    assert best["expression"] == found.chosen.text
    spoilt = np.where(parts.held_out, rng.permutation(y), y)
    assert regress(x, bands, spoilt, parts, source).chosen.text == found.chosen.text
