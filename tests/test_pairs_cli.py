import json

import pytest
from chandra_embed.inference.cli.main import main
from click.testing import CliRunner
from pairs_data import write_data, write_truth


@pytest.fixture
def folder(tmp_path, monkeypatch):
    data = write_data(tmp_path / "data")
    write_truth(tmp_path / "spectra.h5", data, 24)
    monkeypatch.setenv("CHANDRA_EMBED_DATA", str(data))
    return tmp_path


def run(folder, *more):
    command = ["train", "pairs", str(folder / "spectra.h5"), "-o", str(folder / "texts.jsonl"), *more]
    return CliRunner().invoke(main, command)


def test_texts_are_written_and_called_semi_simulated(folder):
    done = run(folder)
    assert done.exit_code == 0, done.output
    assert "24 semi-simulated texts" in done.stdout
    assert len((folder / "texts.jsonl").read_text().splitlines()) == 25


def test_json(folder):
    row = json.loads(run(folder, "--json").stdout)
    assert row["rows"] == 24
    assert row["semi_simulated"] is True
    assert row["facts"] == "texts.facts.jsonl"


@pytest.mark.parametrize("name", ["texts.jsonl", "texts.facts.jsonl"])
def test_what_exists_is_not_replaced_unasked(folder, name):
    (folder / name).write_text("mine")
    done = run(folder)
    assert done.exit_code == 1
    assert "--overwrite" in done.stderr
    assert (folder / name).read_text() == "mine"
    assert run(folder, "--overwrite").exit_code == 0


@pytest.mark.parametrize("value", [None, "", "/no/such/folder"])
def test_without_the_data_folder_it_is_bad_use(folder, monkeypatch, value):
    monkeypatch.delenv("CHANDRA_EMBED_DATA")
    if value is not None:
        monkeypatch.setenv("CHANDRA_EMBED_DATA", value)
    done = run(folder)
    assert done.exit_code == 2
    assert "CHANDRA_EMBED_DATA" in done.stderr
    assert done.stderr.count("\n") == 1
