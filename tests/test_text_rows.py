"""Texts as a further embedding of each detection: whose they are, several of one source, refusals."""

import json
import logging
import signal
from concurrent.futures import Future
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
from aligned_bundle import SHARED, write_aligned_bundle
from chandra_embed.inference import Encoder, embed, embedded_chunks
from chandra_embed.inference.aligned import TextEmbedder
from chandra_embed.inference.catalog import store
from chandra_embed.inference.cli.embed import embed as command
from chandra_embed.inference.cli.network import network
from chandra_embed.inference.cli.table import table
from chandra_embed.inference.embed import embed_file, embed_files
from chandra_embed.inference.errors import BundleError, ChandraEmbedError
from chandra_embed.inference.network.select import read_modality
from chandra_embed.inference.text.table import Texts, read_texts
from chandra_embed.inference.text_rows import TextRows, mean_rows
from click.testing import CliRunner
from spectra_events import write_spectra_with_events

pytestmark = pytest.mark.train
ROWS = 40  # two of each source
# by name, with other spaces and case; the last is of no row, that of source 3 holds no known word
TEXTS = {
    "2cxo j000000": ["a hard pulsar"],
    "2CXOJ000001": ["soft and variable", "an accreting binary", "soft and variable"],
    "2CXO J000003": ["quux"],
    "2CXO J000004": ["quux", "hard"],
    "2CXO J999999": ["a hard pulsar"],
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_aligned_bundle(tmp_path_factory.mktemp("models") / "aligned")


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    return write_spectra_with_events(tmp_path_factory.mktemp("spectra") / "spectra.h5", ROWS)


def write(path, texts=TEXTS, key="name", **more):
    lines = [{key: name, "text": text, **more} for name, own in texts.items() for text in own]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return path


@pytest.fixture
def texts(tmp_path):
    return write(tmp_path / "texts.jsonl")


def run(spectra, texts, bundle, output, **options):
    return embed_file(spectra, output, model=bundle, device="cpu", batch_size=16, texts=texts, **options)


def rows_of(path):
    with h5py.File(path) as file:
        return file["embedding_text"][...]


@contextmanager
def hashed_before(path):
    """Take the place of embed.hashing, with the digest there from the start."""
    known = Future()
    known.set_result(store.sha256_file(path))
    yield known


def contents(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, x: found.update({name: x[...].tobytes()} if isinstance(x, h5py.Dataset) else {})
        )
    return found


def expected(bundle):
    """Return the rows worked out one by one."""
    embedder = TextEmbedder.load(bundle, "cpu")
    found = np.full((ROWS, SHARED), np.nan)
    for source, own in {0: ["a hard pulsar"], 1: TEXTS["2CXOJ000001"][:2], 4: ["hard"]}.items():
        mean = np.mean([embedder.embed([text])[0].astype(np.float64) for text in own], axis=0)
        found[2 * source : 2 * source + 2] = mean / np.linalg.norm(mean)
    return found


def test_every_detection_of_a_source_has_the_mean_of_its_texts(spectra, texts, bundle, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="chandra_embed"):
        done = run(spectra, texts, bundle, tmp_path / "e.h5")
    assert done.with_text == 6
    found = rows_of(tmp_path / "e.h5")
    assert (found.shape, found.dtype) == ((ROWS, SHARED), np.float32)
    np.testing.assert_allclose(found, expected(bundle), atol=1e-6)
    assert "1 of its 5 keys are of no row" in caplog.text
    assert "knows no word of the texts of 1 of 5 keys" in caplog.text


def test_the_file_says_whose_texts_and_what_they_are(spectra, bundle, tmp_path):
    made = write(tmp_path / "t.jsonl", semi_simulated=True)
    run(spectra, made, bundle, tmp_path / "e.h5")
    with h5py.File(tmp_path / "e.h5") as file:
        assert file["embedding_text"].attrs["modality"] == "text"
        assert "semi-simulated texts, the mean where" in file["embedding_text"].attrs["description"]
        assert (file.attrs["texts"], file.attrs["texts_semi_simulated"]) == ("t.jsonl", True)
        assert len(file.attrs["texts_sha256"]) == 64


def test_texts_of_files_are_of_one_detection(spectra, bundle, tmp_path):
    made = write(tmp_path / "t.jsonl", {"sim/3.pi": ["hard"], "SIM/ 7.pi": ["soft"]}, key="file")
    assert run(spectra, made, bundle, tmp_path / "e.h5").with_text == 2
    assert np.flatnonzero(np.isfinite(rows_of(tmp_path / "e.h5")[:, 0])).tolist() == [3, 7]


def test_neither_the_order_of_the_table_nor_a_line_twice_counts(spectra, bundle, tmp_path):
    lines = [line for own in (TEXTS, TEXTS) for line in reversed(own.items())]
    backwards = {name: own[::-1] for name, own in lines}
    run(spectra, write(tmp_path / "a.jsonl"), bundle, tmp_path / "a.h5")
    run(spectra, write(tmp_path / "b.jsonl", backwards), bundle, tmp_path / "b.h5")
    assert rows_of(tmp_path / "a.h5").tobytes() == rows_of(tmp_path / "b.h5").tobytes()


def test_a_text_alone_is_as_search_embeds_it_and_opposite_ones_have_no_mean(bundle):
    class Opposite:
        size = 2

        def embed(self, texts):
            unit = {"up": [0, 1], "down": [0, -1], "right": [1, 0], "?": [np.nan, np.nan]}
            return np.array([unit[text] for text in texts], np.float32)

    given = [("a", "up"), ("a", "down"), ("b", "right"), ("c", "up"), ("c", "right"), ("d", "?"), ("b", "?")]
    keys, words = zip(*given, strict=True)
    found = mean_rows(Texts("name", np.array(keys), words, None, None, False), Opposite())
    half = np.sqrt(0.5)
    assert found[0] == ["a", "b", "c", "d"]
    np.testing.assert_allclose(found[1], [[np.nan] * 2, [1, 0], [half, half], [np.nan] * 2], atol=1e-7)
    embedder = TextEmbedder.load(bundle, "cpu")
    one = mean_rows(Texts("name", np.array(["a"]), ("hard",), None, None, False), embedder)[1]
    assert one.tobytes() == embedder.embed(["hard"]).tobytes()


def test_a_stopped_run_goes_on_with_the_same_texts_alone(spectra, texts, bundle, tmp_path, monkeypatch):
    whole, path = tmp_path / "whole.h5", tmp_path / "e.h5"
    run(spectra, texts, bundle, whole)
    done = embed.Filling.done

    def note(self, now, attributes):
        done(self, now, attributes)
        if now == 16:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(embedded_chunks, "CHUNK", 16)
        patch.setattr(embed.Filling, "done", note)
        patch.setattr(embed, "hashing", hashed_before)
        with pytest.raises(ChandraEmbedError, match="stopped by SIGINT after"):
            run(spectra, texts, bundle, path)
    other = write(tmp_path / "other.jsonl", {"2CXO J000000": ["soft"]})
    for given, said in ((other, r"\(other\.jsonl\); go on"), (None, "now it is none; go on")):
        with pytest.raises(ChandraEmbedError, match=rf"begun with --texts \w+ \(texts\.jsonl\), .*{said}"):
            run(spectra, given, bundle, path)
    assert run(spectra, texts, bundle, path).resumed_at == 16
    assert contents(path) == contents(whole)


def test_without_texts_there_is_no_such_dataset(spectra, bundle, tmp_path):
    assert run(spectra, None, bundle, tmp_path / "e.h5").with_text is None
    with h5py.File(tmp_path / "e.h5") as file:
        assert "embedding_text" not in file
        assert "texts" not in file.attrs


@pytest.mark.parametrize(
    ("given", "key", "line"),
    [
        ({"J1": ["hard"]}, "name", "none of its 1 texts is of a detection in .* column name must hold"),
        ({"2CXO J000000": ["quux"]}, "name", "knows no word of any text that belongs to a row"),
        ({"": ["hard"]}, "name", "line 1: name is ''; give text"),
    ],
)
def test_a_table_without_use_is_one_line_and_no_file(spectra, bundle, tmp_path, given, key, line):
    made = write(tmp_path / "t.jsonl", given, key)
    with pytest.raises(ChandraEmbedError, match=line) as error:
        run(spectra, made, bundle, tmp_path / "e.h5")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "e.h5").exists()


