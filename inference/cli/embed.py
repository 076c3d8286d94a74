"""``chandra-embed embed``: spectra to embeddings."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .base import Command
from .options import device_option, input_argument, json_option, overwrite_option, refuse_input

if TYPE_CHECKING:
    from ..embed import Embedded


@click.command(cls=Command)
@input_argument("spectra")
@click.option(
    "-o",
    "--output",
    "outputs",
    type=click.Path(path_type=Path),
    required=True,
    multiple=True,
    help="Embeddings to make, an HDF5 file; again for each further --model.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    help="Frozen bundle: a name or a folder. Several are read for in one pass, the first into the first -o."
    "  [default: spectrum-8; of flux densities spectrum-8-flux]",
)
@device_option
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=None,
    help="Rows of one call of the model.  [default: 32 on a CPU, 1024 on CUDA]",
)
@click.option(
    "--texts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table of texts (CSV or JSON lines: file or name, text) to embed beside, with an aligned model.",
)
@overwrite_option
@json_option
def embed(
    spectra: Path,
    outputs: tuple[Path, ...],
    models: tuple[str, ...],
    device: str,
    batch_size: int | None,
    texts: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Embed every row of SPECTRA, a file of ingest or simulate, with a frozen model.

    An aligned model embeds the events too, where SPECTRA holds them, into the same space, and the texts of
    --texts: several of one source are averaged; network compares by all, as in --modality spectrum+text.

    An unfinished output is gone on with, on the settings it was begun with: repeat the command. Ctrl-C and
    SIGTERM finish the rows at hand; a second one breaks off, which does no harm either.

    \b
    Examples:
      chandra-embed embed spectra.h5 -o embeddings.h5
      chandra-embed embed spectra.h5 --model spectrum-8 -o eight.h5 --model aligned-64 -o aligned.h5
      chandra-embed embed spectra.h5 -o aligned.h5 --model aligned-64 --texts texts.csv
    """
    from ..embed import embed_files

    for output in outputs:
        refuse_input(output, texts)
    named = models or (None,)
    if len(outputs) != len(named) or len(set(outputs)) < len(outputs):
        given = f"{len(named)} --model and {len(outputs)} -o, {len(set(outputs))} of them unlike"
        raise click.UsageError(f"{given}: give each model an output of its own")
    pairs = dict(zip(outputs, named, strict=True))
    settings: dict[str, Any] = {"batch_size": batch_size, "texts": texts, "overwrite": overwrite}
    for done in embed_files(spectra, pairs, device=device, **settings):
        _say(done, as_json)


def _say(done: "Embedded", as_json: bool) -> None:
    """Tell what was made of one output, as a line of JSON or for people."""
    facts = {
        "output": str(done.output),
        "rows": done.rows,
        "resumed_at": done.resumed_at,
        "rows_per_second": round(done.rate, 1),
        "bundle": f"{done.bundle} {done.version}",
        "device": done.device,
        "provider": done.provider,
        "simulated": done.simulated,
        "rows_with_events": done.with_events,
        "rows_with_text": done.with_text,
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    resumed = f" ({done.resumed_at:,} of them by an earlier run)" if done.resumed_at else ""
    told = " (simulated)" if done.simulated else ""
    click.echo(f"{done.output}: {done.rows:,} rows{told}{resumed}, {done.rate:,.0f} rows/s")
    if done.with_events is not None:
        click.echo(f"events: {done.with_events:,} rows have some and an embedding of them")
    if done.with_text is not None:
        click.echo(f"texts: {done.with_text:,} rows have some and an embedding of them")
    click.echo(f"bundle {facts['bundle']}, device {done.device} ({done.provider})")
    click.echo(f"next: chandra-embed score {shlex.quote(str(done.output))}")
