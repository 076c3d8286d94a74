"""Write simulated detections to ``spectra.h5``, with the truth beside them in ``/truth``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..catalog import store
from ..catalog.spectra_file import CHUNK, SpectraWriter
from ..recipe import Recipe
from .population import DESCRIPTION
from .response import Response
from .spectra import Simulated, simulate

# name, type, unit, description
TRUTH = (
    ("shape", "str:32", "", "shape of the photon spectrum"),
    ("nh", "float64", "1e22 cm-2", "absorbing column"),
    ("gamma", "float64", "", "photon index; NaN where the shape has none"),
    ("kt", "float64", "keV", "temperature; NaN where the shape has none"),
    ("abundance", "float64", "", "abundance in solar units; NaN where the shape has no lines"),
    ("photon_flux", "float64", "photon cm-2 s-1", "absorbed photon flux, 0.5-7.0 keV"),
    ("net_counts", "float64", "count", "expected net counts, channels wholly inside 0.5-7.0 keV"),
    ("background_counts", "float64", "count", "expected background in the aperture, same channels"),
    ("backscal_ratio", "float64", "", "background region over source aperture"),
    ("epoch", "float64", "yr", "years since 1999.0 (not used by responses from files)"),
    ("response", "str:256", "", "response: ACIS-like FI or BI, or the ARF file it came from"),
)
ANALYTIC = (
    "analytic ACIS-like (front- and back-illuminated chips, contamination, vignetting); not calibration data"
)


def write_simulation(
    path: Path,
    n: int,
    seed: int,
    recipe: Recipe,
    responses: Sequence[Response] | None = None,
    step: Callable[[int], None] | None = None,
) -> None:
    """Simulate `n` detections into a new ``spectra.h5``.

    Parameters
    ----------
    path : Path
        The file to make; an existing one is replaced.
    n : int
        How many detections.
    seed : int
        See :func:`.spectra.simulate`.
    recipe : Recipe
        What the spectra are put through; stored.
    responses : sequence of Response, optional
        Responses from files, instead of the ACIS-like one.
    step : callable, optional
        Called with the number of rows done since the last call.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    described = f"{len(responses)} pairs of ARF and RMF files" if responses else ANALYTIC
    attributes = {"simulated": True, "seed": seed, "response": described, "population": DESCRIPTION}
    with SpectraWriter(path, recipe, attributes) as writer:
        truth = _create_truth(writer.file, n, recipe)
        pending: list[Simulated] = []
        for row, s in enumerate(simulate(n, seed, recipe, responses)):
            pending.append(s)
            if len(pending) == CHUNK or row == n - 1:
                start = row + 1 - len(pending)
                _write_truth(truth, start, pending)
                for done in pending:
                    writer.append(done.detection, done.value, done.error, done.observation)
                if step:
                    step(len(pending))
                pending.clear()
        writer.close()


def _create_truth(file: h5py.File, n: int, recipe: Recipe) -> h5py.Group:
    group = file.create_group("truth")
    for name, dtype, unit, description in TRUTH:
        store.create_dataset(group, name, (n,), dtype, unit, f"simulated: {description}")
    store.create_dataset(
        group,
        "value",
        (n, recipe.n_bins),
        "float32",
        recipe.unit,
        f"simulated: {recipe.quantity} density on the grid, without noise and background",
    )
    return group


def _write_truth(group: h5py.Group, start: int, rows: Sequence[Simulated]) -> None:
    stop = start + len(rows)
    for name, dtype, _, _ in TRUTH:
        values: list[Any] = [row.truth[name] for row in rows]
        if dtype.startswith("str:"):
            # a path may be longer: cut it, between two characters
            values = [text.encode()[: int(dtype[4:])].decode(errors="ignore").encode() for text in values]
        group[name][start:stop] = np.array(values, dtype=group[name].dtype)
    group["value"][start:stop] = np.stack([row.truth_value for row in rows])
