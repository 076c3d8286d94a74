"""What sets a detection apart."""

import json

import h5py
import numpy as np
import pytest
from chandra_embed.inference.cli.score import score
from chandra_embed.inference.why import Band, why
from click.testing import CliRunner
from embeddings_file import write_embeddings

N = 40


@pytest.fixture
def file(tmp_path):
    """Two detections a source on an arc: row i is nearest to rows i - 1 and i + 1, and row 0 is odd."""
    path = write_embeddings(tmp_path / "embeddings.h5", N, d=2, per_source=2)
    angle = np.linspace(0, 1, N)
    with h5py.File(path, "r+") as opened:
        opened["embedding"][...] = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
        opened["reconstruction_error"][...] = np.repeat([0.04, 0.01], [1, N - 1])
        opened["detection/hard_hs"][...] = np.where(np.arange(N) == 0, 0.9, 0.01 * (np.arange(N) % 3))
        opened["detection/hard_hm"][...] = 0.01 * (np.arange(N) % 3)
        opened["detection/hard_ms"][...] = np.nan
        names = [b"" if i % 4 < 2 else (b"LMXB" if i < 8 else b"AGN") for i in range(N)]
        opened["detection/class"][...] = np.array(names, opened["detection/class"].dtype)
        opened["detection/pileup_flag"][...] = np.where(np.arange(N) == 0, 1, -1)
    return path


def explain(path, rows, **options):
    with h5py.File(path) as opened:
        return why(opened, rows, **options)


def test_the_nearest_known_sources_are_named_one_detection_each(file):
    (found,) = explain(file, [0])
    assert [(each.row, each.source_class) for each in found.known] == [(2, "LMXB"), (6, "LMXB"), (10, "AGN")]
    assert found.known[0].name == "2CXO J000001"
    assert found.known[0].similarity == pytest.approx(np.cos(2 / (N - 1)), abs=1e-6)
    inner = explain(file, [3], known=2)[0]
    assert [each.row for each in inner.known] == [6, 10]  # row 2 is the same source


def test_the_bands_are_held_against_the_ten_nearest_other_sources(file):
    (found,) = explain(file, [0])
    near = 0.01 * (np.arange(2, 22, 2) % 3)  # the nearer detection of each source
    median = np.median(near)
    sigma = 1.4826 * np.median(np.abs(near - median))
    hs, hm, ms = found.bands
    assert (hs.ratio, hs.value, hs.neighbours) == ("hard_hs", 0.9, pytest.approx(median))
    assert hs.sigmas == pytest.approx((0.9 - median) / sigma)
    assert hs.different
    assert not hm.different
    assert np.isnan([ms.value, ms.neighbours, ms.sigmas]).all()
    assert not ms.different


def test_reconstruction_and_flags(file):
    found = explain(file, [0, 5])
    assert [each.reconstruction for each in found] == [pytest.approx(4), pytest.approx(1)]
    assert [each.flags for each in found] == [["pileup_flag"], []]


def test_the_line_for_people(file):
    odd, plain = (each.text() for each in explain(file, [0, 5]))
    assert odd.startswith("nearest known: LMXB 2CXO J000001 (0.999), LMXB 2CXO J000003 (0.988), AGN ")
    assert "hard_hs 0.90, its neighbours 0.01 (+" in odd
    assert odd.endswith("reconstruction error 4 x the median")
    assert "hardness as its neighbours'" in plain
    agreeing = Band("hard_hs", 0.5, 0.1, float("inf"))
    assert agreeing.different


def test_neighbours_that_all_agree_leave_no_scale(file):
    with h5py.File(file, "r+") as opened:
        opened["detection/hard_hs"][1:] = 0.25
    odd, same = explain(file, [0, 5])
    assert odd.bands[0].sigmas == np.inf
    assert "hard_hs 0.90, its neighbours 0.25 (they all agree)" in odd.text()
    assert same.bands[0].sigmas == 0
    assert explain(file, [0], k=2)[0].bands[0].neighbours != 0.25  # too few to say


@pytest.mark.parametrize("n", [1, 2, 5])
def test_files_of_few_rows(tmp_path, n):
    path = write_embeddings(tmp_path / "e.h5", n)
    found = explain(path, range(n))
    assert [each.row for each in found] == list(range(n))
    assert [len(each.known) for each in found] == [min(3, n - 1)] * n
    assert ("no other source of known class" in found[0].text()) == (n == 1)
    assert explain(path, []) == []


def test_rows_without_embedding_are_nobodys_neighbours(file):
    with h5py.File(file, "r+") as opened:
        opened["embedding"][2:8] = np.nan
    found = explain(file, [0, 4])
    assert [each.row for each in found[0].known] == [10, 14, 18]
    assert found[1].known == []
    assert "hardness not known" in found[1].text()


def test_a_median_of_zero_gives_no_ratio(file):
    with h5py.File(file, "r+") as opened:
        opened["reconstruction_error"][...] = 0
    found = explain(file, [0])[0]
    assert np.isnan(found.reconstruction)
    assert "reconstruction" not in found.text()


def run(*arguments):
    return CliRunner().invoke(score, [str(each) for each in arguments])


def test_score_shows_why_and_the_flags_of_each_row(file):
    shown = run(file)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.count("\nwhy row ") == 10
    odd = explain(file, [0])[0]
    assert f"why row 0: {odd.text()}\n" in shown.stdout
    table = shown.stdout.split("the strangest:\n")[1].splitlines()
    assert table[0].split()[-1] == "flags"
    assert next(line for line in table if line.startswith("  0 ")).split()[-1] == "pileup"
    rows = [json.loads(line) for line in run(file, "--json").stdout.splitlines()][1:]
    (line,) = [each for each in rows if each["row"] == 0]
    assert line["flags"] == ["pileup_flag"]
    assert line["why"]["reconstruction_over_median"] == pytest.approx(4)
    assert [each["class"] for each in line["why"]["nearest_known"]] == ["LMXB", "LMXB", "AGN"]
    band = line["why"]["bands"][0]
    assert (band["ratio"], band["different"]) == ("hard_hs", True)
    assert line["why"]["bands"][2]["neighbours"] is None


@pytest.mark.parametrize("n", [0, 1])
def test_score_of_few_rows_says_nothing_of_why(tmp_path, n):
    result = run(write_embeddings(tmp_path / "e.h5", n))
    assert result.exit_code == 0, result.output
    assert "why row" not in result.stdout
