import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from chandra_embed.export import aligned  # noqa: E402
from chandra_embed.export.cli import export  # noqa: E402
from chandra_embed.inference import Encoder  # noqa: E402
from chandra_embed.inference.aligned import EventEmbedder, TextEmbedder  # noqa: E402
from chandra_embed.inference.catalog import store  # noqa: E402
from chandra_embed.inference.catalog.event_table import read_events  # noqa: E402
from chandra_embed.inference.catalog.spectra_file import spectra_block  # noqa: E402
from chandra_embed.inference.event_map import EventRecipe  # noqa: E402
from chandra_embed.inference.reference import Reference  # noqa: E402
from chandra_embed.models.registry import verify  # noqa: E402
from chandra_embed.training.align_checkpoint import load_aligner  # noqa: E402
from chandra_embed.training.align_inputs import read_pairs  # noqa: E402
from chandra_embed.training.cli import train  # noqa: E402
from chandra_embed.training.datasets import is_seen  # noqa: E402
from chandra_embed.training.event_autoencoder import EventAutoencoderConfig  # noqa: E402
from chandra_embed.training.event_checkpoint import load_events  # noqa: E402
from pair_runs import write_runs  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)


def invoke(command, *arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHANDRA_EMBED_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_runs(
        tmp_path_factory.mktemp("pairs"),
        300,
        components=10,
        model=EventAutoencoderConfig(n_latent=6, hidden=16),
        recipe=EventRecipe(bins_per_band=4, parts_per_band=1, time_bins=8),
        epochs=2,
    )


def arguments(folder, output):
    return (
        "aligner",
        folder / "spectra.h5",
        *("--texts", folder / "texts.jsonl", "--text", folder / "text", "--events", folder / "events"),
        *("-o", output, "--epochs", 60),
    )


@pytest.fixture(scope="module")
def run(folder):
    output = folder / "runs"
    result = invoke(train, *arguments(folder, output))
    assert result.exit_code == 0, result.output
    assert "540 semi-simulated pairs by file; 60 detections without a text" in result.stdout
    assert "bag of words" in result.stdout
    assert "epoch 1" in result.stderr
    return output


@pytest.fixture(scope="module")
def made(run, folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("models") / "aligned-small"
    result = invoke(export, run, "-o", output, "--reference", folder / "spectra.h5")
    assert result.exit_code == 0, result.output
    return output


def rows(folder, start=0, stop=200):
    with store.open_store(folder / "spectra.h5", store.SPECTRA) as file:
        return spectra_block(file, start, stop), read_events(file, start, stop)


def test_bundle_is_whole(made, run):
    manifest = verify(made)
    content = manifest.content
    assert [path.name for path in made.parent.iterdir()] == ["aligned-small"]
    assert sorted(manifest.files) == [
        "MODEL_CARD.md",
        "align_event.onnx",
        "align_text.onnx",
        "anomaly.npz",
        "bag_of_words.npz",
        "baseline.npz",
        "decoder.onnx",
        "encoder.onnx",
        "event_encoder.onnx",
        "text_encoder/vocabulary.json",
        "text_encoder/weights.npz",
    ]
    assert content["modalities"] == ["spectrum", "event", "text"]
    assert content["outputs"]["encoder.onnx"]["embedding_out"] == {"shape": ["batch", 64], "dtype": "float32"}
    assert content["inputs"]["align_event.onnx"] == {
        "event_latent_in": {"shape": ["batch", 6], "dtype": "float32"}
    }
    assert content["inputs"]["align_text.onnx"] == {"text_in": {"shape": ["batch", 10], "dtype": "float32"}}
    assert content["base"]["name"] == "spectrum-64"
    assert content["parameters"] == load_aligner(run).meta["parameters"]
    parity = content["measured"]["parity"]["files"]
    assert set(parity) == {"encoder.onnx", "align_event.onnx", "align_text.onnx", "event_encoder.onnx"}
    assert max(max(file.values()) for file in parity.values()) <= 1e-5


def test_every_door_gives_what_torch_gives(made, run, folder):
    value, events = rows(folder)
    model = load_aligner(run).aligner()
    encoded = Encoder.load(made, "cpu").run(value)
    base = Encoder.load("spectrum-64", "cpu").run(value)
    texts = [json.loads(line)["text"] for line in (folder / "texts.jsonl").read_text().splitlines()[1:50]]
    np.testing.assert_allclose(encoded.latent, base.latent, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(encoded.reconstruction, base.reconstruction, rtol=1e-6, atol=2e-6)
    event, text = EventEmbedder.load(made, "cpu"), TextEmbedder.load(made, "cpu")
    level = np.log10(value.max(axis=1) - value.min(axis=1))[:, None]
    with torch.inference_mode():
        spectra = model.spectrum(torch.from_numpy(np.hstack([base.latent, level]))).numpy()
        latent = torch.from_numpy(event.latent(events))
        lists = model.event(latent).numpy()
        words = model.text(torch.from_numpy(text.encoder.encode(texts))).numpy()
    np.testing.assert_allclose(encoded.embedding, spectra, rtol=0, atol=1e-5)
    np.testing.assert_allclose(event.embed(events), lists, rtol=0, atol=1e-5, equal_nan=True)
    np.testing.assert_allclose(text.embed(texts), words, rtol=0, atol=1e-5)
    assert np.isnan(lists[:, 0]).sum() == 20


def test_brightness_counts_and_constant_spectra_are_the_faintest(made, run, folder):
    value, _ = rows(folder, 0, 3)
    encoder = Encoder.load(made, "cpu")
    bright, constant = encoder.run(30 * value), encoder.run(np.full((2, 400), [[0.0], [2.0]], np.float32))
    assert np.abs(bright.embedding - encoder.embed(value)).max() > 1e-3
    np.testing.assert_allclose(np.linalg.norm(constant.embedding, axis=1), 1, atol=1e-6)
    model = load_aligner(run).aligner()
    low = model.heads["spectrum"].low
    with torch.inference_mode():
        expected = model.spectrum(torch.cat([torch.from_numpy(constant.latent), low.expand(2, 1)], dim=1))
    np.testing.assert_allclose(constant.embedding, expected, rtol=0, atol=1e-5)


def test_words_find_their_spectra_in_the_frozen_bundle(made, run, folder):
    value, _ = rows(folder, 0, 600)
    sources = np.arange(600) // 2
    held = ~is_seen([f"source {i}" for i in sources], load_aligner(run).seen.numpy())
    z = Encoder.load(made, "cpu").embed(value)[held]
    hard = sources[held] % 5 == 4
    (query,) = TextEmbedder.load(made, "cpu").embed(["a very hard source"])
    nearest = np.argsort(-(z @ query))[: int(hard.sum() / 2)]
    assert hard[nearest].mean() > 0.5  # a fifth of all are


def test_the_reference_is_of_sources_that_no_part_has_seen(made, run, folder):
    value, _ = rows(folder, 0, 600)
    seen = load_aligner(run).seen.numpy()
    held = ~is_seen([f"source {i // 2}" for i in range(600)], seen)
    reference = Reference.load(made / "anomaly.npz")
    found = np.concatenate([reference.embedding, reference.calibration_embedding])
    expected = Encoder.load(made, "cpu").embed(value[held])
    assert np.array_equal(np.sort(found, axis=0), np.sort(expected, axis=0))
    with np.load(made / "baseline.npz") as arrays, np.load(run / "base" / "baseline.npz") as base:
        assert np.isin(base["seen"], arrays["seen"]).all()
        assert np.isin(seen, arrays["seen"]).all()
        assert np.isin(load_events(run / "events").seen.numpy(), arrays["seen"]).all()
        assert np.array_equal(arrays["components"], base["components"])


def test_the_bag_of_words_is_the_ridge_of_the_run(made, run, folder):
    bag = load_aligner(run).bag_of_words()
    with np.load(made / "bag_of_words.npz") as arrays:
        assert {name: arrays[name].shape for name in arrays} == {
            "weights": (10, 65),
            "intercept": (65,),
            "mean": (65,),
            "scale": (65,),
        }
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], getattr(bag, name))


def test_card_says_what_it_is(made):
    base = verify(made).content["base"]
    card = (made / "MODEL_CARD.md").read_text()
    assert "SIMULATED" in card.splitlines()[2]
    for text in (
        "SEMI-SIMULATED",
        f"spectrum-64 {base['version']}",
        "log10 of its range",
        "variance-covariance, lambda 0.1",
        "| bag of words | text->spectrum |",
        "print these figures again",
        "2603.04516",
        "texts.jsonl",
        "540 semi-simulated pairs by file",
        "at most",
    ):
        assert text in card, text


def test_no_folder_of_this_machine_in_the_bundle(made, run, folder):
    for path in made.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for place in (made.parent, run, folder):
                assert str(place).encode() not in data, path


def test_same_bytes_again_from_the_run_folder_alone(made, run, tmp_path):
    shutil.copytree(run, tmp_path / "moved")
    result = invoke(export, tmp_path / "moved" / "checkpoint.pt", "-o", tmp_path / "aligned-small")
    assert result.exit_code == 0, result.output
    for path in made.rglob("*.onnx"):
        assert path.read_bytes() == (tmp_path / "aligned-small" / path.name).read_bytes(), path
    manifest = verify(tmp_path / "aligned-small").content
    assert "anomaly_reference" not in manifest
    assert (
        manifest["measured"]["reconstruction"] == verify(run / "base").content["measured"]["reconstruction"]
    )


def test_a_run_folder_with_another_base_is_refused(run, tmp_path):
    shutil.copytree(run, tmp_path / "moved")
    shutil.rmtree(tmp_path / "moved" / "base")
    shutil.copytree(Encoder.load("spectrum-8", "cpu").manifest.folder, tmp_path / "moved" / "base")
    result = invoke(export, tmp_path / "moved", "-o", tmp_path / "x")
    assert result.exit_code == 1
    assert "fitted on spectrum-64 1." in result.stderr
    assert not (tmp_path / "x").exists()


@pytest.fixture(scope="module")
def two(folder, tmp_path_factory):
    """A run of spectra and vectors made elsewhere: no events, no text encoder."""
    output = tmp_path_factory.mktemp("two")
    names = np.array([f"2CXO J{i:06d}" for i in range(300)])
    story = np.eye(10)[np.arange(300) % 10] + 0.1 * np.random.default_rng(0).normal(size=(300, 10))
    np.savez(output / "v.npz", name=names, embedding=story)
    result = invoke(
        train, "aligner", folder / "spectra.h5", "--vectors", output / "v.npz", "-o", output / "run",
        "--epochs", 2, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    figures = [json.loads(line) for line in result.stdout.splitlines()]
    assert figures == load_aligner(output / "run").meta["figures"]
    assert {row["direction"] for row in figures} == {"spectrum->text", "text->spectrum"}
    return output / "run"


@pytest.fixture(scope="module")
def two_made(two):
    """Its bundle, and the heads that went into it."""
    true, heads = aligned.to_onnx, {}

    def kept(module, width, input_name, output_names):
        heads[input_name] = true(module, width, input_name, output_names)
        return heads[input_name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aligned, "to_onnx", kept)
        result = invoke(export, two, "-o", two.parent / "two", "--json")
    assert result.exit_code == 0, result.output
    return two.parent / "two", heads


def test_two_modalities_and_vectors_made_elsewhere(two_made):
    folder, _ = two_made
    content = verify(folder).content
    assert content["modalities"] == ["spectrum", "text"]
    assert not [name for name in content["files"] if "event" in name or "text_encoder" in name]
    assert "Event lists are not embedded" in (folder / "MODEL_CARD.md").read_text()


def test_failed_parity_leaves_nothing(two, two_made, tmp_path, monkeypatch):
    def altered(module, width, input_name, output_names):
        head = onnx.load_from_string(two_made[1][input_name])
        (straight,) = (tensor for tensor in head.graph.initializer if tensor.name.endswith("straight.weight"))
        numbers = onnx.numpy_helper.to_array(straight) + np.float32(1e-2)
        straight.CopyFrom(onnx.numpy_helper.from_array(numbers, straight.name))
        return head.SerializeToString()

    monkeypatch.setattr(aligned, "to_onnx", altered)
    result = invoke(export, two, "-o", tmp_path / "bad")
    assert result.exit_code == 1
    assert "differs from torch" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_finished_run_is_kept_unless_overwritten(folder, run):
    before = (run / "checkpoint.pt").read_bytes()
    result = invoke(train, *arguments(folder, run))
    assert result.exit_code == 1
    assert "finished run" in result.stderr
    assert (run / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize(
    "given",
    [(), ("--texts", "texts.jsonl"), ("--texts", "texts.jsonl", "--vectors", "v.npz", "--text", "text")],
)
def test_texts_or_vectors(folder, given, tmp_path):
    np.savez(folder / "v.npz", name=np.array(["a"]), embedding=np.ones((1, 2)))
    given = [folder / word if not word.startswith("--") else word for word in given]
    result = invoke(train, "aligner", folder / "spectra.h5", *given, "-o", tmp_path / "x")
    assert result.exit_code == 2
    assert "--text" in result.stderr
    assert not (tmp_path / "x").exists()


def test_defaults_of_the_command_are_those_of_the_library():
    from chandra_embed.training.align import AlignTrainConfig
    from chandra_embed.training.aligner import AlignerConfig

    defaults = {p.name: p.default for p in train.commands["aligner"].params}
    assert defaults["regulariser"] == AlignerConfig().regulariser
    assert defaults["weight"] == AlignerConfig().weight
    assert defaults["epochs"] == AlignTrainConfig().epochs
    assert defaults["seed"] == AlignTrainConfig().seed


def test_without_torch_the_help_works_and_the_command_fails_in_one_line(folder, tmp_path):
    code = (
        "import sys\n"
        "sys.modules.update(torch=None, onnx=None)\n"
        "from chandra_embed.training.cli import train\n"
        "heavy = {'numpy', 'h5py', 'numba', 'sklearn', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "train(sys.argv[1:])\n"
    )

    def python(*words):
        return subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)

    shown = python("aligner", "--help")
    assert shown.returncode == 0
    assert "chandra-embed[train]" in shown.stdout
    failed = python(*arguments(folder, tmp_path / "x"))
    assert failed.returncode == 1
    assert failed.stderr == "error: torch is not installed: pip install 'chandra-embed[train]'\n"


def test_pairs_of_the_run_are_those_of_the_files(folder, run):
    data, _ = read_pairs(
        [folder / "spectra.h5"],
        model="spectrum-64",
        texts=[folder / "texts.jsonl"],
        text_encoder=folder / "text",
        events=folder / "events",
    )
    assert load_aligner(run).meta["data"]["files"][0]["sha256"] == data.digest()
