"""``chandra-embed simulate`` as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.cli.main import main
from click.testing import CliRunner, Result


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["simulate", *map(str, words)])


def test_fifty_end_to_end(tmp_path: Path) -> None:
    out = tmp_path / "spectra.h5"
    result = run("-n", 50, "--seed", 1, "--quantity", "flux", "--group-min", 3, "-o", out)
    assert result.exit_code == 0, result.output
    assert "50 simulated detections (seed 1)" in result.stdout
    assert "net counts" in result.stdout
    with store.open_store(out, store.SPECTRA) as file:
        assert store.row_count(file) == 50
        assert '"quantity":"flux"' in file.attrs["recipe"]
        assert '"group_min":3' in file.attrs["recipe"]
        assert np.isfinite(file["spectrum/value"][:]).all()


def test_json_is_one_line(tmp_path: Path) -> None:
    result = run("-n", 5, "-o", tmp_path / "s.h5", "--json")
    record = json.loads(result.stdout)
    assert record["simulated"] == 5
    assert sum(record["shapes"].values()) == 5


def test_without_n_is_bad_use(tmp_path: Path) -> None:
    result = run("-o", tmp_path / "s.h5")
    assert result.exit_code == 2
    assert "-n N" in result.stderr
    assert run("-n", 0, "-o", tmp_path / "s.h5").exit_code == 2


def test_an_existing_file_is_refused_until_overwrite(tmp_path: Path) -> None:
    out = tmp_path / "s.h5"
    assert run("-n", 2, "-o", out).exit_code == 0
    before = out.read_bytes()
    result = run("-n", 3, "-o", out)
    assert result.exit_code == 1
    assert "--overwrite" in result.stderr
    assert out.read_bytes() == before
    assert run("-n", 3, "-o", out, "--overwrite").exit_code == 0
    with store.open_store(out, store.SPECTRA) as file:
        assert store.row_count(file) == 3


def test_an_unfinished_file_is_started_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = tmp_path / "s.h5"
    store.create(out, store.SPECTRA, {}).close()
    result = run("-n", 2, "-o", out)
    assert result.exit_code == 0, result.output
    assert "starting it again" in caplog.text + result.stderr


def test_a_stopped_run_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chandra_embed.inference.simulate import spectra

    real = spectra.simulate_row

    def stop_at_three(row: int, *rest: object) -> spectra.Simulated:
        if row == 3:
            raise KeyboardInterrupt
        return real(row, *rest)

    monkeypatch.setattr(spectra, "simulate_row", stop_at_three)
    result = run("-n", 10, "-o", tmp_path / "s.h5")
    assert result.exit_code == 1
    assert "stopped and not written; run the same command again" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_responses_is_one_line(tmp_path: Path) -> None:
    result = run("-n", 2, "--responses", tmp_path, "-o", tmp_path / "s.h5")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "no ARF and RMF that pair" in result.stderr
    assert not (tmp_path / "s.h5").exists()


def test_nowhere_to_write_is_one_line(tmp_path: Path) -> None:
    result = run("-n", 2, "-o", tmp_path / "missing" / "s.h5")
    assert result.exit_code == 1
    assert "there is no folder" in result.stderr


def test_a_catalog_sets_the_number_and_the_classes(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(
        "name,class,livetime,theta,src_cnts_aper_s,src_cnts_aper_m,src_cnts_aper_h\n"
        "2CXO J000000.0+000001,CV,20000,3.0,41.6,70.2,55.4\n"
        "2CXO J000000.0+000002,QSO,20000,3.0,10,20,30\n"
    )
    result = run("--catalog", table, "-o", tmp_path / "s.h5", "--json")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["simulated"] == 2
    assert record["catalog"] == "table.csv"
    assert record["classes"] == {"AGN": 1, "CV": 1}
    assert run("--catalog", table, "-n", 5, "-o", tmp_path / "five.h5").exit_code == 0
    with store.open_store(tmp_path / "five.h5", store.SPECTRA) as file:
        assert store.row_count(file) == 5


def test_a_table_that_is_none_is_one_line(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    result = run("--catalog", table, "-o", tmp_path / "s.h5")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "table.csv" in result.stderr
