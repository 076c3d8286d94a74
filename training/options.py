"""Options that the commands of ``train`` share, each written once."""

from pathlib import Path

import click

from ..inference.cli.options import Decorator, folder_option

spectra_argument: Decorator = click.argument(
    "spectra", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
run_option: Decorator = folder_option("Run folder; an unfinished run of the same settings goes on.")


def latents_option(default: int) -> Decorator:
    """Return the ``--latents`` option."""
    return click.option(
        "--latents",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        help="Numbers in the bottleneck.",
    )


def epochs_option(default: int, rows: str) -> Decorator:
    """Return the ``--epochs`` option; `rows` says what is passed over."""
    return click.option(
        "--epochs",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        help=f"Passes over the {rows}.",
    )
