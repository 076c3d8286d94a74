import json
import logging

import numpy as np
import pytest
from small import write_spectra
from text_of_spectra import write_pairs

torch = pytest.importorskip("torch")

from chandra_embed.inference import Encoder  # noqa: E402
from chandra_embed.inference.catalog import store  # noqa: E402
from chandra_embed.inference.catalog.event_table import read_events  # noqa: E402
from chandra_embed.inference.catalog.spectra_file import spectra_block  # noqa: E402
from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.inference.event_map import event_maps  # noqa: E402
from chandra_embed.inference.recipe import Recipe  # noqa: E402
from chandra_embed.inference.text.encoder import open_text_encoder  # noqa: E402
from chandra_embed.training.align_data import split_of  # noqa: E402
from chandra_embed.training.align_inputs import keep_parts, read_pairs, remove_parts  # noqa: E402
from chandra_embed.training.event_autoencoder import EventAutoencoderConfig  # noqa: E402
from chandra_embed.training.event_checkpoint import load_events  # noqa: E402
from chandra_embed.training.events import RECIPES  # noqa: E402
from pair_runs import write_runs  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHANDRA_EMBED_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_runs(
        tmp_path_factory.mktemp("pairs"),
        60,
        components=8,
        model=EventAutoencoderConfig(n_latent=5, hidden=8),
        recipe=next(iter(RECIPES.values())),
        epochs=1,
    )


def read(folder, **changes):
    given = {
        "model": "spectrum-64",
        "texts": [folder / "texts.jsonl"],
        "text_encoder": folder / "text",
        "events": folder / "events",
        **changes,
    }
    return read_pairs(given.pop("spectra", [folder / "spectra.h5"]), **given)


@pytest.fixture(scope="module")
def pairs(folder):
    return read(folder)


def test_every_row_is_a_detection_beside_its_own_text(folder, pairs):
    data, facts = pairs
    texts = [json.loads(line) for line in (folder / "texts.jsonl").read_text().splitlines()[1:]]
    assert len(data) == len(texts) == 108
    rows = [int(text["file"][4:-3]) for text in texts]
    with store.open_store(folder / "spectra.h5", store.SPECTRA) as file:
        value, events = spectra_block(file, 0, 120)[rows], read_events(file, 0, 120)
    np.testing.assert_allclose(data.spectrum, Encoder.load("spectrum-64", "cpu").latent(value), atol=1e-6)
    np.testing.assert_allclose(data.level, np.log10(value.max(axis=1) - value.min(axis=1)), rtol=1e-6)
    encoder = open_text_encoder(folder / "text")
    np.testing.assert_allclose(data.text, encoder.encode([t["text"] for t in texts]), atol=1e-6)
    run = load_events(folder / "events")
    for i, row in enumerate(rows):
        assert data.source_id[i] == f"source {row // 2}"
        if events[row] is None:
            assert np.isnan(data.event[i]).all()
        else:
            with torch.inference_mode():
                expected = run.model().encoder(torch.from_numpy(event_maps([events[row]], run.recipe)))
            np.testing.assert_allclose(data.event[i], expected[0].numpy(), atol=1e-5)
    assert np.isnan(data.event[:, 0]).sum() == 12
    assert np.array_equal(data.split, split_of(data.source_id))
    assert facts["joined"] == {
        "pairs": 108,
        "detections_without_text": 12,
        "texts_without_detection": 0,
        "by": "file",
    }


def test_facts_name_all_that_went_in(folder, pairs):
    facts = pairs[1]
    base = Encoder.load("spectrum-64", "cpu").manifest
    assert facts["base"] == {"name": "spectrum-64", "version": base.version, "sha256": base.sha256}
    assert facts["spectra"][0]["sha256"] == store.sha256_file(folder / "spectra.h5")
    assert facts["texts"][0]["sha256"] == store.sha256_file(folder / "texts.jsonl")
    assert (facts["simulated"], facts["semi_simulated"]) == (True, True)
    assert facts["recipe_fingerprint"] == Recipe().fingerprint
    assert facts["event_recipe"]["kind"] in ("map", "cube")
    assert str(folder) not in json.dumps({**facts, "spectra": []})


def write_csv(path, rows):
    path.write_text("\n".join(["name,text", *(f"{name},{text}" for name, text in rows)]) + "\n")
    return path


