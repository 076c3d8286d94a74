"""The plain reader of FITS tables against astropy, and where it steps back."""

import gzip
from pathlib import Path
from typing import Any

import fuzz_fits
import numpy as np
import ogip
import pytest
from against_astropy import compare
from astropy.io import fits
from chandra_embed.inference.catalog import file_bytes
from chandra_embed.inference.catalog.fits_tables import PlainTable, open_fits, open_tables, plain_tables
from chandra_embed.inference.errors import Quarantined
from event_fits import write_events, write_lightcurve, write_region


def write(path: Path, columns: list[Any], **header: Any) -> Path:
    table = fits.BinTableHDU.from_columns(columns, name="SPECTRUM")
    table.header.update(header)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)
    return path


def test_made_files(tmp_path: Path) -> None:
    assert compare(ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), ogip.counts(2)))
    assert compare(ogip.write_pha(tmp_path / "a.pi.gz", ogip.counts(1)))
    assert compare(ogip.write_arf(tmp_path / "a.arf"))
    assert compare(ogip.write_rmf(tmp_path / "a.rmf"))
    assert compare(write_events(tmp_path / "a_evt2.fits"))
    assert compare(write_lightcurve(tmp_path / "a_lc3.fits", [0.1, 0.2]))
    assert compare(write_region(tmp_path / "a_reg3.fits", [("circle", 1, 1, 1, 0)]))


@pytest.mark.real
def test_real_files(chandra_data: Path) -> None:
    """The plain reader reads every one, and some of them are looked at closely."""
    paths = [
        p for name in ("spectra", "other_formats", "lightcurves") for p in (chandra_data / name).rglob("*")
    ]
    paths = [
        path for path in paths if path.is_file() and path.suffix != ".csv" and path.stat().st_size < 1 << 20
    ]
    assert len(paths) > 60
    assert [path.name for path in paths if plain_tables(file_bytes.file_bytes(path)) is None] == []
    assert all(compare(path) for path in sorted(paths)[::6])


def test_mutants(tmp_path: Path) -> None:
    rng, read = np.random.default_rng(5), 0
    files = [file for group in fuzz_fits.groups(tmp_path) for file in group.items()]
    for number in range(150):
        name, raw = files[rng.integers(len(files))]
        path = tmp_path / f"{number}_{name}"
        path.write_bytes(fuzz_fits.mutate(raw, rng))
        read += compare(path)
    assert read > 15


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (fits.Column("X", "J", bzero=2**31, array=np.arange(4, dtype=np.uint32)), [0, 1, 2, 3]),
        (fits.Column("X", "2E", array=np.ones((3, 2))), np.ones((3, 2))),
        (fits.Column("X", "5A", array=["ab", "cdefg"]), ["ab", "cdefg"]),
        (fits.Column("X", "L", array=[True, False]), [True, False]),
        (fits.Column("X", "3X", array=[[True, False, True]]), [[True, False, True]]),
    ],
)
def test_columns_of_other_forms_are_astropys(tmp_path: Path, column: Any, values: Any) -> None:
    with open_tables(write(tmp_path / "a.fits", [column])) as file:
        assert isinstance(file[1], PlainTable)
        assert file[1].columns["X"].code is None
        np.testing.assert_array_equal(file[1].data["X"], values)


def test_columns_in_any_case(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", [fits.Column("Time", "D", array=[1.0, 2.0])])
    with open_tables(path) as file:
        np.testing.assert_array_equal(file[1].data["TIME"], [1.0, 2.0])
        with pytest.raises(KeyError):
            file[1].data["OTHER"]


def test_astropy_opens_what_is_not_plain(tmp_path: Path) -> None:
    ascii_table = fits.TableHDU.from_columns([fits.Column("X", "I5", array=[1, 2])], name="SPECTRUM")
    fits.HDUList([fits.PrimaryHDU(), ascii_table]).writeto(tmp_path / "a.fits")
    with open_tables(tmp_path / "a.fits") as file:
        assert isinstance(file, fits.HDUList)
        np.testing.assert_array_equal(file[1].data["X"], [1, 2])


@pytest.mark.parametrize("packed", [False, True])
def test_large_files_are_walked_and_left_to_astropy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(file_bytes, "SMALL", 5000)
    raw = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1)).read_bytes()

    def again(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
        return tmp_path / name

    with open_tables(again("b.pi", raw)) as file:
        assert isinstance(file, fits.HDUList)
        np.testing.assert_array_equal(file[1].data["COUNTS"], ogip.counts(1))
    for content, reason in (
        (raw[:-2880], "truncated"),
        (raw + bytes(2880), "trailing-bytes"),
        (
            raw.replace(b"NAXIS2  =                 ", b"NAXIS2  = 9999999999999999"),
            "too-large" if packed else "truncated",
        ),
    ):
        with pytest.raises(Quarantined) as caught, open_tables(again(f"{reason}{len(content)}.pi", content)):
            pass
        assert caught.value.reason == reason


def test_zeros_behind_the_file_cost_no_time(tmp_path: Path) -> None:
    """Astropy would look for a header in them, in time that grows with their square."""
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1))
    path.write_bytes(path.read_bytes() + bytes(2880 * 5000))
    for opener in (open_tables, open_fits):
        with opener(path) as file:
            assert [hdu.name for hdu in file] == ["PRIMARY", "SPECTRUM"]


def test_whatever_astropy_raises_has_a_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", [fits.Column("X", "J", array=[1])], TDIM1="(1,")
    raw = path.read_bytes()
    at = raw.index(b"TTYPE1")
    path.write_bytes(raw[:at] + b"TTYPE1  = '" + b"y" * 69 + raw[at + 80 :])
    with pytest.raises(Quarantined, match="unreadable"), open_tables(path) as file:
        _ = [hdu.columns for hdu in file[1:]]
