"""A whole ``spectra.h5`` through a frozen encoder into ``embeddings.h5``, surviving any kill.

The file is laid out under another name, every dataset with its final size and place, and then renamed.
From there on a run only overwrites bytes: a chunk of rows, then the attribute ``rows_done``, each
flushed. Whatever stands at the output's name can therefore always be opened and gone on with.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..models import registry
from . import runtime
from .aligned import EventEmbedder, embeds_events, mean_embedding
from .catalog import store
from .catalog.embeddings_file import Made, lay_out
from .catalog.event_table import read_events
from .catalog.spectra_file import spectra_block
from .encoder import Encoder
from .errors import BundleError, ChandraEmbedError, StoreError
from .progress import Progress
from .threads import VARIABLE, thread_count

# rows between two flushes, rounded down to whole batches
CHUNK = 1024


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
    overwrite: bool = False,
) -> Embedded:
    """Embed every row of a file of spectra, and with an aligned bundle its events.

    ``/embedding`` is the spectrum's. An aligned bundle also gives ``/embedding_event``, NaN where a row has
    no events, and ``/embedding_both``, the mean of the two of unit length again.

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
        The recipes of file and bundle differ, or the run was interrupted.
    """
    if output.exists() and output.samefile(spectra):
        raise StoreError(f"{output}: is the input; give another name to -o")
    started = None if overwrite else _started(output)
    with store.open_store(spectra, store.SPECTRA) as source:
        encoder = _load(started, output, model, device, batch_size)
        events = _load_events(encoder)
        _check_recipe(spectra, source, encoder)
        attributes = _attributes(spectra, source, encoder)
        if started is None:
            lay_out(source, output, _datasets(store.row_count(source), encoder, events), attributes)
        else:
            _check_same(output, started, attributes)
        return _run(source, output, encoder, events)


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
    events = EventEmbedder.load(
        encoder.manifest, encoder.device, batch_size=encoder.batch_size, threads=encoder.threads
    )
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
        "input_sha256": store.sha256_file(spectra),
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
    for name in ("input_sha256", "bundle_sha256", "recipe_fingerprint", "provider", "onnxruntime"):
        if started[name] != attributes[name]:
            label, who = name.replace("_", " "), name.removesuffix("_sha256")
            before, now = str(started[name]), str(attributes[name])
            if who in ("input", "bundle"):
                before, now = f"{before} ({started[who]})", f"{now} ({attributes[who]})"
            raise _differs(output, label, before, now)


def _datasets(rows: int, encoder: Encoder, events: EventEmbedder | None) -> dict[str, Made]:
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
    return found


def _run(source: h5py.File, output: Path, encoder: Encoder, events: EventEmbedder | None) -> Embedded:
    """Fill in the rows from ``rows_done`` on."""
    step = encoder.batch_size * max(1, CHUNK // encoder.batch_size)
    began = time.monotonic()
    with store.open_store(output, store.EMBEDDINGS, mode="r+", unfinished=True) as file:
        rows, first = store.row_count(file), int(file.attrs["rows_done"])
        with Progress(rows, "embed") as progress:
            progress.start_at(first)
            try:
                for start in range(first, rows, step):
                    done = min(start + step, rows)
                    _write(file, start, done, encoder, events, source)
                    progress.update(done - start)
            except KeyboardInterrupt as error:
                raise ChandraEmbedError(
                    f"{output}: interrupted after {int(file.attrs['rows_done']):,} of {rows:,} rows; "
                    "the same command without --overwrite goes on from there"
                ) from error
        file.attrs.modify("complete", np.True_)
        simulated = bool(file.attrs.get("simulated", False))
        seen = int(np.isfinite(file["embedding_event"][:, 0]).sum()) if events is not None else None
    manifest = encoder.manifest
    return Embedded(
        output,
        rows,
        first,
        time.monotonic() - began,
        manifest.name,
        manifest.version,
        encoder.device,
        encoder.provider,
        simulated,
        seen,
    )


def _write(
    file: h5py.File,
    start: int,
    stop: int,
    encoder: Encoder,
    events: EventEmbedder | None,
    source: h5py.File,
) -> None:
    """Embed rows [start, stop), write and flush them, and only then say that they are done."""
    found = encoder.run(spectra_block(source, start, stop))
    file["embedding"][start:stop] = found.embedding
    file["latent"][start:stop] = found.latent
    file["reconstruction_error"][start:stop] = found.reconstruction_error
    if events is not None:
        size = events.batch_size  # event lists of one batch at a time: bright sources are long
        own = [events.embed(read_events(source, at, min(at + size, stop))) for at in range(start, stop, size)]
        embedded = np.concatenate(own)
        file["embedding_event"][start:stop] = embedded
        file["embedding_both"][start:stop] = mean_embedding(found.embedding, embedded)
    file.flush()
    # modify writes the value where it stands; plain assignment would make a new attribute
    file.attrs.modify("rows_done", np.int64(stop))
    file.flush()
