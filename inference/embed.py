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
from .catalog import store
from .catalog.spectra_file import spectra_block
from .encoder import Encoder
from .errors import ChandraEmbedError, StoreError
from .progress import Progress
from .threads import VARIABLE, thread_count

# rows between two flushes, rounded down to whole batches
CHUNK = 1024
# rows of /detection copied at once
COPY = 16384


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
    """Embed every row of a file of spectra.

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
        _check_recipe(spectra, source, encoder)
        attributes = _attributes(spectra, source, encoder)
        if started is None:
            _lay_out(source, output, encoder, attributes)
        else:
            _check_same(output, started, attributes)
        return _run(source, output, encoder)


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


def _lay_out(source: h5py.File, output: Path, encoder: Encoder, attributes: dict[str, Any]) -> None:
    """Make the whole file with ``rows_done`` 0 under a temporary name, then rename it into place."""
    if not output.parent.is_dir():
        raise StoreError(f"{output}: the folder {output.parent} does not exist; make it first")
    rows, draft = store.row_count(source), output.with_name(f".{output.name}.part")
    attributes = {**attributes, "rows_done": np.int64(0)}
    try:
        with store.create(draft, store.EMBEDDINGS, attributes) as file:
            _copy_detections(source, file, rows)
            latent, width = encoder.latent_size, encoder.embedding_size
            made = store.create_dataset(
                file, "embedding", (rows, width), "float32", "", "unit row of the spectrum"
            )
            made.attrs["modality"] = "spectrum"
            store.create_dataset(
                file, "latent", (rows, latent), "float32", "", "bottleneck of the autoencoder"
            )
            store.create_dataset(
                file, "reconstruction_error", (rows,), "float32", "", "mean |normalised - reconstruction|"
            )
            for name in ("embedding", "latent", "reconstruction_error"):
                if rows:  # one write gives a contiguous dataset its place in the file
                    file[name][rows - 1] = 0
        os.replace(draft, output)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _copy_detections(source: h5py.File, file: h5py.File, rows: int) -> None:
    """Carry /detection over, a chunk of rows at a time."""
    group = file.create_group("detection")
    for name, column in source["detection"].items():
        text = h5py.check_string_dtype(column.dtype)
        dtype = column.dtype if text is None else "text" if text.length is None else f"str:{text.length}"
        attrs = column.attrs
        made = store.create_dataset(
            group, name, column.shape, dtype, attrs.get("unit", ""), attrs.get("description", "")
        )
        for start in range(0, rows, COPY):
            made[start : start + COPY] = column[start : start + COPY]


def _run(source: h5py.File, output: Path, encoder: Encoder) -> Embedded:
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
                    _write(file, start, done, encoder, source)
                    progress.update(done - start)
            except KeyboardInterrupt as error:
                raise ChandraEmbedError(
                    f"{output}: interrupted after {int(file.attrs['rows_done']):,} of {rows:,} rows; "
                    "the same command without --overwrite goes on from there"
                ) from error
        file.attrs.modify("complete", np.True_)
        simulated = bool(file.attrs.get("simulated", False))
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
    )


def _write(file: h5py.File, start: int, stop: int, encoder: Encoder, source: h5py.File) -> None:
    """Embed rows [start, stop), write and flush them, and only then say that they are done."""
    found = encoder.run(spectra_block(source, start, stop))
    file["embedding"][start:stop] = found.embedding
    file["latent"][start:stop] = found.latent
    file["reconstruction_error"][start:stop] = found.reconstruction_error
    file.flush()
    # modify writes the value where it stands; plain assignment would make a new attribute
    file.attrs.modify("rows_done", np.int64(stop))
    file.flush()
