import json

import numpy as np
import pytest
from chandra_embed.inference.catalog.spectra_file import SpectraWriter
from chandra_embed.inference.cli.main import main
from chandra_embed.inference.recipe import Recipe
from click.testing import CliRunner
from event_rows import draw_lists

pytest.importorskip("torch")
pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    path = tmp_path_factory.mktemp("spectra") / "spectra.h5"
    with SpectraWriter(path, Recipe(), {"simulated": True}) as writer:
        for i, events in enumerate(draw_lists(100)):
            facts = {"file": f"{i}.pi", "source_id": f"s{i}", "obsid": i, "net_counts": float(i)}
            writer.append(facts, np.ones(400, np.float32), np.ones(400, np.float32), None, events)
        writer.close()
    return path


def train(*words):
    return CliRunner().invoke(main, ["train", "events", *map(str, words)])


@pytest.mark.parametrize("kind", ["map", "cube"])
def test_train_events(spectra, tmp_path, kind):
    from chandra_embed.training.events import RECIPES, load_events

    words = [spectra, "-o", tmp_path / "run", "--epochs", 1, "--latents", 5, "--kind", kind]
    done = train(*words)
    assert done.exit_code == 0, done.output
    assert "simulated events" in done.stdout
    assert "autoencoder" in done.stdout
    assert "epoch 1" in done.stderr
    found = load_events(tmp_path / "run")
    assert found.recipe == RECIPES[kind]
    assert found.meta["model"]["n_latent"] == 5

    again = train(*words)
    assert again.exit_code == 1
    assert "holds a finished run" in again.stderr
    rows = [json.loads(line) for line in train(*words, "--overwrite", "--json").stdout.splitlines()]
    assert rows[0]["net_counts"] == "all"
    assert {"autoencoder", "pca", "mean", "rows", "sources"} <= set(rows[0])


def test_a_file_without_events_is_one_line(tmp_path):
    path = tmp_path / "bare.h5"
    with SpectraWriter(path, Recipe(), {}) as writer:
        writer.append({"file": "a.pi"}, np.ones(400, np.float32), np.ones(400, np.float32), None)
        writer.close()
    done = train(path, "-o", tmp_path / "run")
    assert done.exit_code == 1
    assert "bare.h5: no row with events" in done.stderr
