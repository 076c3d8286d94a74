import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from chandra_embed.inference import runtime
from chandra_embed.inference.errors import BundleError, DeviceError
from chandra_embed.models import registry

needs_cuda = pytest.mark.skipif(runtime.cuda_devices() == 0, reason="no CUDA device answers")
no_cuda = pytest.mark.skipif(runtime.cuda_devices() > 0, reason="a CUDA device answers")


@pytest.fixture(scope="module")
def model():
    return registry.find("spectrum-8") / "encoder.onnx"


def test_a_cpu_session_has_the_cpu_provider_alone(model):
    session, device = runtime.open_session(model, "cpu")
    assert device == "cpu"
    assert session.get_providers() == ["CPUExecutionProvider"]


@no_cuda
def test_auto_takes_the_cpu_where_no_cuda_device_answers(model):
    assert runtime.open_session(model, "auto")[1] == "cpu"


@no_cuda
def test_cuda_without_a_device_fails_in_one_line(model):
    with pytest.raises(DeviceError, match="no CUDA device; use --device cpu") as caught:
        runtime.open_session(model, "cuda")
    assert "\n" not in str(caught.value)


@no_cuda
def test_a_cuda_session_that_would_run_on_the_cpu_is_refused(model, monkeypatch, caplog, capfd):
    monkeypatch.setattr(
        runtime, "cuda_devices", lambda: 1
    )  # as where the driver answers and cuDNN is missing
    with pytest.raises(DeviceError, match="device cuda"):
        runtime.open_session(model, "cuda")
    with caplog.at_level(logging.WARNING, "chandra_embed"):
        assert runtime.open_session(model, "auto")[1] == "cpu"
    assert "running on the CPU" in caplog.text
    assert capfd.readouterr() == ("", "")


def test_bound_outputs_are_those_of_plain_calls():
    """On a GPU models are called so; here the CPU stands in for it."""
    folder, rows = registry.find("spectrum-8"), np.random.default_rng(0).gamma(1, 1e-4, (16, 400))
    batch, outputs = rows.astype(np.float32), ("latent_out", "embedding_out", "scale_out")
    encoder, decoder = (
        runtime.open_session(folder / f"{name}.onnx", "cpu", 1, {"cpu": 16})[0]
        for name in ("encoder", "decoder")
    )
    plain = encoder.run(outputs, {"spectrum": batch})
    plain += decoder.run(("reconstruction_out",), {"latent_in": plain[0]})
    for _ in range(2):
        bound = runtime.run_pair(encoder, decoder, outputs, batch, "cpu")
        assert [one.tobytes() for one in bound] == [one.tobytes() for one in plain]


@needs_cuda
def test_cuda_runs_the_whole_model_and_agrees_with_the_cpu(model):
    session, device = runtime.open_session(model, "cuda")
    assert device == "cuda"
    assert session.get_providers()[0] == "CUDAExecutionProvider"
    assert runtime.open_session(model, "auto")[1] == "cuda"
    rows = np.random.default_rng(0).gamma(1, 1e-4, (256, 400)).astype(np.float32)
    cpu, _ = runtime.open_session(model, "cpu")
    for a, b in zip(session.run(None, {"spectrum": rows}), cpu.run(None, {"spectrum": rows}), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4, rtol=1e-4)


def test_the_provider_that_would_run_is_checked(model):
    session, _ = runtime.open_session(model, "cpu")
    runtime.check_provider(session, "cpu")
    with pytest.raises(DeviceError, match="CPUExecutionProvider would run"):
        runtime.check_provider(session, "cuda")


def test_a_model_opened_for_so_many_rows_takes_no_others(model):
    session, _ = runtime.open_session(model, "cpu", 1, {"cpu": 8, "cuda": 64})
    assert session.get_inputs()[0].shape == [8, 400]
    rows = np.random.default_rng(0).gamma(1, 1e-4, (9, 400)).astype(np.float32)
    free, _ = runtime.open_session(model, "cpu", 2)
    for a, b in zip(
        session.run(None, {"spectrum": rows[:8]}), free.run(None, {"spectrum": rows[:8]}), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-6, rtol=1e-6)
    with pytest.raises(Exception, match="invalid dimensions"):
        session.run(None, {"spectrum": rows})


def test_an_unknown_device_is_refused(model):
    with pytest.raises(ValueError, match="'gpu': give auto, cpu or cuda"):
        runtime.open_session(model, "gpu")


def test_a_file_that_is_no_model_is_refused_by_name(tmp_path, capfd):
    path = tmp_path / "encoder.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(BundleError, match=r"encoder\.onnx: onnxruntime .* cannot load it"):
        runtime.open_session(path, "cpu")
    assert capfd.readouterr() == ("", "")


def test_threads_are_set_and_do_not_change_a_bit(model):
    rows = np.random.default_rng(1).gamma(1, 1e-4, (64, 400)).astype(np.float32)
    found = []
    for threads in (1, 2):
        session, _ = runtime.open_session(model, "cpu", threads)
        assert session.get_session_options().intra_op_num_threads == threads
        found.append(session.run(["embedding_out"], {"spectrum": rows})[0])
    np.testing.assert_array_equal(*found)


def test_threads_default_to_the_setting(model, monkeypatch):
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", "1")
    assert runtime.open_session(model, "cpu")[0].get_session_options().intra_op_num_threads == 1


def test_the_default_graph_optimisation_stays():
    import onnxruntime as ort

    assert (
        runtime.session_options(1).graph_optimization_level == ort.SessionOptions().graph_optimization_level
    )


def test_telemetry_is_off_whatever_the_environment_said_and_nothing_is_printed(model):
    code = (
        "import os; from pathlib import Path; from chandra_embed.inference import runtime; "
        f"runtime.open_session(Path({str(model)!r})); assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
    )
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
