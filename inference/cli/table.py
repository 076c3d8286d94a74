"""``chandra-embed table``: an embeddings file as a table for TOPCAT and astropy."""

from pathlib import Path

import click

from .base import Command
from .options import input_argument, json_option, output_option, overwrite_option, refuse_input


@click.command(cls=Command)
@input_argument("embeddings")
@output_option("Table to make; the name ends in .fits, .vot, .ecsv or .parquet.")
@click.option("--where", metavar="CONDITION", help="Only rows that meet a condition on the columns.")
@click.option("--columns", metavar="A,B,C", help="Only these columns, in this order.  [default: all]")
@click.option(
    "--top", type=click.IntRange(min=1), metavar="N", help="Only the N strangest by anomaly (needs score)."
)
@overwrite_option
@json_option
def table(
    embeddings: Path,
    output: Path,
    where: str | None,
    columns: str | None,
    top: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write EMBEDDINGS as one flat table, a row a detection, with units and descriptions.

    A condition compares columns with numbers and texts, joined by and, or, not; "in" takes a list, as in
    class in ("AGN", "LMXB"). A comparison with a missing number (NaN) does not hold; missing whole numbers
    are -1. --top works on the rows that --where leaves.

    \b
    Example:
      chandra-embed table embeddings.h5 -o scores.fits --where "net_counts > 100 and var_prob_b > 0.9"
    """
    from ..catalog import store
    from ..catalog.tables import build_table, check_extension, write_table
    from ..errors import ChandraEmbedError
    from .layout import json_line

    try:
        check_extension(output)
    except ChandraEmbedError as error:
        raise click.UsageError(str(error)) from error
    refuse_input(output, embeddings)
    store.may_write(output, overwrite)
    names = [name.strip() for name in columns.split(",")] if columns is not None else None
    with store.open_store(embeddings, store.EMBEDDINGS) as file:
        made = build_table(file, where=where, columns=names, top=top)
        of, simulated = store.row_count(file), bool(file.attrs.get("simulated", False))
    write_table(made, output)
    if as_json:
        facts = {"output": str(output), "rows": len(made), "of": of, "columns": len(made.colnames)}
        click.echo(json_line({**facts, "simulated": simulated}))
        return
    told = " (simulated data)" if simulated else ""
    click.echo(f"{output}: {len(made):,} of {of:,} rows, {len(made.colnames)} columns{told}")
