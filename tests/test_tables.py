import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from chandra_embed.inference.catalog import store, tables
from chandra_embed.inference.cli.table import table as command
from chandra_embed.inference.embed import embed_file
from chandra_embed.inference.errors import ChandraEmbedError, StoreError
from click.testing import CliRunner
from small import write_spectra

ROWS = 60
EXTENSIONS = ["fits", "vot", "ecsv", "parquet"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """An embeddings file that was not scored."""
    folder = tmp_path_factory.mktemp("plain")
    spectra = write_spectra(folder / "spectra.h5", ROWS)
    embed_file(spectra, folder / "embeddings.h5", device="cpu")
    return folder / "embeddings.h5"


@pytest.fixture(scope="module")
def scored(plain, tmp_path_factory):
    """The same with groups as score and network write them; row 7 has no anomaly, rows 3 and 4 tie."""
    path = tmp_path_factory.mktemp("scored") / "embeddings.h5"
    path.write_bytes(plain.read_bytes())
    anomaly = np.linspace(0, 1, ROWS)
    anomaly[7], anomaly[3] = np.nan, anomaly[4]
    with h5py.File(path, "r+") as file:
        score = file.create_group("score")
        score.attrs["against"] = "file"
        degree = store.write_dataset(score, "degree", np.arange(2 * ROWS).reshape(2, ROWS), "", "degree")
        degree.attrs["thresholds"] = [0.5, 0.875]
        store.write_dataset(score, "anomaly", anomaly, "", "how strange")
        network = file.create_group("network")
        store.write_dataset(network, "coreness", np.arange(ROWS), "", "coreness")
        store.write_dataset(network, "anomaly", np.zeros(ROWS), "", "a name that score has too")
        store.write_dataset(network, "edges", np.zeros((5, 2)), "", "not a column")
        file["detection/pileup_flag"][:3] = [1, 0, -1]
        file["detection/name"][5] = "2CXO Ø".encode()
        file["detection/file"][5] = ("long/" * 40).encode()
    return path


def build(path, **options):
    with store.open_store(path, store.EMBEDDINGS) as file:
        return tables.build_table(file, **options)


def run(path, output, *options):
    return CliRunner().invoke(command, [str(path), "-o", str(output), *options])


def read(path):
    """Read a table back, text as str."""
    found = Table.read(path)
    found.convert_bytestring_to_unicode()
    return found


def test_every_column_is_there_with_unit_and_description(scored):
    table = build(scored)
    with h5py.File(scored) as file:
        detection = {name: dict(column.attrs) for name, column in file["detection"].items()}
        n_latent, n_embedding = file["latent"].shape[1], file["embedding"].shape[1]
    names = table.colnames
    assert names[:3] == ["row", "simulated", "file"]
    assert set(detection) < set(names)
    for name, attributes in detection.items():
        assert str(table[name].unit or "") == {"count": "ct"}.get(attributes["unit"], attributes["unit"])
        assert table[name].description == attributes["description"]
    vectors = [f"latent_{j}" for j in range(n_latent)] + [f"embedding_{j}" for j in range(n_embedding)]
    assert names[-len(vectors) :] == vectors
    wanted = {"reconstruction_error", "degree_0.5", "degree_0.875", "anomaly", "coreness", "network_anomaly"}
    assert wanted < set(names)
    assert "edges" not in names


def test_values_are_those_of_the_file(scored):
    table = build(scored)
    with h5py.File(scored) as file:
        np.testing.assert_array_equal(table["embedding_1"], file["embedding"][:, 1])
        np.testing.assert_array_equal(table["latent_0"], file["latent"][:, 0])
        np.testing.assert_array_equal(table["degree_0.875"], file["score/degree"][1])
        np.testing.assert_array_equal(table["ra"], file["detection/ra"])
        np.testing.assert_array_equal(table["pileup_flag"], file["detection/pileup_flag"])
        assert table["name"][5] == "2CXO Ø"
        assert table["file"][5] == "long/" * 40


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_format_reads_back_the_same(scored, tmp_path, extension):
    path = tmp_path / f"scores.{extension}"
    done = run(scored, path)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    assert f"{ROWS} of {ROWS} rows" in done.stdout
    assert "simulated" in done.stdout
    expected, found = build(scored), read(path)
    if extension == "fits":  # astropy does not read the standard's TCOMM
        header = fits.getheader(path, 1)
        for i, name in enumerate(found.colnames, 1):
            found[name].description = header[f"TCOMM{i}"]
    assert found.colnames == expected.colnames
    for name in expected.colnames:
        wanted, got = expected[name], found[name]
        if extension == "fits" and wanted.dtype.kind == "U":
            wanted = np.char.replace(wanted, "Ø", "\\xd8")
        if hasattr(got, "filled"):
            got = got.filled("" if got.dtype.kind == "U" else np.nan if got.dtype.kind == "f" else -1)
        np.testing.assert_array_equal(np.asarray(got), np.asarray(wanted), err_msg=name)
        assert (got.unit or "") == (expected[name].unit or ""), name
        assert " ".join(got.description.split()) == expected[name].description, name
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_table_without_rows_is_legal(scored, tmp_path, extension):
    path = tmp_path / f"none.{extension}"
    done = run(scored, path, "--where", "net_counts < 0")
    assert done.exit_code == 0, done.output
    assert len(Table.read(path)) == 0


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_file_of_no_detections_is_legal(tmp_path, extension):
    embed_file(write_spectra(tmp_path / "s.h5", 0), tmp_path / "e.h5", device="cpu")
    done = run(tmp_path / "e.h5", tmp_path / f"none.{extension}")
    assert done.exit_code == 0, done.output


def test_flags_are_numbers_in_fits(scored, tmp_path):
    """FITS has no signed byte: astropy would write int8 as truth values and lose the -1."""
    run(scored, tmp_path / "x.fits", "--columns", "pileup_flag,has_arf")
    with fits.open(tmp_path / "x.fits") as file:
        assert file[1].header["TFORM1"].strip() == "I"
        assert file[1].header["TFORM2"].strip() == "L"
        assert file[1].data["pileup_flag"][:3].tolist() == [1, 0, -1]


def test_simulated_is_said_in_the_table(scored, tmp_path):
    run(scored, tmp_path / "x.fits")
    header = fits.getheader(tmp_path / "x.fits", 1)
    assert "SIMULATED" in str(header["COMMENT"])
    assert header["TCOMM2"].startswith("no telescope saw this")
    embed_file(write_spectra(tmp_path / "s.h5", 2, simulated=False), tmp_path / "e.h5", device="cpu")
    table = build(tmp_path / "e.h5")
    assert "simulated" not in table.colnames
    assert "SIMULATED" not in str(table.meta)


def test_where_selects_rows_by_any_column(scored):
    table = build(scored, where='net_counts > 10 and class == "AGN" and degree_0.5 < 40')
    assert table["row"].tolist() == list(range(12, 40, 4))
    with store.open_store(scored, store.EMBEDDINGS) as file:
        assert np.flatnonzero(tables.select(file, "obsid in (3, 5)")).tolist() == [3, 5]


def test_top_sorts_by_anomaly_and_leaves_out_what_has_none(scored):
    assert build(scored, top=3)["row"].tolist() == [59, 58, 57]
    assert build(scored, top=3, where="row < 6")["row"].tolist() == [5, 3, 4]
    everything = build(scored, top=1000)["row"].tolist()
    assert len(everything) == ROWS - 1
    assert 7 not in everything


def test_top_without_scores_says_how_to_get_them(plain):
    with pytest.raises(StoreError, match="no anomaly scores; run: chandra-embed score"):
        build(plain, top=3)


def test_columns_are_those_asked_for_in_their_order(scored):
    assert build(scored, columns=["anomaly", "row", "class"]).colnames == ["anomaly", "row", "class"]
    with pytest.raises(ChandraEmbedError, match="'anomly' is no column; near ones: anomaly"):
        build(scored, columns=["anomly"])


def test_text_read_in_blocks_is_the_same(scored, monkeypatch):
    whole = build(scored)
    monkeypatch.setattr(tables, "BLOCK", 7)
    blocks = build(scored)
    for name in ("file", "name", "class"):
        assert whole[name].tolist() == blocks[name].tolist()


@pytest.mark.parametrize(
    ("output", "options", "words"),
    [
        ("x.fits", ("--where", "nonsense > 1"), "is no column"),
        ("x.fits", ("--columns", "row,,class"), "'' is no column"),
        ("no/such/x.fits", (), "cannot be written"),
        ("no/such/x.vot", (), "cannot be written"),
        ("no/such/x.ecsv", (), "cannot be written"),
        ("no/such/x.parquet", (), "cannot be written"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(scored, tmp_path, output, options, words):
    done = run(scored, tmp_path / output, *options)
    assert done.exit_code == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.csv", "x"])
def test_a_name_without_a_known_ending_is_bad_use(scored, tmp_path, name):
    done = run(scored, tmp_path / name)
    assert done.exit_code == 2
    assert "end the name in one of .fits, .vot, .ecsv, .parquet" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_existing_table_is_refused_and_replaced_when_asked(scored, tmp_path):
    path = tmp_path / "x.fits"
    path.write_text("precious")
    refused = run(scored, path)
    assert refused.exit_code == 1
    assert "--overwrite" in refused.stderr
    assert path.read_text() == "precious"
    assert run(scored, path, "--overwrite", "--where", "bad > > 1").exit_code == 1
    assert path.read_text() == "precious"
    assert run(scored, path, "--overwrite").exit_code == 0
    assert len(Table.read(path)) == ROWS


def test_json_says_what_was_written(scored, tmp_path):
    import json

    done = run(scored, tmp_path / "x.ecsv", "--top", "4", "--columns", "row", "--json")
    assert json.loads(done.stdout) == {
        "output": str(tmp_path / "x.ecsv"),
        "rows": 4,
        "of": ROWS,
        "columns": 1,
        "simulated": True,
    }
