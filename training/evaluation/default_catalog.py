"""The default evaluation catalog: one simulated spectrum for every row of the table of known sources."""

from pathlib import Path

from ...inference.recipe import Recipe
from .kept_files import kept_known_sources
from .outside_data import known_sources


def evaluation_catalog(folder: Path, recipe: Recipe, spread: float = 1.0) -> list[Path]:
    """Return the default evaluation catalog, simulating it where it is not there yet.

    One spectrum for every row of ``tables/muwclass_TD.csv`` under ``CHANDRA_EMBED_DATA``, seed 7.
    Another one, of another seed, table or recipe, is replaced.

    Parameters
    ----------
    folder : Path
        Where it is kept, as ``evaluation-muwclass.h5`` (flux density: ``evaluation-muwclass-flux.h5``);
        made where missing.
    recipe : Recipe
        What the spectra are put through.
    spread : float
        Width of the physics within a class over the literature's; another than 1 stands in the name.

    Raises
    ------
    DataNotNamed
        ``CHANDRA_EMBED_DATA`` is not set, or names no folder.
    ChandraEmbedError
        The table is not there or cannot be read.
    """
    table = known_sources("name a file of spectra instead")
    marks = ["evaluation-muwclass"]
    if recipe.quantity != "rate":
        marks.append(recipe.quantity)
    if spread != 1:
        marks.append(f"{spread:g}")
    path = folder / f"{'-'.join(marks)}.h5"
    kept_known_sources(
        path, table, recipe, spread=spread, what="simulate the evaluation catalog", unit="spectra"
    )
    return [path]
