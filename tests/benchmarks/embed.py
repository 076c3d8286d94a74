"""Embedding a whole file, against a bare ONNX Runtime loop and torch eager on the same batches in memory."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
from chandra_embed.inference import Encoder, runtime
from chandra_embed.inference.catalog.spectra_file import SpectraWriter
from chandra_embed.inference.embed import embed_file
from chandra_embed.inference.encoder import padded_batches
from chandra_embed.inference.errors import BundleError
from chandra_embed.inference.simulate.spectra import simulate
from chandra_embed.inference.threads import thread_count
from timing import Section, Settings, alternate, compare, optional, say

BUNDLE = "spectrum-8"


def run(settings: Settings) -> list[Section]:
    rows, copies, rounds = (100, 2, 2) if settings.quick else (2000, 5, 5)
    columns = (
        "contender",
        "seconds",
        "rows/s",
        "time / ours",
        "largest difference of an embedding from ours",
    )
    section = Section("Embedding, file to file", "", columns)
    try:
        encoder = Encoder.load(BUNDLE, "cpu")
    except BundleError as error:
        section.text = f"Not run: {error}"
        return [section]
    with TemporaryDirectory() as folder:
        source, output = Path(folder, "spectra.h5"), Path(folder, "embeddings.h5")
        values = _write_spectra(source, encoder, rows, copies)

        def ours() -> Any:
            embed_file(source, output, device="cpu", model=BUNDLE, overwrite=True)
            with h5py.File(output) as file:
                return file["embedding"][...]

        batches = list(padded_batches(values, encoder.batch_size))
        calls: dict[str, Callable[[], Any] | None] = {
            "chandra_embed embed_file": ours,
            "ONNX Runtime alone": _bare(encoder, batches, len(values)),
            "torch eager, random weights": _torch(encoder, batches),
        }
        timed = alternate("embed", calls, rounds)
    section.text = (
        f"{len(values):,} rows ({rows:,} simulated spectra, each {copies} times), batches of "
        f"{encoder.batch_size}, bundle {encoder.manifest.name} {encoder.manifest.version}; {rounds} rounds. "
        "Ours checks the bundle's and the input's SHA-256, opens the models, reads and writes HDF5 and "
        "flushes as it goes; the others have models and batches in memory and run encoder and decoder. torch "
        "runs the autoencoder of the same shape under `inference_mode`; its weights are random, which costs "
        "the same, so its answers are not compared."
    )
    found = next(iter(timed.values())).result

    def agreement(name: str, embedding: Any) -> str:
        if embedding is None or embedding is found:
            return ""
        gap = float(np.abs(embedding - found).max())
        if gap > 1e-6:
            section.faults.append(f"{section.title}: {name}: embeddings differ by {gap:.2g}")
        return f"{gap:.1e}"

    compare(section, timed, len(values), agreement)
    return [section]


def _write_spectra(path: Path, encoder: Encoder, rows: int, copies: int) -> Any:
    """Simulate `rows` spectra, write each `copies` times and return the values."""
    say(f"embed: simulating {rows:,} spectra")
    made = list(simulate(rows, 0, encoder.recipe)) * copies
    with SpectraWriter(path, encoder.recipe, {"simulated": True}) as writer:
        for one in made:
            writer.append(one.detection, one.value, one.error, one.observation)
        writer.close()
    return np.stack([one.value for one in made])


def _bare(encoder: Encoder, batches: list[Any], n: int) -> Callable[[], Any]:
    folder = encoder.manifest.folder
    first, _ = runtime.open_session(folder / "encoder.onnx", "cpu", thread_count())
    second, _ = runtime.open_session(folder / "decoder.onnx", "cpu", thread_count())

    def loop() -> Any:
        found = []
        for batch in batches:
            latent, embedding = first.run(["latent_out", "embedding_out"], {"spectrum": batch})
            second.run(["reconstruction_out"], {"latent_in": latent})
            found.append(embedding)
        return np.concatenate(found)[:n]

    return loop


def _torch(encoder: Encoder, batches: list[Any]) -> Callable[[], Any] | None:
    torch = optional("torch")
    if torch is None:
        return None
    from chandra_embed.training.autoencoder import AutoencoderConfig, build

    torch.set_num_threads(thread_count())
    model = build(AutoencoderConfig(**encoder.manifest.content.get("model", {})), 0).eval()
    tensors = [torch.from_numpy(batch) for batch in batches]

    def loop() -> None:
        with torch.inference_mode():
            for tensor in tensors:
                model(tensor)

    return loop
