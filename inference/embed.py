"""A whole ``spectra.h5`` through a frozen encoder into ``embeddings.h5``, surviving any kill.

One chunk of rows is read, and another written, while the encoder works on the one between; the SHA-256 of
the input is taken meanwhile, and no row counts as done before it is known. :mod:`.catalog.embeddings_file`
says what makes a kill harmless. Memory does not grow with the file: two chunks are in it at a time.
"""

import os
import time
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..models import registry
from . import runtime
from .aligned import EventEmbedder, embeds_events, mean_embedding
from .catalog import store
from .catalog.digest import hashing
from .catalog.embeddings_file import Filling, Made, lay_out
from .catalog.event_table import read_events
from .catalog.lock import writing
from .catalog.spectra_file import spectra_block
from .encoder import Encoder
from .errors import BundleError, ChandraEmbedError, StoreError
from .progress import Progress
from .stopping import stopping
from .text_rows import TextRows, check_same_texts
from .threads import VARIABLE, thread_count

# rows between two flushes, rounded down to whole batches
CHUNK = 8192
# rows of a file read at once where a whole column is looked through
BLOCK = 65536


@dataclass(frozen=True)
class Embedded:
    """What a run did.

    Parameters
    ----------
    output : Path
        The finished file.
    rows : int
        Rows in it.
    resumed_at : int
        Rows that an earlier run had finished.
    seconds : float
        Time this run spent on the others.
    bundle, version : str
        Name and version of the bundle.
    device, provider : str
        Where it ran.
    simulated : bool
        The spectra were made by a simulator.
    with_events : int, optional
        Rows that got an embedding of their events too; None where the bundle embeds no events.
    with_text : int, optional
        Rows that got an embedding of their texts; None where no table of texts was given.
    """

    output: Path
    rows: int
    resumed_at: int
    seconds: float
    bundle: str
    version: str
    device: str
    provider: str
    simulated: bool
    with_events: int | None = None
    with_text: int | None = None

    @property
    def rate(self) -> float:
        """Rows per second of this run, 0 where it had none to do."""
        done = self.rows - self.resumed_at
        return done / self.seconds if done else 0.0


def embed_file(
    spectra: Path,
    output: Path,
    *,
    model: str | Path = "spectrum-8",
    device: str = "auto",
    batch_size: int | None = None,
    texts: Path | None = None,
    overwrite: bool = False,
) -> Embedded:
    """Embed every row of a file of spectra, and with an aligned bundle its events and texts.

    ``/embedding`` is the spectrum's. An aligned bundle also gives ``/embedding_event``, NaN where a row has
    no events, and ``/embedding_both``, the mean of the two of unit length again; with a table of texts
    ``/embedding_text`` too, see :class:`~.text_rows.TextRows`.

    Parameters
    ----------
    spectra : Path
        A ``spectra.h5`` of ingest or simulate.
    output : Path
        The ``embeddings.h5`` to make. An unfinished one is gone on with, on the settings it was begun with.
    model : str or Path
        Bundle: a name or a folder.
    device : {"auto", "cpu", "cuda"}
        Where to run; a resumed run with ``auto`` takes the device it was begun on.
    batch_size : int, optional
        Rows of a call of the model: batch b holds rows [bB, (b+1)B), the last filled with zero rows.
    texts : Path, optional
        Table of texts by file or name; a resumed run must be given the same one.
    overwrite : bool
        Begin anew where `output` exists, finished or not.

    Returns
    -------
    Embedded
        Rows, time, bundle and device.

    Raises
    ------
    StoreError
        `spectra` cannot be read, `output` is finished or no file of ours, or an unfinished `output` was
        begun with another input, bundle or setting (both are named).
    BundleError, DeviceError
        As :meth:`Encoder.load`.
    ChandraEmbedError
        The recipes of file and bundle differ, the texts are of no row, or Ctrl-C or SIGTERM stopped the run.
    """
    if output.exists() and output.samefile(spectra):
        raise StoreError(f"{output}: is the input; give another name to -o")
    with writing(output):
        started = None if overwrite else _started(output)
        with store.open_store(spectra, store.SPECTRA, once=True) as source, hashing(spectra) as digest:
            encoder = _load(started, output, model, device, batch_size)
            events = _load_events(encoder)
            _check_recipe(spectra, source, encoder)
            words = None if texts is None else TextRows.read(texts, source, encoder)
            attributes = _attributes(spectra, source, encoder) | (words.attributes if words else {})
            if started is None:
                lay_out(
                    source, output, _datasets(store.row_count(source), encoder, events, words), attributes
                )
            else:
                _check_same(output, started, attributes)
            known = _Known(digest, spectra, output, started)
            return _run(source, output, encoder, events, words, known)


