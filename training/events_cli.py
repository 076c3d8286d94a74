"""``chandra-embed train events``: fit an autoencoder of event lists of one's own."""

from pathlib import Path
from typing import Any

import click

from ..inference.cli.base import Command
from ..inference.cli.options import json_option, overwrite_option, seed_option
from .options import epochs_option, latents_option, run_option, spectra_argument


@click.command(cls=Command)
@spectra_argument
@run_option
@click.option(
    "--kind",
    type=click.Choice(["map", "cube"]),
    default="map",
    show_default=True,
    help="Table of events: energy by time, or energy by time by interval.",
)
@latents_option(64)
@epochs_option(20, "event lists")
@seed_option
@overwrite_option
@json_option
def events(
    spectra: tuple[Path, ...],
    output: Path,
    kind: str,
    latents: int,
    epochs: int,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Fit an autoencoder of event lists; needs the extra train.

    SPECTRA are spectra.h5 files with events. Sources are split into training, validation (a tenth) and
    test (half). The table shows, for test sources, what a model shown a random half of the events says of
    the other half: the mean of -ln(predicted fraction), energy plus light curve, nats an event; smaller is
    better. Beside it stand a PCA with as many numbers and the mean of the training rows.

    Install the extra with: pip install 'chandra-embed[train]'

    \b
    Example:
      chandra-embed simulate -n 2000 -o spectra.h5
      chandra-embed train events spectra.h5 -o runs/events --epochs 5
    """
    import json

    from ..inference.threads import thread_count
    from .checkpoint import remove
    from .events import RECIPES, EventAutoencoderConfig, EventTrainConfig, read_event_maps, train_events
    from .reconstruction import table

    data = read_event_maps(spectra, RECIPES[kind])
    model = EventAutoencoderConfig(n_latent=latents)
    config = EventTrainConfig(model=model, epochs=epochs, seed=seed, threads=thread_count())
    if overwrite:
        remove(output)

    def say(entry: dict[str, Any]) -> None:
        line = "epoch {epoch}: training {train:.4f}, validation {validation:.4f}, {seconds:.0f} s"
        click.echo(line.format(**entry), err=True)

    done = train_events(data, config, output, say)
    if as_json:
        for row in done.meta["figures"]:
            click.echo(json.dumps(row))
        return
    of = "simulated" if all(file["simulated"] for file in data.files) else "given"
    click.echo(f"-ln(fraction) of the hidden half of {of} events, nats, test sources (68 % interval)")
    click.echo(table(done.meta["figures"]))
