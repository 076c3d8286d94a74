import sys

import h5py
import numpy as np
import pytest
from astropy.table import Table
from click.testing import CliRunner

pytest.importorskip("matplotlib")

from chandra_embed.inference.cli.demo import demo as command
from chandra_embed.inference.demo import FILES, STRANGEST, pick, run_demo
from chandra_embed.inference.errors import StoreError


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    lines = []
    result = run_demo(tmp_path_factory.mktemp("demo") / "new" / "folder", rows=150, say=lines.append)
    return result, lines


def test_the_whole_chain_ends_in_scores_and_pictures(done):
    result, lines = done
    assert sorted(path.name for path in result.folder.iterdir()) == sorted(FILES)
    assert list(result.seconds) == ["simulate", "embed", "score", "table", "draw"]
    assert [line.split()[0] for line in lines] == ["1/5", "2/5", "3/5", "4/5", "5/5"]
    scores = Table.read(result.folder / "scores.fits")
    assert len(scores) == result.rows == 150
    assert np.isfinite(scores["anomaly"]).sum() > STRANGEST
    strangest = Table.read(result.folder / "strangest.ecsv")
    assert (
        strangest["anomaly"].tolist()
        == sorted(scores["anomaly"][np.isfinite(scores["anomaly"])])[: -STRANGEST - 1 : -1]
    )


def test_everything_says_that_it_is_simulated(done):
    folder = done[0].folder
    for name in ("spectra.h5", "embeddings.h5"):
        with h5py.File(folder / name) as file:
            assert file.attrs["simulated"]
    for name in ("scores.fits", "strangest.ecsv"):
        assert Table.read(folder / name)["simulated"].all()
    assert b"Simulated" in (folder / "overview.png").read_bytes()[:2000]


def test_results_are_not_replaced_unasked(done):
    folder = done[0].folder
    before = (folder / "strangest.ecsv").read_bytes()
    with pytest.raises(StoreError, match=r"holds spectra\.h5, .*--overwrite"):
        run_demo(folder, rows=50)
    assert (folder / "strangest.ecsv").read_bytes() == before


def test_the_command_replaces_when_asked_and_says_what_to_look_at(done, monkeypatch):
    from chandra_embed.inference import demo

    folder = done[0].folder
    before = (folder / "strangest.ecsv").read_bytes()
    (folder / "strangest.ecsv").write_text("old")
    run = demo.run_demo
    monkeypatch.setattr(demo, "run_demo", lambda folder, **options: run(folder, rows=150, **options))
    found = CliRunner().invoke(command, ["-o", str(folder), "--overwrite"])
    assert found.exit_code == 0, found.output
    assert "150 simulated detections" in found.stdout
    for name in ("overview.png", "strangest.ecsv", "scores.fits", "try next"):
        assert name in found.stdout
    assert (folder / "strangest.ecsv").read_bytes() == before


def test_without_matplotlib_it_says_so_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = CliRunner().invoke(command, ["-o", str(tmp_path / "out")])
    assert found.exit_code == 1
    assert "pip install 'chandra-embed[plot]'" in found.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        run_demo(tmp_path / "file" / "out", rows=2)


def test_pick_takes_the_brightest_ordinary_ones_and_the_strangest():
    anomaly = np.array([0.1, 0.2, 0.3, 0.9, np.nan, 0.5, 0.3])
    net = np.array([10.0, 90, 50, 70, 999, 20, 30])
    groups = np.array(["a", "a", "b", "a", "a", "b", "c"])
    assert pick(anomaly, net, groups) == [1, 2, 6, 3]
    assert pick(np.full(3, np.nan), net[:3], groups[:3]) == [0]
    assert pick(np.array([0.5]), net[:1], groups[:1]) == [0]
