"""``chandra-embed train``: fit models of one's own. Needs the ``train`` extra; the help does not."""

from pathlib import Path
from typing import Any

import click

from ..inference.cli.base import Group
from ..inference.cli.options import FiniteRange, json_option, overwrite_option, seed_option
from .aligner_cli import aligner
from .events_cli import events
from .options import epochs_option, latents_option, run_option, spectra_argument
from .pairs_cli import pairs
from .text_cli import text


@click.group(cls=Group)
def train() -> None:
    """Fit a model of your own; needs the extra train.

    Install the extra with: pip install 'chandra-embed[train]'

    \b
    Example:
      chandra-embed simulate -n 2000 -o spectra.h5
      chandra-embed train autoencoder spectra.h5 -o runs/mine --epochs 5
      chandra-embed export runs/mine -o models/mine
    """


FRACTION = FiniteRange(min=0, max=1, max_open=True)


@train.command()
@spectra_argument
@run_option
@click.option(
    "--kind",
    type=click.Choice(["transformer", "recurrent"]),
    default="transformer",
    show_default=True,
    help="What carries news between tokens: attention, or LSTM both ways.",
)
@latents_option(8)
@epochs_option(30, "spectra")
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=64, show_default=True, help="Spectra a step."
)
@click.option(
    "--lr",
    type=FiniteRange(min=0, min_open=True),
    default=2e-3,
    show_default=True,
    help="Highest learning rate.",
)
@click.option("--width", type=click.IntRange(min=1), default=80, show_default=True, help="Length of a token.")
@click.option(
    "--depth", type=click.IntRange(min=1), default=2, show_default=True, help="Blocks on each side."
)
@click.option(
    "--heads",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Attention heads (transformer only).",
)
@click.option("--patch", type=click.IntRange(min=1), default=20, show_default=True, help="Bins in a token.")
@click.option(
    "--dropout", type=FRACTION, default=0.0, show_default=True, help="Fraction of activations dropped."
)
@click.option(
    "--mask", type=FRACTION, default=0.0, show_default=True, help="Fraction of the input's tokens hidden."
)
@click.option(
    "--noise",
    type=FiniteRange(min=0),
    default=0.0,
    show_default=True,
    help="Standard deviation of noise on the normalised input; the target stays without.",
)
@click.option(
    "--denoise",
    type=FiniteRange(min=0, max=1),
    default=0.0,
    show_default=True,
    help="Share of the loss against the noise-free truth; simulated spectra only.",
)
@click.option("--weighted", is_flag=True, help="Weight bins by the inverse of their variance.")
@click.option(
    "--test",
    type=FiniteRange(min=0, max=0.9, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="Fraction of the sources kept for the test.",
)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    help="Train on so many spectra, drawn from the training part.  [default: all]",
)
@seed_option
@overwrite_option
@json_option
def autoencoder(
    spectra: tuple[Path, ...], output: Path, overwrite: bool, as_json: bool, **settings: Any
) -> None:
    """Fit an autoencoder; needs the extra train.

    SPECTRA are spectra.h5 files of one recipe.

    Sources are split into training, validation (a tenth) and test (--test). The error is the mean absolute
    difference of MinMax-normalised spectra; it is shown beside that of a PCA with as many numbers and of
    the mean spectrum, on the test sources, with 68 % intervals. --mask, --noise, --denoise and
    --weighted change what training makes small, not how errors are measured.

    Install the extra with: pip install 'chandra-embed[train]'

    \b
    Example:
      chandra-embed simulate -n 2000 -o spectra.h5
      chandra-embed train autoencoder spectra.h5 -o runs/mine --epochs 5
    """
    import json

    from ..inference.threads import thread_count
    from .autoencoder import AutoencoderConfig
    from .checkpoint import remove
    from .datasets import read_spectra
    from .loop import TrainConfig
    from .loop import train as fit
    from .reconstruction import table

    data = read_spectra(spectra, errors=settings["weighted"], truth=settings["denoise"] > 0)
    model = AutoencoderConfig(
        n_bins=data.recipe.n_bins,
        n_latent=settings["latents"],
        width=settings["width"],
        depth=settings["depth"],
        heads=settings["heads"],
        patch=settings["patch"],
        dropout=settings["dropout"],
        kind=settings["kind"],
    )
    config = TrainConfig(
        epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        learning_rate=settings["lr"],
        test=settings["test"],
        rows=settings["rows"],
        noise=settings["noise"],
        mask=settings["mask"],
        weighted=settings["weighted"],
        denoise=settings["denoise"],
        seed=settings["seed"],
        threads=thread_count(),
    )
    if overwrite:
        remove(output)

    def say(entry: dict[str, Any]) -> None:
        click.echo(
            "epoch {epoch}: training {train:.5f}, validation {validation:.5f} "
            "(PCA {pca:.5f}, mean spectrum {mean:.5f}), {seconds:.0f} s".format(**entry),
            err=True,
        )

    done = fit(data, model, config, output, say)
    if as_json:
        for row in done.meta["figures"]:
            click.echo(json.dumps(row))
        return
    kind = "simulated" if all(file["simulated"] for file in data.files) else "given"
    click.echo(f"mean absolute error of normalised {kind} spectra, test sources (68 % interval)")
    click.echo(table(done.meta["figures"]))


train.add_command(text)
train.add_command(aligner)
train.add_command(pairs)
train.add_command(events)
