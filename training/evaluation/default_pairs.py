"""The default evaluation pairs: simulated detections after the table of known sources, and a text of each."""

from pathlib import Path

from ...inference.catalog import store
from ...inference.errors import ChandraEmbedError
from ...inference.recipe import Recipe
from .sample import SEED, TABLE, data_folder, is_there

# detections of every table row, each another source that the row may be: the parts that regressors are
# fitted and tuned on have then some hundred rows
REPETITIONS = 4


def default_pairs(folder: Path, recipe: Recipe) -> tuple[Path, Path]:
    """Return the default evaluation pairs, simulating the detections where they are not there yet.

    Four detections for every row of ``tables/muwclass_TD.csv`` under ``CHANDRA_EMBED_DATA``, with events,
    seed 7, and a semi-simulated text of each.

    Parameters
    ----------
    folder : Path
        Where both are kept, as ``evaluation-pairs.h5`` (flux density: ``evaluation-pairs-flux.h5``) and
        ``.jsonl``; made where missing. The texts are written anew each time.
    recipe : Recipe
        What the spectra are put through.

    Returns
    -------
    spectra, texts : Path

    Raises
    ------
    DataNotNamed
        ``CHANDRA_EMBED_DATA`` is not set, or names no folder.
    ChandraEmbedError
        A table is not there or cannot be read.
    """
    from ..pairs.write import write_texts

    data = data_folder()
    table = data / "tables" / TABLE
    if not table.is_file():
        raise ChandraEmbedError(f"{table}: no such table; name a file of spectra and --texts instead")
    name = "evaluation-pairs" + ("" if recipe.quantity == "rate" else f"-{recipe.quantity}")
    spectra, texts = folder / f"{name}.h5", folder / f"{name}.jsonl"
    wanted = {
        "seed": SEED,
        "catalog_sha256": store.sha256_file(table),
        "recipe_fingerprint": recipe.fingerprint,
        "spread": 1.0,
    }
    if not is_there(spectra, wanted):
        folder.mkdir(parents=True, exist_ok=True)
        _simulate(table, spectra, recipe)
    write_texts(spectra, data, texts, SEED)
    return spectra, texts


def _simulate(table: Path, path: Path, recipe: Recipe) -> None:
    from ...inference.progress import Progress
    from ...inference.simulate.catalog import read_catalog
    from ...inference.simulate.conditioned import Conditions
    from ...inference.simulate.impute import find_pool
    from ...inference.simulate.output import write_catalog_simulation

    conditions = Conditions(read_catalog(table), SEED, recipe, find_pool())
    n = REPETITIONS * len(conditions.catalog.rows)
    with Progress(n, "simulate the evaluation pairs", unit="detections") as progress:
        write_catalog_simulation(path, conditions, n, progress.update)
