"""A frozen encoder: spectra on the recipe's grid in, latents and unit embeddings out.

A session runs on the thread that calls it, and several threads call it with a batch each: operators this
small cost more to share out among threads than they take.
"""

import json
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..models import registry
from . import runtime
from .errors import BundleError, ChandraEmbedError
from .recipe import Recipe, recipe_from_json
from .threads import thread_count

Array = NDArray[np.float32]
Columns: TypeAlias = tuple[Array, ...]
# on a CPU small batches keep the activations in cache; a GPU wants many rows at once
BATCH_SIZE = {"cpu": 32, "cuda": 1024}
OUTPUTS = ("latent_out", "normalised_out", "scale_out", "embedding_out")


@dataclass(frozen=True)
class Encoded:
    """All that one pass gives for `n` spectra.

    Parameters
    ----------
    latent : ndarray, shape (n, l), float32
        The autoencoder's bottleneck.
    embedding : ndarray, shape (n, d), float32
        Unit rows: what similarities are taken of.
    normalised : ndarray, shape (n, n_bins), float32
        The spectra, each scaled to 0..1.
    scale : ndarray, shape (n, 2), float32
        Smallest and largest value of each spectrum, in the recipe's unit.
    reconstruction : ndarray, shape (n, n_bins), float32
        What the decoder makes of the latents, in normalised units.
    reconstruction_error : ndarray, shape (n,), float32
        Mean of |normalised - reconstruction|, dimensionless.
    """

    latent: Array
    embedding: Array
    normalised: Array
    scale: Array
    reconstruction: Array
    reconstruction_error: Array


class Essentials(NamedTuple):
    """What is kept of `n` spectra; the fields are those of :class:`Encoded`."""

    latent: Array
    embedding: Array
    reconstruction_error: Array