def test_a_bundle_without_words_is_refused(spectra, texts, tmp_path):
    with pytest.raises(BundleError, match="does not embed words; take an aligned bundle"):
        run(spectra, texts, "spectrum-8", tmp_path / "e.h5")


def test_of_several_bundles_those_that_read_words_take_the_texts(spectra, texts, bundle, tmp_path):
    alone, with_it, without = (tmp_path / name for name in ("a.h5", "b.h5", "c.h5"))
    run(spectra, texts, bundle, alone)
    pairs = {without: "spectrum-8", with_it: bundle}
    done = embed_files(spectra, pairs, device="cpu", batch_size=16, texts=texts)
    assert done[0].with_text is None
    assert done[1].with_text == 6
    np.testing.assert_array_equal(rows_of(with_it), rows_of(alone))
    with h5py.File(without) as file:
        assert "embedding_text" not in file
        assert "texts" not in file.attrs


def test_no_rows_at_all_have_no_texts(texts, bundle, tmp_path):
    empty = write_spectra_with_events(tmp_path / "s.h5", 0)
    with pytest.raises(ChandraEmbedError, match="none of its 8 texts"):
        run(empty, texts, bundle, tmp_path / "e.h5")


def test_rows_before_the_first_and_after_the_last_text(spectra, texts, bundle):
    encoder = Encoder.load(bundle, "cpu")
    with h5py.File(spectra) as source:
        found = TextRows.read(texts, source, encoder)
    assert found.rows(30, 40).shape == (10, SHARED)
    assert np.isnan(found.rows(30, 40)).all()
    assert found.rows(5, 5).shape == (0, SHARED)
    assert found.count == 6
    assert len(read_texts(texts)) == 8


