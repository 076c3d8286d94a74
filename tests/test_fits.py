"""Reading PHA files: scaling, errors, channels, what is missing, what is refused."""

import gzip
from pathlib import Path

import numpy as np
import ogip
import pytest
from astropy.io import fits
from chandra_embed.inference import read_spectrum
from chandra_embed.inference.catalog.fits import Companions, find_named, off_axis
from chandra_embed.inference.catalog.pha import read_pha
from chandra_embed.inference.errors import Quarantined
from chandra_embed.inference.preprocess import band_counts


def refused(path: Path) -> str:
    with pytest.raises(Quarantined) as caught:
        read_spectrum(path)
    return caught.value.reason


def test_level_3_file_holds_its_own_background(tmp_path: Path) -> None:
    source, background = ogip.counts(1), ogip.counts(2)
    path = ogip.write_pha(
        tmp_path / "acisf00123_001N002_r0043_pha3.fits",
        source,
        background,
        BACKFILE="acisf00123_001N002_r0043_pha3.fits",
        REGIONID="0043",
    )
    spectrum = read_spectrum(path)
    assert spectrum.background_path == path
    assert spectrum.observation.background is not None
    np.testing.assert_array_equal(spectrum.observation.background, background)
    assert spectrum.observation.scale == pytest.approx(1e-6 / 1e-5)
    assert spectrum.detection["region_id"] == 43
    assert (spectrum.detection["obsid"], spectrum.detection["obi"]) == (123, 0)


def test_own_background_wins_over_backfile(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "other.pi", ogip.counts(5))
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), ogip.counts(2), BACKFILE="other.pi")
    np.testing.assert_array_equal(read_spectrum(path).observation.background, ogip.counts(2))


def test_backfile_naming_the_file_itself_without_background_is_no_background(tmp_path: Path) -> None:
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), BACKFILE="a.pi")
    spectrum = read_spectrum(path)
    assert spectrum.observation.background is None
    assert not spectrum.detection["has_background"]
    assert any("itself" in note for note in spectrum.notes)


def test_responses_lying_there_with_gz_added(tmp_path: Path) -> None:
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), RESPFILE="a.rmf", ANCRFILE="a.arf")
    for plain in (ogip.write_rmf(tmp_path / "a.rmf", offset=0.005), ogip.write_arf(tmp_path / "a.arf")):
        Path(f"{plain}.gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    spectrum = read_spectrum(path)
    assert spectrum.detection["has_arf"]
    assert spectrum.detection["has_rmf"]
    assert spectrum.observation.energy_lo[0] == pytest.approx(0.005)


@pytest.mark.parametrize("n", [685, 1024])
def test_without_rmf_the_nominal_grid(tmp_path: Path, n: int) -> None:
    spectrum = read_spectrum(ogip.write_pha(tmp_path / "a.pi", ogip.counts(1, n=n)))
    assert not spectrum.detection["has_rmf"]
    assert len(spectrum.observation.counts) == n
    np.testing.assert_allclose(spectrum.observation.energy_hi, np.arange(1, n + 1) * 0.0146)
    assert any("nominal" in note for note in spectrum.notes)


def test_responses_by_hand_win_over_the_header(tmp_path: Path) -> None:
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), ANCRFILE="header.arf")
    ogip.write_arf(tmp_path / "header.arf", 100.0)
    mine = ogip.write_arf(tmp_path / "mine.arf", 300.0)
    spectrum = read_spectrum(path, Companions(arf=mine))
    assert spectrum.observation.area is not None
    assert spectrum.observation.area[0] == 300.0


def test_rate_background_becomes_counts_with_its_own_errors(tmp_path: Path) -> None:
    rate = np.full(ogip.N, 2e-4)
    ogip.write_pha(
        tmp_path / "b.bg", rate, counts_column="RATE", stat_err=rate / 10, EXPOSURE=2.0, POISSERR=False
    )
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), backscal=1.0, BACKFILE="b.bg")
    o = read_spectrum(path).observation
    assert o.background is not None
    assert o.background_error is not None
    np.testing.assert_allclose(o.background, rate * 2.0)
    np.testing.assert_allclose(o.background_error, rate / 10 * 2.0)
    # T BACKSCAL of the source over that of the background, whose BACKSCAL is ogip's default
    assert o.scale == pytest.approx((10000.0 * 1.0) / (2.0 * 1e-6))


@pytest.mark.parametrize(
    ("poisson", "whole", "used"), [(True, True, False), (False, True, True), (True, False, True)]
)
def test_stat_err_counts_where_poisson_errors_do_not_hold(
    tmp_path: Path, poisson: bool, whole: bool, used: bool
) -> None:
    counts = ogip.counts(1).astype(float) + (0.0 if whole else 0.25)
    path = ogip.write_pha(tmp_path / "a.pi", counts, stat_err=np.full(ogip.N, 0.5), POISSERR=poisson)
    error = read_spectrum(path).observation.counts_error
    assert (error is not None) == used
    if used:
        np.testing.assert_array_equal(error, 0.5)


