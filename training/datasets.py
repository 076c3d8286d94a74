"""Spectra for training: read from ``spectra.h5``, split by source so that no source stands on both sides."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..inference.catalog import store
from ..inference.catalog.contents import need, stored_recipe
from ..inference.catalog.spectra_file import spectra_block
from ..inference.errors import ChandraEmbedError, StoreError
from ..inference.recipe import Recipe

PARTS = ("train", "validation", "test")
BLOCK = 65536


@dataclass(frozen=True)
class Spectra:
    """Spectra of one or several files, in memory.

    Parameters
    ----------
    value : ndarray, shape (n, n_bins), float32
        The recipe's quantity.
    source_id : ndarray, shape (n,), str
        The unit of every split.
    net_counts : ndarray, shape (n,), float64
        Net counts, 0.5-7.0 keV.
    recipe : Recipe
        What the spectra were made with.
    files : tuple of dict
        Of each file: name, sha256, simulated, command, rows, constant (rows left out).
    error : ndarray, shape (n, n_bins), float32, optional
        1 sigma, in the recipe's quantity, where it was asked for.
    truth : ndarray, shape (n, n_bins), float32, optional
        The same spectra without noise and background, of simulated files, where they were asked for.
    """

    value: NDArray[np.float32]
    source_id: NDArray[np.str_]
    net_counts: NDArray[np.float64]
    recipe: Recipe
    files: tuple[dict[str, Any], ...]
    error: NDArray[np.float32] | None = None
    truth: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.value)

    def take(self, rows: NDArray[Any]) -> "Spectra":
        """Return the rows of an index or mask."""
        return replace(
            self,
            value=self.value[rows],
            source_id=self.source_id[rows],
            net_counts=self.net_counts[rows],
            error=None if self.error is None else self.error[rows],
            truth=None if self.truth is None else self.truth[rows],
        )


def read_spectra(paths: Sequence[Path], *, errors: bool = False, truth: bool = False) -> Spectra:
    """Read every spectrum that holds a shape; rows of one constant value (no counts) hold none.

    Parameters
    ----------
    paths : sequence of Path
        ``spectra.h5`` files of one recipe.
    errors : bool
        Read the errors of the bins too.
    truth : bool
        Read the noise-free spectra too; simulated files alone have them.

    Returns
    -------
    Spectra
        Rows in the order of the files; how many were left out stands in ``files``.

    Raises
    ------
    ChandraEmbedError
        Files of two recipes, one file twice, a file that cannot be read or lacks what was asked for, or no
        usable row at all.
    """
    read = [_read_one(path, errors, truth) for path in paths]
    seen: dict[str, Path] = {}
    for path, spectra in zip(paths, read, strict=True):
        sha256 = spectra.files[0]["sha256"]
        if sha256 in seen:
            raise ChandraEmbedError(f"{path}: has the same bytes as {seen[sha256]}; name it once")
        seen[sha256] = path
        ours, first = spectra.recipe.fingerprint, read[0].recipe.fingerprint
        if ours != first:
            raise ChandraEmbedError(
                f"{path}: recipe fingerprint {ours}, but {paths[0]} has {first}; ingest both with one recipe"
            )
    if not sum(map(len, read)):
        raise ChandraEmbedError(f"{', '.join(map(str, paths))}: no spectrum that is not constant")
    return Spectra(
        np.concatenate([s.value for s in read]),
        np.concatenate([s.source_id for s in read]),
        np.concatenate([s.net_counts for s in read]),
        read[0].recipe,
        tuple(s.files[0] for s in read),
        np.concatenate([s.error for s in read if s.error is not None]) if errors else None,
        np.concatenate([s.truth for s in read if s.truth is not None]) if truth else None,
    )


def _read_one(path: Path, errors: bool, truth: bool) -> Spectra:
    """Read one file and leave out its constant rows."""
    with store.open_store(path, store.SPECTRA) as file:
        recipe = stored_recipe(file)
        n = store.row_count(file)
        blocks = [spectra_block(file, start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
        value = np.concatenate(blocks) if blocks else np.zeros((0, recipe.n_bins), np.float32)
        keep = np.ptp(value, axis=1) > 0
        facts = {
            "name": path.name,
            "sha256": store.sha256_file(path),
            "simulated": bool(file.attrs.get("simulated", False)),
            "command": str(file.attrs.get("command", "")),
            "rows": n,
            "constant": int(n - keep.sum()),
        }
        error = _read_errors(file, n)[keep] if errors else None
        true = _read_truth(file, n)[keep] if truth else None
        source_id = store.read_column(file, "source_id")[keep]
        net_counts = store.read_column(file, "net_counts")[keep]
    return Spectra(value[keep], source_id, net_counts, recipe, (facts,), error, true)


def _read_errors(file: h5py.File, n: int) -> NDArray[np.float32]:
    """Read the errors of the first n rows, each finite and not below zero."""
    need(file, "spectrum/error")
    error: NDArray[np.float32] = file["spectrum/error"][:n]
    bad = ~(np.isfinite(error) & (error >= 0)).all(axis=1)
    if bad.any():
        raise StoreError(
            f"{file.filename}: row {int(np.argmax(bad))} of /spectrum/error is not finite or below zero; "
            "ingest the file again"
        )
    return error


def _read_truth(file: h5py.File, n: int) -> NDArray[np.float32]:
    """Read the noise-free spectra of the first n rows."""
    if "truth/value" not in file:
        raise StoreError(
            f"{file.filename}: holds no noise-free spectra in /truth/value; give simulated files, or no "
            "--denoise"
        )
    true: NDArray[np.float32] = file["truth/value"][:n]
    return true


def split(
    source_id: Iterable[str], seed: int = 0, validation: float = 0.1, test: float = 0.1
) -> dict[str, NDArray[np.bool_]]:
    """Assign rows to training, validation and test by a hash of their source.

    Where a source falls depends on its name and the seed alone, not on the other rows.

    Parameters
    ----------
    source_id : iterable of str, length n
        Source of each row.
    seed : int
        Another seed, another split.
    validation, test : float
        Fractions of sources.

    Returns
    -------
    dict of str to ndarray, shape (n,), bool
        Masks ``train``, ``validation`` and ``test``; each row is in one.
    """
    u = np.array([_hash(f"{seed}:{text}") for text in source_id], np.uint64) / 2.0**64
    return {
        "train": u >= validation + test,
        "validation": (u >= test) & (u < validation + test),
        "test": u < test,
    }


def source_keys(source_id: Iterable[str]) -> NDArray[np.int64]:
    """Return the sorted 64-bit hashes of the sources, shape (number of sources,), int64."""
    return np.unique(np.array([_hash(text) for text in set(source_id)], np.uint64).view(np.int64))


def is_seen(source_id: Iterable[str], keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether each row's source is among the hashes of :func:`source_keys`, shape (n,), bool."""
    return np.isin(np.array([_hash(text) for text in source_id], np.uint64).view(np.int64), keys)


def log_range(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log10 of the range, largest less smallest bin, of each spectrum.

    MinMax normalisation takes it away, and with it how bright the source is.

    Parameters
    ----------
    value : ndarray, shape (n, n_bins), float32
        The recipe's quantity; no row is constant.

    Returns
    -------
    ndarray, shape (n,), float32
    """
    found: NDArray[np.float32] = np.log10(np.ptp(value, axis=1)).astype(np.float32)
    return found


def _hash(text: str) -> int:
    """First 64 bits of the SHA-256 of a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
