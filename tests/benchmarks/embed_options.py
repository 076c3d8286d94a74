"""Why ONNX Runtime has the options it is given, one changed at a time; and what half precision costs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from chandra_embed.inference import Encoder, runtime
from chandra_embed.inference.encoder import padded_batches
from chandra_embed.inference.threads import thread_count
from timing import Section, alternate, compare, optional

SIZES = (16, 32, 64, 256)


def options(encoder: Encoder, values: Any, rounds: int) -> Section:
    """Sessions of the encoder alone, on batches in memory."""
    name = f"{encoder.manifest.name} {encoder.manifest.version}"
    text = (
        f"encoder.onnx of {name}, {len(values):,} rows in memory, batches of {encoder.batch_size} but where "
        f"said, on {thread_count()} threads; {rounds} rounds. The first line is what the package "
        "sets: a session of one thread that several threads call, fixed shapes, the arena, all graph "
        "optimisation but two fusions; each other line changes what it says."
    )
    columns = ("options", "seconds", "rows/s", "time / the first", "largest difference from the first")
    section, path = Section(f"ONNX Runtime's options: {name}", text, columns), encoder.manifest.folder
    path, size, n = path / "encoder.onnx", encoder.batch_size, thread_count()
    contenders = {
        "as set": _caller(_session(path, size), values, size, n),
        "one caller, threads within an operator": _caller(_session(path, size, threads=n), values, size, 1),
        "one caller, which spin": _caller(_session(path, size, threads=n, spin=True), values, size, 1),
        "shapes left open": _caller(_session(path, None), values, size, n),
        "no arena": _caller(_session(path, size, arena=False), values, size, n),
        "every fusion": _caller(_session(path, size, kept_out=()), values, size, n),
        "basic graph optimisation": _caller(_session(path, size, level="ORT_ENABLE_BASIC"), values, size, n),
        "no graph optimisation": _caller(_session(path, size, level="ORT_DISABLE_ALL"), values, size, n),
    }
    contenders |= {f"batches of {b}": _caller(_session(path, b), values, b, n) for b in SIZES if b != size}
    timed = alternate(f"options, {name}", contenders, rounds)
    first = timed["as set"].result
    compare(section, timed, len(values), lambda _, found: f"{np.abs(found - first).max():.1e}")
    return section


def half(encoders: list[Encoder], values: Any, rounds: int) -> Section:
    """The same graphs in half precision, which the package does not offer."""
    text = (
        "encoder.onnx of each bundle with its numbers in fp16, input and output in float32, by "
        f"`onnxruntime.transformers.float16`; {len(values):,} simulated spectra on a CPU, {rounds} rounds. "
        "The package promises 1e-4 between devices, so it does not offer half precision; bfloat16 keeps "
        "three bits fewer."
    )
    columns = ("bundle", "time / float32", "bytes / float32", "largest difference", "median", "least cosine")
    section, onnx = Section("Half precision", text, columns), optional("onnx")
    if onnx is None:
        section.text = "Not run: onnx is not installed."
        return section
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with TemporaryDirectory() as folder:
        for encoder in encoders:
            path, small = encoder.manifest.folder / "encoder.onnx", Path(folder, "half.onnx")
            onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), small)
            size, n = encoder.batch_size, thread_count()
            sessions = {name: _session(file, size) for name, file in (("float32", path), ("fp16", small))}
            contenders = {name: _caller(session, values, size, n) for name, session in sessions.items()}
            timed = alternate(f"half precision, {encoder.manifest.name}", contenders, rounds)
            a, b = (timed[name].result for name in ("float32", "fp16"))
            ratios = np.array(timed["fp16"].seconds) / np.array(timed["float32"].seconds)
            gap, cosine = np.abs(a - b).max(axis=1), (a.astype(float) * b).sum(axis=1)
            section.rows.append(
                (
                    f"{encoder.manifest.name} {encoder.manifest.version}",
                    f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})",
                    f"{small.stat().st_size / path.stat().st_size:.2f}",
                    f"{gap.max():.1e}",
                    f"{np.median(gap):.1e}",
                    f"1 - {1 - cosine.min():.1e}",
                )
            )
    return section


def _session(
    path: Path,
    rows: int | None,
    *,
    threads: int = 1,
    spin: bool = False,
    arena: bool = True,
    level: str = "ORT_ENABLE_ALL",
    kept_out: tuple[str, ...] = runtime.CPU_SLOWER,
) -> Any:
    chosen = runtime.session_options(threads, rows)
    chosen.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    chosen.enable_cpu_mem_arena = arena
    chosen.graph_optimization_level = getattr(runtime.ort.GraphOptimizationLevel, level)
    return runtime.ort.InferenceSession(
        path, chosen, providers=["CPUExecutionProvider"], disabled_optimizers=list(kept_out)
    )


def _caller(session: Any, values: Any, size: int, callers: int) -> Callable[[], Any]:
    batches = list(padded_batches(values, size))

    def call() -> Any:
        with ThreadPoolExecutor(callers) as pool:
            found = pool.map(lambda batch: session.run(["embedding_out"], {"spectrum": batch})[0], batches)
            return np.concatenate(list(found))[: len(values)]

    return call
