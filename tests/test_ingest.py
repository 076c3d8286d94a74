"""``ingest`` from files to ``spectra.h5``: the fates add up, and rows hold what the files held."""

import gzip
from pathlib import Path

import h5py
import numpy as np
import ogip
import pytest
from chandra_embed.inference import read_spectrum
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.ingest import ingest
from chandra_embed.inference.cli.ingest import ingest as command
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.preprocess import group, preprocess
from chandra_embed.inference.recipe import Recipe
from click.testing import CliRunner


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    ogip.write_pha(
        folder / "acisf00123_001N002_r0043_pha3.fits",
        ogip.counts(1),
        ogip.counts(2),
        RESPFILE="a.rmf",
        ANCRFILE="a.arf",
    )
    ogip.write_pha(folder / "b.pi", ogip.counts(3), BACKFILE="b_bg.pi")
    ogip.write_pha(folder / "b_bg.pi", ogip.counts(4))
    ogip.write_pha(folder / "hrc.pi", ogip.counts(5), INSTRUME="HRC")
    ogip.write_pha(folder / "zero.pi", np.zeros(1024, np.int32))
    ogip.write_rmf(folder / "a.rmf")
    ogip.write_arf(folder / "a.arf")
    return folder


def test_fates_add_up_and_stand_in_the_file(files: Path, tmp_path: Path) -> None:
    summary = ingest([files], tmp_path / "s.h5", Recipe())
    assert (summary.given, summary.used, summary.companions, summary.quarantined) == (5, 2, 1, 2)
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        for name in ("given", "used", "companions", "quarantined"):
            assert file.attrs[name] == getattr(summary, name)
        assert list(file["quarantine/path"].asstr()[...]) == ["hrc.pi", "zero.pi"]
        assert [r.split(":")[0] for r in file["quarantine/reason"].asstr()[...]] == ["hrc", "no-counts"]
        assert list(file["companion/path"].asstr()[...]) == ["b_bg.pi"]
        assert list(file["companion/of"].asstr()[...]) == ["b.pi"]
        assert not file.attrs["simulated"]


def test_rows_hold_what_the_files_held(files: Path, tmp_path: Path) -> None:
    ingest([files], tmp_path / "s.h5", Recipe())
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert list(store.read_column(file, "file")) == ["acisf00123_001N002_r0043_pha3.fits", "b.pi"]
        assert list(store.read_column(file, "source_id")) == ["123_0_43", "b.pi"]
        assert list(store.read_column(file, "has_arf")) == [True, False]
        spectrum = read_spectrum(files / "b.pi")
        value, error = preprocess(spectrum.observation, Recipe())
        np.testing.assert_array_equal(file["spectrum/value"][1], value)
        np.testing.assert_array_equal(file["spectrum/error"][1], error)
        np.testing.assert_array_equal(file["counts/source"][1], spectrum.observation.counts)
        np.testing.assert_array_equal(file["counts/background"][1], spectrum.observation.background)
        net = store.read_column(file, "counts") - store.read_column(file, "background_counts")
        np.testing.assert_allclose(store.read_column(file, "net_counts"), net)
        hard = store.read_column(file, "hard_hs")
        assert np.isfinite(hard[0])
        assert np.isnan(hard[1])


def test_every_dataset_has_unit_and_description(files: Path, tmp_path: Path) -> None:
    ingest([files], tmp_path / "s.h5", Recipe())
    with h5py.File(tmp_path / "s.h5") as file:
        lacking: list[str] = []
        file.visititems(
            lambda name, o: (
                lacking.append(name)
                if isinstance(o, h5py.Dataset) and not {"unit", "description"} <= set(o.attrs)
                else None
            )
        )
    assert not lacking


def test_the_same_files_give_the_same_bytes(files: Path, tmp_path: Path) -> None:
    for name in ("one.h5", "two.h5"):
        ingest([files], tmp_path / name, Recipe())
    with h5py.File(tmp_path / "one.h5") as one, h5py.File(tmp_path / "two.h5") as two:
        assert one.attrs["input_sha256"] == two.attrs["input_sha256"]
        for name in ("spectrum/value", "spectrum/error", "counts/source", "detection/file"):
            assert one[name][...].tobytes() == two[name][...].tobytes()


