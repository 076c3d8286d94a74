"""Embeddings of a simulated catalog: rows whose graph is far from empty, made once and kept."""

from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from timing import say
from unit_rows import random_rows

BUNDLE = "aligned-64"
SIMULATED, PART = 100_000, 5000
NOISE = 0.02
KINDS = ("random unit vectors", "catalog embeddings")
TEXT = (
    f"Catalog embeddings are those of up to {SIMULATED:,} simulated spectra by the frozen bundle {BUNDLE}; "
    f"rows beyond them are earlier ones with normal noise of length {NOISE}."
)


def rows(kind: str, n: int, dimension: int = 64) -> Any:
    """Return `n` unit rows of a kind, shape (n, d), float32."""
    return random_rows(n, dimension) if kind == KINDS[0] else _catalog_rows(n)


def _catalog_rows(n: int) -> Any:
    parts = -(-min(n, SIMULATED) // PART)
    x = np.concatenate([np.load(path) for path in _files(parts)])
    if n > len(x):
        copies = np.concatenate([x] * -(-n // len(x)))[:n].astype(np.float64)
        copies[len(x) :] += NOISE * random_rows(n, x.shape[1])[len(x) :]
        x = (copies / np.linalg.norm(copies, axis=1)[:, None]).astype(np.float32)
    return np.ascontiguousarray(x[:n])


def _files(parts: int) -> list[Path]:
    """Return files of embeddings, made where they are missing, for the bundle as it is now."""
    from chandra_embed.inference.threads import thread_count
    from chandra_embed.models import registry

    mark = registry.verify(registry.find(BUNDLE)).sha256[:16]
    folder = Path(gettempdir(), f"chandra-embed-benchmarks-{mark}")
    folder.mkdir(exist_ok=True)
    files = [folder / f"{part}.npy" for part in range(parts)]
    missing = [(part, path) for part, path in enumerate(files) if not path.exists()]
    if missing:
        say(f"catalog: simulating {len(missing) * PART:,} spectra, kept in {folder}")
        with ProcessPoolExecutor(thread_count(), mp_context=get_context("spawn")) as pool:
            list(pool.map(_make, *zip(*missing, strict=True)))
    return files


def _make(part: int, path: Path) -> None:
    from chandra_embed.inference import Encoder
    from chandra_embed.inference.simulate.spectra import simulate

    encoder = Encoder.load(BUNDLE, "cpu", threads=1)
    spectra = np.stack([one.value for one in islice(simulate(PART, part, encoder.recipe), PART)])
    np.save(path.with_suffix(".part.npy"), encoder.embed(spectra))
    path.with_suffix(".part.npy").replace(path)
