"""The default evaluation pairs: simulated detections after the table of known sources, and a text of each."""

from pathlib import Path

from ...inference.recipe import Recipe
from .kept_files import SEED, kept_known_sources
from .outside_data import data_folder, known_sources

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

    table = known_sources("name a file of spectra and --texts instead")
    name = "evaluation-pairs" + ("" if recipe.quantity == "rate" else f"-{recipe.quantity}")
    spectra, texts = folder / f"{name}.h5", folder / f"{name}.jsonl"
    kept_known_sources(
        spectra,
        table,
        recipe,
        repetitions=REPETITIONS,
        what="simulate the evaluation pairs",
        unit="detections",
    )
    write_texts(spectra, data_folder(), texts, SEED)
    return spectra, texts