def test_areascal_and_backscal_as_keywords_and_columns(tmp_path: Path) -> None:
    column = np.linspace(1.0, 2.0, ogip.N)
    ogip.write_pha(tmp_path / "b.pi", ogip.counts(2), backscal=1.0, areascal=32.0)
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), backscal=column, areascal=2.0, BACKFILE="b.pi")
    o = read_spectrum(path).observation
    np.testing.assert_allclose(o.scale, column * 2.0 / 32.0)
    assert o.areascal == 2.0


def test_channels_that_are_not_listed_hold_zero(tmp_path: Path) -> None:
    channels = np.array([100, 200, 300], dtype=np.int32)
    path = ogip.write_pha(
        tmp_path / "a.pi", np.array([4, 5, 6]), DETCHANS=1024, RESPFILE="a.rmf", channel=channels
    )
    ogip.write_rmf(tmp_path / "a.rmf")
    o = read_spectrum(path).observation
    assert o.counts.sum() == 15
    assert list(np.flatnonzero(o.counts)) == [99, 199, 299]


def test_off_axis_angle() -> None:
    assert off_axis(10.0, 0.0, 10.0, 0.5) == pytest.approx(30.0)
    assert off_axis(10.0, 60.0, 11.0, 60.0) == pytest.approx(30.0, rel=1e-3)
    assert np.isnan(off_axis(float("nan"), 0.0, 0.0, 0.0))


def test_merged_headers_have_no_obsid(tmp_path: Path) -> None:
    facts = read_spectrum(ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), OBS_ID="Merged")).detection
    assert (facts["obs_id"], facts["obsid"], facts["obi"]) == ("Merged", -1, -1)


def test_find_named(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.pi.gz", "R.RMF.GZ", "sub/c.pi.gz"):
        (tmp_path / name).touch()
    here = tmp_path / "a.pi"
    assert find_named(here, "b.pi") == tmp_path / "b.pi.gz"
    assert find_named(here, "/elsewhere/b.pi") == tmp_path / "b.pi.gz"
    assert find_named(here, "b.pi.gz[SPECTRUM]") == tmp_path / "b.pi.gz"
    assert find_named(here, "sub/c.pi") == tmp_path / "sub" / "c.pi.gz"
    assert find_named(here, "R.RMF") == tmp_path / "R.RMF.GZ"
    assert [find_named(here, name) for name in ("none", "NONE", "", " ", "c.pi")] == [None] * 5


def test_what_a_linked_spectrum_names_lies_where_the_link_leads(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "far" / "a.pi", ogip.counts(1), BACKFILE="b.pi")
    ogip.write_pha(tmp_path / "far" / "b.pi", ogip.counts(2))
    (tmp_path / "link.pi").symlink_to(tmp_path / "far" / "a.pi")
    assert read_spectrum(tmp_path / "link.pi").detection["has_background"]


def test_a_second_spectrum_is_the_background_where_backfile_names_the_file(tmp_path: Path) -> None:
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), ogip.counts(2), BACKFILE="a.pi")
    with fits.open(path, mode="update") as file:
        del file[2].header["HDUCLAS2"]
    np.testing.assert_array_equal(read_spectrum(path).observation.background, ogip.counts(2))


def test_rates_in_single_precision_are_the_counts_they_came_from(tmp_path: Path) -> None:
    counts = ogip.counts(1, mean=3.0)
    rate = (counts / 10000.0).astype(np.float32).astype(float)
    path = ogip.write_pha(tmp_path / "a.pi", rate, counts_column="RATE")
    np.testing.assert_array_equal(read_spectrum(path).observation.counts, counts)


def test_errors_of_zero_and_poisserr_as_text(tmp_path: Path) -> None:
    zero = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), stat_err=np.zeros(ogip.N), POISSERR=False)
    assert read_spectrum(zero).observation.counts_error is None
    text = ogip.write_pha(tmp_path / "b.pi", ogip.counts(1), stat_err=np.ones(ogip.N), POISSERR="F")
    assert read_spectrum(text).observation.counts_error is not None


def test_the_file_name_helps_where_the_header_is_silent(tmp_path: Path) -> None:
    path = ogip.write_pha(
        tmp_path / "acisf01575_001N002_r0043_pha3.fits", ogip.counts(1), OBS_ID=None, OBI_NUM=None
    )
    facts = read_spectrum(path).detection
    assert (facts["obs_id"], facts["obsid"], facts["obi"], facts["region_id"]) == ("1575", 1575, 1, 43)


def test_a_background_of_other_channels_is_refused(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "b.pi", ogip.counts(2, n=512))
    assert refused(ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), BACKFILE="b.pi")) == "bad-background"


def test_every_lacking_part_has_a_note(tmp_path: Path) -> None:
    notes = read_spectrum(ogip.write_pha(tmp_path / "a.pi", ogip.counts(1))).notes
    assert [note.split(":")[0] for note in notes] == ["no background", "no RMF", "no ARF"]


