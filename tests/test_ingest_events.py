"""``ingest`` of event files, regions and light curves, from files to rows."""

from pathlib import Path

import h5py
import numpy as np
import ogip
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.event_table import read_events
from chandra_embed.inference.catalog.ingest import Summary, ingest
from chandra_embed.inference.catalog.regions import parse_region
from chandra_embed.inference.cli.ingest import ingest as command
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.variability import variability_columns
from click.testing import CliRunner
from event_fits import events, write_events, write_lightcurve, write_region

STEM = "acisf00123_000N021_r0043"
BANDS = {"u": (0.2, 0.5), "s": (0.5, 1.2), "m": (1.2, 2.0), "h": (2.0, 7.0), "b": (0.5, 7.0)}


def fates(summary: Summary) -> tuple[int, int, int, int]:
    assert summary.used + summary.companions + summary.quarantined == summary.given
    return summary.given, summary.used, summary.companions, summary.quarantined


def run(output: Path, *paths: Path, regions: tuple[str, ...] = (), **more: object) -> Summary:
    return ingest(paths, output, Recipe(**more), regions=[parse_region(text) for text in regions])


def test_events_join_their_spectrum_within_the_source_region(tmp_path: Path) -> None:
    folder, columns = tmp_path / "in", events(300)
    ogip.write_pha(folder / f"{STEM}_pha3.fits", ogip.counts(1))
    write_events(folder / f"{STEM}_regevt3.fits", columns)
    write_lightcurve(folder / f"{STEM}b_lc3.fits", [0.1, 0.3])
    write_region(folder / f"{STEM}_reg3.fits", [("Ellipse", 4000, 4100, (5, 3), 20)])
    assert fates(run(tmp_path / "s.h5", folder)) == (3, 1, 2, 0)
    inside = parse_region(str(folder / f"{STEM}_reg3.fits")).contains(columns["x"], columns["y"])
    assert 20 < inside.sum() < 280
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        (one,) = read_events(file, 0, 1)
        np.testing.assert_array_equal(one.time, columns["time"][inside] - 1000)
        assert store.read_column(file, "source_id")[0] == "123_0_43"
        assert store.read_column(file, "counts")[0] == ogip.counts(1)[35:479].sum()  # still the spectrum's
        assert store.read_column(file, "var_prob_b")[0] == 0.75  # the light curve's own
        assert len(file["lightcurve/counts"]) == 2
        whys = dict(zip(file["companion/path"].asstr(), file["companion/why"].asstr(), strict=True))
    assert whys[f"{STEM}_regevt3.fits"] == "events of the same detection"
    assert whys[f"{STEM}b_lc3.fits"] == "light curve of the same detection"


def test_events_alone_are_a_row_with_a_spectrum_of_their_energies(tmp_path: Path) -> None:
    columns = events(300)
    path = write_events(tmp_path / "a_evt2.fits", columns)
    summary = run(tmp_path / "s.h5", path, regions=("4000,4100,6",))
    assert fates(summary) == (1, 1, 0, 0)
    assert summary.without == {"background": 1, "arf": 1, "rmf": 1}
    inside = np.hypot(columns["x"] - 4000.0, columns["y"] - 4100.0) <= 6
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        (one,) = read_events(file, 0, 1)
        kev = columns["energy"][inside] / 1000
        counts = np.histogram(kev, np.arange(1025) * 0.0146)[0]
        np.testing.assert_array_equal(file["counts/source"][0], counts)
        assert store.read_column(file, "counts")[0] == counts[35:479].sum()
        assert np.isnan(file["counts/background"][0]).all()
        assert file["spectrum/value"][0].sum() > 0
        assert store.read_column(file, "file")[0] == "a_evt2.fits#4000,4100,6"
        assert store.read_column(file, "source_id")[0] == "a_evt2.fits#4000,4100,6"
        expected = variability_columns(one)
        for name, value in expected.items():
            assert store.read_column(file, name)[0] == value
        for name in ("has_background", "has_arf", "has_rmf"):
            assert not store.read_column(file, name)[0]
        assert np.isfinite(store.read_column(file, "ra")[0])


