"""Columns of tables as text: formats, damage, odd values."""

import gzip
import logging
from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.simulate.columns import numbers, read_columns

WANTED = ("name", "obsid", "Fs")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_takes_what_is_wanted(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", '# made by hand\nname,other,Fs,name\n"a, b",1,2e-15,no\n\nc,2,,no\n')
    texts, left_out = read_columns(table, WANTED)
    assert texts == {"name": ["a, b", "c"], "Fs": ["2e-15", ""]}
    assert left_out == {}


def test_rows_of_another_length_are_counted(tmp_path: Path) -> None:
    texts, left_out = read_columns(write(tmp_path / "a.csv", "name,Fs\na,1\nb\nc,2,3\nd,4\n"), WANTED)
    assert texts["name"] == ["a", "d"]
    assert left_out == {"without the header's 2 fields": 2}


def test_bom_and_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress("\ufeffname,Fs\r\nα,1\r\n".encode()))
    assert read_columns(path, WANTED)[0] == {"name": ["α"], "Fs": ["1"]}


@pytest.mark.parametrize("suffix", ["fits", "vot", "ecsv"])
def test_formats_of_astropy(tmp_path: Path, suffix: str) -> None:
    from astropy.table import MaskedColumn, Table

    path = tmp_path / f"a.{suffix}"
    table = Table({"name": ["a", "b"], "wide": [[1, 2], [3, 4]]})
    table["obsid"] = MaskedColumn([7, 8], mask=[False, True])
    table["Fs"] = [1e-15, float("nan")]
    if suffix == "vot":
        table.write(path, format="votable")
    else:
        table.write(path)
    texts, _ = read_columns(path, (*WANTED, "wide"))
    assert texts == {"name": ["a", "b"], "obsid": ["7", ""], "Fs": ["1e-15", texts["Fs"][1]]}
    assert np.isnan(numbers(texts["Fs"], path, "Fs")[1])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.csv", None),
        ("empty.csv", b""),
        ("comments.csv", b"# nothing\n"),
        ("latin.csv", b"name\n\xff\xfe\xe9\n"),
        ("cut.csv.gz", gzip.compress(b"name,Fs\n" + bytes(range(48, 58)) * 999)[:-20]),
        ("plain.csv.gz", b"name,Fs\na,1\n"),
        ("noise.fits", b"\x00\x01\x02" * 999),
        ("noise.txt", b"\x00\x01\x02" * 999),
    ],
)
def test_damage_is_one_line(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ChandraEmbedError) as raised:
        read_columns(tmp_path / name, WANTED)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_numbers_warn_of_what_they_cannot_read(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "chandra_embed"):
        found = numbers(["1", " 2e-3 ", "", "NaN", "--", "inf", "12 pc", "x"], Path("t.csv"), "Fs")
    np.testing.assert_array_equal(found, [1, 2e-3] + [np.nan] * 6)
    assert [r.getMessage() for r in caplog.records] == [
        "t.csv: 2 values of Fs are not numbers and are left unknown"
    ]