def test_flux_quarantines_what_has_no_area(files: Path, tmp_path: Path) -> None:
    summary = ingest([files], tmp_path / "s.h5", Recipe(quantity="flux"))
    assert summary.used == 1
    assert ("b.pi", "no-arf") in [(path, reason.split(":")[0]) for path, reason in summary.quarantine]
    assert summary.used + summary.companions + summary.quarantined == summary.given


def test_responses_table(files: Path, tmp_path: Path) -> None:
    table = tmp_path / "in" / "responses.csv"
    table.write_text("file,arf,rmf,background\nb.pi,a.arf,a.rmf,\n")
    summary = ingest([files], tmp_path / "s.h5", Recipe(), table)
    assert summary.without == {"background": 0, "arf": 0, "rmf": 0}


def test_one_damaged_file_does_not_stop_the_others(files: Path, tmp_path: Path) -> None:
    packed = bytearray(gzip.compress((files / "b.pi").read_bytes()))
    packed[200:260] = bytes(60)
    (files / "torn.pi.gz").write_bytes(packed)
    summary = ingest([files], tmp_path / "s.h5", Recipe())
    assert (summary.given, summary.used) == (6, 2)
    assert "torn.pi.gz" in dict(summary.quarantine)


@pytest.mark.parametrize("name", ["b.pi", "table.csv"])
def test_the_output_is_never_an_input(files: Path, tmp_path: Path, name: str) -> None:
    (files / "table.csv").write_text("file,arf\nb.pi,a.arf\n")
    before = (files / name).read_bytes()
    with pytest.raises(ChandraEmbedError, match="is one of the inputs"):
        ingest([files], files / name, Recipe(), files / "table.csv")
    assert (files / name).read_bytes() == before


def test_a_copy_stands_in_for_what_could_not_be_used(tmp_path: Path) -> None:
    groups = np.where(np.arange(ogip.N) % 5 == 0, 1, -1)
    folder = tmp_path / "in"
    ogip.write_pha(folder / "plain.pi", ogip.counts(1), ANCRFILE="bad.arf")
    (folder / "bad.arf").write_text("broken")
    ogip.write_pha(folder / "grp1.pi", ogip.counts(1), grouping=groups)
    ogip.write_pha(folder / "grp2.pi", ogip.counts(1), grouping=groups)
    summary = ingest([folder], tmp_path / "s.h5", Recipe())
    assert (summary.given, summary.used, summary.companions, summary.quarantined) == (3, 1, 1, 1)
    assert summary.quarantine[0][0] == "plain.pi"
    assert summary.companion == [("grp2.pi", "grp1.pi", "grouped copy, equal counts")]


def test_a_name_too_long_is_quarantined(tmp_path: Path) -> None:
    path = ogip.write_pha(tmp_path / "in" / ("x" * 100) / ("y" * 160) / "a.pi", ogip.counts(1))
    summary = ingest([tmp_path / "in", path], tmp_path / "s.h5", Recipe())
    assert (summary.used, summary.quarantined) == (0, 1)
    assert summary.quarantine[0][1].startswith("name-too-long")


def test_more_rows_than_a_chunk(tmp_path: Path) -> None:
    for i in range(259):
        ogip.write_pha(tmp_path / "in" / f"{i:03}.pi", ogip.counts(i))
    summary = ingest([tmp_path / "in"], tmp_path / "s.h5", Recipe())
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert summary.used == store.row_count(file) == 259
        assert file["counts/grid"].shape == (259,)
        assert file["counts/source"][258].sum() == ogip.counts(258).sum()


