"""ONNX Runtime behind plain functions: the only module that imports it.

ONNX Runtime falls back to the CPU without a word where CUDA does not answer; nothing here trusts it on
that, the session itself is asked which provider it has.
"""

import contextlib
import ctypes
import io
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# read once, when onnxruntime loads: later is too late
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from .errors import BundleError, DeviceError
from .threads import thread_count

logger = logging.getLogger("chandra_embed")

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
# its errors come as exceptions with the same text, which are told in one line
FATAL_ONLY = 4
# fusions that make a transformer of this size slower on a CPU than the operators they replace: measured 12 %
CPU_SLOWER = ("SkipLayerNormFusion", "BiasGeluFusion")
VERSION: str = ort.__version__

ort.set_default_logger_severity(FATAL_ONLY)


def open_session(
    path: Path | bytes,
    device: str = "auto",
    threads: int | None = None,
    rows: Mapping[str, int] | None = None,
) -> tuple[ort.InferenceSession, str]:
    """Open a model on the device asked for, or fail.

    Parameters
    ----------
    path : Path or bytes
        An ONNX file, or the model itself.
    device : {"auto", "cpu", "cuda"}
        ``auto`` takes CUDA where a CUDA device answers and can run the whole model, else the CPU.
    threads : int, optional
        Threads of one operator; default :func:`thread_count`.
    rows : mapping of str to int, optional
        Rows of every call by device, where they are always as many: shapes that are fixed are planned ahead,
        which measured 4 % faster. The model's first dimension must be called ``batch``.

    Returns
    -------
    session : onnxruntime.InferenceSession
        Ready to run.
    device : {"cpu", "cuda"}
        The one it runs on.

    Raises
    ------
    DeviceError
        CUDA was asked for and does not answer, or cannot run the whole model.
    BundleError
        The installed ONNX Runtime cannot load the model.
    ValueError
        `device` is none of the three.
    """
    if device not in ("auto", *PROVIDERS):
        raise ValueError(f"device {device!r}: give auto, cpu or cuda")
    threads = threads or thread_count()
    if device == "cuda" or (device == "auto" and cuda_devices() > 0):
        try:
            return _cuda_session(path, session_options(threads, (rows or {}).get("cuda"))), "cuda"
        except DeviceError as error:
            if device == "cuda":
                raise
            logger.warning("%s; running on the CPU", error)
    return _cpu_session(path, session_options(threads, (rows or {}).get("cpu"))), "cpu"


def run_pair(
    encoder: ort.InferenceSession,
    decoder: ort.InferenceSession,
    outputs: Sequence[str],
    batch: NDArray[np.float32],
    device: str,
) -> list[NDArray[np.float32]]:
    """Run encoder and decoder one after the other; what goes between them stays on the device.

    Parameters
    ----------
    encoder, decoder : onnxruntime.InferenceSession
        Both open on `device`; the decoder takes ``latent_in`` and gives ``reconstruction_out``.
    outputs : sequence of str
        What is wanted of the encoder, ``latent_out`` first.
    batch : ndarray, shape (batch, n_bins), float32
        Input ``spectrum``.
    device : {"cpu", "cuda"}
        Where the outputs are made.

    Returns
    -------
    list of ndarray
        The outputs in the order asked for, then the reconstruction.
    """
    first, second = encoder.io_binding(), decoder.io_binding()
    first.bind_cpu_input("spectrum", batch)
    for name in outputs:
        first.bind_output(name, device)
    encoder.run_with_iobinding(first)
    second.bind_ortvalue_input("latent_in", first.get_outputs()[0])
    second.bind_output("reconstruction_out", device)
    decoder.run_with_iobinding(second)
    return [*first.copy_outputs_to_cpu(), *second.copy_outputs_to_cpu()]


def cuda_devices() -> int:
    """Return how many CUDA devices the driver offers, 0 without a driver.

    ONNX Runtime's ``get_device()`` and ``get_available_providers()`` tell how it was built.
    """
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def session_options(threads: int, rows: int | None = None) -> ort.SessionOptions:
    """Return options for `threads` threads, repeatable results, and a silent log.

    Threads that wait for work do not spin: two sessions called in turns would take the CPUs from each other,
    which made the pair take twice as long.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = FATAL_ONLY
    options.use_deterministic_compute = True
    if rows:
        options.add_free_dimension_override_by_name("batch", rows)
    return options


def _cpu_session(path: Path | bytes, options: ort.SessionOptions) -> ort.InferenceSession:
    try:
        session = ort.InferenceSession(
            path,
            options,
            providers=[PROVIDERS["cpu"]],
            disabled_optimizers=CPU_SLOWER,
            enable_fallback=0,
        )
    except Exception as error:
        raise BundleError(
            f"{_named(path)}: onnxruntime {VERSION} cannot load it ({error}); "
            "upgrade onnxruntime or freeze the model again"
        ) from error
    check_provider(session, "cpu")
    return session


def _cuda_session(path: Path | bytes, options: ort.SessionOptions) -> ort.InferenceSession:
    """Open a session of which every node runs on CUDA."""
    if cuda_devices() < 1:
        raise DeviceError("device cuda: the driver offers no CUDA device; use --device cpu")
    if PROVIDERS["cuda"] not in ort.get_available_providers():
        raise DeviceError("device cuda: onnxruntime was built without it; pip install 'chandra-embed[cuda]'")
    missing = preload_cuda()
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    # TF32 keeps 10 bits of mantissa: 1e-3, too coarse for parity
    settings = {"use_tf32": "0", "arena_extend_strategy": "kSameAsRequested"}
    try:
        session = ort.InferenceSession(
            path, options, providers=[(PROVIDERS["cuda"], settings)], enable_fallback=0
        )
    except Exception as error:
        raise DeviceError(
            f"device cuda: {_named(path)} cannot run there ({missing or error}); "
            "pip install 'chandra-embed[cuda]' or use --device cpu"
        ) from error
    check_provider(session, "cuda")
    return session


def _named(model: Path | bytes) -> str:
    return "a graph of this package" if isinstance(model, bytes) else str(model)


def preload_cuda() -> str:
    """Load CUDA and cuDNN from their Python packages where they are installed.

    Returns
    -------
    str
        What ONNX Runtime says of the first library that it needs and that is not there; empty: nothing.
    """
    if not hasattr(ort, "preload_dlls"):  # before 1.21
        return ""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        ort.preload_dlls()
    lines = said.getvalue().splitlines()
    for line in lines:
        logger.debug("onnxruntime: %s", line)
    return next((line for line in lines if line.startswith("Failed to load")), "")


def check_provider(session: Any, device: str) -> None:
    """Raise unless the session has the provider of `device` in first place.

    Raises
    ------
    DeviceError
        Another provider would run.
    """
    found = session.get_providers()
    if not found or found[0] != PROVIDERS[device]:
        raise DeviceError(f"device {device}: {', '.join(found) or 'no provider'} would run; use --device cpu")
