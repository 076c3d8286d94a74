"""From words to observations."""

import json
import shutil

import h5py
import numpy as np
import pytest
from aligned_bundle import SHARED, seal, write_aligned_bundle
from chandra_embed.inference.aligned import TextEmbedder
from chandra_embed.inference.catalog import store
from chandra_embed.inference.cli.search import search as command
from chandra_embed.inference.errors import BundleError, ChandraEmbedError, StoreError
from chandra_embed.inference.search import search
from chandra_embed.models import registry
from click.testing import CliRunner
from embeddings_file import write_embeddings

pytestmark = pytest.mark.train
N, TEXT = 30, "a hard and variable pulsar"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_aligned_bundle(tmp_path_factory.mktemp("models") / "aligned")


def write(path, bundle, n=N, **attributes):
    manifest = registry.verify(bundle)
    made_by = {
        "bundle": manifest.name,
        "bundle_version": manifest.version,
        "bundle_sha256": manifest.sha256,
        "bundle_folder": str(bundle),
    }
    return write_embeddings(path, n, d=SHARED, per_source=3, **{**made_by, **attributes})


@pytest.fixture
def file(tmp_path, bundle):
    return write(tmp_path / "embeddings.h5", bundle)


def run(*arguments):
    return CliRunner().invoke(command, [str(each) for each in arguments])


def found(path, text=TEXT, **options):
    with h5py.File(path) as opened:
        return search(opened, text, **options)


def expected(path, bundle):
    """Return the similarity of every row to the text."""
    query = TextEmbedder.load(bundle, "cpu").embed([TEXT])[0]
    with h5py.File(path) as opened:
        return opened["embedding"][...].astype(np.float64) @ query.astype(np.float64)


