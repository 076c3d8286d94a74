"""``chandra-embed evaluate anomalies`` and ``evaluate variability``: what comes up as strange or variable."""

from pathlib import Path
from typing import Any

import click

from ...inference.cli.base import Command
from ...inference.cli.options import json_option, overwrite_option
from .alignment_cli import model_option
from .cli_shared import folder_option, prepare, tell


@click.command(cls=Command)
@model_option
@folder_option
@overwrite_option
@json_option
def anomalies(model: str, output: Path, overwrite: bool, as_json: bool) -> None:
    """Measure whether rare sources planted among normal ones come up; needs the extra plot.

    26,500 detections of the generic population and 60 each of ULX-like, supersoft and flaring young sources
    are simulated once and kept in the output folder; the rare ones lie within the net counts and hardness of
    the normal ones. Recovered shares in the top 2 %, by kind and net counts, in the spaces of spectra, events
    and both, with intervals and the paired difference to the same scores on three hardness ratios; beside
    them the measured variability alone, and classifiers that were shown such sources, as a guide to what can
    be reached; how many times as many of them as of all are among the lowest 1 % of degrees in the similarity
    graph, at 0.5, 0.7 and 0.9; then the conformal p-values of normal sources. Where CHANDRA_EMBED_DATA is
    set, its real spectra of Chandra and of ultraluminous sources seen by XMM-Newton are scored and shown,
    without a claim.

    Install the extra with: pip install 'chandra-embed[plot]'

    \b
    Example:
      chandra-embed evaluate anomalies --model aligned-64 -o evaluation
    """
    from .rare import run, table

    prepare(output, "anomalies", overwrite, "some fifteen minutes the first time, then about six")
    rows, others = run(model, output, data=_data("spectra"))
    tell(_named({"anomalies": rows, **others}) if as_json else rows, table(rows, others), output, as_json)


@click.command(cls=Command)
@folder_option
@overwrite_option
@json_option
def variability(output: Path, overwrite: bool, as_json: bool) -> None:
    """Measure how often the Gregory-Loredo test errs; needs the extra plot.

    The share called variable (probability above 0.9) of simulated steady sources, of five-fold flares and of
    steady sources with gaps in their good time, by net counts, 1,000 each. Where CHANDRA_EMBED_DATA is set,
    the probabilities and indices in the headers of its light curves stand beside those of counts drawn from
    their rates.

    Install the extra with: pip install 'chandra-embed[plot]'

    \b
    Example:
      chandra-embed evaluate variability -o evaluation
    """
    from .variability import run, table

    prepare(output, "variability", overwrite, "about four minutes")
    rows, curves = run(output, data=_data("light curves"))
    named = _named({"variability": rows, "variability-lightcurves": curves})
    tell(named if as_json else rows, table(rows, curves), output, as_json)


def _named(tables: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the rows of several tables, each with the name of its table."""
    return [{"table": name, **row} for name, rows in tables.items() for row in rows]


def _data(what: str) -> Path | None:
    """Return the folder of real files, or say that they are left out."""
    from .outside_data import DataNotNamed, data_folder

    try:
        return data_folder()
    except DataNotNamed:
        click.echo(f"real {what} are left out: CHANDRA_EMBED_DATA names no folder", err=True)
        return None
