"""``chandra-embed simulate``: Chandra-like spectra with known truth."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .base import Command
from .options import (
    FiniteRange,
    group_min_option,
    json_option,
    output_option,
    overwrite_option,
    quantity_option,
    refuse_input,
    seed_option,
)

if TYPE_CHECKING:
    from ..recipe import Recipe
    from ..simulate.conditioned import Conditions
    from ..simulate.response import Response


@click.command(cls=Command)
@click.option(
    "-n",
    "number",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many detections; with --catalog the default is one a table row.",
)
@click.option(
    "--catalog",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="TABLE",
    help="Follow this table: classes, bands, exposures and angles are its rows'.",
)
@click.option(
    "--responses",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with pairs of ARF and RMF files to use instead of the ACIS-like response.",
)
@click.option(
    "--spread",
    type=FiniteRange(min=0),
    default=1.0,
    show_default=True,
    help="Width of the physics within a class over what the literature gives; with --catalog.",
)
@seed_option
@group_min_option
@quantity_option
@output_option("The file to write, such as spectra.h5.")
@overwrite_option
@json_option
def simulate(
    number: int | None,
    catalog: Path | None,
    responses: Path | None,
    spread: float,
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

    With --catalog each detection follows a row of TABLE (CSV, FITS, VOTable or ECSV with the columns of the
    Chandra Source Catalog): the class (AGN, CV, HM-STAR, HMXB, LM-STAR, LMXB, NS or YSO) gives the physics,
    src_cnts_aper_s/m/h or the band fluxes the bands, livetime and theta the observation. What the table
    lacks is drawn from the detection tables under CHANDRA_EMBED_DATA, or from quantiles of the catalog
    where that is not set, and named in /truth/imputed.

    \b
    Example:
      chandra-embed simulate -n 1000 --seed 1 -o simulated.h5
    """
    from ..catalog.store import may_write
    from ..progress import Progress
    from ..recipe import Recipe
    from ..simulate.output import write_catalog_simulation, write_simulation
    from ..simulate.responses import read_responses

    if number is None and catalog is None:
        raise click.UsageError("give -n N, how many detections, or --catalog TABLE, one a row")
    if spread != 1 and catalog is None:
        raise click.UsageError("--spread is of classes, which only --catalog gives")
    refuse_input(output, catalog)
    may_write(output, overwrite)
    recipe = Recipe(quantity=quantity, group_min=group_min)
    read = read_responses(responses) if responses else []
    try:
        if catalog:
            conditions = _conditions(catalog, seed, recipe, read, spread)
            number = number or len(conditions.catalog.rows)
            with Progress(number, "simulate", unit="spectra") as progress:
                write_catalog_simulation(output, conditions, number, progress.update)
        elif number:
            with Progress(number, "simulate", unit="spectra") as progress:
                write_simulation(output, number, seed, recipe, read, progress.update)
    except KeyboardInterrupt:
        raise click.ClickException(f"{output}: stopped and not written; run the same command again") from None
    _summary(output, as_json)


def _conditions(
    catalog: Path, seed: int, recipe: "Recipe", responses: "list[Response]", spread: float
) -> "Conditions":
    """Read the table and, where CHANDRA_EMBED_DATA points, the detections its gaps are filled from."""
    from ..simulate.catalog import read_catalog
    from ..simulate.conditioned import Conditions
    from ..simulate.impute import find_pool

    found = read_catalog(catalog)
    for reason, count in found.left_out.items():
        click.echo(f"note: {catalog}: {count:,} rows left out: {reason}", err=True)
    for note in found.notes:
        click.echo(f"note: {catalog}: {note}", err=True)
    return Conditions(found, seed, recipe, find_pool(), responses, spread)


def _summary(path: Path, as_json: bool) -> None:
    """Print what the file holds."""
    import json

    import numpy as np

    from ..catalog import store

    with store.open_store(path, store.SPECTRA) as file:
        net, shapes = store.read_column(file, "net_counts"), store.read_column(file, "class")
        seed, table = int(file.attrs["seed"]), str(file.attrs.get("catalog", ""))
    quantiles = (5, 25, 50, 75, 95)
    values = np.percentile(net, quantiles)
    names, numbers = np.unique(shapes, return_counts=True)
    if as_json:
        record = {
            "file": str(path),
            "simulated": len(net),
            "seed": seed,
            "net_counts": {str(q): round(float(v), 2) for q, v in zip(quantiles, values, strict=True)},
            "classes" if table else "shapes": {str(k): int(m) for k, m in zip(names, numbers, strict=True)},
        }
        if table:
            record["catalog"] = table
        click.echo(json.dumps(record))
        return
    after = f" after {table}" if table else ""
    click.echo(f"{path}: {len(net):,} simulated detections{after} (seed {seed}); none of them was observed")
    click.echo(
        "net counts   " + "  ".join(f"{q} %: {v:,.0f}" for q, v in zip(quantiles, values, strict=True))
    )
    shares = "  ".join(f"{name or 'unknown'}: {m:,}" for name, m in zip(names, numbers, strict=True))
    click.echo(f"{'classes' if table else 'shapes':<13}{shares}")
