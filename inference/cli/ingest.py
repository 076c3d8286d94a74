"""``chandra-embed ingest``: files in, ``spectra.h5`` out, nothing lost on the way."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...models.errors import ChandraEmbedError
from .base import Command
from .options import group_min_option, json_option, output_option, overwrite_option, quantity_option

if TYPE_CHECKING:
    from ..catalog.ingest import Summary


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--catalog",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table whose columns (name, class, hardness, variability, flags) are joined to the rows: on obsid, "
    "obi and region_id, else on name and obsid.",
)
@click.option(
    "--radius",
    type=click.FloatRange(min=0, min_open=True),
    metavar="ARCSEC",
    help="With --catalog: rows that match neither are joined by position, within so much.",
)
@click.option(
    "--responses",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table with columns file, arf, rmf, background: what headers do not name.",
)
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar='x,y,r|ra,dec,r"|FILE',
    help="Events of this circle (sky pixels; with a unit on r, sky coordinates) or region file (reg3, DS9); "
    "several: a row each.",
)
@group_min_option
@quantity_option
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes that read; default: as many as there are CPUs. The output is the same with any number.",
)
@output_option("The spectra.h5 to write.")
@overwrite_option
@json_option
def ingest(
    paths: tuple[Path, ...],
    catalog: Path | None,
    radius: float | None,
    responses: Path | None,
    regions: tuple[str, ...],
    group_min: int,
    quantity: str,
    jobs: int | None,
    output: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Read spectra (PHA with ARF, RMF, background) and event files onto one logarithmic energy grid.

    PATH is a file, a directory or a tar file; in these every spectrum, event file (evt2, regevt3) and
    light curve (lc3) is taken. CSC level 3 files, CIAO .pi files and the Multimodal Universe's chandra HDF5
    files are read. Events and light curves join the spectrum of the same detection; without one they make a
    row of their own. Each input is used, or the companion of another (its background, its events, a
    grouped copy), or quarantined with the reason; the three add up, an event file counts once.

    A run that was stopped or killed goes on where it was when the same command is run again.

    \b
    Example:
      chandra-embed ingest my_spectra/ -o spectra.h5
      chandra-embed ingest acisf00755_evt2.fits --region '22:25:52.6,+65:35:35,4"' -o spectra.h5
    """
    if radius is not None and catalog is None:
        raise click.BadParameter("needs --catalog", param_hint="--radius")
    from ..catalog import ingest as work
    from ..catalog.regions import parse_region
    from ..catalog.store import may_write
    from ..recipe import Recipe

    try:
        wanted = [parse_region(text) for text in regions]
    except ChandraEmbedError as error:
        raise click.BadParameter(str(error), param_hint="--region") from error
    may_write(output, overwrite)
    recipe = Recipe(quantity=quantity, group_min=group_min)
    summary = work.ingest(paths, output, recipe, responses, wanted, catalog=catalog, radius=radius, jobs=jobs)
    if as_json:
        click.echo(json.dumps(asdict(summary)))
    else:
        _tell(summary, output)
    if not summary.used:
        raise click.exceptions.Exit(1)


def _tell(summary: "Summary", output: Path) -> None:
    for title, rows in (("companions", summary.companion), ("quarantined", summary.quarantine)):
        if rows:
            click.echo(f"{title}:")
            width = max(len(row[0]) for row in rows)
            for path, *rest in rows:
                click.echo(
                    f"  {path:<{width}}  " + (f"of {rest[0]} ({rest[1]})" if len(rest) == 2 else rest[0])
                )
    if summary.regions_aside:
        click.echo("regions without a row:")
        for path, text, reason in summary.regions_aside:
            click.echo(f"  {path}  {text}  {reason}")
    lacking = [f"{n} without {what}" for what, n in summary.without.items() if n]
    if lacking:
        click.echo(
            f"of the spectra used, {', '.join(lacking)} (without an RMF: nominal ACIS PI energies); -v lists"
        )
    if summary.catalog is not None:
        found = [f"{n} rows by {way}" for way, n in summary.catalog.items() if way != "none" and n]
        click.echo(
            f"joined with the catalog: {', '.join(found) or 'no row'}; "
            f"{summary.catalog['none']} rows are not in it (-v lists)"
        )
    click.echo(
        f"{summary.given} given = {summary.used} used + {summary.companions} companions"
        f" + {summary.quarantined} quarantined"
    )
    if summary.used:
        held = "" if summary.rows == summary.used else f" ({summary.rows} rows)"
        click.echo(f"wrote {output}{held}; next: chandra-embed embed {output} -o embeddings.h5")
    else:
        click.echo(f"no spectrum could be used; {output} holds the reasons", err=True)