@pytest.mark.parametrize(
    ("reason", "header"),
    [
        ("hrc", {"INSTRUME": "HRC"}),
        ("not-chandra", {"TELESCOP": "SWIFT", "INSTRUME": "XRT"}),
        ("not-chandra", {"TELESCOP": None, "INSTRUME": None}),
        ("no-exposure", {"EXPOSURE": 0.0}),
        ("no-exposure", {"EXPOSURE": None}),
        ("no-exposure", {"EXPOSURE": -5.0}),
        ("bad-scaling", {"backscal": 0.0}),
        ("type-2", {"HDUCLAS4": "TYPE:II"}),
        ("net-spectrum", {"HDUCLAS2": "NET"}),
        ("not-pi", {"CHANTYPE": "PHA"}),
        ("grating", {"bin_lo": np.ones(1024), "bin_hi": np.ones(1024)}),
    ],
)
def test_refused_by_header(tmp_path: Path, reason: str, header: dict[str, object]) -> None:
    assert refused(ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), **header)) == reason


@pytest.mark.parametrize(
    ("reason", "counts"),
    [
        ("no-counts", np.zeros(1024, np.int32)),
        ("negative-counts", np.where(np.arange(1024) == 500, -1, 1)),
        ("not-finite", np.where(np.arange(1024) == 500, np.nan, 1.0)),
        ("not-finite", np.where(np.arange(1024) == 500, np.inf, 1.0)),
        ("bad-channels", np.ones(4096, np.int32)),
        ("no-rmf", np.ones(512, np.int32)),
        ("type-2", np.ones((4, 1024), np.int32)),
    ],
)
def test_refused_by_counts(tmp_path: Path, reason: str, counts: np.ndarray) -> None:
    assert refused(ogip.write_pha(tmp_path / "a.pi", counts)) == reason


def test_refused_files(tmp_path: Path) -> None:
    (tmp_path / "empty.pi").touch()
    (tmp_path / "text.pi").write_text("not a FITS file, but long enough to look at\n" * 100)
    ogip.write_arf(tmp_path / "area.pi")
    whole = ogip.write_pha(tmp_path / "whole.pi", ogip.counts(1)).read_bytes()
    (tmp_path / "cut.pi").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cut.pi.gz").write_bytes(gzip.compress(whole)[:300])
    packed = bytearray(gzip.compress(whole))
    packed[200:260] = bytes(60)
    (tmp_path / "torn.pi.gz").write_bytes(packed)
    (tmp_path / "folder.pi").mkdir()
    found = {p.name: refused(p) for p in sorted(tmp_path.iterdir()) if p.name != "whole.pi"}
    assert found == {
        "area.pi": "no-spectrum",
        "cut.pi": "truncated",
        "cut.pi.gz": "truncated",
        "empty.pi": "empty-file",
        "folder.pi": "not-a-file",
        "text.pi": "not-fits",
        "torn.pi.gz": "damaged-gzip",
    }


def test_bad_responses_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.rmf").write_bytes(ogip.write_arf(tmp_path / "x.arf").read_bytes())
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), RESPFILE="bad.rmf")
    assert refused(path) == "bad-response"
    ogip.write_rmf(tmp_path / "short.rmf", n=300)
    path = ogip.write_pha(tmp_path / "b.pi", ogip.counts(1), RESPFILE="short.rmf")
    assert refused(path) == "response-mismatch"


def test_a_broken_background_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.pi").write_text("broken")
    assert refused(ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), BACKFILE="b.pi")) == "bad-background"


def test_grouped_flag_and_digest(tmp_path: Path) -> None:
    plain = read_pha(ogip.write_pha(tmp_path / "a.pi", ogip.counts(1)))[0]
    groups = np.where(np.arange(ogip.N) % 5 == 0, 1, -1)
    grouped = read_pha(ogip.write_pha(tmp_path / "b.pi", ogip.counts(1), grouping=groups))[0]
    assert (plain.grouped, grouped.grouped) == (False, True)
    assert plain.counts_digest == grouped.counts_digest


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "band", "expected"),
    [
        ("csc_04938_r0043/acisf04938_000N002_r0043_pha3.fits", (0.5, 7.0), (1603, 3841, 1350.39)),
        ("csc_04938_r0043/acisf04938_000N002_r0043_pha3.fits", (0.5, 8.0), (1669, 4555, 1369.44)),
        ("csc_07867_r0002/acisf07867_000N001_r0002_pha3.fits", (0.5, 7.0), (211, 24, 210.00)),
        ("csc_07867_r0002/acisf07867_000N001_r0002_pha3.fits", (0.5, 8.0), (213, 26, 211.92)),
    ],
)
def test_counts_of_real_level_3_files(
    chandra_data: Path, path: str, band: tuple[float, float], expected: tuple[int, int, float]
) -> None:
    source, background, net = band_counts(read_spectrum(chandra_data / "spectra" / path).observation, *band)
    assert (source, background) == expected[:2]
    assert net == pytest.approx(expected[2], abs=0.005)
