"""``chandra-embed demo``: the whole chain on simulated data, to scores and pictures."""

import shlex
from pathlib import Path

import click

from .base import Command
from .options import overwrite_option


@click.command(cls=Command)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="Folder for the results.",
)
@overwrite_option
def demo(output: Path, overwrite: bool) -> None:
    """Run the whole chain on a small simulated catalog: simulate, embed, score, table, pictures.

    Uses the frozen bundle spectrum-8 and no network; takes about a minute. All of its data are simulated.

    \b
    Example:
      chandra-embed demo -o demo-output
    """
    from ..demo import run_demo

    done = run_demo(output, overwrite=overwrite, say=click.echo)
    spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in done.seconds.items())
    click.echo(f"\ndone: {done.rows:,} simulated detections in {sum(done.seconds.values()):.0f} s ({spent})")
    embeddings = shlex.quote(str(output / "embeddings.h5"))
    click.echo(
        f"""
look at
  {output}/overview.png     where the simulated spectra lie, which are strange, what the model keeps of them
  {output}/strangest.ecsv   the strangest twenty, a table to read
  {output}/scores.fits      everything, one row a detection: open it in TOPCAT

try next
  chandra-embed table {embeddings} -o bright.fits --where "net_counts > 300 and anomaly > 0.95"
  chandra-embed score {embeddings} -t 0.95 --min-counts 100
  chandra-embed ingest YOUR_FOLDER -o spectra.h5     your own Chandra spectra, the same chain"""
    )