def test_the_command_tells_and_network_and_table_take_it(spectra, bundle, tmp_path):
    every = {f"2CXO J{source:06d}": [("hard", "soft", "variable")[source % 3]] for source in range(ROWS // 2)}
    texts, output = write(tmp_path / "t.jsonl", every), tmp_path / "e.h5"
    words = [str(spectra), "--model", str(bundle), "--texts", str(texts), "--device", "cpu"]
    done = CliRunner().invoke(command, [*words, "-o", str(output)])
    assert done.exit_code == 0, done.output
    assert f"texts: {ROWS} rows have some and an embedding of them" in done.stdout
    facts = json.loads(
        CliRunner().invoke(command, [*words, "-o", str(output), "--overwrite", "--json"]).stdout
    )
    assert facts["rows_with_text"] == ROWS
    done = CliRunner().invoke(command, [*words, "-o", str(texts), "--overwrite"])
    assert done.exit_code == 2
    assert "is an input" in done.stderr
    with h5py.File(output) as file:
        text, spectrum = file["embedding_text"][...], file["embedding"][...]
        np.testing.assert_array_equal(read_modality(file, "text")[0], text)
        x, named = read_modality(file, "spectrum+text")
        assert named == "spectrum+text (mean of spectrum and text)"
        mean = spectrum.astype(np.float64) + text
        np.testing.assert_allclose(x, mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-6)
        assert read_modality(file, "both+text")[1] == "both+text (mean of both and text)"
    folder = tmp_path / "network"
    run_network = [str(output), "-t", "0.5", "--modality", "both+text", "-o", str(folder)]
    done = CliRunner().invoke(network, run_network)
    assert done.exit_code == 0, done.output
    columns = "row,embedding_text_0"
    done = CliRunner().invoke(table, [str(output), "-o", str(tmp_path / "t.ecsv"), "--columns", columns])
    assert done.exit_code == 0, done.output
