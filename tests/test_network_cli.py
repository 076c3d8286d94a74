import json

import numpy as np
import pytest
from chandra_embed.inference.cli.network import network
from chandra_embed.inference.network import pictures
from click.testing import CliRunner
from network_file import write_cloudy


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)  # drawn in the test of the run
    return write_cloudy(tmp_path / "embeddings.h5")


def run(*arguments):
    return CliRunner().invoke(network, [str(each) for each in arguments])


def test_it_prints_the_tables_and_says_that_the_data_are_simulated(file, tmp_path):
    found = run(file, "--where", "row < 80", "-t", 0.6, "--density", 0.1, "--null", 19, "-o", tmp_path / "n")
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert lines[0].endswith("80 of 90 simulated detections where row < 80, spectrum")
    assert "pairs of detections of one source: 10, are not joined" in lines[1]
    assert any(line.startswith(">= 0.6 ") for line in lines)
    assert any("edge density 0.1, exact quantile of 3,150 pairs" in line for line in lines)
    assert {"density", "degree", "embedding", "cloud"} <= {
        line.split()[2] for line in lines if line.startswith(">= 0.6 ")
    }
    assert any(line.startswith(">= 0.6, more than in a cloud (p <= 0.05): ") for line in lines)
    assert any("YSO" in line and "%" in line for line in lines)
    assert "the most isolated:" in lines
    assert any("no pictures" in line for line in lines)
    assert (tmp_path / "n" / "network.json").is_file()


def test_json_lines_hold_the_same(file, tmp_path):
    found = run(file, "-t", 0.6, "--null", 0, "--json", "-o", tmp_path / "n")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert lines[0]["kind"] == "network"
    assert (lines[0]["n"], lines[0]["simulated"], lines[0]["same_source_pairs"]) == (90, True, 10)
    kinds = {line["kind"] for line in lines}
    assert kinds == {"network", "threshold", "class", "null", "isolated"}
    assert next(line for line in lines if line["kind"] == "threshold")["tau"] == 0.6
    assert all(line["p"] is None for line in lines if line["kind"] == "null")


def test_too_few_clouds_say_nothing_of_what_is_beyond_them(file, tmp_path):
    found = run(file, "-t", 0.6, "--null", 5, "-o", tmp_path / "n")
    assert "cloud" in found.stdout
    assert "more than in a cloud" not in found.stdout


def test_an_uninformative_threshold_is_called_so(file, tmp_path):
    found = run(file, "-t", -1.1, "-t", 0.6, "-t", 1.1, "--null", 0, "-o", tmp_path / "n")
    lines = [line for line in found.stdout.splitlines() if line.startswith(">=")]
    assert lines[0].startswith(">= -1.1")
    assert [line.endswith("uninformative") for line in lines[:3]] == [True, False, True]


def test_all_detections_are_joined_where_asked(file, tmp_path):
    found = run(file, "--all-detections", "--null", 0, "-o", tmp_path / "n")
    assert "pairs of detections of one source: 10, may be joined" in found.stdout


def test_another_modality_says_what_it_is_and_what_is_left_out(file, tmp_path):
    options = ("--modality", "spectrum+event", "--null", 0, "-o", tmp_path / "n")
    found = run(file, *options)
    assert "88 of 90 simulated detections, spectrum+event (mean of spectrum and event)" in found.stdout
    assert "left out: 2, no embedding of spectrum+event" in found.stdout
    about = json.loads((tmp_path / "n" / "about.json").read_text())
    assert about["modality"] == "spectrum+event (mean of spectrum and event)"
    assert run(file, *options).exit_code == 1
    again = run(file, *options, "--join", "concatenation", "--overwrite")
    assert "spectrum+event (concatenation of spectrum and event)" in again.stdout


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("-t", "nan"), 2, "nan"),
        (("--density", 0), 2, "0"),
        (("--density", 2), 2, "2"),
        (("--null", -1), 2, "-1"),
        (("--where", "var_prob > 1"), 1, "near ones: var_prob_b"),
        (("--where", "var_prob_b > 2"), 1, "0 of 90 rows meet"),
        (("--modality", "radio"), 1, "no embedding of 'radio'"),
        (("--modality", ""), 1, "no embedding of ''"),
        (("--where", ""), 1, "cannot be read"),
    ],
)
def test_bad_use_is_one_line(file, tmp_path, options, code, message):
    before = file.read_bytes()
    found = run(file, *options, "-o", tmp_path / "n")
    assert found.exit_code == code
    assert message in found.stderr
    assert code == 2 or len(found.stderr.splitlines()) == 1
    assert file.read_bytes() == before
    assert not (tmp_path / "n").exists()


def test_what_is_no_embeddings_file_is_refused(tmp_path):
    other = tmp_path / "x.h5"
    np.save(tmp_path / "x", np.zeros(3))
    (tmp_path / "x.npy").rename(other)
    found = run(other, "-o", tmp_path / "n")
    assert found.exit_code == 1
    assert "not an HDF5 file" in found.stderr
