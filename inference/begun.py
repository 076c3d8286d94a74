"""What decides the bytes of an output of embed, and whether a run goes on with what it was begun with."""

import os
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from ..models import registry
from . import runtime
from .aligned import EventEmbedder, embeds_events
from .catalog import store
from .catalog.contents import stored_recipe
from .catalog.embeddings_file import Made, lay_out
from .encoder import Encoder
from .errors import BundleError, ChandraEmbedError, StoreError
from .text_rows import TextRows, check_same_texts
from .threads import VARIABLE, thread_count


def begun(output: Path) -> dict[str, Any] | None:
    """Return the root attributes of an output, finished or not, None where there is no file yet.

    Raises
    ------
    StoreError
        It is no file of embeddings.
    """
    if not output.exists():
        return None
    try:
        with store.open_store(output, store.EMBEDDINGS, unfinished=True) as file:
            return dict(file.attrs)
    except StoreError as error:
        raise StoreError(f"{error}; give --overwrite to replace it") from error


def load(
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
            raise differs(output, name, before, now)
    return Encoder.load(model, str(started["device"]), batch_size=int(started["batch_size"]), threads=threads)


def default_model(source: h5py.File) -> str:
    """Return the bundle of 8 latents that takes the quantity of a file of spectra."""
    return {"rate": "spectrum-8", "flux": "spectrum-8-flux"}[stored_recipe(source).quantity]


def load_events(encoder: Encoder) -> EventEmbedder | None:
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


def differs(output: Path, name: str, before: Any, now: Any) -> StoreError:
    """Return the error of a run that would go on with another value than the file was begun with."""
    return StoreError(
        f"{output}: was begun with {name} {before}, now it is {now}; "
        "go on with the former, or give --overwrite to begin anew"
    )


def check_recipe(spectra: Path, source: h5py.File, encoder: Encoder) -> None:
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


def attributes(spectra: Path, source: h5py.File, encoder: Encoder) -> dict[str, Any]:
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


def check_same(output: Path, started: dict[str, Any], attributes: dict[str, Any]) -> None:
    """Refuse to go on with another input, bundle, recipe or runtime than the file was begun with."""
    for name in ("bundle_sha256", "recipe_fingerprint", "provider", "onnxruntime", "input_bytes"):
        before, now = started.get(name), attributes[name]
        if before is None or before == now:  # what an older version did not store cannot be compared
            continue
        who = name.partition("_")[0]
        if who in ("input", "bundle"):
            before, now = f"{before} ({started[who]})", f"{now} ({attributes[who]})"
        raise differs(output, name.replace("_", " "), before, now)
    check_same_texts(output, started, attributes)


def datasets(
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
class Known:
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
            raise differs(self.output, "input sha256", before, f"{found} ({now})")
        return {"input_sha256": found}


@dataclass(frozen=True)
class Work:
    """One output and the models that fill it."""

    encoder: Encoder
    events: EventEmbedder | None
    known: Known
    words: TextRows | None = None

    @property
    def finished(self) -> bool:
        """An earlier run finished the output."""
        return bool(self.known.started and self.known.started["complete"])

    def begin(self, source: h5py.File) -> None:
        """Lay the output out, or see that it was begun with the same."""
        output, started = self.known.output, self.known.started
        now = attributes(self.known.spectra, source, self.encoder)
        now |= self.words.attributes if self.words else {}
        if started is None:
            made = datasets(store.row_count(source), self.encoder, self.events, self.words)
            lay_out(source, output, made, now)
        else:
            check_same(output, started, now)