def test_command(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.h5"
    first = CliRunner().invoke(command, [str(files), "-o", str(out)])
    assert first.exit_code == 0
    assert "5 given = 2 used + 1 companions + 2 quarantined" in first.stdout
    again = CliRunner().invoke(command, [str(files), "-o", str(out)])
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    with h5py.File(out, "r+") as file:
        file.attrs["complete"] = False
    assert CliRunner().invoke(command, [str(files), "-o", str(out), "-q"]).exit_code == 0


def test_command_with_nothing_to_use_writes_the_reasons_and_fails(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.h5"
    result = CliRunner().invoke(command, [str(files / "hrc.pi"), "-o", str(out), "--json"])
    assert result.exit_code == 1
    assert '"used": 0' in result.stdout
    with store.open_store(out, store.SPECTRA) as file:
        assert store.row_count(file) == 0
        assert len(file["quarantine/path"]) == 1
        assert len(file["companion/path"]) == 0


@pytest.mark.real
def test_real_files(chandra_data: Path, tmp_path: Path) -> None:
    summary = ingest([chandra_data / "spectra", chandra_data / "other_formats"], tmp_path / "s.h5", Recipe())
    assert (summary.given, summary.used, summary.companions, summary.quarantined) == (41, 22, 16, 3)
    reasons = {path: reason.split(":")[0] for path, reason in summary.quarantine}
    assert reasons == {
        "3c120_heg_1.pha.gz": "grating",
        "3c120_pha2.gz": "type-2",
        "hrcf24564_000N030_r0001_pha3.fits.gz": "hrc",
    }
    companions = {path: of for path, of, _ in summary.companion}
    assert companions["m33_01730/back.pi"] == "m33_01730/source.pi"
    assert companions["g21.5-0.9_01838/back1.pi"] == "g21.5-0.9_01838/source1.pi"
    assert companions["4c19.44_06903/obs1_bg.pi"] == "4c19.44_06903/obs1.pi"
    assert companions["m31_src244_merged/244_high_src_gr.pi"] == "m31_src244_merged/244_high_src.pi"
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        row = list(store.read_column(file, "obsid")).index(4938)
        assert store.read_column(file, "counts")[row] == 1603
        assert store.read_column(file, "net_counts")[row] == pytest.approx(1350.39, abs=0.005)
        assert np.isfinite(file["spectrum/value"][...]).all()


@pytest.mark.real
def test_real_collection_equals_real_files(chandra_data: Path, tmp_path: Path) -> None:
    """A file in the Multimodal Universe's layout, made from PHA files, gives the rows of those files."""
    paths = sorted((chandra_data / "spectra").glob("csc_*/*pha3.fits*"))
    assert len(paths) == 4
    ingest(paths, tmp_path / "files.h5", Recipe())
    grouped = [group(read_spectrum(path).observation, Recipe()) for path in paths]
    vlen = h5py.vlen_dtype(np.float64)
    with h5py.File(tmp_path / "collection.hdf5", "w") as file:
        for name, attribute in (("ene_lo", "lo"), ("ene_hi", "hi"), ("flux", "y"), ("flux_err", "yerr")):
            file.create_dataset(f"spectrum_{name}", (4,), dtype=vlen)
            for i, one in enumerate(grouped):
                file[f"spectrum_{name}"][i] = getattr(one, attribute)
        file["spectrum_ene"] = np.zeros(4)
        file["name"] = np.array([b"2CXO J0", b"2CXO J1", b"2CXO J2", b"2CXO J3"])
        file["obsid"], file["obi"] = [1575, 1575, 4938, 7867], [1, 1, 0, 0]
        file["hard_hs"] = np.array([0.1, 0.2, 0.3, np.nan])
    summary = ingest([tmp_path / "collection.hdf5"], tmp_path / "rows.h5", Recipe())
    assert summary.used == 4
    with (
        store.open_store(tmp_path / "files.h5", store.SPECTRA) as a,
        store.open_store(tmp_path / "rows.h5", store.SPECTRA) as b,
    ):
        np.testing.assert_array_equal(a["spectrum/value"][...], b["spectrum/value"][...])
        np.testing.assert_array_equal(a["spectrum/error"][...], b["spectrum/error"][...])
        np.testing.assert_array_equal(store.read_column(a, "obsid"), store.read_column(b, "obsid"))
        assert list(store.read_column(b, "source_id")) == ["2CXO J0", "2CXO J1", "2CXO J2", "2CXO J3"]