def _started(output: Path) -> dict[str, Any] | None:
    """Return the root attributes of an unfinished output, None where there is no file yet."""
    if not output.exists():
        return None
    try:
        with store.open_store(output, store.EMBEDDINGS, unfinished=True) as file:
            attributes = dict(file.attrs)
    except StoreError as error:
        raise StoreError(f"{error}; give --overwrite to replace it") from error
    if attributes["complete"]:
        raise StoreError(f"{output}: exists and is finished; give --overwrite to embed anew")
    return attributes


def _load(
    started: dict[str, Any] | None, output: Path, model: str | Path, device: str, batch_size: int | None
) -> Encoder:
    """Open the encoder; what the user leaves open, a resumed run takes from the file."""
    if started is None:
        return Encoder.load(model, device, batch_size=batch_size)
    threads = int(started["threads"])
    asked = {
        "batch_size": (batch_size, int(started["batch_size"])),
        "device": (None if device == "auto" else device, str(started["device"])),
        "threads": (thread_count() if os.environ.get(VARIABLE) else None, threads),
    }
    for name, (now, before) in asked.items():
        if now is not None and now != before:
            raise _differs(output, name, before, now)
    return Encoder.load(model, str(started["device"]), batch_size=int(started["batch_size"]), threads=threads)


def _load_events(encoder: Encoder) -> EventEmbedder | None:
    """Open the event side of an aligned bundle as its encoder was; None where it has none."""
    if not embeds_events(encoder.manifest):
        return None
    # one thread: here too several batches are worked on at once
    events = EventEmbedder.load(encoder.manifest, encoder.device, batch_size=encoder.batch_size, threads=1)
    if events.size != encoder.embedding_size:
        raise BundleError(
            f"{encoder.manifest.folder}: embeddings of spectra have {encoder.embedding_size} numbers, those "
            f"of events {events.size}; freeze the model again"
        )
    return events


def _differs(output: Path, name: str, before: Any, now: Any) -> StoreError:
    return StoreError(
        f"{output}: was begun with {name} {before}, now it is {now}; "
        "go on with the former, or give --overwrite to begin anew"
    )


def _check_recipe(spectra: Path, source: h5py.File, encoder: Encoder) -> None:
    """The spectra must be what the bundle was trained on."""
    found, wanted = str(source.attrs.get("recipe_fingerprint", "none")), encoder.recipe.fingerprint
    if found != wanted:
        theirs = source.attrs.get("recipe", "unknown")
        raise ChandraEmbedError(
            f"{spectra}: recipe {theirs} (fingerprint {found}) is not that of bundle "
            f"{encoder.manifest.name}: {encoder.recipe.to_json()} (fingerprint {wanted}); "
            "ingest again with the bundle's settings"
        )
    shape, rows = source["spectrum/value"].shape, store.row_count(source)
    if shape != (rows, encoder.recipe.n_bins):
        raise StoreError(
            f"{spectra}: /spectrum/value has shape {shape}, wanted is ({rows}, {encoder.recipe.n_bins}); "
            "ingest the files again"
        )


def _attributes(spectra: Path, source: h5py.File, encoder: Encoder) -> dict[str, Any]:
    """Return all that decides the bytes of the output, and where a bundle of one's own lies."""
    manifest = encoder.manifest
    found: dict[str, Any] = {
        "input": spectra.name,
        "input_bytes": spectra.stat().st_size,
        "bundle": manifest.name,
        "bundle_version": manifest.version,
        "bundle_sha256": manifest.sha256,
        "recipe": encoder.recipe.to_json(),
        "recipe_fingerprint": encoder.recipe.fingerprint,
        "batch_size": encoder.batch_size,
        "threads": encoder.threads,
        "device": encoder.device,
        "provider": encoder.provider,
        "onnxruntime": runtime.VERSION,
    }
    if manifest.folder.parent not in registry.shelves():  # a name alone would not lead there
        found["bundle_folder"] = str(manifest.folder.resolve())
    if "simulated" in source.attrs:
        found["simulated"] = source.attrs["simulated"]
    return found


def _check_same(output: Path, started: dict[str, Any], attributes: dict[str, Any]) -> None:
    """Refuse to go on with another input, bundle, recipe or runtime than the file was begun with."""
    for name in ("bundle_sha256", "recipe_fingerprint", "provider", "onnxruntime", "input_bytes"):
        before, now = started.get(name), attributes[name]
        if before is None or before == now:  # what an older version did not store cannot be compared
            continue
        who = name.partition("_")[0]
        if who in ("input", "bundle"):
            before, now = f"{before} ({started[who]})", f"{now} ({attributes[who]})"
        raise _differs(output, name.replace("_", " "), before, now)
    check_same_texts(output, started, attributes)


