"""``chandra-embed simulate``: Chandra-like spectra with known truth."""

from pathlib import Path

import click

from .base import Command
from .options import (
    group_min_option,
    json_option,
    output_option,
    overwrite_option,
    quantity_option,
    seed_option,
)


@click.command(cls=Command)
@click.option(
    "-n", "number", type=click.IntRange(min=1), required=True, metavar="N", help="How many detections."
)
@click.option(
    "--responses",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with pairs of ARF and RMF files to use instead of the ACIS-like response.",
)
@seed_option
@group_min_option
@quantity_option
@output_option("The file to write, such as spectra.h5.")
@overwrite_option
@json_option
def simulate(
    number: int,
    responses: Path | None,
    seed: int,
    group_min: int,
    quantity: str,
    output: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Simulate N Chandra-like detections, with the truth stored beside them.

    The file is as ingest writes it, says that it is simulated, and holds in /truth what was drawn and each
    spectrum without noise. The same row of the same seed is the same spectrum, however many are made.

    \b
    Example:
      chandra-embed simulate -n 1000 --seed 1 -o simulated.h5
    """
    from ..catalog.store import may_write
    from ..progress import Progress
    from ..recipe import Recipe
    from ..simulate.output import write_simulation
    from ..simulate.responses import read_responses

    may_write(output, overwrite)
    recipe = Recipe(quantity=quantity, group_min=group_min)
    read = read_responses(responses) if responses else None
    try:
        with Progress(number, "simulate", unit="spectra") as progress:
            write_simulation(output, number, seed, recipe, read, progress.update)
    except KeyboardInterrupt:
        raise click.ClickException(f"stopped; {output} is unfinished: run the same command again") from None
    _summary(output, as_json)


def _summary(path: Path, as_json: bool) -> None:
    """Print what the file holds."""
    import json

    import numpy as np

    from ..catalog import store

    with store.open_store(path, store.SPECTRA) as file:
        net, shapes = store.read_column(file, "net_counts"), store.read_column(file, "class")
        seed = int(file.attrs["seed"])
    quantiles = (5, 25, 50, 75, 95)
    values = np.percentile(net, quantiles)
    names, numbers = np.unique(shapes, return_counts=True)
    if as_json:
        record = {
            "file": str(path),
            "simulated": len(net),
            "seed": seed,
            "net_counts": {str(q): round(float(v), 2) for q, v in zip(quantiles, values, strict=True)},
            "shapes": {str(name): int(m) for name, m in zip(names, numbers, strict=True)},
        }
        click.echo(json.dumps(record))
        return
    click.echo(f"{path}: {len(net):,} simulated detections (seed {seed}); none of them was observed")
    click.echo(
        "net counts   " + "  ".join(f"{q} %: {v:,.0f}" for q, v in zip(quantiles, values, strict=True))
    )
    click.echo("shapes       " + "  ".join(f"{name}: {m:,}" for name, m in zip(names, numbers, strict=True)))
