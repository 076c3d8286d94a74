"""``chandra-embed train aligner``: spectra, event lists and words into one space."""

from pathlib import Path
from typing import Any

import click

from ..inference.cli.base import Command
from ..inference.cli.options import FiniteRange, json_option, overwrite_option, seed_option
from .options import epochs_option, run_option, spectra_argument

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(cls=Command)
@spectra_argument
@run_option
@click.option(
    "--texts",
    multiple=True,
    type=FILE,
    help="Texts by file or name, CSV or JSON lines; one for all SPECTRA, or one for each, in their order.",
)
@click.option("--text", "text_encoder", type=FOLDER, help="Text encoder that reads --texts.")
@click.option("--vectors", type=FILE, help="Instead of texts: their vectors by name, HDF5 or npz.")
@click.option("--events", type=FOLDER, help="Run of train events; without it, spectra and text alone.")
@click.option(
    "--model", default="spectrum-64", show_default=True, help="Bundle of the spectra: a name or a folder."
)
@click.option(
    "--regulariser",
    type=click.Choice(["variance-covariance", "geometry"]),
    default="variance-covariance",
    show_default=True,
    help="What is added to InfoNCE.",
)
@click.option(
    "--weight",
    type=FiniteRange(min=0),
    default=0.1,
    show_default=True,
    help="lambda: how much of it; 0: none.",
)
@epochs_option(40, "pairs")
@seed_option
@overwrite_option
@json_option
def aligner(spectra: tuple[Path, ...], output: Path, overwrite: bool, as_json: bool, **settings: Any) -> None:
    """Align spectra, events and text in 64 numbers; needs the extra train.

    SPECTRA are spectra.h5 files of the bundle's recipe. Each detection is paired with the texts of its file
    or its name. Sources are split into training, validation (a tenth) and test (half), as the texts say or
    by name; the run stops when recall at 1 % of the validation sources grows no more. What is printed is the
    recall of the test sources, one detection and one text a source, beside a linear map from the texts.

    Install the extra with: pip install 'chandra-embed[train]'

    \b
    Example:
      chandra-embed train aligner spectra.h5 --texts texts.jsonl --text runs/text -o runs/aligned
    """
    import json

    if bool(settings["texts"]) == bool(settings["vectors"]):
        raise click.UsageError("give --texts with --text, or --vectors")
    if bool(settings["texts"]) != bool(settings["text_encoder"]):
        raise click.UsageError("--texts and --text go together: texts, and the encoder that reads them")

    from .align_run import run

    def say(entry: dict[str, Any]) -> None:
        click.echo(
            "epoch {epoch}: loss {train:.4f}, recall@1% of validation {validation:.3f}, temperature "
            "{temperature:.3f}, {seconds:.0f} s".format(**entry),
            err=True,
        )

    done = run(spectra, output, overwrite=overwrite, on_epoch=say, **settings)
    if as_json:
        for row in done.meta["figures"]:
            click.echo(json.dumps(row))
        return
    kind = "semi-simulated pairs" if done.meta["semi_simulated"] else "pairs"
    joined = done.meta["joined"]
    click.echo(
        f"{joined['pairs']:,} {kind} by {joined['by']}; {joined['detections_without_text']:,} detections "
        f"without a text, {joined['texts_without_detection']:,} texts without a detection"
    )
    click.echo("recall of test sources, one pair a source")
    click.echo(f"{'method':<14}{'direction':<18}{'@1%':>7}{'@5%':>7}{'@10%':>7}{'median rank':>13}{'n':>8}")
    for row in done.meta["figures"]:
        click.echo(
            f"{row['method']:<14}{row['direction']:<18}{row['recall_1pct']:>7.3f}{row['recall_5pct']:>7.3f}"
            f"{row['recall_10pct']:>7.3f}{row['median_rank']:>13.1f}{row['n']:>8,}"
        )
