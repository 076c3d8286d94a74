"""Options that several commands share, each written once."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Any], Any]


class FiniteRange(click.FloatRange):
    """A range of numbers; NaN, which compares with nothing, and infinity are in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or fail as bad use."""
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return found


json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
overwrite_option: Decorator = click.option("--overwrite", is_flag=True, help="Replace the output file.")
seed_option: Decorator = click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Seed of all random numbers.",
)
model_option: Decorator = click.option(
    "--model", default="spectrum-8", show_default=True, help="Frozen bundle: a name or a folder."
)
device_option: Decorator = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to run.",
)
group_min_option: Decorator = click.option(
    "--group-min",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Channels are grouped to at least so many source counts.",
)
quantity_option: Decorator = click.option(
    "--quantity",
    type=click.Choice(["rate", "flux"]),
    default="rate",
    show_default=True,
    help="Rate density, or flux density (needs an ARF).",
)


def output_option(help: str, *, required: bool = True) -> Decorator:
    """Return the ``-o/--output`` option."""
    return click.option("-o", "--output", type=click.Path(path_type=Path), required=required, help=help)


def folder_option(help: str) -> Decorator:
    """Return the ``-o/--output`` option of commands that write a folder."""
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("-o", "--output", type=kind, required=True, help=help)


def refuse_input(output: Path, *inputs: Path | None) -> None:
    """Raise UsageError where a command would write over what it reads."""
    for path in inputs:
        if path is not None and output.exists() and path.exists() and output.samefile(path):
            raise click.UsageError(f"{output}: is an input; give another name to -o")


def input_argument(name: str) -> Decorator:
    """Return an argument that names one existing file."""
    return click.argument(name, type=click.Path(exists=True, dir_okay=False, path_type=Path))
