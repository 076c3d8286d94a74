"""The --responses table: how files are named, and what is wrong in one line."""

from pathlib import Path

import ogip
import pytest
from chandra_embed.inference.catalog.discovery import discover
from chandra_embed.inference.catalog.response_table import read_response_table
from chandra_embed.inference.errors import ChandraEmbedError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one/a.pi", "two/a.pi", "two/b.pi"):
        ogip.write_pha(tmp_path / name, ogip.counts(len(name)))
    ogip.write_arf(tmp_path / "two" / "b.arf")
    return tmp_path


def read(folder: Path, text: str, name: str = "table.csv"):
    (folder / name).write_text(text)
    return read_response_table(folder / name, discover([folder]).given)


def test_by_path_and_by_bare_name(folder: Path) -> None:
    found = read(folder, "file,arf,rmf\none/a.pi,two/b.arf,none\nb.pi,b.arf,\n")
    assert found[(folder / "one/a.pi").resolve()].arf == folder / "two/b.arf"
    assert found[(folder / "two/b.pi").resolve()].arf == folder / "two/b.arf"
    assert found[(folder / "two/b.pi").resolve()].rmf is None


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file,arf\na.pi,two/b.arf\n", "row 1.*2 times"),
        ("file,arf\nc.pi,two/b.arf\n", "row 1.*not among"),
        ("file,arf\nthree/b.pi,two/b.arf\n", "row 1.*not among"),
        ("file,arf\nb.pi,b.arf\ntwo/b.pi,b.arf\n", "row 2.*twice"),
        ("file,arf\nb.pi,c.arf\n", "row 1 names arf 'c.arf'"),
        ("file,colour\nb.pi,blue\n", "needs a column"),
        ("path,arf\nb.pi,b.arf\n", "needs a column"),
    ],
)
def test_mistakes(folder: Path, text: str, match: str) -> None:
    with pytest.raises(ChandraEmbedError, match=match):
        read(folder, text)


def test_not_a_table(folder: Path) -> None:
    (folder / "t.fits").write_text("nothing like it")
    with pytest.raises(ChandraEmbedError, match="cannot be read as a table"):
        read_response_table(folder / "t.fits", [])


def test_ecsv(folder: Path) -> None:
    from astropy.table import Table

    Table({"file": ["b.pi"], "arf": ["two/b.arf"]}).write(folder / "t.ecsv")
    assert len(read_response_table(folder / "t.ecsv", discover([folder]).given)) == 1
