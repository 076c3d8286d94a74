"""Files as other programs and archives write them: read for what they are, or refused with a reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import ogip
import pytest
from astropy.io import fits
from chandra_embed.inference.catalog.ingest import ingest
from chandra_embed.inference.recipe import Recipe


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change the extensions of a file that stands."""
    with fits.open(path) as file:
        copies = fits.HDUList([hdu.copy() for hdu in file])
    change(copies)
    copies.writeto(path, overwrite=True)


def in_lower_case(path: Path, *extensions: int) -> None:
    """Write the column names of tables in lower case."""

    def change(file: Any) -> None:
        for number in extensions:
            for name in file[number].columns.names:
                file[number].columns.change_name(name, name.lower())

    edit(path, change)


def lower_case(folder: Path) -> None:
    ogip.write_arf(folder / "a.arf")
    ogip.write_rmf(folder / "a.rmf")
    ogip.write_pha(folder / "a.pi", ogip.counts(1), ANCRFILE="a.arf", RESPFILE="a.rmf")
    in_lower_case(folder / "a.arf", 1)
    in_lower_case(folder / "a.rmf", 1, 2)
    in_lower_case(folder / "a.pi", 1)


def no_background_exposure(folder: Path) -> None:
    ogip.write_pha(folder / "a.pi", ogip.counts(1), ogip.counts(2, 2.0))
    edit(folder / "a.pi", lambda file: file[2].header.remove("EXPOSURE"))


def exposure_in_the_primary_header(folder: Path) -> None:
    def change(file: Any) -> None:
        file[0].header["EXPOSURE"] = 1e4
        del file[1].header["EXPOSURE"]

    edit(ogip.write_pha(folder / "a.pi", ogip.counts(1)), change)


def nan_position(folder: Path) -> None:
    path = ogip.write_pha(folder / "a.pi", ogip.counts(1), RA=10.5, DEC=-3.25)
    card = b"RA      =                 10.5"
    assert card in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(card, b"RA      =                  NaN"))


def obs_id_with_zeros(folder: Path) -> None:
    ogip.write_pha(folder / "a.pi", ogip.counts(1), OBS_ID="00123")
    ogip.write_pha(folder / "a_bkg.pi", ogip.counts(2, 2.0))


def other_extensions_between(folder: Path) -> None:
    path = ogip.write_pha(folder / "x.pi", ogip.counts(1), ogip.counts(2, 2.0))
    columns = [fits.Column("START", "D", array=[0.0]), fits.Column("STOP", "D", array=[1.0])]
    gti = fits.BinTableHDU.from_columns(columns, name="GTI")
    with fits.open(path) as file:
        fits.HDUList([file[0], gti, file[2], gti.copy(), file[1]]).writeto(folder / "a.pi")
    path.unlink()


def written(**more: Any) -> Callable[[Path], None]:
    """A spectrum with other keywords."""
    return lambda folder: ogip.write_pha(folder / "a.pi", ogip.counts(1), **more)


USED = [
    (lower_case, {"has_arf": 1, "has_rmf": 1}),
    (no_background_exposure, {"has_background": 1}),
    (exposure_in_the_primary_header, {"exposure": 1e4}),
    (nan_position, {"dec": -3.25}),
    (obs_id_with_zeros, {"obsid": 123, "has_background": 1}),
    (other_extensions_between, {"has_background": 1}),
    (written(EXPOSURE="10000.0"), {"exposure": 1e4}),
    (written(INSTRUME="ACIS-S", TELESCOP="Chandra"), {}),
    (written(HDUCLAS1="spectrum", HDUCLAS2="Total"), {}),
    (written(OBS_ID=123, OBI_NUM="2"), {"obsid": 123, "obi": 2}),
    (written(RA="10 20 30", DEC="-3 0 0"), {}),
    (written(**{"DATE-OBS": "31/12/99"}), {"date_obs": b"31/12/99"}),
]


@pytest.mark.parametrize(("make", "facts"), USED)
def test_what_is_used(make, facts, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    make(folder)
    summary = ingest([folder], tmp_path / "s.h5", Recipe(), jobs=1)
    assert (summary.used, summary.quarantined) == (1, 0)
    with h5py.File(tmp_path / "s.h5") as file:
        assert file["detection/counts"][0] == 220
        for name, value in facts.items():
            assert file["detection"][name][0] == value


def shifted(folder: Path) -> None:
    ogip.write_rmf(folder / "a.rmf")
    path = ogip.write_pha(folder / "a.pi", np.r_[0, ogip.counts(1)[1:]], RESPFILE="a.rmf")
    edit(path, lambda file: file[1].data["CHANNEL"].__isub__(1))


def no_background_area(folder: Path) -> None:
    path = ogip.write_pha(folder / "a.pi", ogip.counts(1), ogip.counts(2, 2.0))
    edit(path, lambda file: file[2].header.set("BACKSCAL", 0.0))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (shifted, "response-mismatch: a.rmf: channels differ"),
        (no_background_area, "bad-background: its background extension: bad-scaling: BACKSCAL"),
    ],
)
def test_what_is_set_aside(make, reason, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    make(folder)
    summary = ingest([folder], tmp_path / "s.h5", Recipe(), jobs=1)
    assert [line for _, line in summary.quarantine if line.startswith(reason)]
    assert summary.used == 0
