"""``chandra-embed evaluate alignment`` and ``evaluate regression``: what an aligned model is worth."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...inference.cli.base import Command
from ...inference.cli.options import json_option, overwrite_option
from .cli_shared import files, folder_option, prepare, tell

if TYPE_CHECKING:
    from .pair_sample import PairSample

spectra_argument = click.argument("spectra", required=False, type=files)
texts_option = click.option(
    "--texts", type=files, help="Table of texts (CSV or JSON lines: file or name, text) of SPECTRA."
)
model_option = click.option(
    "--model", default="aligned-64", show_default=True, help="Aligned bundle: a name or a folder."
)


@click.command(cls=Command)
@spectra_argument
@texts_option
@model_option
@folder_option
@overwrite_option
@json_option
def alignment(
    spectra: Path | None, texts: Path | None, model: str, output: Path, overwrite: bool, as_json: bool
) -> None:
    """Measure how well spectra, events and words of one source find each other; needs the extra plot.

    Recall at 1, 5 and 10 % and median rank, both ways, one detection and one text a test source, with 68 %
    and 95 % intervals over sources. Beside it shuffled pairs, an oracle that knows the class alone, text
    without the words that name a class, a linear map from words to latents, and, where the truth is known,
    true words in place of the text: what it would have to hold. Then cosines within and between classes, and
    the spread of hardness among the 10 nearest other sources, before and after.

    Without SPECTRA the pairs are semi-simulated: four detections for every row of tables/muwclass_TD.csv
    under CHANDRA_EMBED_DATA, and a text of each, made once and kept in the output folder.

    Install the extra with: pip install 'chandra-embed[plot]'

    \b
    Example:
      chandra-embed evaluate alignment spectra.h5 --texts texts.jsonl -o evaluation
    """
    from .alignment import run
    from .alignment_table import table

    _check_both(spectra, texts)
    prepare(output, "alignment", overwrite, "about five minutes")
    rows, others = run(_pairs(spectra, texts, model, output), output)
    tell(rows, table(rows, others), output, as_json)


@click.command(cls=Command)
@spectra_argument
@texts_option
@click.option(
    "--data",
    "modality",
    type=click.Choice(["spectrum", "events", "lightcurve"]),
    default="events",
    show_default=True,
    help="What stands beside the text.",
)
@model_option
@folder_option
@overwrite_option
@json_option
def regression(
    spectra: Path | None,
    texts: Path | None,
    modality: str,
    model: str,
    output: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure whether text and data together tell more than the better of the two; needs the extra plot.

    Mean absolute errors of hardness, variability and, where the truth is known, of physical quantities: from
    text, from data, and from both, with the same regressors and tuning; how much smaller the error of both
    is, with a 95 % interval over test sources. Beside spectra stand the plain band ratios.

    Without SPECTRA the pairs are semi-simulated, as in evaluate alignment.

    Install the extra with: pip install 'chandra-embed[plot]'

    \b
    Example:
      chandra-embed evaluate regression spectra.h5 --texts texts.jsonl --data events -o evaluation
    """
    from .regression import run, table

    _check_both(spectra, texts)
    prepare(output, f"regression-{modality}", overwrite, "about five minutes")
    rows, summary = run(_pairs(spectra, texts, model, output), output, modality=modality)
    tell(rows, table(rows, summary), output, as_json)


def _check_both(spectra: Path | None, texts: Path | None) -> None:
    if (spectra is None) != (texts is None):
        raise click.UsageError("give SPECTRA and --texts together, or neither")


def _pairs(spectra: Path | None, texts: Path | None, model: str, output: Path) -> "PairSample":
    """Read the pairs given, or make the default ones; bad use where these have no data."""
    from ...inference.encoder import Encoder
    from .default_pairs import default_pairs
    from .outside_data import DataNotNamed
    from .pair_sample import read_pairs

    if spectra is None or texts is None:
        try:
            spectra, texts = default_pairs(output, Encoder.load(model, "cpu").recipe)
        except DataNotNamed as error:
            click.echo(f"error: {error}", err=True)
            raise click.exceptions.Exit(2) from error
    return read_pairs(spectra, texts, model)
