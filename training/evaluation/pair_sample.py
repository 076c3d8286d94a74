"""What alignment is measured on: spectra, events and texts of the same detections, row by row."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.aligned import EventEmbedder, TextEmbedder, embeds_events, mean_embedding
from ...inference.catalog import store
from ...inference.catalog.event_table import read_events
from ...inference.catalog.spectra_file import spectra_block
from ...inference.errors import BundleError, ChandraEmbedError
from ...inference.event_list import EventList
from ...inference.preprocess import BROAD
from ...inference.text.table import Texts, plain_key, read_texts
from ...models import registry
from ..datasets import PARTS, split
from .sample import Sample, read_sample

Array = NDArray[np.float32]
BAG = "bag_of_words.npz"
# the split that spectrum encoder, event encoder, text encoder and aligner share
SPLIT_SEED, VALIDATION, TEST = 0, 0.1, 0.5
BLOCK = 1024
TIME_BINS = 64


@dataclass(frozen=True)
class PairSample:
    """Detections that have a text, with what a frozen aligned model makes of each side.

    Parameters
    ----------
    spectra : Sample
        Of `n` rows; its ``latent`` is the spectrum before alignment, its ``embedding`` after it.
    event_latent : ndarray, shape (n, l), float32
        The event list before alignment; NaN where there are no events.
    event : ndarray, shape (n, d), float32
        Unit rows of the shared space, NaN likewise.
    light_curve : ndarray, shape (n, k), float32
        Of :func:`light_curve_row`, NaN likewise.
    text_vector : ndarray, shape (n, t), float32
        The text before alignment.
    text : ndarray, shape (n, d), float32
        Unit rows of the shared space; NaN where the encoder knows no word.
    plain : ndarray, shape (n, d), float32, or None
        The text without the words that name a class.
    part : ndarray, shape (n,), str
        ``train``, ``validation`` or ``test``, by source; empty: neither, a test source that a part of the
        model has seen.
    bag : dict of str to ndarray
        The bundle's linear baseline: weights (t, l), intercept (l,), mean (l,), scale (l,); empty: none.
    facts : dict
        Of the texts: name, sha256, texts, matched, semi_simulated.
    """

    spectra: Sample
    event_latent: Array
    event: Array
    light_curve: Array
    text_vector: Array
    text: Array
    plain: Array | None
    part: NDArray[np.str_]
    bag: dict[str, NDArray[Any]]
    facts: dict[str, Any]

    def __len__(self) -> int:
        return len(self.part)

    @property
    def source_id(self) -> NDArray[np.str_]:
        """Source of each row, shape (n,)."""
        return self.spectra.source_id

    @property
    def kind(self) -> NDArray[np.str_]:
        """Class of each row, empty where not known, shape (n,)."""
        return np.asarray(self.spectra.detection["class"], np.str_)

    @property
    def both(self) -> Array:
        """Mean of the embeddings of spectrum and events, unit rows; the spectrum's without events."""
        return mean_embedding(self.spectra.embedding, self.event)

    @property
    def data(self) -> str:
        """What the pairs are, to be shown beside every figure."""
        spectra = "simulated" if self.spectra.simulated else "real"
        return f"{spectra} spectra, {'semi-simulated ' if self.facts['semi_simulated'] else ''}texts"

    def take(self, rows: NDArray[Any]) -> "PairSample":
        """Return the rows of an index or a mask."""
        arrays = ("event_latent", "event", "light_curve", "text_vector", "text", "part")
        return replace(
            self,
            spectra=self.spectra.take(rows),
            plain=None if self.plain is None else self.plain[rows],
            **{name: getattr(self, name)[rows] for name in arrays},
        )


def read_pairs(spectra: Path, texts: Path, model: str | Path = "aligned-64") -> PairSample:
    """Read spectra, events and texts of the same detections and put them through an aligned model.

    Parameters
    ----------
    spectra : Path
        A ``spectra.h5`` of ingest or simulate.
    texts : Path
        A table as :func:`~chandra_embed.inference.text.table.read_texts` reads it.
    model : str or Path
        Aligned bundle: a name or a folder.

    Returns
    -------
    PairSample
        The rows that have a text, in the order of the file of spectra.

    Raises
    ------
    ChandraEmbedError
        A file cannot be read, no detection has a text, or the bundle holds no text encoder, no baseline or
        is of another recipe.
    """
    manifest = registry.verify(registry.find(model))
    text_embedder = TextEmbedder.load(manifest, "cpu")
    given = read_texts(texts)
    sample = read_sample(spectra, model)
    own = match_texts(given, sample.detection)
    if not (own >= 0).any():
        raise ChandraEmbedError(
            f"{texts}: none of its {len(given)} texts is of a detection in {spectra}; "
            f"its column {given.key} must hold what /detection/{given.key} does"
        )
    latent, shared, curves = _read_event_rows(spectra, manifest)
    matched = own >= 0
    own, sample = own[matched], sample.take(matched)
    words = [given.texts[i] for i in own]
    vectors = text_embedder.encoder.encode(words)
    plain = None if given.plain is None else text_embedder.embed([given.plain[i] for i in own])
    return PairSample(
        sample,
        latent[matched],
        shared[matched],
        curves[matched],
        np.asarray(vectors, np.float32),
        text_embedder.embed(words),
        plain,
        parts_of(sample, None if given.splits is None else given.splits[own]),
        read_bag(manifest),
        {
            "name": texts.name,
            "sha256": store.sha256_file(texts),
            "texts": len(given),
            "matched": int(matched.sum()),
            "semi_simulated": given.semi_simulated,
        },
    )


