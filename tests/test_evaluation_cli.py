import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("matplotlib")

from chandra_embed.training.evaluation.cli import evaluate
from chandra_embed.training.evaluation.records import write_record
from evaluation import bundle, made_record, spectra_with_truth
from small import write_spectra

NAMES = ("reconstruction", "clusters", "latents", "nuisance", "sweep", "record")
pytestmark = pytest.mark.usefixtures("few_draws")


def invoke(*arguments):
    return CliRunner().invoke(evaluate, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("evaluate")


@pytest.fixture(scope="module")
def model(folder):
    return bundle(folder / "model", [f"source {i}" for i in range(5)])


@pytest.fixture(scope="module")
def spectra(folder):
    return spectra_with_truth(folder / "spectra.h5")


def test_reconstruction_prints_a_table_or_json_of_one_file_or_several(model, spectra, tmp_path, monkeypatch):
    monkeypatch.delenv("CHANDRA_EMBED_DATA", raising=False)
    out = tmp_path / "new" / "out"
    told = invoke("reconstruction", spectra, "--model", model, "-o", out)
    assert told.exit_code == 0, told.output
    assert "this takes about" in told.stderr
    assert "real spectra are left out: CHANDRA_EMBED_DATA is not set" in told.stderr
    assert "simulated" in told.stdout
    assert str(out) in told.stdout
    again = invoke("reconstruction", spectra, "--model", model, "-o", out, "--json")
    assert again.exit_code == 1
    assert "reconstruction.json: exists already; give --overwrite" in again.stderr
    # several files are one sample
    more = write_spectra(tmp_path / "more.h5", 40, seed=1)
    done = invoke("reconstruction", spectra, more, "--model", model, "-o", out, "--json", "--overwrite")
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    content = json.loads((out / "reconstruction.json").read_text())
    assert rows == content["rows"]
    assert set(rows[0]) == {"model", "data", "mae", "mae_low", "mae_high", "truth_mae"}
    assert str(tmp_path) not in (out / "reconstruction.json").read_text()
    assert [file["name"] for file in content["files"]] == ["spectra.h5", "more.h5"]
    assert content["rows_used"] == 50 + 30  # without the rows of five sources that are seen


@pytest.mark.parametrize("command", NAMES[:4])
def test_without_data_and_files_it_is_bad_use_in_one_line(command, model, tmp_path, monkeypatch):
    monkeypatch.delenv("CHANDRA_EMBED_DATA", raising=False)
    done = invoke(command, "--model", model, "-o", tmp_path)
    assert done.exit_code == 2
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: CHANDRA_EMBED_DATA=''")
    assert "Traceback" not in done.output


def test_files_of_another_recipe_are_named(spectra, tmp_path, model):
    from chandra_embed.inference.recipe import Recipe

    other = write_spectra(tmp_path / "other.h5", 6, recipe=Recipe(group_min=9))
    done = invoke("nuisance", other, "--model", model, "-o", tmp_path)
    assert done.exit_code == 1
    assert "none of the files is of its recipe" in done.stderr
    done = invoke("clusters", other, "--model", model, "-o", tmp_path)
    assert done.exit_code == 1
    assert "other.h5: recipe" in done.stderr


def test_sweep_reads_records_of_ones_own(tmp_path):
    rows = np.arange(200) % 3 + 1
    (tmp_path / "records").mkdir()
    for name, factor, settings in (("a", 1.0, {}), ("b", 1.3, {"depth": 9}), ("c", 1.1, {"width": 9})):
        write_record(
            tmp_path / "records" / f"{name}.json", made_record(name, factor=factor, rows=rows, **settings)
        )
    done = invoke("sweep", "--records", tmp_path / "records", "-o", tmp_path)
    assert done.exit_code == 0, done.output
    assert "worst over best: 1.300" in done.stdout
    done = invoke("sweep", "--records", tmp_path / "records", "-o", tmp_path, "--json", "--overwrite")
    assert [json.loads(line)["setting"] for line in done.stdout.splitlines()] == [
        "default",
        "depth 9",
        "width 9",
    ]
    (tmp_path / "none").mkdir()
    done = invoke("sweep", "--records", tmp_path / "none", "-o", tmp_path / "x")
    assert done.exit_code == 1
    assert "no records" in done.stderr


@pytest.mark.train
def test_record_writes_what_sweep_reads(spectra, tmp_path):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from chandra_embed.training.autoencoder import AutoencoderConfig
    from chandra_embed.training.datasets import read_spectra
    from chandra_embed.training.loop import TrainConfig, train

    data = read_spectra([spectra])
    for depth in (1, 2):
        model = AutoencoderConfig(width=8, depth=depth, heads=2, n_latent=2)
        train(data, model, TrainConfig(epochs=1, test=0.4), tmp_path / f"depth-{depth}")
    runs = [tmp_path / f"depth-{depth}" for depth in (1, 2)]
    done = invoke("record", *runs, "--spectra", spectra, "-o", tmp_path / "records", "--json")
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == ["depth-1", "depth-2"]
    told = invoke("record", runs[1], "--spectra", spectra, "-o", tmp_path / "records", "--overwrite")
    assert "depth-2" in told.stdout
    done = invoke("sweep", "--records", tmp_path / "records", "-o", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_needs_click_alone_and_names_the_extra(name):
    code = (
        "import sys\n"
        "heavy = ('torch', 'onnx', 'matplotlib', 'numpy', 'h5py', 'sklearn')\n"
        "sys.modules.update(dict.fromkeys(heavy, None))\n"
        "from chandra_embed.training.evaluation.cli import evaluate\n"
        "evaluate(sys.argv[1:])\n"
    )
    words = [name] if name else []
    done = subprocess.run([sys.executable, "-c", code, *words, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "pip install 'chandra-embed[" in done.stdout
    assert "Example:" in done.stdout


def test_a_missing_extra_is_told_before_the_work(spectra, model, tmp_path):
    code = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"
        "from chandra_embed.training.evaluation.cli import evaluate\n"
        "evaluate(sys.argv[1:])\n"
    )
    words = ["reconstruction", str(spectra), "--model", str(model), "-o", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: matplotlib is not installed: pip install 'chandra-embed[plot]'\n"
    assert not (tmp_path / "out").exists()
