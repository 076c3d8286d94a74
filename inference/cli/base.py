"""The command class every command uses: -v and -q, one-line errors, exit codes.

Imports click alone, so that ``chandra-embed --help`` starts fast.
"""

import logging
import sys
from typing import Any

import click

from ...models.errors import ChandraEmbedError

logger = logging.getLogger("chandra_embed")


def _set_level(verbose: int, quiet: bool) -> None:
    level = logging.ERROR if quiet else {0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG)
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s: %(message)s")
    logger.setLevel(level)


class Command(click.Command):
    """A command that turns every failure into one line, and a traceback only under ``-v``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [
            click.Option(["-v", "--verbose"], count=True, help="Say more; twice: everything."),
            click.Option(["-q", "--quiet"], is_flag=True, help="Only errors."),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; exit 1 with one line where it fails."""
        verbose, quiet = ctx.params.pop("verbose"), ctx.params.pop("quiet")
        _set_level(verbose, quiet)
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, click.ClickException, BrokenPipeError):
            raise
        except ChandraEmbedError as error:
            failure: Exception = error
            text = str(error)
        except ModuleNotFoundError as error:
            failure = error
            text = _missing(error)
        except Exception as error:
            failure = error
            text = f"{type(error).__name__}: {error} (-v shows where)"
        if verbose:
            raise failure
        click.echo("error: " + " ".join(text.split()), err=True)
        raise click.exceptions.Exit(1)


def _missing(error: ModuleNotFoundError) -> str:
    extras = {
        "torch": "train",
        "onnx": "train",
        "onnxscript": "train",
        "matplotlib": "plot",
        "bokeh": "plot",
        "pyvo": "csc",
        "pyarrow": "parquet",
        "pyoperon": "symbolic",
        "dask": "distributed",
    }
    top = (error.name or "").split(".")[0]
    if top in extras:
        return f"{top} is not installed: pip install 'chandra-embed[{extras[top]}]'"
    return str(error)


class Group(click.Group):
    """A group whose commands are :class:`Command` by default."""

    command_class = Command
    group_class = type
