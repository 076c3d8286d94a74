import json

import numpy as np
import pytest
from chandra_embed.inference import Encoder
from chandra_embed.inference.aligned import EventEmbedder, TextEmbedder
from chandra_embed.inference.errors import BundleError, ChandraEmbedError
from chandra_embed.inference.event_list import EventList
from chandra_embed.inference.text.table import Texts
from chandra_embed.training.datasets import source_keys, split
from chandra_embed.training.evaluation.pair_sample import (
    CURVE_WIDTH,
    TIME_BINS,
    light_curve_row,
    match_texts,
    read_pairs,
)

pytest.importorskip("onnx")
from aligned_bundle import LATENT, seal, write_aligned_bundle
from spectra_events import has_embedding, write_spectra_with_events

N = 60
SOURCES = [f"source {i}" for i in range(N // 2)]
IN = {
    name: {s for s, is_in in zip(SOURCES, mask, strict=True) if is_in}
    for name, mask in split(SOURCES, 0, 0.1, 0.5).items()
}
SEEN = [*sorted(IN["train"] | IN["validation"]), sorted(IN["test"])[0]]


def add_baselines(folder, **changes):
    rng = np.random.default_rng(0)
    components = np.linalg.qr(rng.normal(size=(400, LATENT)))[0].T.astype(np.float32)
    np.savez(
        folder / "baseline.npz",
        mean=np.full(400, 0.3, np.float32),
        components=components,
        seen=source_keys(SEEN),
    )
    bag = {"weights": rng.normal(size=(4, LATENT)), "intercept": np.ones(LATENT)}
    bag |= {"mean": np.zeros(LATENT), "scale": np.ones(LATENT)} | changes
    np.savez(folder / "bag_of_words.npz", **{k: v for k, v in bag.items() if v is not None})
    return seal(folder)


def write_table(path, rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pairs")


@pytest.fixture(scope="module")
def model(folder):
    return add_baselines(write_aligned_bundle(folder / "aligned"))


@pytest.fixture(scope="module")
def spectra(folder):
    return write_spectra_with_events(folder / "spectra.h5", N)


@pytest.fixture(scope="module")
def texts(folder):
    words = ("a hard variable", "soft pulsar", "accreting binary", "unheard of")
    rows = [
        {
            "file": f"sim/{i}.pi",
            "text": f"{words[i % 4]}",
            "plain": "hard",
            "split": next(name for name in IN if f"source {i // 2}" in IN[name]),
            "semi_simulated": True,
        }
        for i in range(N)
        if i != 7
    ]
    return write_table(folder / "texts.jsonl", [*rows[::-1], {**rows[0], "file": "elsewhere"}])


@pytest.fixture(scope="module")
def pairs(spectra, texts, model):
    return read_pairs(spectra, texts, model)


def test_everything_stands_row_by_row(pairs, model):
    rows = [i for i in range(N) if i != 7]
    assert pairs.spectra.detection["obsid"].tolist() == [100 + i for i in rows]
    found = Encoder.load(model, "cpu").run(pairs.spectra.value)
    np.testing.assert_array_equal(pairs.spectra.embedding, found.embedding)
    text = TextEmbedder.load(model, "cpu")
    words = ["a hard variable", "soft pulsar", "accreting binary", "unheard of"]
    np.testing.assert_allclose(pairs.text, text.embed([words[i % 4] for i in rows]), atol=1e-6)
    np.testing.assert_allclose(pairs.text_vector, text.encoder.encode([words[i % 4] for i in rows]))
    np.testing.assert_allclose(pairs.plain, text.embed(["hard"] * len(rows)), atol=1e-6)
    assert np.isnan(pairs.text[[i % 4 == 3 for i in rows]]).all()
    assert pairs.facts["matched"] == N - 1
    assert pairs.facts["texts"] == N
    assert pairs.data == "simulated spectra, semi-simulated texts"
    assert set(pairs.bag) == {"weights", "intercept", "mean", "scale"}
    assert len(pairs) == len(pairs.kind) == N - 1


def test_events_are_those_of_the_row(pairs, spectra, model):
    import h5py
    from chandra_embed.inference.catalog.event_table import read_events

    rows = np.array([i for i in range(N) if i != 7])
    with h5py.File(spectra) as file:
        events = [read_events(file, 0, N)[i] for i in rows]
    embedder = EventEmbedder.load(model, "cpu")
    np.testing.assert_allclose(pairs.event, embedder.embed(events), atol=1e-6)
    np.testing.assert_allclose(pairs.event_latent, embedder.latent(events), atol=1e-6)
    inside = has_embedding(N)[rows]
    np.testing.assert_array_equal(np.isfinite(pairs.light_curve).all(axis=1), inside)
    np.testing.assert_array_equal(
        pairs.both[~np.isfinite(pairs.event[:, 0])], pairs.spectra.embedding[~np.isfinite(pairs.event[:, 0])]
    )


def test_parts_are_those_of_the_split_and_seen_test_sources_are_in_none(pairs):
    for source, part in zip(pairs.source_id, pairs.part, strict=True):
        wanted = next(name for name in IN if source in IN[name])
        assert part == ("" if wanted == "test" and source in SEEN else wanted)
    assert {"train", "validation", "test", ""} == set(pairs.part)


def test_texts_that_disagree_on_the_part_do_not_count(spectra, model, tmp_path):
    rows = [{"name": f"2cxo j{i:06d}", "text": "hard", "split": "train"} for i in range(N // 2)]
    pairs = read_pairs(spectra, write_table(tmp_path / "t.jsonl", rows), model)
    assert len(pairs) == N
    assert set(pairs.part) == {"train", ""}
    assert pairs.plain is None
    assert pairs.data == "simulated spectra, texts"


def test_take_keeps_rows_together(pairs):
    part = pairs.take(pairs.part == "test")
    mask = pairs.part == "test"
    for name in ("event", "event_latent", "light_curve", "text", "text_vector", "plain", "part", "both"):
        np.testing.assert_array_equal(getattr(part, name), getattr(pairs, name)[mask])
    np.testing.assert_array_equal(part.spectra.latent, pairs.spectra.latent[mask])


def test_the_first_of_several_texts_counts_and_empty_keys_do_not():
    texts = Texts("name", np.array(["2CXO J1", "2cxoj1", "B"]), ("a", "b", "c"), None, None, False)
    detection = {"name": np.array(["2CXO J1", "", "b ", "none"])}
    assert match_texts(texts, detection).tolist() == [0, -1, 2, -1]


def test_files_without_events_or_rows_without_shape(model, tmp_path):
    import h5py
    from small import write_spectra

    path = write_spectra(tmp_path / "old.h5", 6)
    with h5py.File(path, "r+") as file:
        file["spectrum/value"][2] = 1
    table = write_table(tmp_path / "t.jsonl", [{"file": f"sim/{i}.pi", "text": "hard"} for i in range(6)])
    pairs = read_pairs(path, table, model)
    assert pairs.spectra.detection["obsid"].tolist() == [0, 1, 3, 4, 5]
    assert np.isnan(pairs.event).all()
    assert np.isnan(pairs.light_curve).all()
    np.testing.assert_array_equal(pairs.both, pairs.spectra.embedding)


def test_a_table_of_other_sources_is_named(spectra, model, tmp_path):
    table = write_table(tmp_path / "t.jsonl", [{"file": "x", "text": "hard"}])
    with pytest.raises(ChandraEmbedError, match=r"t\.jsonl: none of its 1 texts .*/detection/file"):
        read_pairs(spectra, table, model)


def test_a_bundle_without_words_or_with_a_broken_baseline_is_named(spectra, texts, tmp_path):
    with pytest.raises(BundleError, match="does not embed words"):
        read_pairs(spectra, texts, "spectrum-8")
    broken = add_baselines(write_aligned_bundle(tmp_path / "broken"), scale=None)
    with pytest.raises(BundleError, match=r"bag_of_words\.npz: lacks scale"):
        read_pairs(spectra, texts, broken)


def test_a_light_curve_counts_good_time_and_no_energy():
    gti = np.array([[0.0, 100.0], [500.0, 600.0]])
    time = np.concatenate([np.full(30, 10.0), np.full(10, 590.0)])
    events = EventList(time, np.full(40, 2.0, np.float32), gti)
    row = light_curve_row(events)
    assert row.shape == (CURVE_WIDTH,)
    share = np.zeros(TIME_BINS)
    share[int(10 / 200 * 64)], share[int(190 / 200 * 64)] = 0.75, 0.25
    np.testing.assert_allclose(row[:TIME_BINS], np.sqrt(share), atol=1e-6)
    assert row[-1] == pytest.approx(np.log10(40))
    slow = [abs(sum(share[k] * np.exp(-2j * np.pi * k * f / 64) for k in range(64))) for f in range(1, 33)]
    np.testing.assert_allclose(row[TIME_BINS:-1], slow, atol=1e-6)
    harder = EventList(time, np.full(40, 6.0, np.float32), gti)
    np.testing.assert_array_equal(light_curve_row(harder), row)
    assert np.isnan(light_curve_row(None)).all()
    assert np.isnan(light_curve_row(EventList(time, np.full(40, 9.0, np.float32), gti))).all()