class Encoder:
    """A verified bundle, open on one device; make one with :meth:`load`.

    Attributes
    ----------
    manifest : chandra_embed.models.registry.Manifest
        What the bundle says of itself.
    recipe : Recipe
        How the spectra must have been made.
    device, provider : str
        ``"cpu"`` or ``"cuda"``, and ONNX Runtime's name of what runs there.
    batch_size, threads : int
        Rows of every call of the model, and batches at once on a CPU.
    latent_size, embedding_size : int
        Numbers of one latent and of one embedding.
    """

    def __init__(
        self, manifest: registry.Manifest, device: str, batch_size: int | None, threads: int | None
    ) -> None:
        self.manifest = manifest
        self.recipe = _recipe(manifest)
        self.threads = threads or thread_count()
        rows = dict.fromkeys(BATCH_SIZE, batch_size) if batch_size else BATCH_SIZE
        self._encoder, self.device = runtime.open_session(_file(manifest, "encoder.onnx"), device, 1, rows)
        self._decoder, _ = runtime.open_session(_file(manifest, "decoder.onnx"), self.device, 1, rows)
        self.provider = runtime.PROVIDERS[self.device]
        self.batch_size = rows[self.device]
        sizes = {output.name: output.shape[-1] for output in self._encoder.get_outputs()}
        inputs = [put.name for put in (*self._encoder.get_inputs(), *self._decoder.get_inputs())]
        if inputs != ["spectrum", "latent_in"] or not set(OUTPUTS) <= set(sizes):
            raise BundleError(
                f"{manifest.folder}: the models' inputs {inputs} or outputs {sorted(sizes)} "
                "are not a bundle's; freeze the model again"
            )
        self.latent_size, self.embedding_size = int(sizes["latent_out"]), int(sizes["embedding_out"])

    @classmethod
    def load(
        cls,
        name: str | Path,
        device: str = "auto",
        *,
        batch_size: int | None = None,
        threads: int | None = None,
    ) -> Self:
        """Find, verify and open a bundle.

        Parameters
        ----------
        name : str or Path
            A bundle's name or folder; see :func:`chandra_embed.models.registry.find`.
        device : {"auto", "cpu", "cuda"}
            Where to run; ``auto`` takes CUDA where it answers. The attribute `device` says which it was.
        batch_size : int, optional
            Rows of every call; the last batch is filled with zero rows. Default 32 on a CPU, 1024 on CUDA.
        threads : int, optional
            Default: ``CHANDRA_EMBED_THREADS``, or the CPUs this process may use.

        Raises
        ------
        BundleError
            No such bundle, one that is altered, or one made for a newer version.
        DeviceError
            CUDA was asked for and would not run.
        ValueError
            `device` or `batch_size` is not one of those above.
        """
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size {batch_size}: give a whole number, at least 1")
        return cls(registry.verify(registry.find(name)), device, batch_size, threads)

    def embed(self, spectra: ArrayLike) -> Array:
        """Return the embeddings of spectra.

        Parameters
        ----------
        spectra : array_like, shape (n, n_bins), float32
            The recipe's quantity on its grid (counts s^-1 keV^-1 or photons cm^-2 s^-1 keV^-1).

        Returns
        -------
        ndarray, shape (n, d), float32
            Unit rows. The same spectrum gives the same row, to 1e-6, whatever stands around it.

        Raises
        ------
        ValueError
            Wrong shape, no numbers, or a row that is not finite (the first such row is named).
        """
        return self._one(spectra, self._embedding)[0]

    def latent(self, spectra: ArrayLike) -> Array:
        """Return the latents of spectra, shape (n, l), float32; as :meth:`embed`."""
        return self._one(spectra, self._latent)[0]

    def reconstruct(self, spectra: ArrayLike) -> Array:
        """Return what the decoder makes of spectra, in their own units.

        Parameters
        ----------
        spectra : array_like, shape (n, n_bins), float32
            The recipe's quantity on its grid.

        Returns
        -------
        ndarray, shape (n, n_bins), float32
            The recipe's quantity: r (max - min) + min, r the decoder's output.

        Raises
        ------
        ValueError
            As :meth:`embed`.
        """
        found = self.run(spectra)
        low, high = found.scale[:, :1], found.scale[:, 1:]
        restored: Array = found.reconstruction * (high - low) + low
        return restored

    def run(self, spectra: ArrayLike) -> Encoded:
        """Return everything one pass gives; input and errors as :meth:`embed`."""
        return Encoded(*self._one(spectra, self._everything))

    def stream(self, blocks: Iterable[ArrayLike], first: int = 0) -> Generator[Essentials, None, None]:
        """Embed blocks of spectra, each while the caller fetches the next and uses the last.

        Parameters
        ----------
        blocks : iterable of array_like, shape (n_i, n_bins), float32
            As :meth:`embed` takes them. Two are in memory at a time.
        first : int
            Number of the first row, for messages.

        Yields
        ------
        Essentials
            What :meth:`run` gives for each block, but for the spectra themselves.

        Raises
        ------
        ValueError
            As :meth:`embed`.
        """
        with closing(self._stream(blocks, self._short, first)) as found:
            for columns in found:
                yield Essentials(*columns)

    def _everything(self, batch: Array) -> Columns:
        """Return the fields of :class:`Encoded` for one batch."""
        if self.device == "cuda":
            pair = runtime.run_pair(self._encoder, self._decoder, OUTPUTS, batch, self.device)
            latent, normalised, scale, embedding, reconstruction = pair
        else:
            latent, normalised, scale, embedding = self._encoder.run(OUTPUTS, {"spectrum": batch})
            reconstruction = self._decoder.run(("reconstruction_out",), {"latent_in": latent})[0]
        error = np.abs(normalised - reconstruction).mean(axis=1, dtype=np.float64).astype(np.float32)
        return latent, embedding, normalised, scale, reconstruction, error

    def _short(self, batch: Array) -> Columns:
        """Return the fields of :class:`Essentials` for one batch."""
        latent, embedding, _, _, _, error = self._everything(batch)
        return latent, embedding, error

    def _embedding(self, batch: Array) -> Columns:
        return tuple(self._encoder.run(("embedding_out",), {"spectrum": batch}))

    def _latent(self, batch: Array) -> Columns:
        return tuple(self._encoder.run(("latent_out",), {"spectrum": batch}))

    def _one(self, spectra: ArrayLike, work: Callable[[Array], Columns]) -> Columns:
        with closing(self._stream([spectra], work)) as found:
            return next(found)

    def _stream(
        self, blocks: Iterable[ArrayLike], work: Callable[[Array], Columns], first: int = 0
    ) -> Generator[Columns, None, None]:
        """Yield the columns of each block, checked finite; the next block is in the pool by then."""
        # on a GPU batches go one after the other: there the device is shared, not the CPUs
        pool = ThreadPoolExecutor(self.threads if self.device == "cpu" else 1)
        waiting: deque[tuple[int, list[Future[Columns]]]] = deque()
        no_rows = np.zeros((1, self.recipe.n_bins), np.float32)  # a call, to know the columns all the same
        given = taken = first
        try:
            for block in blocks:
                rows = check_spectra(block, self.recipe.n_bins, given)
                given += len(rows)
                batches = padded_batches(rows if len(rows) else no_rows, self.batch_size)
                waiting.append((len(rows), [pool.submit(work, batch) for batch in batches]))
                if len(waiting) > 1:
                    n, parts = waiting.popleft()
                    yield _joined(parts, n, taken)
                    taken += n
            for n, parts in waiting:
                yield _joined(parts, n, taken)
                taken += n
        finally:
            pool.shutdown(cancel_futures=True)