def test_rows_are_ranked_by_cosine_one_of_each_source(file, bundle):
    values = expected(file, bundle)
    hits = found(file, k=4)
    best = [int(3 * source + np.argmax(values[3 * source :][:3])) for source in range(N // 3)]
    best.sort(key=lambda row: -values[row])
    assert hits.rows.tolist() == best[:4]
    np.testing.assert_allclose(hits.similarity, values[best[:4]], atol=1e-12)
    assert hits.other_detections.tolist() == [2] * 4
    assert (hits.without, hits.bundle) == (0, "aligned 1.0.0")


def test_all_detections_are_ranked_when_asked(file, bundle):
    values = expected(file, bundle)
    assert found(file, k=N, all_detections=True).rows.tolist() == np.argsort(-values, kind="stable").tolist()


def test_more_than_there_are_is_said(file):
    assert len(found(file, k=1000).rows) == N // 3
    result = run(file, TEXT, "-k", 1000)
    assert result.exit_code == 0, result.output
    assert "10 sources, not 1000: the file has no more" in result.stdout
    assert "30 detections, not 1000" in run(file, TEXT, "-k", 1000, "--all-detections").stdout


def test_json_holds_what_the_table_shows(file):
    result = run(file, TEXT, "-k", 3, "--json")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["rank"] for line in lines] == [1, 2, 3]
    hits = found(file, k=3)
    with h5py.File(file) as opened:
        columns = {name: store.read_column(opened, name) for name in ("name", "class", "hard_hm")}
    for line, row, value in zip(lines, hits.rows, hits.similarity, strict=True):
        assert (line["row"], line["similarity"]) == (row, value)
        assert all(line[name] == values[row] for name, values in columns.items())
        assert line["obsid"] == 100 + row
        assert line["hard_hs"] is line["hard_ms"] is line["var_prob_b"] is None
        assert line["net_counts"] >= 50
        assert (line["simulated"], line["text"], line["bundle"]) == (False, TEXT, "aligned 1.0.0")
    shown = run(file, TEXT, "-k", 3).stdout
    head = "rank similarity name obsid class hard_hs hard_hm hard_ms var_prob_b net_counts"
    assert head in " ".join(shown.split())
    assert "other detections of these sources: 6, left out" in shown
    assert "left out" not in run(file, TEXT, "-k", 3, "--all-detections").stdout


def test_simulated_is_said(tmp_path, bundle):
    file = write(tmp_path / "e.h5", bundle, simulated=True)
    assert "30 detections (simulated)" in run(file, TEXT).stdout
    assert json.loads(run(file, TEXT, "-k", 1, "--json").stdout)["simulated"]


def test_semi_simulated_texts_are_said(tmp_path, bundle):
    folder = shutil.copytree(bundle, tmp_path / "copy")
    file = write(tmp_path / "e.h5", seal(folder, semi_simulated=True))
    assert "learned its words from semi-simulated texts" in run(file, TEXT).stdout
    assert json.loads(run(file, TEXT, "-k", 1, "--json").stdout)["semi_simulated_texts"]
    plain = write(tmp_path / "plain.h5", bundle)
    assert "semi-simulated" not in run(plain, TEXT).stdout


def test_an_empty_file_has_no_hits(tmp_path, bundle):
    file = write(tmp_path / "e.h5", bundle, 0)
    result = run(file, TEXT)
    assert result.exit_code == 0, result.output
    assert "0 sources, not 10" in result.stdout
    assert run(file, TEXT, "--json").stdout == ""


def test_rows_without_embedding_are_never_ranked(file):
    with h5py.File(file, "r+") as opened:
        opened["embedding"][: N - 2] = np.nan
    assert set(found(file, all_detections=True).rows.tolist()) == {N - 2, N - 1}
    assert "28 detections have no embedding" in run(file, TEXT).stdout
    with h5py.File(file, "r+") as opened:
        opened["embedding"][:] = np.nan
    result = run(file, TEXT)
    assert result.exit_code == 0
    assert "30 detections have no embedding" in result.stdout
    assert run(file, TEXT, "--json").stdout == ""


@pytest.mark.parametrize("text", ["Quux frobnicates", "?!"])
def test_a_text_without_a_known_word_is_one_clear_line(file, text):
    result = run(file, text)
    assert result.exit_code == 1
    assert f"{text!r}: bundle aligned knows no word of it" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("text", ["", " \t\n"])
def test_no_words_at_all_are_one_line(file, text):
    result = run(file, text)
    assert result.exit_code == 1
    assert result.stderr == "error: the text to search for is empty; give some words\n"


def test_a_bundle_that_knows_no_words_is_one_line(tmp_path):
    manifest = registry.verify(registry.find("spectrum-64"))
    facts = {"bundle": "spectrum-64", "bundle_version": "1", "bundle_sha256": manifest.sha256}
    result = run(write_embeddings(tmp_path / "e.h5", 4, **facts), TEXT)
    assert result.exit_code == 1
    assert "spectrum-64, which knows no words; embed the spectra again with an aligned one" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_another_bundle_is_refused(bundle, tmp_path):
    other = write(tmp_path / "other.h5", bundle, bundle_sha256="0" * 64)
    with pytest.raises(BundleError, match=r"was embedded with bundle aligned 1\.0\.0, which is not found"):
        found(other)


def test_embeddings_of_another_width_are_refused(tmp_path, bundle):
    file = write(tmp_path / "e.h5", bundle)
    with h5py.File(file, "r+") as opened:
        del opened["embedding"]
        opened["embedding"] = np.tile(np.eye(1, 3 + SHARED, dtype=np.float32), (N, 1))
    with pytest.raises(StoreError, match="/embedding has 11 columns, the text 8"):
        found(file)


def test_k_below_one_is_refused(file):
    with pytest.raises(ValueError, match="k=0"):
        found(file, k=0)
    assert run(file, TEXT, "-k", 0).exit_code == 2
    assert run(file).exit_code == 2


def test_errors_of_the_text_encoder_are_one_line(bundle, tmp_path):
    folder = shutil.copytree(bundle, tmp_path / "copy")
    (folder / "text_encoder" / "weights.npz").write_bytes(b"")
    with pytest.raises(ChandraEmbedError, match="fit the text encoder again"):
        found(write(tmp_path / "e.h5", seal(folder)))