def test_a_file_of_several_regions_counts_once(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_events(folder / "a_evt2.fits")
    write_events(folder / "b_evt2.fits", events(100, seed=1))
    summary = run(tmp_path / "s.h5", folder, regions=("4000,4100,6", "10,10,2", "4000,4105,4"))
    assert fates(summary) == (2, 2, 0, 0)
    assert summary.rows == 4
    assert [row[:2] for row in summary.regions_aside] == [
        ("a_evt2.fits", "10,10,2"),
        ("b_evt2.fits", "10,10,2"),
    ]
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert store.row_count(file) == 4
        assert list(file["region/row"]) == [0, -1, 1, 2, -1, 3]
        assert file["region/reason"].asstr()[1].startswith("no-counts")
        told = [file["region/row"], file["region/path"].asstr(), file["region/region"].asstr()]
        for row, path, text in zip(*told, strict=True):
            if row >= 0:
                assert store.read_column(file, "file")[row] == f"{path}#{text}"


def test_regions_without_any_event_quarantine_the_file(tmp_path: Path) -> None:
    path = write_events(tmp_path / "a_evt2.fits")
    summary = run(tmp_path / "s.h5", path, regions=("10,10,2", "20,20,2"))
    assert fates(summary) == (1, 0, 0, 1)
    assert summary.quarantine[0][1].startswith("no-counts")


def test_region_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    path = write_events(tmp_path / "a_evt2.fits")
    for folder, x in (("one", 4000), ("two", 4003)):
        write_region(tmp_path / folder / "src_reg3.fits", [("circle", x, 4100, 5, 0)])
    regions = tuple(str(tmp_path / folder / "src_reg3.fits") for folder in ("one", "two"))
    run(tmp_path / "s.h5", path, regions=regions)
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert list(store.read_column(file, "source_id")) == [
            "a_evt2.fits#src_reg3.fits (1)",
            "a_evt2.fits#src_reg3.fits (2)",
        ]


def test_bad_parts_leave_the_spectrum_and_a_bad_spectrum_leaves_the_events(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    other = STEM.replace("0043", "0044")
    ogip.write_pha(folder / f"{STEM}_pha3.fits", ogip.counts(1))
    write_events(folder / f"{STEM}_regevt3.fits", gti=None)
    write_lightcurve(folder / f"{STEM}b_lc3.fits", [0.1], EXPOSURE=0.0)
    ogip.write_pha(folder / f"{other}_pha3.fits", ogip.counts(2), ANCRFILE="bad.arf")
    (folder / "bad.arf").write_text("broken")
    write_events(folder / f"{other}_regevt3.fits")
    write_lightcurve(folder / f"{other}b_lc3.fits", [0.1])
    summary = run(tmp_path / "s.h5", folder)
    assert fates(summary) == (6, 2, 1, 3)
    reasons = {path: reason.split(":")[0] for path, reason in summary.quarantine}
    assert reasons[f"{STEM}_regevt3.fits"] == "no-gti"
    assert reasons[f"{STEM}b_lc3.fits"] == "no-exposure"
    assert f"{other}_pha3.fits" in reasons
    assert summary.companion[0][:2] == (f"{other}b_lc3.fits", f"{other}_regevt3.fits")
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert [one is None for one in read_events(file, 0, 2)] == [True, False]
        assert list(file["lightcurve/offset"]) == [0, 0, 1]


def test_a_light_curve_alone_has_a_spectrum_of_zero(tmp_path: Path) -> None:
    path = write_lightcurve(tmp_path / f"{STEM}b_lc3.fits", [0.1, 0.3])
    assert fates(run(tmp_path / "s.h5", path)) == (1, 1, 0, 0)
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert not file["spectrum/value"][0].any()
        assert file["counts/grid"][0] == -1
        assert store.read_column(file, "counts")[0] == 20
        assert (store.read_column(file, "var_prob_b")[0], store.read_column(file, "var_index_b")[0]) == (
            0.75,
            3,
        )
        assert read_events(file, 0, 1) == [None]
    summary = run(tmp_path / "flux.h5", path, quantity="flux")
    assert summary.quarantine[0][1].startswith("no-arf")


def test_a_table_names_the_responses_of_events(tmp_path: Path) -> None:
    path = write_events(tmp_path / "a_evt2.fits")
    ogip.write_arf(tmp_path / "a.arf")
    ogip.write_rmf(tmp_path / "a.rmf")
    (tmp_path / "table.csv").write_text("file,arf,rmf\na_evt2.fits,a.arf,a.rmf\n")
    summary = ingest([path], tmp_path / "s.h5", Recipe(quantity="flux"), tmp_path / "table.csv")
    assert summary.without == {"background": 1, "arf": 0, "rmf": 0}
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert np.isfinite(store.read_column(file, "hard_hs")[0])


def test_a_region_without_event_files_is_an_error(tmp_path: Path) -> None:
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1))
    with pytest.raises(ChandraEmbedError, match="none is among the inputs"):
        run(tmp_path / "s.h5", path, regions=("1,2,3",))
    result = CliRunner().invoke(command, [str(path), "--region", "1,2", "-o", str(tmp_path / "s.h5")])
    assert result.exit_code == 2
    assert not (tmp_path / "s.h5").exists()


