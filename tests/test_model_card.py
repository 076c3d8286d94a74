import copy

import pytest

pytest.importorskip("onnx")
pytest.importorskip("torch")

from chandra_embed.export.model_card import model_card

pytestmark = pytest.mark.train

FIGURES = [{"net_counts": "all", "rows": 9, "sources": 8, "autoencoder": [0.045, 0.044, 0.046]}]
MEASURED = {
    "parity": {"tolerance": 1e-5, "rows": {"made up": 70}, "files": {"encoder.onnx": {"latent_out": 2.5e-6}}},
    "reconstruction": {"data": "simulated spectra of sources not trained on", "figures": FIGURES},
}
SOURCE = {
    "file": "a.h5",
    "sha256": "ab12",
    "simulated": True,
    "rows": 100,
    "rows_left_out": 2,
    "description": "simulated by: chandra-embed simulate -n 100",
    "licence": "BSD-3-Clause",
}
TENSOR = {"shape": ["batch", 8], "dtype": "float32"}
MANIFEST = {
    "name": "test-8",
    "version": "1.2.0",
    "recipe": {"quantity": "rate", "group_min": 5, "n_bins": 400, "energy_lo": 0.5, "energy_hi": 8.0},
    "recipe_fingerprint": "f1f2",
    "model": {"n_bins": 400, "patch": 20, "width": 80, "depth": 2, "n_latent": 8},
    "parameters": 242348,
    "inputs": {"encoder.onnx": {"spectrum": TENSOR}},
    "outputs": {"encoder.onnx": {"latent_out": TENSOR}},
    "trained_on": [SOURCE],
    "rows": {"train": 80, "validation": 10, "test": 8},
    "seed": 0,
    "epochs": 4,
    "versions": {"torch": "2.6"},
    "measured": MEASURED,
    "licence": "BSD-3-Clause",
    "commands": ["chandra-embed simulate -n 100", "chandra-embed train autoencoder a.h5 -o run"],
    "earlier": [],
}


def card(**changes):
    return model_card({**copy.deepcopy(MANIFEST), **changes})


def test_says_what_matters():
    text = card()
    assert text.startswith("# test-8 1.2.0\n\n**Trained on SIMULATED spectra only.**")
    for part in ("242,348", "f1f2", "ab12", "2.5e-06", "0.04500", "2510.14102", "counts s^-1 keV^-1"):
        assert part in text
    assert "```sh\nchandra-embed simulate -n 100\nchandra-embed train autoencoder a.h5 -o run\n```" in text
    assert "anomaly.npz" not in text


def test_kind():
    assert "A transformer autoencoder of X-ray spectra" in card()
    assert "A recurrent autoencoder" in card(model={**MANIFEST["model"], "kind": "recurrent"})


def test_observed_spectra_are_not_called_simulated():
    text = card(trained_on=[{**SOURCE, "simulated": False, "description": "observed; made by: x"}])
    assert "SIMULATED" not in text
    assert "Trained on observed spectra." in text
    mixed = card(trained_on=[SOURCE, {**SOURCE, "simulated": False}])
    assert "**Trained on observed and SIMULATED spectra together**" in mixed


def test_flux_has_its_own_unit_and_no_warning_of_the_epoch():
    text = card(recipe={**MANIFEST["recipe"], "quantity": "flux"})
    assert "photons cm^-2 s^-1 keV^-1" in text
    assert "epoch and the chip" not in text
    assert "epoch and the chip" in card().replace("\n", " ").replace("  ", " ")


def test_reference_is_described():
    facts = {"file": "r.h5", "sha256": "cd34", "simulated": True, "rows": 1234, "min_counts": 40.0}
    assert "1,234 simulated detections" in card(anomaly_reference=facts).replace("\n  ", " ")


def test_earlier_versions_keep_their_figures():
    old = copy.deepcopy(MEASURED)
    old["reconstruction"]["figures"][0]["autoencoder"] = [0.061, 0.060, 0.062]
    text = card(earlier=[{"version": "1.1.0", "measured": old}])
    tail = text[text.index("## Earlier versions") :]
    assert "### 1.1.0" in tail
    assert "0.06100" in tail
    assert "0.04500" not in tail


def test_lines_are_not_long():
    outside = card().split("```")[::2]
    assert max(len(line) for part in outside for line in part.splitlines()) <= 100
