"""Events and light curves join the spectrum of the same detection, and only that."""

from pathlib import Path

import ogip
import pytest
from chandra_embed.inference.catalog.discovery import discover
from chandra_embed.inference.catalog.inputs import Fates, decide, look
from chandra_embed.inference.catalog.joins import identity, join, stand_in
from event_fits import write_events, write_lightcurve, write_region

STEM = "acisf00123_000N021_r0043"


def fates(folder: Path, *more: Path, n_regions: int = 0) -> Fates:
    given = discover([folder, *more]).given
    found = decide({one: look(one, None) for one in given if one.kind == "spectrum"})
    identities = {one: identity(one.path) for one in given}
    join([one for one in given if one.kind != "spectrum"], found, identities, n_regions)
    assert found.given == len(given)
    return found


def told(found: Fates) -> dict[str, str]:
    out = {one.label: "used" for one in found.used}
    out |= {one.label: f"of {of.label}" for one, (of, _) in found.companions.items()}
    return out | {one.label: error.reason for one, error in found.quarantined.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ogip.write_pha(tmp_path / f"{STEM}_pha3.fits", ogip.counts(1), REGIONID="0043")
    write_events(tmp_path / f"{STEM}_regevt3.fits", REGIONID="0043")
    write_lightcurve(tmp_path / f"{STEM}b_lc3.fits", [0.1, 0.2])
    return tmp_path


def test_one_detection(folder: Path) -> None:
    spectrum = f"of {STEM}_pha3.fits"
    assert told(fates(folder)) == {
        f"{STEM}_pha3.fits": "used",
        f"{STEM}_regevt3.fits": spectrum,
        f"{STEM}b_lc3.fits": spectrum,
    }


def test_without_a_spectrum_the_light_curve_joins_the_events(folder: Path) -> None:
    (folder / f"{STEM}_pha3.fits").unlink()
    assert told(fates(folder)) == {
        f"{STEM}_regevt3.fits": "used",
        f"{STEM}b_lc3.fits": f"of {STEM}_regevt3.fits",
    }
    (folder / f"{STEM}_regevt3.fits").unlink()
    assert told(fates(folder)) == {f"{STEM}b_lc3.fits": "used"}


def test_several_regions_make_rows_of_their_own(folder: Path) -> None:
    found = told(fates(folder, n_regions=2))
    assert found[f"{STEM}_regevt3.fits"] == "used"
    assert found[f"{STEM}b_lc3.fits"] == f"of {STEM}_pha3.fits"


@pytest.mark.parametrize(
    "name",
    [
        "acisf00124_000N021_r0043",
        "acisf00123_001N021_r0043",
        "acisf00123_000N021_r0044",
        "acisf00123_000N002_r0043",
    ],
    ids=["other ObsID", "other interval", "other region", "regions of release 1"],
)
def test_other_detections_do_not_join(folder: Path, name: str) -> None:
    write_events(folder / f"{name}_regevt3.fits", OBS_ID=None, OBI_NUM=None)
    assert told(fates(folder))[f"{name}_regevt3.fits"] == "used"


def test_names_join_where_headers_do_not_speak_against_it(tmp_path: Path) -> None:
    for name, obsid in (("a", "123"), ("b", "124")):
        ogip.write_pha(tmp_path / f"{name}.pi", ogip.counts(ord(name)))
        write_events(tmp_path / f"{name}_evt2.fits", OBS_ID=obsid)
    ogip.write_pha(tmp_path / "sub" / "c.pi", ogip.counts(7))
    write_events(tmp_path / "c_evt2.fits")
    found = told(fates(tmp_path))
    assert found["a_evt2.fits"] == "of a.pi"
    assert found["b_evt2.fits"] == found["c_evt2.fits"] == "used"


def test_a_second_file_of_a_kind_is_a_duplicate(folder: Path) -> None:
    write_events(folder / "sub" / f"{STEM}_regevt3.fits")
    write_lightcurve(folder / "sub" / f"{STEM}b_lc3.fits", [0.1])
    found = told(fates(folder))
    assert found[f"sub/{STEM}_regevt3.fits"] == found[f"sub/{STEM}b_lc3.fits"] == "duplicate"


def test_a_region_is_a_companion_of_its_events(folder: Path) -> None:
    own = write_region(folder / f"{STEM}_reg3.fits", [("circle", 1, 1, 1, 0)])
    other = write_region(folder / "z_reg3.fits", [("circle", 1, 1, 1, 0)])
    found = told(fates(folder, own, other))
    assert found[f"{STEM}_reg3.fits"] == f"of {STEM}_regevt3.fits"
    assert found["z_reg3.fits"] == "orphan-region"


def test_who_stands_in_takes_the_others_along(folder: Path) -> None:
    found = fates(folder)
    spectrum = found.used.pop()
    (heir,) = found.used = stand_in(spectrum, found)
    assert told(found) == {f"{STEM}_regevt3.fits": "used", f"{STEM}b_lc3.fits": f"of {STEM}_regevt3.fits"}
    (last,) = found.used = stand_in(heir, found)
    assert told(found) == {f"{STEM}b_lc3.fits": "used"}
    assert stand_in(last, found) == []


def test_identity_of_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "x_evt2.fits").write_text("torn")
    mine = identity(tmp_path / "x_evt2.fits")
    assert (mine.key, mine.stem) == (None, "x")