def match_texts(texts: Texts, detection: dict[str, NDArray[Any]]) -> NDArray[np.intp]:
    """Return which text each detection has, shape (n,), intp; -1: none.

    Keys are compared without spaces and case; of several texts of one key the first counts.
    """
    first: dict[str, int] = {}
    for i, key in enumerate(texts.keys):
        first.setdefault(plain_key(key), i)
    return np.array([first.get(plain_key(key), -1) if key else -1 for key in detection[texts.key]], np.intp)


def parts_of(sample: Sample, splits: NDArray[np.str_] | None) -> NDArray[np.str_]:
    """Return the part of each row, shape (n,), str: by source, as all models here are split.

    A row counts as test only where the model has not seen its source, and where the texts, if they say so,
    have it in the same part: what the aligner saw is what they call train and validation.
    """
    masks = split(sample.source_id, SPLIT_SEED, VALIDATION, TEST)
    part = np.select([masks[name] for name in PARTS], list(PARTS), "").astype(np.str_)
    foreign = sample.seen & (part == "test")
    if splits is not None:
        foreign |= splits != part
    part[foreign] = ""
    return part


def read_bag(manifest: registry.Manifest) -> dict[str, NDArray[Any]]:
    """Return the arrays of a bundle's linear baseline from text to spectra; empty where it has none.

    Raises
    ------
    BundleError
        An array is missing.
    """
    if BAG not in manifest.files:
        return {}
    with np.load(manifest.folder / BAG, allow_pickle=False) as arrays:
        lacking = sorted({"weights", "intercept", "mean", "scale"} - set(arrays.files))
        if lacking:
            raise BundleError(
                f"{manifest.folder / BAG}: lacks {', '.join(lacking)}; "
                "freeze the model again with: chandra-embed export"
            )
        return {name: arrays[name] for name in arrays.files}


def _read_event_rows(spectra: Path, manifest: registry.Manifest) -> tuple[Array, Array, Array]:
    """Return latents, shared embeddings and light curves of the rows that :func:`read_sample` keeps."""
    embedder = EventEmbedder.load(manifest, "cpu") if embeds_events(manifest) else None
    latents, shared, curves = [], [], []
    with store.open_store(spectra, store.SPECTRA) as file:
        n = store.row_count(file)
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
            kept = np.flatnonzero(np.ptp(spectra_block(file, start, stop), axis=1) > 0)
            of_block = read_events(file, start, stop)
            events = [of_block[i] for i in kept]
            latent, embedding = _embed_events(embedder, events)
            latents.append(latent)
            shared.append(embedding)
            curves += [light_curve_row(each) for each in events]
    return np.concatenate(latents), np.concatenate(shared), np.stack(curves)


def _embed_events(embedder: EventEmbedder | None, events: list[EventList | None]) -> tuple[Array, Array]:
    """Return latents and unit rows, NaN without events; one column where nothing embeds them."""
    if embedder is None:
        return np.full((len(events), 1), np.nan, np.float32), np.full((len(events), 1), np.nan, np.float32)
    latent = embedder.latent(events)
    shared = np.full((len(events), embedder.size), np.nan, np.float32)
    there = np.isfinite(latent).all(axis=1)
    shared[there] = embedder.shared(latent[there])
    return latent, shared


CURVE_WIDTH = TIME_BINS + TIME_BINS // 2 + 1


def light_curve_row(events: EventList | None) -> Array:
    """Return a light curve as numbers that a regression can use, without any energy in them.

    Parameters
    ----------
    events : EventList or None
        Of one detection.

    Returns
    -------
    ndarray, shape (97,), float32
        Of the events of 0.5-7.0 keV in 64 equal parts of the good time: the square root of each part's share;
        the 32 amplitudes of the shares' Fourier series, which do not change when the curve is shifted; log10
        of the counts. NaN without events.
    """
    if events is None or not len(inside := events.band(*BROAD)):
        return np.full(CURVE_WIDTH, np.nan, np.float32)
    part = np.minimum((inside.elapsed() / inside.livetime * TIME_BINS).astype(int), TIME_BINS - 1)
    share = np.bincount(part, minlength=TIME_BINS) / len(inside)
    amplitude = np.abs(np.fft.rfft(share))[1:]
    return np.concatenate([np.sqrt(share), amplitude, [np.log10(len(inside))]]).astype(np.float32)