def test_texts_by_name_pair_with_every_detection_of_the_source(folder, tmp_path):
    rows = [(f"2CXOj{i:06d}", f"a {'hard' if i % 2 else 'soft'} source") for i in range(50)]
    rows += [("2CXO J000000", "another text that flares"), ("2CXO J999999", "a soft source of nothing")]
    data, facts = read(folder, texts=[write_csv(tmp_path / "t.csv", rows)], events=None)
    # 50 sources of two detections each, and the second text of the first
    assert facts["joined"] == {
        "pairs": 102,
        "detections_without_text": 20,
        "texts_without_detection": 1,
        "by": "name",
    }
    assert (data.source_id == "source 0").sum() == 4
    assert data.event is None
    assert facts["event_recipe"] is None


def test_vectors_made_elsewhere(folder, tmp_path):
    names = np.array([f"2CXO J{i:06d}" for i in range(60)])
    vectors = np.random.default_rng(0).normal(size=(60, 11)).astype(np.float32)
    np.savez(tmp_path / "v.npz", name=names, embedding=vectors)
    data, facts = read(folder, texts=(), text_encoder=None, vectors=tmp_path / "v.npz")
    assert len(data) == 120
    own = [int(source.split()[1]) for source in data.source_id]
    np.testing.assert_array_equal(data.text, vectors[own])
    assert facts["semi_simulated"] is False


def test_texts_without_a_known_word_are_left_out_and_counted(folder, tmp_path, caplog):
    rows = [(f"2CXO J{i:06d}", "a soft source" if i else "xyzzy") for i in range(50)]
    with caplog.at_level(logging.WARNING, "chandra_embed"):
        data, facts = read(folder, texts=[write_csv(tmp_path / "t.csv", rows)])
    assert len(data) == 98
    assert facts["texts"][0]["unknown"] == 1
    assert "no word of 1 of 50 texts" in caplog.text


def test_the_split_of_the_texts_is_kept(folder, tmp_path):
    lines = [json.loads(line) for line in (folder / "texts.jsonl").read_text().splitlines()[1:]]
    for line in lines:
        line["split"] = ("train", "validation", "test")[int(line["name"][6:]) % 3]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    data, _ = read(folder, texts=[path])
    expected = [("train", "validation", "test")[int(source.split()[1]) % 3] for source in data.source_id]
    assert data.split.tolist() == expected
    lines[0]["split"] = "validation" if lines[0]["split"] != "validation" else "test"
    path.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(ChandraEmbedError, match="source 0 is in two parts"):
        read(folder, texts=[path])


def test_a_file_in_two_spectra_needs_texts_of_each(folder, tmp_path):
    second, texts = write_pairs(tmp_path, 60, seed=1)
    both = [folder / "spectra.h5", second]
    with pytest.raises(ChandraEmbedError, match="one --texts for each"):
        read(folder, spectra=both)
    data, facts = read(folder, spectra=both, texts=[folder / "texts.jsonl", texts])
    assert facts["joined"]["pairs"] == len(data) == 216
    first, _ = read(folder)
    np.testing.assert_array_equal(data.spectrum[:108], first.spectrum)
    with pytest.raises(ChandraEmbedError, match="2 tables of texts for 1"):
        read(folder, texts=[texts, texts])
    with pytest.raises(ChandraEmbedError, match="same bytes"):
        read(folder, spectra=[second, second])


def test_what_does_not_fit_is_said(folder, tmp_path):
    other = write_spectra(tmp_path / "other.h5", 10, recipe=Recipe(group_min=9))
    with pytest.raises(ChandraEmbedError, match="recipe fingerprint"):
        read(folder, spectra=[other])
    texts = write_csv(tmp_path / "t.csv", [("NGC 1", "a soft source"), ("NGC 2", "a hard source")])
    with pytest.raises(ChandraEmbedError, match="no detection has a text"):
        read(folder, texts=[texts])
    with pytest.raises(ChandraEmbedError, match="--vectors"):
        read(folder, text_encoder=None)


def test_the_parts_are_kept_and_removed(folder, tmp_path):
    base = Encoder.load("spectrum-64", "cpu").manifest.folder
    (tmp_path / "mine.txt").write_text("mine")
    keep_parts(tmp_path, base, folder / "events", folder / "text")
    assert (tmp_path / "base" / "encoder.onnx").read_bytes() == (base / "encoder.onnx").read_bytes()
    assert load_events(tmp_path / "events").meta == load_events(folder / "events").meta
    assert open_text_encoder(tmp_path / "text").size == 8
    keep_parts(tmp_path, base, None, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "mine.txt"]
    remove_parts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
