"""Event files: events of a region in good time, exposure, header facts, and what is refused."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.catalog.event_files import open_event_file, read_event_file
from chandra_embed.inference.catalog.regions import parse_region
from chandra_embed.inference.catalog.responses import nominal_ebounds
from chandra_embed.inference.errors import Quarantined
from event_fits import events, write_events


def refused(path: Path, region: str = "") -> str:
    with pytest.raises(Quarantined) as caught:
        read_event_file(path, parse_region(region) if region else None)
    return caught.value.reason


def test_events_of_the_whole_file(tmp_path: Path) -> None:
    columns = events(50)
    found = read_event_file(write_events(tmp_path / "a_evt2.fits", columns))
    np.testing.assert_array_equal(found.events.time, columns["time"] - 1000)
    np.testing.assert_allclose(found.events.energy, columns["energy"] / 1000)
    np.testing.assert_array_equal(found.events.gti, [[0, 1000]])
    assert found.events.zero == 1000
    assert found.exposure == pytest.approx(980)
    assert found.detection["exposure"] == found.exposure
    assert (found.detection["obsid"], found.detection["obi"], found.detection["region_id"]) == (123, 0, -1)
    assert np.isnan(found.detection["ra"])
    assert found.notes == ()


def test_events_of_a_region(tmp_path: Path) -> None:
    columns = events(500)
    table = open_event_file(write_events(tmp_path / "a_evt2.fits", columns))
    inside = np.hypot(columns["x"].astype(float) - 4001, columns["y"].astype(float) - 4099) <= 6
    found = table.select(parse_region("4001,4099,6"))
    np.testing.assert_array_equal(found.events.time, columns["time"][inside] - 1000)
    ra, dec = found.detection["ra"], found.detection["dec"]
    np.testing.assert_allclose(table.wcs.to_pixel(ra, dec), (4001, 4099), atol=1e-6)
    assert found.detection["theta"] == pytest.approx(np.hypot(95.5, 2.5) * 0.492 / 60, rel=1e-4)
    sky = table.select(parse_region(f'{ra},{dec},{6 * 0.492}"'))
    np.testing.assert_array_equal(sky.events.time, found.events.time)


def test_times_are_sorted_and_the_rest_dropped_and_counted(tmp_path: Path) -> None:
    columns = events(12)
    columns["time"] = columns["time"][::-1].copy()
    columns["time"][0], columns["time"][1] = np.nan, 5000.0
    columns["energy"][2:6] = [np.nan, -5.0, 0.0, 2e4]
    found = read_event_file(write_events(tmp_path / "a_evt2.fits", columns))
    np.testing.assert_array_equal(found.events.time, np.sort(columns["time"][6:]) - 1000)
    assert (np.diff(found.events.time) > 0).all()
    assert [note.split(" events ")[0] for note in found.notes] == ["dropped 1", "dropped 4", "dropped 1"]


def test_good_time_is_that_of_the_ccd(tmp_path: Path) -> None:
    columns = events(30)
    gti = {6: ((1000, 1100),), 7: ((1500, 2000), (1000, 1200), (1100, 1300), (1700, 1700), (np.nan, 1))}
    found = read_event_file(write_events(tmp_path / "a_evt2.fits", columns, gti=gti))
    np.testing.assert_array_equal(found.events.gti, [[0, 300], [500, 1000]])
    assert found.exposure == pytest.approx(0.98 * 800)
    t = columns["time"]
    assert len(found.events) == ((t <= 1300) | (t >= 1500)).sum()
    columns["ccd_id"][:20] = 6
    found = read_event_file(write_events(tmp_path / "b_evt2.fits", columns, gti=gti))
    np.testing.assert_array_equal(found.events.gti, [[0, 100]])
    assert "events of CCDs 6, 7" in " ".join(found.notes)
    columns["ccd_id"][:] = 3
    assert refused(write_events(tmp_path / "c_evt2.fits", columns, gti=gti)) == "no-gti"


def test_both_ends_of_an_interval_are_good(tmp_path: Path) -> None:
    columns = events(3)
    columns["time"] = np.array([1000.0, 2000.0, 2000.001])
    assert len(read_event_file(write_events(tmp_path / "a_evt2.fits", columns)).events) == 2


def test_energies_from_pi_fall_into_their_channel(tmp_path: Path) -> None:
    columns = events(4)
    del columns["energy"]
    columns["pi"] = np.array([1, 100, 1024, 0], np.int32)
    found = read_event_file(write_events(tmp_path / "a_evt2.fits", columns))
    np.testing.assert_allclose(found.events.energy, np.array([0.5, 99.5, 1023.5]) * 0.0146, rtol=1e-6)
    grid = nominal_ebounds(1, 1024)
    assert list(np.flatnonzero(found.channel_counts(grid.lo, grid.hi))) == [0, 99, 1023]
    del columns["pi"]
    assert refused(write_events(tmp_path / "b_evt2.fits", columns)) == "no-energy"


def test_channels_are_a_plain_histogram(tmp_path: Path) -> None:
    found = read_event_file(write_events(tmp_path / "a_evt2.fits", events(3000)))
    grid = nominal_ebounds(1, 1024)
    plain = np.histogram(found.events.energy.astype(float), np.append(grid.lo, grid.hi[-1]))[0]
    counts = found.channel_counts(grid.lo, grid.hi)
    np.testing.assert_array_equal(counts, plain)
    assert counts.sum() == 3000
    gap = found.channel_counts(grid.lo[[50, 200]], grid.hi[[60, 300]])
    np.testing.assert_array_equal(gap, [counts[50:61].sum(), counts[200:301].sum()])


def test_energies_in_kev(tmp_path: Path) -> None:
    columns = events(5)
    columns["energy"] = columns["energy"] / 1000
    found = read_event_file(write_events(tmp_path / "a_evt2.fits", columns, TUNIT5="keV"))
    np.testing.assert_array_equal(found.events.energy, columns["energy"])


@pytest.mark.parametrize(
    ("reason", "header"),
    [
        ("hrc", {"INSTRUME": "HRC"}),
        ("not-chandra", {"TELESCOP": "XMM", "INSTRUME": "EPN"}),
        ("not-chandra", {"TELESCOP": None, "INSTRUME": None}),
        ("no-exposure", {"DTCOR": 0.0}),
    ],
)
def test_refused_by_header(tmp_path: Path, reason: str, header: dict[str, object]) -> None:
    assert refused(write_events(tmp_path / "a_evt2.fits", **header)) == reason


def test_refused_by_content(tmp_path: Path) -> None:
    path = tmp_path / "a_evt2.fits"
    assert refused(write_events(path, events(0))) == "no-counts"
    assert refused(write_events(path, gti=None)) == "no-gti"
    assert refused(write_events(path, gti=((1500, 1400),))) == "no-gti"
    assert refused(write_events(path, gti=((9000, 9100),))) == "no-counts"
    assert refused(write_events(path), "10,10,5") == "no-counts"
    columns = events()
    del columns["time"]
    assert refused(write_events(path, columns)) == "unreadable"
    columns = events()
    del columns["x"]
    assert refused(write_events(path, columns), "4000,4100,5") == "no-counts"
    assert refused(write_events(path, columns), '150,60,5"') == "no-wcs"


@pytest.mark.parametrize("part", [0, 0.01, 0.2, 0.4, 0.6, 0.8])
def test_a_truncated_file_is_refused_not_crashed_on(tmp_path: Path, part: float) -> None:
    path = write_events(tmp_path / "a_evt2.fits")
    whole = path.read_bytes()
    packed = gzip.compress(whole)
    for name, content in (("a_evt2.fits", whole), ("b_evt2.fits.gz", packed)):
        (tmp_path / name).write_bytes(content[: int(part * len(content))])
        reasons = ("empty-file", "not-fits", "truncated", "no-gti")
        assert refused(tmp_path / name) in reasons


def test_mission_time_is_not_known_from_another_day(tmp_path: Path) -> None:
    path = write_events(tmp_path / "a_evt2.fits", MJDREF=51544.0)
    assert np.isnan(read_event_file(path).events.zero)
    path = write_events(tmp_path / "a_evt2.fits", MJDREF=None, MJDREFI=50814, MJDREFF=0.0, TIMEZERO=2.0)
    assert read_event_file(path).events.zero == 1002


@pytest.mark.real
def test_the_real_file(chandra_data: Path) -> None:
    table = open_event_file(chandra_data / "events" / "755_7_evt2_05_8keV.fits.gz")
    whole = table.select()
    assert len(whole.events) == 20176
    assert whole.exposure == pytest.approx(float(table.header["EXPOSUR7"]))
    assert whole.events.livetime == pytest.approx(float(table.header["ONTIME7"]))
    assert len(table.select(parse_region('22:25:52.6,+65:35:35,4"')).events) == 93
    assert len(table.select(parse_region('22:26:35.9,+65:35:37,4"')).events) == 375
