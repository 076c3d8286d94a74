"""What the evaluate commands share: their arguments, the check before the work, the output after it.

Imports click alone, so that the help needs nothing else.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ...models.errors import ChandraEmbedError

files = click.Path(exists=True, dir_okay=False, path_type=Path)
folder_option = click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("evaluation"),
    show_default=True,
    help="Folder of the tables (CSV, JSON) and figures (PNG, PDF).",
)


def prepare(output: Path, name: str, overwrite: bool, duration: str) -> None:
    """Refuse to replace a result unasked, make the folder, and say how long it will take."""
    path = output / f"{name}.json"
    if path.exists() and not overwrite:
        raise ChandraEmbedError(f"{path}: exists already; give --overwrite to replace it, or another -o")
    import matplotlib  # noqa: F401  missing, it is told before the work rather than after

    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ChandraEmbedError(
            f"{output}: the folder cannot be made ({error.strerror or error}); give another -o"
        ) from error
    click.echo(f"{name}: this takes {duration} on two cores", err=True)


def tell(rows: Sequence[dict[str, Any]], text: str, output: Path, as_json: bool) -> None:
    """Print rows as JSON lines, or their table and where everything lies."""
    from ...inference.cli.layout import json_line

    if as_json:
        for row in rows:
            click.echo(json_line(row))
        return
    click.echo(text)
    click.echo(f"tables and figures: {output}")
