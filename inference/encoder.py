"""A frozen encoder: spectra on the recipe's grid in, latents and unit embeddings out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..models import registry
from . import runtime
from .errors import BundleError, ChandraEmbedError
from .recipe import Recipe, recipe_from_json
from .threads import thread_count

Array = NDArray[np.float32]
# on a CPU small batches keep the activations in cache; a GPU wants many rows at once
BATCH_SIZE = {"cpu": 64, "cuda": 1024}
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
        Rows of every call of the model, and threads of one operator.
    latent_size, embedding_size : int
        Numbers of one latent and of one embedding.
    """

    def __init__(
        self, manifest: registry.Manifest, device: str, batch_size: int | None, threads: int | None
    ) -> None:
        self.manifest = manifest
        self.recipe = _recipe(manifest)
        self.threads = threads or thread_count()
        self._encoder, self.device = runtime.open_session(
            _file(manifest, "encoder.onnx"), device, self.threads
        )
        self._decoder, _ = runtime.open_session(_file(manifest, "decoder.onnx"), self.device, self.threads)
        self.provider = runtime.PROVIDERS[self.device]
        self.batch_size = batch_size or BATCH_SIZE[self.device]
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
            Rows of every call; the last batch is filled with zero rows. Default 64 on a CPU, 1024 on CUDA.
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
        return self._encode(spectra, ("embedding_out",))[0]

    def latent(self, spectra: ArrayLike) -> Array:
        """Return the latents of spectra, shape (n, l), float32; as :meth:`embed`."""
        return self._encode(spectra, ("latent_out",))[0]

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
        latent, scale = self._encode(spectra, ("latent_out", "scale_out"))
        low, high = scale[:, :1], scale[:, 1:]
        restored: Array = self._decode(latent) * (high - low) + low
        return restored

    def run(self, spectra: ArrayLike) -> Encoded:
        """Return everything one pass gives; input and errors as :meth:`embed`."""
        latent, normalised, scale, embedding = self._encode(spectra, OUTPUTS)
        reconstruction = self._decode(latent)
        error = np.abs(normalised - reconstruction).mean(axis=1, dtype=np.float64).astype(np.float32)
        return Encoded(latent, embedding, normalised, scale, reconstruction, error)

    def _encode(self, spectra: ArrayLike, names: tuple[str, ...]) -> list[Array]:
        """Run the encoder over `spectra` and return the named outputs, checked finite."""
        rows = check_spectra(spectra, self.recipe.n_bins)
        found = self._batches(self._encoder, "spectrum", rows, names)
        for output in found:
            bad = ~np.isfinite(output).all(axis=1)
            if bad.any():
                raise ValueError(
                    f"row {int(np.argmax(bad))} of the spectra: the model gives no finite answer"
                )
        return found

    def _decode(self, latent: Array) -> Array:
        return self._batches(self._decoder, "latent_in", latent, ("reconstruction_out",))[0]

    def _batches(self, session: Any, feed: str, rows: Array, names: tuple[str, ...]) -> list[Array]:
        """Run a session over `rows`, every call with `batch_size` rows."""
        parts = [session.run(names, {feed: batch}) for batch in padded_batches(rows, self.batch_size)]
        if not parts:
            widths = {output.name: int(output.shape[-1]) for output in session.get_outputs()}
            return [np.zeros((0, widths[name]), np.float32) for name in names]
        return [np.concatenate(column)[: len(rows)] for column in zip(*parts, strict=True)]


def check_spectra(spectra: ArrayLike, n_bins: int) -> Array:
    """Return spectra as a contiguous float32 array, after checking shape, type and finiteness.

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
            f"row {int(np.argmax(bad))} of the spectra is not finite, or its range is not, in float32"
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
