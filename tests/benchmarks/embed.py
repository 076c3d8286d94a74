"""Embedding: a whole file against a bare ONNX Runtime loop, the engine against torch, and its peak memory."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
from chandra_embed.inference import Encoder, runtime
from chandra_embed.inference.aligned import embeds_events
from chandra_embed.inference.catalog.spectra_file import SpectraWriter
from chandra_embed.inference.embed import embed_file
from chandra_embed.inference.encoder import padded_batches
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.simulate.spectra import simulate
from chandra_embed.inference.threads import thread_count
from embed_events import events
from embed_options import half, options
from machine import peak_memory
from timing import Section, Settings, alternate, compare, optional, say

BUNDLES = ("spectrum-8", "spectrum-64", "aligned-64")
# batches of torch besides ours: what suits one library need not suit the other
TORCH_BATCH = 128
DIFFERENCE = "largest difference of an embedding from ours"
COLUMNS = ("contender", "seconds", "rows/s", "time / ours", DIFFERENCE)


def run(settings: Settings) -> list[Section]:
    memory = _memory(settings)  # before this process grows: Linux hands its peak on to its children
    encoders = [Encoder.load(name, "cpu") for name in BUNDLES]
    rows, copies = (100, 2) if settings.quick else (2000, 50 if settings.large else 10)
    with TemporaryDirectory() as folder:
        source = Path(folder, "spectra.h5")
        values = _write_spectra(source, encoders[0].recipe, rows, copies)
        whole = _whole(source, encoders[0], values, 2 if settings.quick else 5)
    few, rounds = values[: 128 if settings.quick else 2048], 2 if settings.quick else 7
    engines = [_engine(encoder, few, rounds) for encoder in encoders]
    more = [options(encoders[0], few, rounds), half(encoders, few, rounds)]
    with_events = [events(e, rows, copies, rounds) for e in encoders if embeds_events(e.manifest)]
    return [whole, *engines, *more, *with_events, memory]


def _whole(source: Path, encoder: Encoder, values: Any, rounds: int) -> Section:
    """File to file with one bundle."""
    output = source.with_name("embeddings.h5")
    section = Section("Embedding, file to file", "", COLUMNS)

    def ours() -> Any:
        embed_file(source, output, device="cpu", model=encoder.manifest.folder, overwrite=True)
        with h5py.File(output) as file:
            return file["embedding"][...]

    batches = list(padded_batches(values, encoder.batch_size))
    timed = alternate(
        "embed",
        {
            "chandra_embed embed_file": ours,
            "ONNX Runtime, one loop": _loop(encoder, batches),
            "ONNX Runtime, a caller a thread": _callers(encoder, batches),
        },
        rounds,
    )
    section.text = (
        f"{len(values):,} rows of simulated spectra (each several times; {source.stat().st_size / 1e6:,.0f} "
        f"MB), batches of {encoder.batch_size}, bundle {encoder.manifest.name} {encoder.manifest.version}; "
        f"{rounds} rounds. Ours checks the bundle's and the input's SHA-256, opens the models, reads and "
        "writes HDF5 and flushes as it goes; the others have models and batches in memory and run encoder "
        "and decoder: in one loop with the options that ONNX Runtime has by default, and as ours does, with "
        "sessions of one thread that several threads call."
    )
    _compare(section, timed, len(values))
    return section


def _engine(encoder: Encoder, values: Any, rounds: int) -> Section:
    """Batches in memory through ONNX Runtime and torch."""
    name = f"{encoder.manifest.name} {encoder.manifest.version}"
    section = Section(f"Embedding, the engine: {name}", "", COLUMNS)
    size = encoder.batch_size
    batches = list(padded_batches(values, size))
    blocks = [values[at : at + 8 * size] for at in range(0, len(values), 8 * size)]
    timed = alternate(
        name,
        {
            "chandra_embed Encoder.stream": lambda: np.concatenate(
                [found.embedding for found in encoder.stream(blocks)]
            ),
            "ONNX Runtime, one loop": _loop(encoder, batches),
            f"torch eager, batches of {size}": _torch(encoder, values, size),
            f"torch eager, batches of {TORCH_BATCH}": _torch(encoder, values, TORCH_BATCH),
            f"torch eager, a caller a thread, batches of {size}": _torch(encoder, values, size, callers=True),
            f"torch.compile, batches of {size}": _torch(encoder, values, size, compiled=True),
        },
        rounds,
    )
    section.text = (
        f"{len(values):,} rows in memory, batches of {size} but where said; {rounds} rounds. torch runs the "
        "autoencoder of the same shape under `inference_mode`, with all threads in one call but where said; "
        "its weights are random, which costs the same, so its answers are not compared."
    )
    _compare(section, timed, len(values))
    return section


def _compare(section: Section, timed: Any, rows: int) -> None:
    """Fill in the table; ours comes first."""
    found = next(iter(timed.values())).result

    def agreement(name: str, embedding: Any) -> str:
        if embedding is None or embedding is found:
            return ""
        gap = float(np.abs(embedding[:rows] - found).max())
        if gap > 1e-6:
            section.faults.append(f"{section.title}: {name}: embeddings differ by {gap:.2g}")
        return f"{gap:.1e}"

    compare(section, timed, rows, agreement)


def _write_spectra(path: Path, recipe: Recipe, rows: int, copies: int) -> Any:
    """Simulate `rows` spectra, write each `copies` times and return the values."""
    say(f"embed: simulating {rows:,} spectra")
    made = list(simulate(rows, 0, recipe))
    with SpectraWriter(path, recipe, {"simulated": True}) as writer:
        for _ in range(copies):
            for one in made:
                writer.append(one.detection, one.value, one.error, one.observation)
        writer.close()
    return np.tile(np.stack([one.value for one in made]), (copies, 1))


def _one(first: Any, second: Any, batch: Any) -> Any:
    latent, embedding = first.run(["latent_out", "embedding_out"], {"spectrum": batch})
    second.run(["reconstruction_out"], {"latent_in": latent})
    return embedding


def _loop(encoder: Encoder, batches: list[Any]) -> Callable[[], Any]:
    """ONNX Runtime with its own options but for the number of threads."""
    models = [encoder.manifest.folder / f"{name}.onnx" for name in ("encoder", "decoder")]
    options = runtime.ort.SessionOptions()
    options.intra_op_num_threads = thread_count()
    sessions = [
        runtime.ort.InferenceSession(model, options, providers=["CPUExecutionProvider"]) for model in models
    ]
    return lambda: np.concatenate([_one(*sessions, batch) for batch in batches])


def _callers(encoder: Encoder, batches: list[Any]) -> Callable[[], Any]:
    """Sessions as ours are, and as many callers as threads."""
    names = ("encoder", "decoder")
    sessions = [runtime.open_session(encoder.manifest.folder / f"{name}.onnx", "cpu", 1)[0] for name in names]

    def call() -> Any:
        with ThreadPoolExecutor(thread_count()) as pool:
            return np.concatenate(list(pool.map(lambda batch: _one(*sessions, batch), batches)))

    return call


def _torch(
    encoder: Encoder, values: Any, size: int, *, callers: bool = False, compiled: bool = False
) -> Callable[[], Any] | None:
    """Return the autoencoder of the bundle's shape in torch; None without torch, or what it compiles with."""
    torch = optional("torch")
    if torch is None:
        return None
    from chandra_embed.training.autoencoder import AutoencoderConfig, build

    model = build(AutoencoderConfig(**encoder.manifest.content.get("model", {})), 0).eval()
    tensors = [torch.from_numpy(batch) for batch in padded_batches(values, size)]

    def one(tensor: Any) -> None:
        with torch.inference_mode():
            model(tensor)

    if compiled:
        model = torch.compile(model)
        try:
            one(tensors[0])
        except Exception as error:  # a compiler of C++ is missing, or is not one that torch knows
            say(f"torch.compile does not work here: {str(error).splitlines()[0]}")
            return None

    def call() -> None:
        torch.set_num_threads(1 if callers else thread_count())
        if not callers:
            for tensor in tensors:
                one(tensor)
            return
        with ThreadPoolExecutor(thread_count()) as pool:
            list(pool.map(one, tensors))

    return call


def _memory(settings: Settings) -> Section:
    """Peak memory of the whole command, each size in a process of its own."""
    section = Section("Peak memory of embed", "", ("rows", "input, MB", "peak, MB"))
    section.text = (
        f"Largest resident memory of a fresh process that embeds a file with {BUNDLES[0]}: "
        "Python, the packages and the models included."
    )
    every = (200, 2000) if settings.quick else (20_000, 100_000, 1_304_376)
    with TemporaryDirectory() as folder:
        for n in every[: 3 if settings.large else 2]:
            say(f"embed, memory, n = {n:,}")
            source, rows = Path(folder, "spectra.h5"), next(k for k in range(1000, 0, -1) if n % k == 0)
            _in_process(_write_spectra, source, Recipe(), rows, n // rows)
            size, peak = source.stat().st_size / 1e6, _in_process(_peak_of, source)
            section.rows.append((f"{n:,}", f"{size:,.0f}", f"{peak:.0f}"))
    return section


def _in_process(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *arguments).result()


def _peak_of(source: Path) -> float:
    """Embed a file and return the largest resident memory, MB."""
    embed_file(source, source.with_name("embeddings.h5"), device="cpu", model=BUNDLES[0], overwrite=True)
    return peak_memory()