def _joined(parts: list[Future[Columns]], n: int, first: int) -> Columns:
    """Put the batches of `n` rows together and check them; `first` counts the rows before."""
    found = tuple(
        np.concatenate(column)[:n] for column in zip(*(part.result() for part in parts), strict=True)
    )
    for column in found:
        bad = ~np.isfinite(column).all(axis=tuple(range(1, column.ndim)))
        if bad.any():
            row = first + int(np.argmax(bad))
            raise ValueError(f"row {row} of the spectra: the model gives no finite answer")
    return found


def check_spectra(spectra: ArrayLike, n_bins: int, first: int = 0) -> Array:
    """Return spectra as a contiguous float32 array, after checking shape, type and finiteness.

    Messages count the rows from `first`.

    Raises
    ------
    ValueError
        The shape is not (n, `n_bins`), the type holds no real numbers, or a row is not finite.
    """
    rows = np.asarray(spectra)
    if rows.ndim != 2 or rows.shape[1] != n_bins:
        raise ValueError(f"spectra have shape {rows.shape}: give (n, {n_bins}), one row a spectrum")
    if rows.dtype.kind not in "fiub":
        raise ValueError(f"spectra are {rows.dtype}: give real numbers")
    with np.errstate(over="ignore", invalid="ignore"):
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        # NaN and infinity pass through both; so does a range that float32 cannot hold
        bad = ~np.isfinite(rows.max(axis=1) - rows.min(axis=1))
    if bad.any():
        raise ValueError(
            f"row {first + int(np.argmax(bad))} of the spectra is not finite, or its range is not, in float32"
        )
    return rows


def padded_batches(rows: Array, size: int) -> Iterator[Array]:
    """Yield consecutive batches of exactly `size` rows, the last filled with zero rows."""
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        if len(batch) < size:
            batch = np.concatenate([batch, np.zeros((size - len(batch), rows.shape[1]), np.float32)])
        yield batch


def _file(manifest: registry.Manifest, name: str) -> Path:
    if name not in manifest.files:
        raise BundleError(f"{manifest.folder}: holds no {name}, so it is no encoder of spectra")
    return manifest.folder / name


def _recipe(manifest: registry.Manifest) -> Recipe:
    """Return the bundle's recipe, whose fingerprint must be the one the manifest states."""
    path = manifest.folder / registry.MANIFEST
    try:
        recipe = recipe_from_json(json.dumps(dict(manifest.recipe)))
    except ChandraEmbedError as error:
        raise BundleError(f"{path}: {error}") from error
    if recipe.fingerprint != manifest.recipe_fingerprint:
        raise BundleError(
            f"{path}: the recipe's fingerprint is {recipe.fingerprint}, stated is "
            f"{manifest.recipe_fingerprint}; freeze the model again"
        )
    return recipe
