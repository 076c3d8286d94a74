"""``chandra-embed network``: the similarity graph of chosen detections as a complex network."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .base import Command
from .options import (
    FiniteRange,
    folder_option,
    input_argument,
    json_option,
    overwrite_option,
    seed_option,
)

if TYPE_CHECKING:
    from ..network.result import Found

SHOWN = 5  # isolated detections of each threshold
BEYOND = 0.05  # largest p of what is called more than a cloud has


@click.command(cls=Command)
@input_argument("embeddings")
@click.option("--where", metavar="CONDITION", help="Only detections that meet a condition on the columns.")
@click.option(
    "-t",
    "--threshold",
    "thresholds",
    type=FiniteRange(),
    multiple=True,
    default=(0.5, 0.7, 0.9),
    show_default=True,
    help="Cosine similarity from which two detections are joined; may be given several times.",
)
@click.option(
    "--density",
    "densities",
    type=FiniteRange(min=0, max=1, min_open=True),
    multiple=True,
    metavar="Q",
    help="Also the threshold at which a share Q of all pairs is joined; may be given several times.",
)
@click.option(
    "--modality",
    metavar="NAME",
    help="Embedding to compare: spectrum, event, text, both, or several as in spectrum+text.  "
    "[default: that of /embedding]",
)
@click.option(
    "--join",
    type=click.Choice(["mean", "concatenation"]),
    default="mean",
    show_default=True,
    help="How several modalities become one.",
)
@click.option("--all-detections", is_flag=True, help="Join other detections of the same source too.")
@click.option(
    "--null",
    "n_null",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    metavar="N",
    help="Random graphs of each null, and subsamples; 0: none, and no p-values.",
)
@seed_option
@folder_option("Folder to make.")
@overwrite_option
@json_option
def network(
    embeddings: Path,
    where: str | None,
    thresholds: tuple[float, ...],
    densities: tuple[float, ...],
    modality: str | None,
    join: str,
    all_detections: bool,
    n_null: int,
    seed: int,
    output: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Join similar detections of EMBEDDINGS into a network; find its core, its periphery, the isolated ones.

    Two detections are joined where the cosine similarity of their embeddings reaches a threshold. Lip's core
    is the set that comes nearest to "all joined inside, none outside"; the rest is the periphery, and the
    detections of lowest degree are listed as the most isolated. Nulls tell what of it chance would give:
    random graphs of as many edges (density) or of the same degrees (degree), embeddings whose dimensions are
    shuffled across sources (embedding), and random points of the embedding's mean and covariance (cloud).

    OUTPUT holds network.json, tables (CSV), pictures (PNG and PDF, with the plot extra) and graphs for Gephi
    and Cytoscape; degree, strength, coreness, core and component go into /network of EMBEDDINGS too.

    \b
    Example:
      chandra-embed network embeddings.h5 --where "var_prob_b > 0.9" -o network/
    """
    from ..network.result import Asked
    from ..network.run import run_network

    asked = Asked(
        where=where,
        thresholds=thresholds,
        densities=densities,
        modality=modality,
        join=join,
        all_detections=all_detections,
        n_null=n_null,
        seed=seed,
    )
    found = run_network(embeddings, output, asked, overwrite=overwrite)
    if as_json:
        from .layout import json_line

        for line in _lines(found):
            click.echo(json_line(line))
        return
    _print(found)
    click.echo(f"{output}: network.json, tables (CSV), pictures and graphs, {len(found.files)} files")


def _lines(found: "Found") -> list[dict[str, Any]]:
    """Return the lines of --json."""
    from ..network import tables

    whole = tables.result(found)
    head = {
        "kind": "network",
        "embeddings": str(found.path),
        "output": str(found.folder),
        "simulated": found.selection.simulated,
        "of": found.selection.of,
        "left_out": found.selection.left_out,
        "same_source_pairs": found.same_source,
        "notes": found.notes,
        **{name: whole[name] for name in ("n", "modality", "where")},
    }
    rows = {
        "threshold": tables.threshold_rows(found),
        "class": whole["classes"],
        "null": tables.null_rows(found),
        "isolated": tables.isolated_rows(found),
    }
    return [head, *({"kind": kind, **row} for kind, own in rows.items() for row in own)]