def _datasets(
    rows: int, encoder: Encoder, events: EventEmbedder | None, words: TextRows | None
) -> dict[str, Made]:
    """Return shape and description of what the models fill in."""
    width = (rows, encoder.embedding_size)
    found: dict[str, Made] = {
        "embedding": (width, "unit row of the spectrum"),
        "latent": ((rows, encoder.latent_size), "bottleneck of the autoencoder"),
        "reconstruction_error": ((rows,), "mean |normalised - reconstruction|"),
    }
    if events is not None:
        found["embedding_event"] = (width, "unit row of the events; NaN: no events")
        found["embedding_both"] = (
            width,
            "mean of spectrum and events, of unit length; the spectrum's without events",
        )
    if words is not None:
        found["embedding_text"] = (width, words.description)
    return found


@dataclass(frozen=True)
class _Known:
    """What the input is, as soon as that is known; a resumed run must have begun with the same."""

    digest: Future[str]
    spectra: Path
    output: Path
    started: dict[str, Any] | None

    def wait(self) -> dict[str, str]:
        """Return the attribute that tells it."""
        try:
            found = self.digest.result()
        except OSError as error:
            raise StoreError(f"{self.spectra}: cannot be read ({error.strerror})") from error
        if self.started is not None and self.started["input_sha256"] != found:
            before, now = f"{self.started['input_sha256']} ({self.started['input']})", self.spectra.name
            raise _differs(self.output, "input sha256", before, f"{found} ({now})")
        return {"input_sha256": found}


def _run(
    source: h5py.File,
    output: Path,
    encoder: Encoder,
    events: EventEmbedder | None,
    words: TextRows | None,
    known: _Known,
) -> Embedded:
    """Fill in the rows from ``rows_done`` on."""
    began, manifest = time.monotonic(), encoder.manifest
    with Filling(source, output, known.started is None) as filling:
        first, rows = filling.rows_done, filling.rows
        if rows != store.row_count(source):
            raise _differs(output, "rows", rows, store.row_count(source))
        chunks = closing(_embedded(source, first, rows, encoder, events))
        with Progress(rows, "embed") as progress, stopping() as stop, chunks as found:
            progress.start_at(first)
            for start, columns in found:
                done = start + len(columns["embedding"])
                if words is not None:
                    columns["embedding_text"] = words.rows(start, done)
                filling.write(start, columns)
                if known.digest.done():
                    filling.done(done, known.wait())
                progress.update(done - start)
                if stop and done < rows:
                    raise _stopped(filling, stop.signal)
        filling.done(rows, known.wait())
        simulated, seen = bool(filling.file.attrs.get("simulated", False)), _with_events(filling.file)
        filling.finish()
    seconds = time.monotonic() - began
    made = (manifest.name, manifest.version, encoder.device, encoder.provider)
    return Embedded(output, rows, first, seconds, *made, simulated, seen, words.count if words else None)


def _stopped(filling: Filling, signal: str) -> ChandraEmbedError:
    if not filling.rows_done:
        return ChandraEmbedError(
            f"{filling.output}: stopped by {signal} before its input was read whole; repeat the command"
        )
    return ChandraEmbedError(
        f"{filling.output}: stopped by {signal} after {filling.rows_done:,} of {filling.rows:,} rows; "
        "the same command without --overwrite goes on from there"
    )


def _embedded(
    source: h5py.File, first: int, rows: int, encoder: Encoder, events: EventEmbedder | None
) -> Generator[tuple[int, dict[str, NDArray[np.float32]]], None, None]:
    """Yield each chunk of rows: the first of them, and what to write by dataset."""
    step = encoder.batch_size * max(1, CHUNK // encoder.batch_size)
    starts = range(first, rows, step)
    blocks = (spectra_block(source, start, min(start + step, rows)) for start in starts)
    callers = encoder.threads if encoder.device == "cpu" else 1
    with ThreadPoolExecutor(callers) as pool, closing(encoder.stream(blocks, first)) as stream:
        for start, found in zip(starts, stream, strict=True):
            columns = found._asdict()
            if events is not None:
                of = range(start, min(start + step, rows), events.batch_size)
                own = _of_events(pool, 2 * callers, events, source, of)
                columns |= {"embedding_event": own, "embedding_both": mean_embedding(found.embedding, own)}
            yield start, columns


def _of_events(
    pool: ThreadPoolExecutor, most: int, events: EventEmbedder, source: h5py.File, of: range
) -> NDArray[np.float32]:
    """Embed events, a batch a step of `of`; bright sources are long, so `most` batches are held at once."""
    waiting: deque[Future[NDArray[np.float32]]] = deque()
    found: list[NDArray[np.float32]] = []
    for at in of:
        if len(waiting) == most:
            found.append(waiting.popleft().result())
        lists = read_events(source, at, min(at + of.step, of.stop))
        waiting.append(pool.submit(events.embed, lists))
    return np.concatenate([*found, *(each.result() for each in waiting)])


def _with_events(file: h5py.File) -> int | None:
    """Count the rows that have an embedding of their events; None where the bundle embeds none."""
    if "embedding_event" not in file:
        return None
    data = file["embedding_event"]
    return sum(int(np.isfinite(data[at : at + BLOCK][:, 0]).sum()) for at in range(0, data.shape[0], BLOCK))