def same(one: Path, two: Path) -> None:
    """Whether two files hold the same bytes in every dataset."""
    with h5py.File(one) as a, h5py.File(two) as b:
        names: list[str] = []
        a.visititems(lambda name, o: names.append(name) if isinstance(o, h5py.Dataset) else None)
        assert len(names) > 50
        for name in names:
            assert a[name].dtype == b[name].dtype
            x, y = a[name][...], b[name][...]
            assert x.tolist() == y.tolist() if x.dtype.kind == "O" else x.tobytes() == y.tobytes(), name
        assert a.attrs["input_sha256"] == b.attrs["input_sha256"]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    ogip.write_pha(folder / f"{STEM}_pha3.fits", ogip.counts(1))
    write_events(folder / f"{STEM}_regevt3.fits")
    write_events(folder / "b_evt2.fits")
    for name in ("one.h5", "two.h5"):
        run(tmp_path / name, folder, regions=("4000,4100,6",))
    same(tmp_path / "one.h5", tmp_path / "two.h5")
    run(tmp_path / "other.h5", folder, regions=("4000,4100,7",))
    with h5py.File(tmp_path / "one.h5") as a, h5py.File(tmp_path / "other.h5") as b:
        assert a.attrs["input_sha256"] != b.attrs["input_sha256"]


@pytest.mark.real
def test_sources_of_the_real_file(chandra_data: Path, tmp_path: Path) -> None:
    """PSR B2223+65 and its neighbour: bands of the row are a plain histogram of the events in the circle."""
    from astropy.io import fits

    path = chandra_data / "events" / "755_7_evt2_05_8keV.fits.gz"
    with fits.open(path) as file:
        x, y, ev = (np.asarray(file["EVENTS"].data[name], float) for name in ("x", "y", "energy"))
    sky = ('22:25:52.6,+65:35:35,4"', '22:26:35.9,+65:35:37,4"')
    centres, radius = ((4037.4225, 4139.3429), (3491.9421, 4144.3594)), 4 / 0.492
    pixels = tuple(f"{cx},{cy},{radius}" for cx, cy in centres)
    summary = run(tmp_path / "s.h5", chandra_data / "events", regions=sky + pixels)
    assert fates(summary) == (1, 1, 0, 0)
    assert summary.rows == 4
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        found = read_events(file, 0, 4)
        for row, (cx, cy) in enumerate(centres * 2):
            inside = np.hypot(x - cx, y - cy) <= radius
            assert len(found[row]) == (93, 375)[row % 2] == inside.sum()
            for low, high in BANDS.values():
                plain = np.count_nonzero((ev[inside] >= 1000 * low) & (ev[inside] < 1000 * high))
                assert len(found[row].band(low, high)) == plain
            channels = np.histogram(ev[inside] / 1000, np.arange(1025) * 0.0146)[0]
            np.testing.assert_array_equal(file["counts/source"][row], channels)
            assert store.read_column(file, "counts")[row] == channels[35:479].sum()
            assert store.read_column(file, "exposure")[row] == pytest.approx(49118.926, abs=0.001)
        prob = store.read_column(file, "var_prob_b")
        assert ((prob >= 0) & (prob <= 1)).all()
        assert list(prob[:2]) == list(prob[2:])
    run(tmp_path / "again.h5", chandra_data / "events", regions=sky + pixels)
    same(tmp_path / "s.h5", tmp_path / "again.h5")


@pytest.mark.real
def test_real_light_curves(chandra_data: Path, tmp_path: Path) -> None:
    assert fates(run(tmp_path / "s.h5", chandra_data / "lightcurves")) == (19, 19, 0, 0)
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        keys = zip(*(store.read_column(file, name) for name in ("obsid", "obi", "region_id")), strict=True)
        rows = {key: row for row, key in enumerate(keys)}
        prob, index = (store.read_column(file, name) for name in ("var_prob_b", "var_index_b"))
        assert len(rows) == 19
        assert (prob[rows[2556, 0, 284]], index[rows[2556, 0, 284]]) == (0.99984909627142, 7)
        assert (prob[rows[2738, 0, 454]], index[rows[2738, 0, 454]]) == (0.99504903022055, 7)
        assert (prob > 0.9).sum() == 2
        np.testing.assert_array_equal(file["lightcurve/prob"], prob)
