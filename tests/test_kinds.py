"""What files are, by name and by content."""

from pathlib import Path

import ogip
import pytest
from chandra_embed.inference.catalog.kinds import found_kind, kind_of
from event_fits import write_events, write_lightcurve, write_region

NAMES = {
    "acisf00755N004_evt2.fits": "events",
    "acisf00755_000N021_r0012_regevt3.fits": "events",
    "755_7_evt2_05_8keV.fits": "events",
    "ACISF00755_REPRO_EVT2.FITS": "events",
    "src.evt2": "events",
    "acisf00755N004_evt1.fits": None,
    "prevt2.fits": None,
    "evt2.txt": None,
}


@pytest.mark.parametrize("name", NAMES)
def test_event_files_by_name(tmp_path: Path, name: str) -> None:
    path = write_events(tmp_path / name)
    assert found_kind(path) == NAMES[name]
    assert kind_of(path) == "events"


def test_pictures_with_such_names_are_no_inputs(tmp_path: Path) -> None:
    assert found_kind(ogip.write_arf(tmp_path / "a_evt2_img.fits")) is None
    (tmp_path / "torn_evt2.fits").write_text("torn")
    assert found_kind(tmp_path / "torn_evt2.fits") == kind_of(tmp_path / "torn_evt2.fits") == "events"


def test_light_curves_regions_and_spectra(tmp_path: Path) -> None:
    curve = write_lightcurve(tmp_path / "acisf00755_000N021_r0012b_lc3.fits", [0.1])
    assert found_kind(curve) == kind_of(curve) == "lightcurve"
    other = write_lightcurve(tmp_path / "curve.fits", [0.1])
    assert (found_kind(other), kind_of(other)) == (None, "lightcurve")
    region = write_region(tmp_path / "acisf00755_000N021_r0012_reg3.fits", [("circle", 1, 1, 1, 0)])
    assert (found_kind(region), kind_of(region)) == (None, "region")
    spectrum = ogip.write_pha(tmp_path / "odd_evt2.fits", ogip.counts(1))
    assert kind_of(spectrum) == "spectrum"
    assert kind_of(ogip.write_arf(tmp_path / "a.arf")) == "spectrum"
    assert found_kind(tmp_path / "a.arf") is None
