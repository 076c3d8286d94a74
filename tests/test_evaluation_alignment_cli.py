import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

pytest.importorskip("matplotlib")

from chandra_embed.training.evaluation import alignment_cli, default_pairs, pair_sample
from chandra_embed.training.evaluation.cli import evaluate
from made_pairs import made_pairs

ALIGNMENT = {"direction", "recall_1pct", "recall_5pct", "recall_10pct", "median_rank", "n"}
ALIGNMENT |= {"null_recall_1pct", "class_oracle_1pct"}
REGRESSION = {"data_modality", "variable", "text", "data", "both", "absolute", "percent", "low", "high"}
pytestmark = pytest.mark.usefixtures("few_draws")


def invoke(*arguments):
    return CliRunner().invoke(evaluate, [str(a) for a in arguments])


@pytest.fixture
def named(tmp_path, monkeypatch):
    """Name two files and a model, of which the made-up pairs are read."""
    pairs = made_pairs(450, events=False)
    read = []

    def read_pairs(*arguments):
        read.append(arguments)
        return pairs

    monkeypatch.setattr(pair_sample, "read_pairs", read_pairs)
    for name in ("spectra.h5", "texts.jsonl"):
        (tmp_path / name).write_text("")
    return [tmp_path / "spectra.h5", "--texts", tmp_path / "texts.jsonl", "--model", "mine"], read


def test_alignment_prints_rows_and_then_a_table(named, tmp_path):
    words, read = named
    out = tmp_path / "new" / "out"
    done = invoke("alignment", *words, "-o", out, "--json")
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows == json.loads((out / "alignment.json").read_text())["rows"]
    assert set(rows[0]) >= ALIGNMENT
    assert read == [(tmp_path / "spectra.h5", tmp_path / "texts.jsonl", "mine")]
    again = invoke("alignment", *words, "-o", out)
    assert again.exit_code == 1
    assert "alignment.json: exists already; give --overwrite" in again.stderr


@pytest.mark.parametrize("data", ["spectrum", "lightcurve"])
def test_regression_prints_its_layout(named, tmp_path, data):
    words, _ = named
    done = invoke("regression", *words, "--data", data, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "this takes about" in done.stderr
    assert f"data: {data}; simulated spectra, semi-simulated texts" in done.stdout
    assert ("Band ratios" in done.stdout) == (data == "spectrum")
    rows = json.loads((tmp_path / "out" / f"regression-{data}.json").read_text())["rows"]
    assert all(set(row) >= REGRESSION for row in rows)


@pytest.mark.parametrize("command", ["alignment", "regression"])
def test_bad_use_is_named(command, tmp_path, monkeypatch):
    (tmp_path / "spectra.h5").write_text("")
    done = invoke(command, tmp_path / "spectra.h5", "-o", tmp_path)
    assert done.exit_code == 2
    assert "give SPECTRA and --texts together" in done.stderr
    monkeypatch.delenv("CHANDRA_EMBED_DATA", raising=False)
    done = invoke(command, "-o", tmp_path, "--model", "spectrum-64")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("error: CHANDRA_EMBED_DATA=''")
    assert invoke("regression", "--data", "images").exit_code == 2


def test_without_files_it_is_the_default_pairs(tmp_path, monkeypatch):
    asked = []

    def made(folder, recipe):
        asked.append((folder, recipe.quantity))
        return folder / "a.h5", folder / "b.jsonl"

    monkeypatch.setattr(default_pairs, "default_pairs", made)
    monkeypatch.setattr(pair_sample, "read_pairs", lambda *arguments: arguments)
    found = alignment_cli._pairs(None, None, "spectrum-64", tmp_path)
    assert found == (tmp_path / "a.h5", tmp_path / "b.jsonl", "spectrum-64")
    assert asked == [(tmp_path, "rate")]


@pytest.mark.parametrize("name", ["alignment", "regression"])
def test_help_needs_click_alone(name):
    code = (
        "import sys\n"
        "heavy = ('torch', 'onnx', 'matplotlib', 'numpy', 'h5py', 'sklearn', 'scipy')\n"
        "sys.modules.update(dict.fromkeys(heavy, None))\n"
        "from chandra_embed.training.evaluation.cli import evaluate\n"
        "evaluate(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, name, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "pip install 'chandra-embed[plot]'" in done.stdout
    assert "Example:" in done.stdout
