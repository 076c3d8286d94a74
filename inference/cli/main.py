"""The ``chandra-embed`` command: a group assembled from one module a command.

``training`` and ``export`` add theirs through the entry-point group ``chandra_embed.commands``.
"""

from importlib import import_module
from importlib.metadata import entry_points

import click

from .base import Group

# name -> module of this package that holds a click command of the same name
COMMANDS: tuple[str, ...] = (
    "demo",
    "ingest",
    "simulate",
    "embed",
    "score",
    "neighbors",
    "search",
    "network",
    "table",
    "models",
)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chandra-embed")
def main() -> None:
    """Embed, align and score the Chandra Source Catalog.

    \b
    The main job, from spectra to anomalies:
      chandra-embed ingest DIR -o spectra.h5
      chandra-embed embed spectra.h5 -o embeddings.h5
      chandra-embed score embeddings.h5
      chandra-embed table embeddings.h5 -o scores.fits
    """


for _name in COMMANDS:
    main.add_command(getattr(import_module(f".{_name}", __package__), _name))
for _point in entry_points(group="chandra_embed.commands"):
    main.add_command(_point.load())
