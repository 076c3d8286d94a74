import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from small import write_spectra

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from chandra_embed.export import bundle  # noqa: E402
from chandra_embed.export.bundle import export_bundle  # noqa: E402
from chandra_embed.export.cli import export  # noqa: E402
from chandra_embed.inference import Encoder  # noqa: E402
from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.inference.recipe import Recipe  # noqa: E402
from chandra_embed.inference.reference import Reference  # noqa: E402
from chandra_embed.models.registry import verify  # noqa: E402
from chandra_embed.training import checkpoint  # noqa: E402
from chandra_embed.training.cli import train  # noqa: E402
from chandra_embed.training.datasets import is_seen, read_spectra  # noqa: E402

pytestmark = pytest.mark.train
# long enough that latents differ: the embedding of a model that has learnt nothing is all rounding
SETTINGS = ("--width", 16, "--depth", 1, "--latents", 3, "--epochs", 8, "--batch-size", 16, "--lr", 5e-3)


def invoke(command, *arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    # two threads of small work on a busy machine wait for each other most of the time
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHANDRA_EMBED_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    return write_spectra(tmp_path_factory.mktemp("spectra") / "spectra.h5", 500)


@pytest.fixture(scope="module")
def run(spectra, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "small"
    result = invoke(train, "autoencoder", spectra, "-o", folder, *SETTINGS)
    assert result.exit_code == 0, result.output
    assert "simulated" in result.stdout
    assert "epoch 1" in result.stderr
    return folder


@pytest.fixture(scope="module")
def made(run, spectra, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "small-3"
    result = invoke(export, run, "-o", folder, "--reference", spectra)
    assert result.exit_code == 0, result.output
    assert "simulated" in result.stdout
    return folder


def test_bundle_is_whole(made, run, spectra):
    manifest = verify(made)
    content = manifest.content
    assert sorted(p.name for p in made.parent.iterdir()) == ["small-3"]
    assert sorted(manifest.files) == [
        "MODEL_CARD.md",
        "anomaly.npz",
        "baseline.npz",
        "decoder.onnx",
        "encoder.onnx",
    ]
    assert (manifest.name, manifest.version, content["opset"]) == ("small-3", "1.0.0", 20)
    assert manifest.recipe_fingerprint == Recipe().fingerprint
    assert content["inputs"]["encoder.onnx"] == {"spectrum": {"shape": ["batch", 400], "dtype": "float32"}}
    assert content["outputs"]["encoder.onnx"]["embedding_out"] == {"shape": ["batch", 3], "dtype": "float32"}
    assert content["trained_on"][0]["simulated"] is True
    assert content["parameters"] == checkpoint.load(run).meta["parameters"]
    assert max(max(file.values()) for file in content["measured"]["parity"]["files"].values()) <= 1e-5
    assert {"seed", "licence", "min_package", "ir_version", "commands"} <= content.keys()


def test_no_folder_of_this_machine_in_the_bundle(made, run, spectra):
    for path in made.iterdir():
        data = path.read_bytes()
        for folder in (made.parent, run.parent, spectra.parent):
            assert str(folder).encode() not in data


def test_runtime_gives_what_torch_gives(made, run, spectra):
    rows = read_spectra([spectra]).value[:40]
    found = Encoder.load(made, "cpu").run(rows)
    model = checkpoint.load(run / "checkpoint.pt").autoencoder()
    with torch.inference_mode():
        latent, normalised, scale, embedding = model.encoder(torch.from_numpy(rows))
        reconstruction = model.decoder(latent)
    assert np.abs(found.embedding - embedding.numpy()).max() <= 1e-5
    assert np.abs(found.latent - latent.numpy()).max() <= 1e-5
    assert np.abs(found.reconstruction - reconstruction.numpy()).max() <= 1e-5
    assert np.array_equal(found.scale, scale.numpy())
    assert np.abs(found.normalised - normalised.numpy()).max() <= 1e-6


def test_reference_holds_unseen_sources_alone(made, run, spectra):
    everything = read_spectra([spectra])
    unseen = everything.take(~is_seen(everything.source_id, checkpoint.load(run).seen.numpy()))
    assert 0 < len(unseen) < 100
    content = verify(made).content
    figures = content["measured"]["reconstruction"]["figures"]
    assert figures[0]["rows"] == len(unseen)
    encoded = Encoder.load(made, "cpu").run(unseen.value)
    assert figures[0]["autoencoder"][0] == pytest.approx(encoded.reconstruction_error.mean(), abs=1e-6)
    enough = unseen.net_counts >= 40
    reference = Reference.load(made / "anomaly.npz")
    rows = np.concatenate([reference.embedding, reference.calibration_embedding])
    expected = encoded.embedding[enough]
    assert content["anomaly_reference"]["rows"] == len(rows) == len(expected)
    assert np.array_equal(np.sort(rows, axis=0), np.sort(expected, axis=0))


def test_card_says_simulated_first_and_how_to_measure_again(made):
    card = (made / "MODEL_CARD.md").read_text()
    assert "SIMULATED" in card.splitlines()[2]
    for text in (
        "2510.14102",
        "BSD-3-Clause",
        Recipe().fingerprint,
        "print these figures again",
        "net counts",
    ):
        assert text in card
    assert "Earlier versions" not in card


def test_a_higher_version_keeps_the_figures_of_the_one_before_and_has_the_same_bytes(made, run, tmp_path):
    output = tmp_path / "small-3"
    output.mkdir()
    for path in made.iterdir():
        (output / path.name).write_bytes(path.read_bytes())
    old = verify(output).content
    for version in ("1.0.0", "0.9.9"):
        result = invoke(export, run, "-o", output, "--version", version)
        assert result.exit_code == 1
        assert "holds version 1.0.0" in result.stderr
    assert invoke(export, run, "-o", output, "--version", "1.0.1").exit_code == 0
    for name in ("encoder.onnx", "decoder.onnx", "baseline.npz"):  # the same bytes again
        assert (output / name).read_bytes() == (made / name).read_bytes(), name
    content = verify(output).content
    assert content["version"] == "1.0.1"
    assert content["earlier"] == [{"version": "1.0.0", "measured": old["measured"]}]
    assert "anomaly_reference" not in content
    card = (output / "MODEL_CARD.md").read_text()
    assert "## Earlier versions\n\n### 1.0.0" in card


def test_failed_parity_leaves_nothing(made, run, tmp_path, monkeypatch):
    files = {"spectrum": made / "encoder.onnx", "latent_in": made / "decoder.onnx"}

    def altered(module, width, input_name, output_names):
        frozen = onnx.load(files[input_name])
        weights = max(frozen.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        numbers = onnx.numpy_helper.to_array(weights)
        weights.CopyFrom(onnx.numpy_helper.from_array(numbers + np.float32(1e-3), weights.name))
        return frozen.SerializeToString()

    monkeypatch.setattr(bundle, "to_onnx", altered)
    result = invoke(export, run, "-o", tmp_path / "bad")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "differs from torch" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_kill_between_the_renames_loses_nothing(made, run, tmp_path, monkeypatch):
    aside = tmp_path / ".small-3.replaced"
    aside.mkdir()
    for path in made.iterdir():
        (aside / path.name).write_bytes(path.read_bytes())
    (tmp_path / ".small-3.unfinished").mkdir()
    assert invoke(export, run, "-o", tmp_path / "small-3").exit_code == 1  # version 1.0.0 is back
    verify(tmp_path / "small-3")
    assert not aside.exists()


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", "1.0.0-rc1", ""])
def test_version_that_is_none(run, tmp_path, version):
    result = invoke(export, run, "-o", tmp_path / "x", "--version", version)
    assert result.exit_code == 2
    assert "such as 1.0.0" in result.stderr


def test_folder_that_is_no_bundle_is_left_alone(run, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    result = invoke(export, run, "-o", tmp_path)
    assert result.exit_code == 1
    assert "is no bundle" in result.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_unfinished_run_is_refused(run, tmp_path):
    state = checkpoint.load(run)
    state = replace(state, meta={**state.meta, "finished": False})
    with pytest.raises(ChandraEmbedError, match="not finished"):
        export_bundle(state, tmp_path / "x")


def test_spectra_of_another_recipe_are_refused(run, tmp_path):
    other = write_spectra(tmp_path / "other.h5", 40, recipe=Recipe(group_min=9))
    for option in ("--real", "--reference"):
        result = invoke(export, run, "-o", tmp_path / "x", option, other)
        assert result.exit_code == 1
        assert "other.h5" in result.stderr
        assert Recipe().fingerprint in result.stderr
        assert Recipe(group_min=9).fingerprint in result.stderr


def test_reference_without_enough_unseen_rows(run, spectra, tmp_path):
    few = write_spectra(tmp_path / "few.h5", 20, seed=3)
    result = invoke(export, run, "-o", tmp_path / "x", "--reference", few)
    assert result.exit_code == 1
    assert "few.h5: 0 rows" in result.stderr
    assert not (tmp_path / "x").exists()


def test_finished_run_is_not_trained_over(run, spectra):
    before = (run / "checkpoint.pt").read_bytes()
    result = invoke(train, "autoencoder", spectra, "-o", run, "--epochs", 1)
    assert result.exit_code == 1
    assert "finished run" in result.stderr
    assert (run / "checkpoint.pt").read_bytes() == before


def test_json(spectra, tmp_path):
    result = invoke(train, "autoencoder", spectra, "-o", tmp_path / "run", *SETTINGS, "--epochs", 1, "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows == checkpoint.load(tmp_path / "run").meta["figures"]
    assert rows[0]["net_counts"] == "all"


def test_defaults_of_the_command_are_those_of_the_library():
    from chandra_embed.training.autoencoder import AutoencoderConfig
    from chandra_embed.training.loop import TrainConfig

    defaults = {p.name: p.default for p in train.commands["autoencoder"].params}
    names = {"latents": "n_latent", "width": "width", "depth": "depth", "patch": "patch"}
    assert {k: defaults[k] for k in names} == {k: getattr(AutoencoderConfig(), v) for k, v in names.items()}
    names = {"epochs": "epochs", "batch_size": "batch_size", "lr": "learning_rate", "seed": "seed"}
    assert {k: defaults[k] for k in names} == {k: getattr(TrainConfig(), v) for k, v in names.items()}


@pytest.mark.parametrize("command", ["train autoencoder", "export"])
def test_without_torch_the_help_works_and_the_command_fails_in_one_line(command, spectra, tmp_path):
    name, *sub = command.split()
    module = {"train": "training", "export": "export"}[name]
    code = (
        "import sys\n"
        "sys.modules.update(torch=None, onnx=None)\n"
        f"from chandra_embed.{module}.cli import {name}\n"
        "heavy = {'numpy', 'h5py', 'numba', 'sklearn', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        f"{name}(sys.argv[1:])\n"
    )

    def python(*arguments):
        return subprocess.run([sys.executable, "-c", code, *sub, *arguments], capture_output=True, text=True)

    shown = python("--help")
    assert shown.returncode == 0
    assert "chandra-embed[train]" in shown.stdout
    assert "Example:" in shown.stdout
    failed = python(str(spectra), "-o", str(tmp_path / "x"))
    assert failed.returncode == 1
    assert failed.stderr == "error: torch is not installed: pip install 'chandra-embed[train]'\n"
