"""Write simulated detections to ``spectra.h5``, with the truth beside them in ``/truth``."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..catalog import store
from ..catalog.lock import writing
from ..catalog.spectra_file import CHUNK, SpectraWriter
from ..recipe import Recipe
from .conditioned import Conditions, simulate_catalog
from .population import DESCRIPTION
from .response import Response
from .spectra import Simulated, simulate

# name, type, unit, description
TRUTH = (
    ("shape", "str:32", "", "shape of the photon spectrum"),
    ("population", "str:64", "", "sub-population within the class; empty: no class"),
    ("nh", "float64", "1e22 cm-2", "absorbing column"),
    ("nh_total", "float64", "1e22 cm-2", "column of all absorbers, the inner one as if at redshift 0"),
    ("gamma", "float64", "", "photon index; NaN where the shape has none"),
    ("kt", "float64", "keV", "temperature; NaN where the shape has none"),
    ("abundance", "float64", "", "abundance in solar units; NaN where the shape has no lines"),
    ("kt2", "float64", "keV", "second temperature; NaN where there is none"),
    ("photon_flux", "float64", "photon cm-2 s-1", "absorbed photon flux, 0.5-7.0 keV"),
    ("photflux_s", "float64", "photon cm-2 s-1", "absorbed photon flux, 0.5-1.2 keV"),
    ("photflux_m", "float64", "photon cm-2 s-1", "absorbed photon flux, 1.2-2.0 keV"),
    ("photflux_h", "float64", "photon cm-2 s-1", "absorbed photon flux, 2.0-7.0 keV"),
    ("net_counts", "float64", "count", "expected net counts, channels wholly inside 0.5-7.0 keV"),
    ("background_counts", "float64", "count", "expected background in the aperture, same channels"),
    ("backscal_ratio", "float64", "", "background region over source aperture"),
    ("epoch", "float64", "yr", "years since 1999.0 (not used by responses from files)"),
    ("response", "str:256", "", "response: ACIS-like FI or BI, or the ARF file it came from"),
    ("catalog_row", "int64", "", "row of the catalog table it follows, from 0; -1: none"),
    ("label", "str:64", "", "class as the catalog table writes it"),
    ("spread", "float64", "", "width of the physics within the class over the literature's; NaN: no class"),
    ("imputed", "str:128", "", "columns the table lacks, drawn from other detections"),
    ("share", "float64", "", "of the second component in the unabsorbed photons of 0.5-7.0 keV"),
    ("line", "float64", "keV", "equivalent width of Fe K alpha at the source"),
    ("redshift", "float64", "", "of the inner absorber, the line and a blackbody"),
    ("catalog_var_prob_b", "float64", "", "probability of variability in the catalog table; NaN: none"),
    ("light_curve", "str:16", "", "how the source varied: constant, flare, dip, eclipse or periodic"),
    (
        "amplitude",
        "float64",
        "",
        "flare: peak over quiescent rate; dip, eclipse: part lost; periodic: half the range over the mean",
    ),
    ("period", "float64", "s", "of eclipses, recurrent dips and pulses; NaN: nothing recurs"),
)
# what a row that follows no catalog has in the columns only a catalog fills
NO_CATALOG: dict[str, Any] = {
    "population": "",
    "nh_total": np.nan,
    "kt2": np.nan,
    "share": np.nan,
    "line": np.nan,
    "redshift": np.nan,
    "catalog_row": -1,
    "label": "",
    "spread": np.nan,
    "imputed": "",
    "catalog_var_prob_b": np.nan,
}
# root attribute of every simulated file, raised whenever the same seed draws other numbers than before
DRAWS = 3
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
    attributes = {
        "simulated": True,
        "seed": seed,
        "response": _described(responses),
        "population": DESCRIPTION,
    }
    write_rows(path, n, simulate(n, seed, recipe, responses), recipe, attributes, step)


def write_catalog_simulation(
    path: Path,
    conditions: Conditions,
    n: int | None = None,
    step: Callable[[int], None] | None = None,
) -> None:
    """Simulate detections that follow a catalog into a new ``spectra.h5``.

    Parameters
    ----------
    path : Path
        The file to make; an existing one is replaced.
    conditions : Conditions
        Table, seed, recipe, responses; see :class:`.conditioned.Conditions`.
    n : int, optional
        How many detections; without it one a table row.
    step : callable, optional
        Called with the number of rows done since the last call.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    c = conditions
    n = len(c.catalog.rows) if n is None else n
    attributes = {
        "simulated": True,
        "seed": c.seed,
        "response": _described(c.responses),
        "population": f"one detection a row of {c.catalog.file}: its class, bands, exposure and angle",
        "catalog": c.catalog.file,
        "catalog_sha256": c.catalog.sha256,
        "imputed_from": c.pool.description,
        "spread": c.spread,
    }
    write_rows(path, n, simulate_catalog(c, n), c.recipe, attributes, step)


def _described(responses: Sequence[Response] | None) -> str:
    return f"{len(responses)} pairs of ARF and RMF files" if responses else ANALYTIC


def write_rows(
    path: Path,
    n: int,
    rows: Iterable[Simulated],
    recipe: Recipe,
    attributes: dict[str, Any],
    step: Callable[[int], None] | None = None,
) -> None:
    """Write `n` simulated detections and their truth, a chunk at a time, into a new ``spectra.h5``.

    The file has another name until it is whole, so a kill at any moment leaves it as it was.

    Parameters
    ----------
    path : Path
        The file to make; an existing one is replaced.
    n : int
        How many detections `rows` gives.
    rows : iterable of Simulated
        The detections.
    recipe : Recipe
        What their spectra were put through; stored.
    attributes : dict
        Root attributes; ``simulated`` must be among them.
    step : callable, optional
        Called with the number of rows done since the last call.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    with writing(path):
        try:
            with SpectraWriter(draft, recipe, {"draws": DRAWS, **attributes}) as writer:
                _write(writer, n, rows, step)
            os.replace(draft, path)
        except OSError as error:
            raise store.unwritable(path, error, "make room or give another name") from error
        finally:
            draft.unlink(missing_ok=True)


def _write(
    writer: SpectraWriter, n: int, rows: Iterable[Simulated], step: Callable[[int], None] | None
) -> None:
    """Write all rows, a chunk at a time, and finish the file."""
    truth = _create_truth(writer.file, n, writer.recipe)
    pending: list[Simulated] = []
    for row, s in enumerate(rows):
        pending.append(s)
        if len(pending) == CHUNK or row == n - 1:
            start = row + 1 - len(pending)
            _write_truth(truth, start, pending)
            for done in pending:
                writer.append(done.detection, done.value, done.error, done.observation, done.events)
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
        values: list[Any] = [{**NO_CATALOG, **row.truth}[name] for row in rows]
        if dtype.startswith("str:"):
            # a path may be longer: cut it, between two characters
            values = [text.encode()[: int(dtype[4:])].decode(errors="ignore").encode() for text in values]
        group[name][start:stop] = np.array(values, dtype=group[name].dtype)
    group["value"][start:stop] = np.stack([row.truth_value for row in rows])
