"""A whole ``spectra.h5`` through frozen encoders into an ``embeddings.h5`` each, surviving any kill.

Rows come in chunks (:mod:`.embedded_chunks`); the SHA-256 of the input is taken meanwhile, and no row counts
as done before it is known. :mod:`.catalog.embeddings_file` says what makes a kill harmless.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from . import begun
from .aligned import embeds_text
from .catalog import store
from .catalog.digest import hashing
from .catalog.embeddings_file import Filling
from .catalog.lock import writing
from .embedded_chunks import embedded_chunks
from .errors import ChandraEmbedError, StoreError
from .progress import Progress
from .stopping import stopping
from .text_rows import TextRows

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
    model: str | Path | None = None,
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
    model : str or Path, optional
        Bundle: a name or a folder. Default: ``spectrum-8``, or ``spectrum-8-flux`` for flux densities.
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
    settings: dict[str, Any] = {"batch_size": batch_size, "texts": texts, "overwrite": overwrite}
    return embed_files(spectra, {output: model}, device=device, **settings)[0]


def embed_files(
    spectra: Path,
    outputs: Mapping[Path, str | Path | None],
    *,
    device: str = "auto",
    batch_size: int | None = None,
    texts: Path | None = None,
    overwrite: bool = False,
) -> list[Embedded]:
    """Embed a file of spectra with several bundles, reading it once.

    Each output is what :func:`embed_file` makes of its bundle, byte by byte, and is gone on with by itself.

    Parameters
    ----------
    spectra : Path
        A ``spectra.h5`` of ingest or simulate.
    outputs : mapping of Path to str or Path
        The files to make, each with its bundle. One that a killed run finished before the others is kept.
    device, batch_size, overwrite
        As :func:`embed_file`, for all of them.
    texts : Path, optional
        As :func:`embed_file`, for those whose bundle reads words; at least one must.

    Returns
    -------
    list of Embedded
        One an output, in order.

    Raises
    ------
    StoreError
        As :func:`embed_file`; or two outputs are one file, or were begun with batches of unlike size.
    BundleError, DeviceError, ChandraEmbedError
        As :func:`embed_file`.
    """
    _check_names(spectra, list(outputs))
    with ExitStack() as held:
        for output in outputs:
            held.enter_context(writing(output))
        started = {output: None if overwrite else begun.begun(output) for output in outputs}
        _refuse_finished(started)
        source = held.enter_context(store.open_store(spectra, store.SPECTRA, once=True))
        digest = held.enter_context(hashing(spectra))
        works = []
        for output, model in outputs.items():
            named = begun.default_model(source) if model is None else model
            encoder = begun.load(started[output], output, named, device, batch_size)
            begun.check_recipe(spectra, source, encoder)
            known = begun.Known(digest, spectra, output, started[output])
            works.append(begun.Work(encoder, begun.load_events(encoder), known))
        _check_batches(works)
        if texts is not None:
            works = _with_texts(works, texts, source)
        for work in works:
            work.begin(source)
        return _run(source, works)


def _with_texts(works: Sequence[begun.Work], texts: Path, source: h5py.File) -> list[begun.Work]:
    """Give the texts to the works whose bundle reads words; where none does, the first says so."""
    able = [work for work in works if embeds_text(work.encoder.manifest)] or works[:1]
    return [
        replace(work, words=TextRows.read(texts, source, work.encoder)) if work in able else work
        for work in works
    ]


def _check_names(spectra: Path, outputs: Sequence[Path]) -> None:
    for number, output in enumerate(outputs):
        if output.exists() and output.samefile(spectra):
            raise StoreError(f"{output}: is the input; give another name to -o")
        if output.resolve() in [other.resolve() for other in outputs[:number]]:
            raise StoreError(f"{output}: is given twice; give each model an output of its own")


def _refuse_finished(started: Mapping[Path, Mapping[str, Any] | None]) -> None:
    """Refuse to replace what is finished, but for what a run finished that was killed before the others."""
    if any(found and not found["complete"] for found in started.values()):
        return
    for output, found in started.items():
        if found:
            raise StoreError(f"{output}: exists and is finished; give --overwrite to embed anew")


def _told(work: begun.Work, rows: int, first: int, seconds: float) -> Embedded:
    """Return what was done to an output that had `first` rows before."""
    output, manifest = work.known.output, work.encoder.manifest
    with store.open_store(output, store.EMBEDDINGS) as file:
        simulated, seen = bool(file.attrs.get("simulated", False)), _with_events(file)
    made = (manifest.name, manifest.version, work.encoder.device, work.encoder.provider)
    words = None if work.words is None else work.words.count
    return Embedded(output, rows, first, seconds, *made, simulated, seen, words)


def _check_batches(works: Sequence[begun.Work]) -> None:
    """Chunks are whole batches, of all outputs at once."""
    first = works[0]
    for other in works[1:]:
        if other.encoder.batch_size != first.encoder.batch_size:
            raise StoreError(
                f"{other.known.output}: has batches of {other.encoder.batch_size} rows, "
                f"{first.known.output} of {first.encoder.batch_size}; go on with each by itself"
            )


def _run(source: h5py.File, works: Sequence[begun.Work]) -> list[Embedded]:
    """Fill in the rows of all outputs, each from its ``rows_done`` on."""
    began, rows = time.monotonic(), store.row_count(source)
    first = dict.fromkeys((work.known.output for work in works), rows)
    with ExitStack() as stack:
        fillings: list[tuple[begun.Work, Filling]] = []
        for work in works:
            if work.finished:
                work.known.wait()
                continue
            filling = stack.enter_context(Filling(source, work.known.output, work.known.started is None))
            if filling.rows != rows:
                raise begun.differs(work.known.output, "rows", filling.rows, rows)
            fillings.append((work, filling))
            first[work.known.output] = filling.rows_done
        _fill(source, fillings, rows)
        for work, filling in fillings:
            filling.done(rows, work.known.wait())
        for _, filling in fillings:
            filling.finish()
    seconds = time.monotonic() - began
    return [_told(work, rows, first[work.known.output], seconds) for work in works]


def _fill(source: h5py.File, fillings: Sequence[tuple[begun.Work, Filling]], rows: int) -> None:
    """Fill in what is missing; outputs of which a kill left less come first, until all are level."""
    ends = sorted({rows, *(filling.rows_done for _, filling in fillings)})
    with Progress(rows, "embed") as progress, stopping() as stop:
        progress.start_at(ends[0])
        for first, end in pairwise(ends):
            behind = [(work, filling) for work, filling in fillings if filling.rows_done <= first]
            with closing(embedded_chunks(source, first, end, [work for work, _ in behind])) as found:
                for start, of_each in found:
                    done = start + len(of_each[0]["embedding"])
                    for (work, filling), columns in zip(behind, of_each, strict=True):
                        if work.words is not None:
                            columns["embedding_text"] = work.words.rows(start, done)
                        filling.write(start, columns)
                        if work.known.digest.done():
                            filling.done(done, work.known.wait())
                    progress.update(done - start)
                    if stop and done < rows:
                        raise _stopped([filling for _, filling in fillings], stop.signal)


def _stopped(fillings: Sequence[Filling], signal: str) -> ChandraEmbedError:
    names, done = ", ".join(str(one.output) for one in fillings), min(one.rows_done for one in fillings)
    if not done:
        return ChandraEmbedError(
            f"{names}: stopped by {signal} before its input was read whole; repeat the command"
        )
    return ChandraEmbedError(
        f"{names}: stopped by {signal} after {done:,} of {fillings[0].rows:,} rows; "
        "the same command without --overwrite goes on from there"
    )


def _with_events(file: h5py.File) -> int | None:
    """Count the rows that have an embedding of their events; None where the bundle embeds none."""
    if "embedding_event" not in file:
        return None
    data = file["embedding_event"]
    return sum(int(np.isfinite(data[at : at + BLOCK][:, 0]).sum()) for at in range(0, data.shape[0], BLOCK))
