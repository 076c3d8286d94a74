"""Tables joined to the rows of ingest: on key, name and position, with what is not found said."""

from pathlib import Path
from typing import Any

import ogip
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.catalog_join import read_catalog_table
from chandra_embed.inference.catalog.ingest import ingest
from chandra_embed.inference.cli.ingest import ingest as command
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.recipe import Recipe
from click.testing import CliRunner

TABLE = """name,obsid,obi,region_id,ra,dec,class,hard_hs,var_prob_b,pileup_flag,likelihood
2CXO J000000.1+010000,123,0,43,10.0,1.0,AGN,0.5,0.95,TRUE,12.5
2CXO J000000.2+010000,123,0,44,10.01,1.0,YSO,,nan,FALSE,
J000000.3+010000,,,,20.0,-30.0,LMXB,-0.25,0.1,,
"""


def detection(**known: Any) -> dict[str, Any]:
    return {"file": "a.pi", "source_id": "a.pi", "obsid": 123, "obi": 0, "region_id": 43} | known


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(TABLE)
    return tmp_path / "t.csv"


def test_on_the_key(table: Path) -> None:
    read = read_catalog_table(table, None)
    row = read.join(detection(hard_hs=0.1, hard_hm=0.2))
    assert (row["name"], row["source_id"]) == ("2CXO J000000.1+010000",) * 2
    assert (row["class"], row["hard_hs"], row["hard_hm"], row["pileup_flag"]) == ("AGN", 0.5, 0.2, 1)
    row = read.join(detection(region_id=44, hard_hs=0.1, likelihood=3.0))
    assert (row["hard_hs"], row["likelihood"], row["pileup_flag"]) == (0.1, 3.0, 0)
    assert "var_prob_b" not in row
    assert read.counts == {"ObsID, interval and region": 2, "none": 0}


def test_regions_of_release_1_bear_other_numbers(table: Path) -> None:
    read = read_catalog_table(table, None)
    name = "acisf00123_000N0{}_r0043_pha3.fits"
    assert read.join(detection(file="sub/" + name.format("02")))["file"].startswith("sub")
    assert read.join(detection(file=name.format("21")))["class"] == "AGN"
    assert read.counts == {"ObsID, interval and region": 1, "none": 1}


def test_on_name_and_obsid_and_on_name(table: Path) -> None:
    read = read_catalog_table(table, None)
    row = detection(obi=-1, region_id=-1, name="2CXO J000000.2+010000")
    assert read.join(row)["class"] == "YSO"
    assert "class" not in read.join(row | {"obsid": 124})
    assert read.join(detection(obsid=-1, name="2CXO J000000.3+010000"))["class"] == "LMXB"
    assert read.counts == {"name and ObsID": 1, "name": 1, "none": 1}


@pytest.mark.parametrize(("radius", "kind"), [(None, None), (2.0, None), (4.0, "AGN")])
def test_on_the_position(table: Path, radius: float | None, kind: str | None) -> None:
    row = detection(obi=-1, region_id=-1, ra=10.001, dec=1.0)  # 3.6 arcsec from the first, 32 from the second
    assert read_catalog_table(table, radius).join(row).get("class") == kind


def test_positions_of_sources_serve_any_obsid_those_of_detections_their_own(table: Path) -> None:
    read = read_catalog_table(table, 3.0)
    assert read.join(detection(obsid=99, ra=20.0003, dec=-30.0))["class"] == "LMXB"
    assert "class" not in read.join(detection(obsid=99, ra=10.0, dec=1.0))
    assert "class" not in read.join(detection(obsid=99))
    assert read.counts == {"position": 1, "none": 2}


@pytest.mark.parametrize("text", ["class\nAGN\n", "obsid,region_id\n1,2\n", ""])
def test_tables_that_cannot_serve(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ChandraEmbedError, match=r"t\.csv"):
        read_catalog_table(tmp_path / "t.csv", None)


def test_sexagesimal_positions_and_values_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        f"name,ra,dec,class,likelihood\nx,11 05 10.38,-58 50 29.44,{'y' * 40},many\ny,12:00:00,,,--\n"
    )
    first, second = read_catalog_table(tmp_path / "t.csv", 1.0).rows
    assert first == {"name": "x", "ra": pytest.approx(166.29325), "dec": pytest.approx(-58.8415111)}
    assert second == {"name": "y"}


def test_command(tmp_path: Path, table: Path) -> None:
    folder = tmp_path / "in"
    ogip.write_pha(folder / "a.pi", ogip.counts(1), REGIONID="0043")
    ogip.write_pha(folder / "b.pi", ogip.counts(2), REGIONID="0099", RA=10.01, DEC=1.0)
    ogip.write_pha(folder / "c.pi", ogip.counts(3), REGIONID="0098")
    out = str(tmp_path / "s.h5")
    more = ["--catalog", str(table), "--radius", "1", "-o", out, "--jobs", "1"]
    result = CliRunner().invoke(command, [str(folder), *more])
    assert result.exit_code == 0, result.output
    assert (
        "joined with the catalog: 1 rows by ObsID, interval and region, 1 rows by position; "
        "1 rows are not in it" in result.stdout
    )
    with store.open_store(Path(out), store.SPECTRA) as file:
        assert list(store.read_column(file, "class")) == ["AGN", "YSO", ""]
        assert list(store.read_column(file, "pileup_flag")) == [1, 0, -1]
        assert list(store.read_column(file, "source_id"))[:2] == [
            "2CXO J000000.1+010000",
            "2CXO J000000.2+010000",
        ]
        assert (file.attrs["catalog"], file.attrs["catalog_unmatched"]) == ("t.csv", 1)
    assert CliRunner().invoke(command, [str(folder), "--radius", "1", "-o", out]).exit_code == 2


@pytest.mark.real
def test_real_table(chandra_data: Path, tmp_path: Path) -> None:
    table = chandra_data / "tables" / "csc2_detections_labelled.csv"
    summary = ingest([chandra_data / "spectra"], tmp_path / "s.h5", Recipe(), catalog=table, radius=2.0)
    assert summary.catalog is not None
    assert sum(summary.catalog.values()) == summary.rows
