"""Events and words into the shared space of an aligned bundle, and whole files with them."""

import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from aligned_bundle import EVENT_LATENT, EVENTS, SHARED, seal, write_aligned_bundle
from chandra_embed.inference import Encoder, embed, embedded_chunks
from chandra_embed.inference.aligned import EventEmbedder, TextEmbedder, mean_embedding
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.event_table import read_events
from chandra_embed.inference.catalog.ingest import ingest
from chandra_embed.inference.catalog.regions import parse_region
from chandra_embed.inference.cli.embed import embed as command
from chandra_embed.inference.cli.table import table
from chandra_embed.inference.embed import embed_file
from chandra_embed.inference.errors import BundleError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.models import registry
from click.testing import CliRunner
from spectra_events import draw_events, event_of, has_embedding, write_spectra_with_events

pytestmark = pytest.mark.train
ROWS = 150
NAMES = ("embedding", "embedding_event", "embedding_both", "latent", "reconstruction_error")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_aligned_bundle(tmp_path_factory.mktemp("models") / "aligned")


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    return write_spectra_with_events(tmp_path_factory.mktemp("spectra") / "spectra.h5", ROWS)


@pytest.fixture(scope="module")
def whole(spectra, bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "embeddings.h5"
    embed_file(spectra, path, model=bundle, device="cpu", batch_size=16)
    return path


def read(path):
    with h5py.File(path) as file:
        return {name: file[name][...] for name in NAMES}


def lists(n=60):
    rng = np.random.default_rng(3)
    return [event_of(i, rng) for i in range(n)]


def test_events_become_unit_rows_and_nothing_becomes_nan(bundle):
    embedder = EventEmbedder.load(bundle, "cpu")
    found, there = embedder.embed(lists()), has_embedding(60)
    assert (found.shape, found.dtype) == ((60, SHARED), np.float32)
    np.testing.assert_allclose(np.linalg.norm(found[there].astype(np.float64), axis=1), 1, atol=1e-6)
    assert np.isnan(found[~there]).all()
    latent = embedder.latent(lists())
    assert latent.shape == (60, embedder.latent_size) == (60, EVENT_LATENT)
    assert np.array_equal(np.isnan(latent).all(axis=1), ~there)
    np.testing.assert_allclose(embedder.shared(latent[there]), found[there], atol=1e-6)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_same_events_give_the_same_row_in_any_batch(bundle, size):
    whole = EventEmbedder.load(bundle, "cpu").embed(lists())
    np.testing.assert_allclose(
        EventEmbedder.load(bundle, "cpu", batch_size=size).embed(lists()), whole, atol=1e-6
    )
    backwards = EventEmbedder.load(bundle, "cpu", batch_size=size).embed(lists()[::-1])[::-1]
    np.testing.assert_allclose(backwards, whole, atol=1e-6)


def test_no_event_lists_and_no_texts_give_no_rows(bundle):
    assert EventEmbedder.load(bundle, "cpu").embed([]).shape == (0, SHARED)
    assert EventEmbedder.load(bundle, "cpu").latent([]).shape == (0, EVENT_LATENT)
    assert TextEmbedder.load(bundle, "cpu").embed([]).shape == (0, SHARED)


def test_texts_become_unit_rows_and_unknown_words_nan(bundle):
    embedder = TextEmbedder.load(bundle, "cpu")
    found = embedder.embed(["a hard, variable pulsar", "Quux", "", "PULSAR hard variable", "soft"])
    np.testing.assert_allclose(np.linalg.norm(found[[0, 3, 4]].astype(np.float64), axis=1), 1, atol=1e-6)
    assert np.isnan(found[[1, 2]]).all()
    np.testing.assert_allclose(found[0], found[3], atol=1e-6)
    assert abs(found[0] - found[4]).max() > 0.01


def test_a_bundle_of_spectra_alone_says_so_in_one_line():
    for kind, what in ((EventEmbedder, "events"), (TextEmbedder, "words")):
        with pytest.raises(BundleError, match=f"does not embed {what}; take an aligned bundle") as error:
            kind.load("spectrum-8")
        assert "\n" not in str(error.value)


def copy(bundle, folder, drop=(), **changes):
    """Return a copy of a bundle without some files, sealed again."""
    for path in bundle.rglob("*"):
        name = path.relative_to(bundle)
        if path.is_file() and name.as_posix() not in drop:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(path.read_bytes())
    return seal(folder, **changes)


def test_a_broken_aligned_bundle_says_what_is_wrong(bundle, tmp_path):
    with pytest.raises(BundleError, match=r"holds no event_encoder\.onnx"):
        EventEmbedder.load(copy(bundle, tmp_path / "a", ["event_encoder.onnx"]))
    with pytest.raises(BundleError, match="no usable 'event_recipe'"):
        EventEmbedder.load(copy(bundle, tmp_path / "b", event_recipe=None))
    wider = {**json.loads(EVENTS.to_json()), "time_bins": 8}
    with pytest.raises(BundleError, match=r"event_encoder\.onnx: takes \d+ numbers, the event recipe gives"):
        EventEmbedder.load(copy(bundle, tmp_path / "c", event_recipe=wider))
    with pytest.raises(BundleError, match=r"manifest\.json: event recipe .* upgrade"):
        EventEmbedder.load(copy(bundle, tmp_path / "d", event_recipe={"kind": "map"}))
    parts = ["text_encoder/vocabulary.json", "text_encoder/weights.npz"]
    with pytest.raises(BundleError, match="holds no text_encoder/"):
        TextEmbedder.load(copy(bundle, tmp_path / "e", parts))
    swapped = copy(bundle, tmp_path / "f")
    (swapped / "align_event.onnx").write_bytes((swapped / "align_text.onnx").read_bytes())
    with pytest.raises(BundleError, match="are not event_latent_in and shared_out"):
        EventEmbedder.load(seal(swapped))


def test_the_mean_of_two_modalities():
    s = np.eye(3, dtype=np.float32)
    e = np.array([[0, 1, 0], [np.nan] * 3, [0, 0, -1]], np.float32)
    root = np.float32(np.sqrt(0.5))
    np.testing.assert_array_equal(mean_embedding(s, e), [[root, root, 0], [0, 1, 0], [0, 0, 1]])


def test_the_file_holds_all_three(spectra, bundle, whole):
    found, there = read(whole), has_embedding(ROWS)
    with h5py.File(spectra) as file:
        encoded = Encoder.load(bundle, "cpu", batch_size=16).run(file["spectrum/value"][...])
        events = EventEmbedder.load(bundle, "cpu", batch_size=16).embed(read_events(file, 0, ROWS))
    np.testing.assert_array_equal(found["embedding"], encoded.embedding)
    np.testing.assert_array_equal(found["embedding_event"], events)
    np.testing.assert_array_equal(np.isfinite(events[:, 0]), there)
    np.testing.assert_array_equal(found["embedding_both"][~there], found["embedding"][~there])
    total = found["embedding"][there].astype(np.float64) + events[there]
    mean = total / np.linalg.norm(total, axis=1, keepdims=True)
    np.testing.assert_allclose(found["embedding_both"][there], mean, atol=1e-6)
    with h5py.File(whole) as file:
        for name, modality in zip(NAMES[:3], ("spectrum", "event", "both"), strict=True):
            assert file[name].attrs["modality"] == modality
            assert file[name].chunks is None
            assert set(file[name].attrs) >= {"unit", "description"}
        assert file.attrs["bundle"] == "aligned"


def test_an_interrupted_run_ends_with_the_same_bytes(spectra, bundle, whole, tmp_path, monkeypatch):
    path, done = tmp_path / "e.h5", embed.Filling.done

    def stop(self, rows, attributes):
        done(self, rows, attributes)
        if rows >= 64:
            raise KeyboardInterrupt

    monkeypatch.setattr(embedded_chunks, "CHUNK", 16)
    monkeypatch.setattr(embed.Filling, "done", stop)
    with pytest.raises(KeyboardInterrupt):
        embed_file(spectra, path, model=bundle, device="cpu", batch_size=16)
    monkeypatch.setattr(embed.Filling, "done", done)
    found = embed_file(spectra, path, model=bundle)
    assert 64 <= found.resumed_at < ROWS
    assert found.with_events == int(has_embedding(ROWS).sum())
    assert {name: x.tobytes() for name, x in read(path).items()} == {
        name: x.tobytes() for name, x in read(whole).items()
    }
    assert abs(path.stat().st_size - whole.stat().st_size) < 4096


def test_a_file_of_before_events_has_none(spectra, bundle, whole, tmp_path):
    old = tmp_path / "old.h5"
    old.write_bytes(spectra.read_bytes())
    with h5py.File(old, "r+") as file:
        del file["event"], file["lightcurve"]
    done = embed_file(old, tmp_path / "e.h5", model=bundle, device="cpu", batch_size=16)
    found = read(tmp_path / "e.h5")
    assert done.with_events == 0
    assert np.isnan(found["embedding_event"]).all()
    np.testing.assert_array_equal(found["embedding_both"], found["embedding"])
    np.testing.assert_array_equal(found["embedding"], read(whole)["embedding"])


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_are_legal(bundle, tmp_path, rows):
    spectra = write_spectra_with_events(tmp_path / "s.h5", rows)
    embed_file(spectra, tmp_path / "e.h5", model=bundle, device="cpu")
    assert read(tmp_path / "e.h5")["embedding_both"].shape == (rows, SHARED)


def test_an_unaligned_bundle_gives_the_spectrum_alone(spectra, tmp_path):
    done = embed_file(spectra, tmp_path / "e.h5", device="cpu")
    assert done.with_events is None
    with h5py.File(tmp_path / "e.h5") as file:
        assert "embedding_event" not in file
        assert "embedding_both" not in file


def test_a_bundle_whose_spaces_differ_is_refused(spectra, bundle, tmp_path):
    other = copy(bundle, tmp_path / "other")
    plain = registry.find("spectrum-64")
    for name in ("encoder.onnx", "decoder.onnx"):
        (other / name).write_bytes((plain / name).read_bytes())
    with pytest.raises(BundleError, match=f"spectra have 64 numbers, those of events {SHARED}"):
        embed_file(spectra, tmp_path / "e.h5", model=seal(other))
    assert not (tmp_path / "e.h5").exists()


def test_the_command_says_how_many_rows_have_events(spectra, bundle, tmp_path):
    run = [str(spectra), "--model", str(bundle), "--device", "cpu", "-o", str(tmp_path / "e.h5")]
    done = CliRunner().invoke(command, run)
    assert done.exit_code == 0, done.output
    assert f"events: {has_embedding(ROWS).sum()} rows have some" in done.stdout
    facts = json.loads(CliRunner().invoke(command, [*run, "--overwrite", "--json"]).stdout)
    assert facts["rows_with_events"] == has_embedding(ROWS).sum()


def test_the_table_has_the_columns_of_every_modality(whole, tmp_path):
    columns = "row,embedding_0,embedding_event_0,embedding_both_7"
    done = CliRunner().invoke(table, [str(whole), "-o", str(tmp_path / "t.ecsv"), "--columns", columns])
    assert done.exit_code == 0, done.output
    assert columns.replace(",", " ") in (tmp_path / "t.ecsv").read_text()


CHILD = """
import sys

sys.modules["torch"] = sys.modules["onnx"] = sys.modules["sklearn"] = None
import socket


def refuse(*arguments, **named):
    raise OSError("no network here")


socket.socket.connect = socket.getaddrinfo = refuse
from chandra_embed.inference.cli.main import main

main(sys.argv[1:])
"""


def test_embed_and_search_run_without_torch_and_without_network(spectra, bundle, whole, tmp_path):
    environment = {**os.environ, registry.VARIABLE: str(bundle.parent)}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    path = tmp_path / "e.h5"

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *map(str, words)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("embed", spectra, "--model", "aligned", "--device", "cpu", "--batch-size", 16, "-o", path)
    assert read(path)["embedding_event"].tobytes() == read(whole)["embedding_event"].tobytes()
    hits = [json.loads(line) for line in run("search", path, "hard pulsar", "-k", 3, "--json").splitlines()]
    assert [hit["rank"] for hit in hits] == [1, 2, 3]


@pytest.mark.real
def test_the_two_sources_of_obsid_755_are_embedded_by_the_frozen_bundle(chandra_data, tmp_path):
    circles = ('22:25:52.6,+65:35:35,4"', '22:26:35.9,+65:35:37,4"')  # PSR B2223+65 and its neighbour
    regions = [parse_region(circle) for circle in circles]
    ingest([chandra_data / "events"], tmp_path / "s.h5", Recipe(), regions=regions)
    done = embed_file(tmp_path / "s.h5", tmp_path / "e.h5", model="aligned-64", device="cpu")
    assert (done.rows, done.with_events, done.simulated) == (2, 2, False)
    for name in NAMES[:3]:
        rows = read(tmp_path / "e.h5")[name].astype(np.float64)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        assert rows[0] @ rows[1] < 0.999
    with store.open_store(tmp_path / "e.h5", store.EMBEDDINGS) as file:
        assert store.read_column(file, "counts").tolist() == [92, 372]  # of 93 and 375, within 0.5-7.0 keV


def test_bright_and_odd_events_are_taken(bundle):
    rng = np.random.default_rng(1)
    events = [draw_events(rng, 20_000), draw_events(rng, 1), None]
    found = EventEmbedder.load(bundle, "cpu").embed(events)
    assert np.isfinite(found[:2]).all()
    assert np.isnan(found[2]).all()
