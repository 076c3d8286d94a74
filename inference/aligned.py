"""The other doors into the shared space of an aligned bundle: events and words, as unit rows.

The spectrum's door is ``encoder.onnx`` itself; see :class:`~chandra_embed.inference.encoder.Encoder`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..models import registry
from . import runtime
from .encoder import BATCH_SIZE, padded_batches
from .errors import BundleError, ChandraEmbedError
from .event_block import EventBlock
from .event_list import EventList
from .threads import thread_count

if TYPE_CHECKING:
    from .event_map import EventRecipe

Array = NDArray[np.float32]
Events: TypeAlias = Sequence[EventList | None] | EventBlock
EVENT_HEAD, TEXT_HEAD, TEXT_FOLDER = "align_event.onnx", "align_text.onnx", "text_encoder"


class _Graph:
    """One frozen model of one input, open on one device; called with whole batches only."""

    def __init__(
        self,
        manifest: registry.Manifest,
        name: str,
        ends: tuple[str, str],
        device: str,
        batch_size: int | None,
        threads: int | None,
    ) -> None:
        if name not in manifest.files:
            raise BundleError(
                f"{manifest.folder}: holds no {name}, so it does not embed "
                f"{'words' if name == TEXT_HEAD else 'events'}; take an aligned bundle, such as aligned-64"
            )
        self.feed, self.output = ends
        self._session, self.device = runtime.open_session(
            manifest.folder / name, device, threads or thread_count()
        )
        self.batch_size = batch_size or BATCH_SIZE[self.device]
        inputs = {put.name: put.shape[-1] for put in self._session.get_inputs()}
        outputs = {put.name: put.shape[-1] for put in self._session.get_outputs()}
        width, size = inputs.get(self.feed), outputs.get(self.output)
        if len(inputs) != 1 or not isinstance(width, int) or not isinstance(size, int):
            raise BundleError(
                f"{manifest.folder / name}: inputs {inputs} and outputs {outputs} are not {self.feed} and "
                f"{self.output}, each of a fixed width; freeze the model again"
            )
        self.width, self.size = width, size

    def __call__(self, rows: Array) -> Array:
        """Return the output for rows of shape (n, width)."""
        parts = [
            self._session.run((self.output,), {self.feed: batch})[0]
            for batch in padded_batches(rows, self.batch_size)
        ]
        if not parts:
            return np.zeros((0, self.size), np.float32)
        found: Array = np.concatenate(parts)[: len(rows)]
        return found


class EventEmbedder:
    """Event lists to unit rows of the shared space; make one with :meth:`load`.

    Attributes
    ----------
    manifest : chandra_embed.models.registry.Manifest
        What the bundle says of itself.
    recipe : EventRecipe
        How event lists become the numbers that the model takes.
    device : {"cpu", "cuda"}
        Where it runs.
    batch_size : int
        Rows of every call of the model.
    latent_size, size : int
        Numbers of one latent and of one embedding.
    """

    def __init__(
        self, manifest: registry.Manifest, device: str, batch_size: int | None, threads: int | None
    ) -> None:
        self.manifest = manifest
        ends = ("event_latent_in", "shared_out")
        self._head = _Graph(manifest, EVENT_HEAD, ends, device, batch_size, threads)
        self.device, self.batch_size, self.size = self._head.device, self._head.batch_size, self._head.size
        self._encoder = _Graph(
            manifest, "event_encoder.onnx", ("event", "latent_out"), self.device, self.batch_size, threads
        )
        self.recipe = _event_recipe(manifest)
        self.latent_size = self._encoder.size
        _check_widths(manifest, EVENT_HEAD, self._head.width, self.latent_size, "the event encoder")
        _check_widths(
            manifest, "event_encoder.onnx", self._encoder.width, self.recipe.width, "the event recipe"
        )

    @classmethod
    def load(
        cls,
        bundle: str | Path | registry.Manifest,
        device: str = "auto",
        *,
        batch_size: int | None = None,
        threads: int | None = None,
    ) -> Self:
        """Find, verify and open the event side of a bundle.

        Parameters
        ----------
        bundle : str, Path or Manifest
            A bundle's name or folder, or what :func:`~chandra_embed.models.registry.verify` returned.
        device : {"auto", "cpu", "cuda"}
            Where to run.
        batch_size, threads : int, optional
            As :meth:`chandra_embed.inference.Encoder.load`.

        Raises
        ------
        BundleError
            No such bundle, an altered one, or one that holds no event encoder.
        DeviceError
            CUDA was asked for and would not run.
        """
        return cls(_manifest(bundle), device, batch_size, threads)

    def embed(self, events: Events) -> Array:
        """Return the embeddings of event lists.

        Parameters
        ----------
        events : sequence of EventList or None, or EventBlock
            One a detection; None where it has no event file.

        Returns
        -------
        ndarray, shape (n, d), float32
            Unit rows; NaN where there is no list, or no event of 0.5-7.0 keV in it.

        Raises
        ------
        ValueError
            The model gives no finite answer for a row, which is named.
        """
        latent, there = self._latents(events)
        found = self.shared(latent)
        found[~there] = np.nan
        _check_finite(found[there], np.flatnonzero(there), "event lists")
        return found

    def latent(self, events: Events) -> Array:
        """Return the latents of event lists, shape (n, latent_size), float32; NaN rows as :meth:`embed`."""
        found, there = self._latents(events)
        found[~there] = np.nan
        return found

    def shared(self, latent: Array) -> Array:
        """Return the unit rows, shape (n, d), of event latents, shape (n, latent_size), float32."""
        return self._head(np.ascontiguousarray(latent, np.float32))

    def _latents(self, events: Events) -> tuple[Array, NDArray[np.bool_]]:
        """Return the latents, and which rows had events; the others stand in their batch as zeros."""
        from .event_map import event_maps

        block = events if isinstance(events, EventBlock) else EventBlock.of(events)
        latent = np.zeros((len(block), self.latent_size), np.float32)
        there = np.zeros(len(block), np.bool_)
        for start in range(0, len(block), self.batch_size):
            maps = event_maps(block.rows(start, start + self.batch_size), self.recipe)
            own, some = slice(start, start + len(maps)), maps.any(axis=1)
            there[own] = some
            if some.any():
                latent[own] = self._encoder(maps)
        return latent, there


class TextEmbedder:
    """Texts to unit rows of the shared space; make one with :meth:`load`.

    Attributes
    ----------
    manifest : chandra_embed.models.registry.Manifest
        What the bundle says of itself.
    encoder : TextEncoder
        The bundle's text encoder: texts to vectors.
    size : int
        Numbers of one embedding.
    """

    def __init__(self, manifest: registry.Manifest, device: str, threads: int | None) -> None:
        from .text.encoder import open_text_encoder

        self.manifest = manifest
        self._head = _Graph(manifest, TEXT_HEAD, ("text_in", "shared_out"), device, None, threads)
        self.device, self.size = self._head.device, self._head.size
        if not any(name.startswith(f"{TEXT_FOLDER}/") for name in manifest.files):
            raise BundleError(
                f"{manifest.folder}: holds no {TEXT_FOLDER}/ (its texts came as vectors), so it reads no "
                "words; train the aligner with a text encoder, --text"
            )
        self.encoder = open_text_encoder(manifest.folder / TEXT_FOLDER, self.device)
        _check_widths(manifest, TEXT_HEAD, self._head.width, self.encoder.size, "the text encoder")

    @classmethod
    def load(
        cls, bundle: str | Path | registry.Manifest, device: str = "auto", *, threads: int | None = None
    ) -> Self:
        """Find, verify and open the text side of a bundle.

        Parameters
        ----------
        bundle, device, threads
            As :meth:`EventEmbedder.load`.

        Raises
        ------
        BundleError
            No such bundle, an altered one, or one that holds no text encoder.
        DeviceError
            CUDA was asked for and would not run.
        """
        return cls(_manifest(bundle), device, threads)

    def embed(self, texts: Sequence[str]) -> Array:
        """Return the embeddings of texts.

        Parameters
        ----------
        texts : sequence of str
            Words, sentences or abstracts.

        Returns
        -------
        ndarray, shape (n, d), float32
            Unit rows; NaN where the encoder knows no word of a text.

        Raises
        ------
        ValueError
            The model gives no finite answer for a row, which is named.
        """
        vectors = self.encoder.encode(list(texts))
        known = np.asarray(vectors).any(axis=1)
        found = self.shared(vectors)
        found[~known] = np.nan
        _check_finite(found[known], np.flatnonzero(known), "texts")
        return found

    def shared(self, vectors: Array) -> Array:
        """Return the unit rows, shape (n, d), of text vectors, shape (n, encoder.size), float32."""
        return self._head(np.ascontiguousarray(vectors, np.float32))


def embeds_events(manifest: registry.Manifest) -> bool:
    """Whether a bundle brings events into the shared space."""
    return EVENT_HEAD in manifest.files


def embeds_text(manifest: registry.Manifest) -> bool:
    """Whether a bundle brings words into the shared space."""
    return TEXT_HEAD in manifest.files


def mean_embedding(spectrum: Array, event: Array) -> Array:
    """Return the mean of two embeddings of each detection, of unit length again.

    Parameters
    ----------
    spectrum : ndarray, shape (n, d), float32
        Unit rows.
    event : ndarray, shape (n, d), float32
        Unit rows, NaN where a detection has no events.

    Returns
    -------
    ndarray, shape (n, d), float32
        Unit rows; the spectrum's where there are no events, or where the two are opposite.
    """
    total = spectrum.astype(np.float64) + event
    length = np.sqrt((total * total).sum(axis=1, keepdims=True))
    usable = length > 1e-6  # False for NaN
    mean: Array = np.where(usable, total / np.where(usable, length, 1.0), spectrum).astype(np.float32)
    return mean


def _manifest(bundle: str | Path | registry.Manifest) -> registry.Manifest:
    if isinstance(bundle, registry.Manifest):
        return bundle
    return registry.verify(registry.find(bundle))


def _check_widths(manifest: registry.Manifest, name: str, takes: int, given: int, giver: str) -> None:
    if takes != given:
        raise BundleError(
            f"{manifest.folder / name}: takes {takes} numbers, {giver} gives {given}; freeze the model again"
        )


def _check_finite(found: Array, rows: NDArray[np.intp], what: str) -> None:
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        raise ValueError(f"row {int(rows[np.argmax(bad)])} of the {what}: the model gives no finite answer")


def _event_recipe(manifest: registry.Manifest) -> "EventRecipe":
    """Return the recipe of event lists that the manifest states."""
    from .event_map import event_recipe_from_json

    path, stated = manifest.folder / registry.MANIFEST, manifest.content.get("event_recipe")
    if not isinstance(stated, dict):
        raise BundleError(f"{path}: has no usable 'event_recipe'; freeze the model again")
    try:
        return event_recipe_from_json(json.dumps(stated))
    except ChandraEmbedError as error:
        raise BundleError(f"{path}: {error}") from error