def _print(found: "Found") -> None:
    """Print the tables for people."""
    from .layout import table

    selection, asked = found.selection, found.asked
    told = "simulated " if selection.simulated else ""
    where = f" where {selection.where}" if selection.where else ""
    click.echo(f"{found.path}: {found.n:,} of {selection.of:,} {told}detections{where}, {selection.modality}")
    for reason, count in selection.left_out.items():
        click.echo(f"left out: {count:,}, {reason}")
    if found.same_source:
        said = "may be joined" if asked.all_detections else "are not joined (--all-detections joins them)"
        click.echo(f"pairs of detections of one source: {found.same_source:,}, {said}")
    head = ["similarity", "edges", "edge density", "core", "periphery", "without edges", "components"]
    lines = [
        [
            f">= {each.label}",
            each.level.edges,
            each.level.edge_density,
            each.level.core.size,
            each.level.periphery_size,
            each.level.isolated,
            each.level.component_count,
            "" if each.level.informative else "uninformative",
        ]
        for each in found.levels
    ]
    click.echo(table([*head, ""], lines))
    for each in found.levels:
        if each.level.how != "given":
            click.echo(f">= {each.label}: {each.level.how}")
    _print_nulls(found)
    _print_classes(found)
    _print_isolated(found)
    for note in found.notes:
        click.echo(f"note: {note}")


def _print_nulls(found: "Found") -> None:
    """Print every statistic beside its null."""
    from .layout import table

    head = ["similarity", "null", "statistic", "observed", "null 95 %", "p"]
    lines, why = [], []
    for each in found.levels:
        for test in each.nulls:
            row = test.row()
            if test.p is None:
                why.append(f">= {each.label}, {test.null}: no p-value ({test.reason})")
                continue
            span = f"{row['random_low95']:.4g} .. {row['random_high95']:.4g}"
            lines.append([f">= {each.label}", test.null, test.statistic, test.observed, span, test.p])
    if lines:
        click.echo("against chance (p: share of random ones that reach the observed value):")
        click.echo(table(head, lines))
    if any(line[1] == "degree" for line in lines):
        click.echo(
            "p against degree: points spread evenly over a sphere have a low one too; it says that alike "
            "detections stand in groups, not what these are"
        )
    _print_beyond_cloud(found)
    for line in dict.fromkeys(why):
        click.echo(line)


def _print_beyond_cloud(found: "Found") -> None:
    """Say at each threshold what is more than random points of the same mean and covariance have."""
    if not any(test.null == "cloud" and test.p is not None for each in found.levels for test in each.nulls):
        return
    click.echo(
        "cloud: random points of the embedding's mean and covariance, joined to as many edges; a core and a "
        "periphery that these have too are the middle and the rim of one cloud"
    )
    for each in found.levels:
        tests = [test for test in each.nulls if test.null == "cloud" and test.n_null + 1 >= 1 / BEYOND]
        beyond = [test.statistic.partition(",")[0] for test in tests if (test.p or 0) <= BEYOND]
        if tests:
            click.echo(
                f">= {each.label}, more than in a cloud (p <= {BEYOND:g}): {', '.join(beyond) or 'nothing'}"
            )


def _print_classes(found: "Found") -> None:
    """Print core and periphery by class."""
    from .layout import table

    head = ["similarity", "class", "sources", "detections", "core", "periphery", "periphery share", "95 %"]
    lines = [
        [
            f">= {each.label}",
            one.source_class,
            one.n_sources,
            one.n,
            one.n_core,
            one.n_periphery,
            f"{one.share:.1%}",
            f"{one.share_lolim:.1%} .. {one.share_hilim:.1%}",
        ]
        for each in found.levels
        for one in each.classes
    ]
    click.echo(table(head, lines))


def _print_isolated(found: "Found") -> None:
    """Print the most isolated detections of every threshold."""
    from .layout import table

    head = [
        "similarity",
        "row",
        "detection",
        "obsid",
        "class",
        "degree",
        "nearest",
        "its similarity",
        "flags",
    ]
    lines = [
        [
            f">= {each.label}",
            row["row"],
            str(row["name"] or row["file"]),
            row["obsid"],
            str(row["class"]),
            row["degree"],
            str(row["nearest_name"]),
            row["similarity"],
            row["flags"],
        ]
        for each in found.levels
        for row in each.isolated[:SHOWN]
    ]
    click.echo("the most isolated:")
    click.echo(table(head, lines))
