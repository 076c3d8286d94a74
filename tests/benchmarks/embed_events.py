"""Embedding a file whose rows have events too, against the same models on lists in memory."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
from chandra_embed.inference import Encoder
from chandra_embed.inference.aligned import EventEmbedder
from chandra_embed.inference.catalog.event_table import read_events
from chandra_embed.inference.catalog.spectra_file import SpectraWriter, spectra_block
from chandra_embed.inference.embed import embed_file
from chandra_embed.inference.simulate.spectra import simulate
from chandra_embed.inference.threads import thread_count
from timing import Section, alternate, compare, say

COLUMNS = ("contender", "seconds", "rows/s", "time / ours", "largest difference from ours")


def events(encoder: Encoder, rows: int, copies: int, rounds: int) -> Section:
    """File to file with a bundle that embeds events."""
    name = f"{encoder.manifest.name} {encoder.manifest.version}"
    section = Section(f"Embedding with events: {name}", "", COLUMNS)
    own = EventEmbedder.load(encoder.manifest, "cpu", threads=1)
    with TemporaryDirectory() as folder:
        source, output = Path(folder, "spectra.h5"), Path(folder, "embeddings.h5")
        _write(source, encoder, rows, copies)
        with h5py.File(source) as file:
            values = spectra_block(file, 0, rows * copies)
            lists = read_events(file, 0, rows * copies)
            counted = int(file["event/offset"][-1])

        def ours() -> Any:
            embed_file(source, output, device="cpu", model=encoder.manifest.folder, overwrite=True)
            with h5py.File(output) as file:
                return file["embedding_event"][...]

        def bare() -> Any:
            list(encoder.stream([values]))
            return _embed(own, lists)

        contenders = {"chandra_embed embed_file": ours, "models in memory": bare}
        contenders["event lists alone, in memory"] = lambda: _embed(own, lists)
        timed = alternate(f"events, {name}", contenders, rounds)
    section.text = (
        f"{len(values):,} rows of simulated spectra with {counted:,} events (each several times), batches of "
        f"{encoder.batch_size}, {thread_count()} threads; {rounds} rounds. Ours reads and writes HDF5."
    )
    first = timed["chandra_embed embed_file"].result
    compare(section, timed, len(values), lambda _, found: f"{np.nanmax(np.abs(found - first)):.1e}")
    return section


def _embed(own: EventEmbedder, lists: list[Any]) -> Any:
    size = own.batch_size
    batches = [lists[at : at + size] for at in range(0, len(lists), size)]
    with ThreadPoolExecutor(thread_count()) as pool:
        return np.concatenate(list(pool.map(own.embed, batches)))


def _write(path: Path, encoder: Encoder, rows: int, copies: int) -> None:
    say(f"events: simulating {rows:,} spectra with events")
    made = list(simulate(rows, 0, encoder.recipe))
    with SpectraWriter(path, encoder.recipe, {"simulated": True}) as writer:
        for _ in range(copies):
            for one in made:
                writer.append(one.detection, one.value, one.error, one.observation, one.events)
        writer.close()
