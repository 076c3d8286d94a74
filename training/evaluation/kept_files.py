"""Simulated files that evaluations keep in their output folder: made once, and anew where they do not fit."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...inference.catalog import store
from ...inference.recipe import Recipe

SEED = 7


def kept_file(
    path: Path, wanted: Mapping[str, Any], simulate: Callable[[], None], rows: int | None = None
) -> None:
    """Simulate a file of spectra unless it is there already.

    Parameters
    ----------
    path : Path
        The file; its folder is made where missing.
    wanted : mapping
        Root attributes that a file to keep has; one with others, one of a simulator that draws other numbers,
        or one that is not complete, is replaced.
    simulate : callable
        Writes the file.
    rows : int, optional
        Detections that a file to keep has.

    Raises
    ------
    StoreError
        A file of another kind is there; it is not replaced.
    """
    from ...inference.simulate.output import DRAWS

    if not _is_there(path, {"draws": DRAWS, **wanted}, rows):
        path.parent.mkdir(parents=True, exist_ok=True)
        simulate()


def _is_there(path: Path, wanted: Mapping[str, Any], rows: int | None) -> bool:
    """Whether a complete file with these root attributes is there; one of another kind is not replaced."""
    if not path.exists():
        return False
    with store.open_store(path, store.SPECTRA, unfinished=True) as file:
        same = all(file.attrs.get(name) == value for name, value in wanted.items())
        whole = bool(file.attrs.get("complete", False))
        return same and whole and rows in (None, store.row_count(file))


def kept_known_sources(
    path: Path,
    table: Path,
    recipe: Recipe,
    *,
    repetitions: int = 1,
    spread: float = 1.0,
    what: str,
    unit: str,
) -> None:
    """Simulate detections of every row of a table of known sources, seed 7, unless they are there already.

    Parameters
    ----------
    path : Path
        The file to keep.
    table : Path
        The table; another one, or another recipe, spread or number of detections, replaces the file.
    recipe : Recipe
        What the spectra are put through.
    repetitions : int
        Detections of a row.
    spread : float
        Width of the physics within a class over the literature's.
    what, unit : str
        What the progress line calls the work and its pieces.

    Raises
    ------
    ChandraEmbedError
        The table cannot be read, or a file of another kind is there.
    """
    from ...inference.simulate.catalog import read_catalog

    catalog = read_catalog(table)
    n = repetitions * len(catalog.rows)
    wanted = {
        "seed": SEED,
        "catalog_sha256": store.sha256_file(table),
        "recipe_fingerprint": recipe.fingerprint,
        "spread": spread,
    }

    def simulate() -> None:
        from ...inference.progress import Progress
        from ...inference.simulate.conditioned import Conditions
        from ...inference.simulate.impute import find_pool
        from ...inference.simulate.output import write_catalog_simulation

        conditions = Conditions(catalog, SEED, recipe, find_pool(), spread=spread)
        with Progress(n, what, unit=unit) as progress:
            write_catalog_simulation(path, conditions, n, progress.update)

    kept_file(path, wanted, simulate, n)
