"""The default file of ``evaluate anomalies``: simulated normal rows with a few rare ones planted among them.

The normal rows are the generic population, as ``simulate -n N`` makes it: the one that the frozen references
of the bundles are drawn from, with another seed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...inference.catalog import store
from ...inference.embed import embed_file
from ...inference.encoder import Encoder
from ...inference.nearest_sources import read_embedding
from ...inference.progress import Progress
from ...inference.recipe import Recipe
from ...inference.simulate.output import ANALYTIC, write_rows
from ...inference.simulate.population import DESCRIPTION
from ...inference.simulate.rare import CLASS, KINDS, Limits, hardness_ratios, simulate_rare
from ...inference.simulate.spectra import Simulated, simulate
from ..datasets import is_seen
from .kept_files import kept_file
from .sample import BASELINE, read_baseline
from .tasks import MIN_COUNTS

Array = NDArray[np.float64]
SEED = 9
NORMALS = 26_500  # of them some 25,050 show 40 net counts and are scored
EACH = 60
RATIOS = ("hard_hs", "hard_hm", "hard_ms")


def planted_catalog(folder: Path, recipe: Recipe, normals: int = NORMALS, each: int = EACH) -> Path:
    """Return the file of normal and rare detections, simulating it where it is not there yet.

    Net counts and hardness of the rare ones lie between the 1st and 99th percentile of the normal rows of at
    least 40 net counts. Another file, of other numbers, seed or recipe, is replaced.

    Parameters
    ----------
    folder : Path
        Where it is kept, as ``evaluation-rare.h5`` (flux density: ``evaluation-rare-flux.h5``).
    recipe : Recipe
        What the spectra are put through.
    normals, each : int
        Normal rows, and rare ones of each kind.
    """
    path = folder / (
        "evaluation-rare.h5" if recipe.quantity == "rate" else f"evaluation-rare-{recipe.quantity}.h5"
    )
    wanted = {
        "seed": SEED,
        "recipe_fingerprint": recipe.fingerprint,
        "normals": normals,
        "rare": ", ".join(f"{each} {kind}" for kind in KINDS),
    }

    def write() -> None:
        attributes = {"simulated": True, "response": ANALYTIC, "population": DESCRIPTION, **wanted}
        n = normals + each * len(KINDS)
        with Progress(n, "simulate normal and rare detections", unit="spectra") as progress:
            write_rows(path, n, _rows(recipe, normals, each), recipe, attributes, progress.update)

    kept_file(path, wanted, write)
    return path


def _rows(recipe: Recipe, normals: int, each: int) -> Iterator[Simulated]:
    """Yield the normal rows, with their hardness, and then the rare ones."""
    seen: dict[str, list[float]] = {name: [] for name in ("net_counts", *RATIOS)}
    for row in simulate(normals, SEED, recipe):
        found = replace(row, detection=row.detection | hardness_ratios(row.observation))
        if found.detection["net_counts"] >= MIN_COUNTS:
            for name, values in seen.items():
                values.append(found.detection[name])
        yield found
    within = Limits.measure(seen)
    for kind in KINDS:
        yield from simulate_rare(kind, each, SEED, recipe, within)


@dataclass(frozen=True)
class Planted:
    """Rows of at least 40 net counts, normal and rare, of sources that the model has not seen.

    Parameters
    ----------
    embedding : dict of str to ndarray, shape (n, d), float32
        Unit rows by space: ``spectrum``; with an aligned bundle ``event`` and ``both``.
    reconstruction_error, net_counts : ndarray, shape (n,), float64
        Of the spectra.
    hardness : ndarray, shape (n, 3), float64
        hard_hs, hard_hm, hard_ms as measured; NaN where neither band has net counts.
    kind : ndarray, shape (n,), str
        Kind of a rare row, empty for a normal one.
    source_id : ndarray, shape (n,), str
        Source of each row.
    facts : dict
        Of the file: name, sha256, rows, left_out (rows of fewer counts, or seen), limits.
    variability : ndarray, shape (n,), float64, or None
        ``var_index_b`` of the events, and within one index the larger ``var_prob_b`` above; NaN without
        events.
    """

    embedding: dict[str, NDArray[np.float32]]
    reconstruction_error: Array
    net_counts: Array
    hardness: Array
    kind: NDArray[np.str_]
    source_id: NDArray[np.str_]
    facts: dict[str, object]
    variability: Array | None = None

    @property
    def normal(self) -> NDArray[np.bool_]:
        """Rows that are not rare, shape (n,)."""
        found: NDArray[np.bool_] = self.kind == ""
        return found


def read_planted(spectra: Path, model: str | Path) -> Planted:
    """Embed a file of :func:`planted_catalog` and read what scoring needs.

    Parameters
    ----------
    spectra : Path
        The file; its embeddings are written beside it and replaced where they exist.
    model : str or Path
        Bundle: a name or a folder.

    Raises
    ------
    ChandraEmbedError
        The bundle cannot be loaded or is of another recipe.
    """
    manifest = Encoder.load(model, "cpu").manifest
    output = spectra.with_name(f"{spectra.stem}-embeddings.h5")
    embed_file(spectra, output, model=model, device="cpu", overwrite=True)
    with store.open_store(output, store.EMBEDDINGS) as file:
        names = {"spectrum": "embedding", "event": "embedding_event", "both": "embedding_both"}
        embedding = {space: read_embedding(file, name) for space, name in names.items() if name in file}
        error = file["reconstruction_error"][...].astype(np.float64)
        counts = store.read_column(file, "net_counts").astype(np.float64)
        index = store.read_column(file, "var_index_b").astype(np.float64)
        variability = np.where(index >= 0, index + store.read_column(file, "var_prob_b") / 2, np.nan)
        hardness = np.stack([store.read_column(file, name) for name in RATIOS], axis=1)
        source = store.read_column(file, "source_id").astype(np.str_)
        named = store.read_column(file, "class").astype(np.str_)
    kind = np.where(np.char.startswith(named, CLASS), np.char.replace(named, CLASS, ""), "")
    keep = counts >= MIN_COUNTS
    if BASELINE in manifest.files:
        keep &= ~is_seen(source, read_baseline(manifest)[2])
    for rows in embedding.values():
        keep &= np.isfinite(rows).all(axis=1)
    usable = (kind == "") & (counts >= MIN_COUNTS)
    columns = {"net_counts": counts[usable], **dict(zip(RATIOS, hardness[usable].T, strict=True))}
    facts = {
        "file": spectra.name,
        "sha256": store.sha256_file(spectra),
        "rows": len(keep),
        "left_out": int((~keep).sum()),
        "limits": vars(Limits.measure(columns)),
    }
    return Planted(
        {space: rows[keep] for space, rows in embedding.items()},
        error[keep],
        counts[keep],
        hardness[keep],
        kind[keep].astype(np.str_),
        source[keep],
        facts,
        variability[keep],
    )
