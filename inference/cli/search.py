"""``chandra-embed search``: the detections most like some words."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .base import Command
from .options import input_argument, json_option

if TYPE_CHECKING:
    from ..search import Hits

COLUMNS = ("name", "obsid", "class", "hard_hs", "hard_hm", "hard_ms", "var_prob_b", "net_counts")


@click.command(cls=Command)
@input_argument("embeddings")
@click.argument("text")
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="Detections to list.")
@click.option("--all-detections", is_flag=True, help="List several detections of one source too.")
@json_option
def search(embeddings: Path, text: str, k: int, all_detections: bool, as_json: bool) -> None:
    """List the detections of EMBEDDINGS most like TEXT, one of each source.

    EMBEDDINGS must be made with an aligned bundle; the text is embedded with the same one, offline.

    \b
    Example:
      chandra-embed search embeddings.h5 "hard variable ultraluminous source" -k 5
    """
    from ..catalog import store
    from ..search import search as find
    from .layout import json_line

    with store.open_store(embeddings, store.EMBEDDINGS) as file:
        found = find(file, text, k=k, all_detections=all_detections)
        columns = {name: store.read_column(file, name)[found.rows] for name in ("file", *COLUMNS)}
        detections, simulated = store.row_count(file), bool(file.attrs.get("simulated", False))
    hits = [
        {
            "rank": i + 1,
            "similarity": found.similarity[i],
            "row": row,
            **{name: values[i] for name, values in columns.items()},
            "other_detections": found.other_detections[i],
            "simulated": simulated,
        }
        for i, row in enumerate(found.rows)
    ]
    if as_json:
        for hit in hits:
            learned = {"bundle": found.bundle, "semi_simulated_texts": found.semi_simulated}
            click.echo(json_line({"text": text, **hit, **learned}))
        return
    told = " (simulated)" if simulated else ""
    click.echo(f"{embeddings}: {detections:,} detections{told}, bundle {found.bundle}")
    if found.semi_simulated:
        click.echo("the bundle learned its words from semi-simulated texts")
    _print(found, hits, k, all_detections)


def _print(found: "Hits", hits: list[dict[str, Any]], k: int, all_detections: bool) -> None:
    """Print the table for people, and what is not in it."""
    from .layout import table

    if found.without:
        click.echo(f"note: {found.without:,} detections have no embedding and are not ranked")
    if len(hits) < k:
        what = "detections" if all_detections else "sources"
        click.echo(f"note: {len(hits)} {what}, not {k}: the file has no more")
    left = int(found.other_detections.sum())
    if left and not all_detections:
        click.echo(f"other detections of these sources: {left:,}, left out (--all-detections lists them)")
    if not hits:
        return
    lines = [
        [
            hit["rank"],
            f"{hit['similarity']:.4f}",
            hit["name"] or hit["file"],
            *(hit[name] for name in COLUMNS[1:]),
        ]
        for hit in hits
    ]
    click.echo(table(["rank", "similarity", *COLUMNS], lines))
