"""``chandra-embed neighbors``: the detections most like a given one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .base import Command
from .options import input_argument, json_option

if TYPE_CHECKING:
    import h5py

    from ..neighbors import Neighbors

HARDNESS = ("hard_hs", "hard_hm", "hard_ms")


@click.command(cls=Command)
@input_argument("embeddings")
@click.option("--name", help="Catalog name of the source, such as '2CXO J004732.9-251748'.")
@click.option("--obsid", type=click.IntRange(min=0), help="ObsID.")
@click.option("--file", "member", help="Input file of the detection, as ingest was given it.")
@click.option(
    "-k", type=click.IntRange(min=1), default=10, show_default=True, help="Neighbours of each detection."
)
@click.option(
    "--all-detections", is_flag=True, help="Take other detections of the same source as neighbours too."
)
@json_option
def neighbors(
    embeddings: Path,
    name: str | None,
    obsid: int | None,
    member: str | None,
    k: int,
    all_detections: bool,
    as_json: bool,
) -> None:
    """List the detections of other sources most like those that NAME, OBSID or FILE picks.

    Beside each stand its angle on the sky to the detection picked (arcsec), its class, net counts, hardness
    ratios, and degrees where the file is scored.

    \b
    Example:
      chandra-embed neighbors embeddings.h5 --name "2CXO J004732.9-251748" -k 5
    """
    if sum(given is not None for given in (name, obsid, member)) != 1:
        raise click.UsageError("give exactly one of --name, --obsid and --file")
    import numpy as np

    from ..catalog import store
    from ..nearest_sources import read_embedding
    from ..neighbors import find_neighbors, select_rows
    from .layout import json_line

    with store.open_store(embeddings, store.EMBEDDINGS) as file:
        rows = select_rows(file, name=name, obsid=obsid, member=member)
        x, facts = read_embedding(file), _Facts(file)
    found = find_neighbors(x, facts.columns["source_id"], rows, k=k, all_detections=all_detections)
    without = int(np.isnan(x).all(axis=1).sum())
    if facts.simulated and not as_json:
        click.echo(f"{embeddings}: simulated detections")
    if without and not as_json:
        click.echo(f"note: {without:,} detections have no embedding and are nobody's neighbours")
    for block in found:
        if as_json:
            known = {"without_embedding": without, **_as_facts(block, facts, all_detections)}
            click.echo(json_line(known))
        else:
            _print(block, facts, k, all_detections)


class _Facts:
    """Columns of the file that say what a detection is."""

    def __init__(self, file: "h5py.File") -> None:
        from ..catalog import store

        wanted = ["name", "file", "source_id", "obsid", "class", "net_counts"]
        wanted += [name for name in HARDNESS if name in file["detection"]]
        self.columns = {name: store.read_column(file, name) for name in wanted}
        self.ra, self.dec = (store.read_column(file, name) for name in ("ra", "dec"))
        self.simulated = bool(file.attrs.get("simulated", False))
        if "score/degree" in file:
            data = file["score/degree"]
            for tau, degree in zip(data.attrs["thresholds"], data[...], strict=True):
                self.columns[f"degree {tau:g}"] = degree

    def of(self, row: int) -> dict[str, Any]:
        """Return what is known of one detection."""
        return {"row": row, **{name: values[row] for name, values in self.columns.items()}}

    def separation(self, block: "Neighbors") -> Any:
        """Return the angles on the sky between a detection and its neighbours, arcsec."""
        from ..sky import separation

        row = block.row
        return separation(self.ra[block.rows], self.dec[block.rows], self.ra[row], self.dec[row])


def _as_facts(block: "Neighbors", facts: _Facts, all_detections: bool) -> dict[str, Any]:
    """Return one block for JSON."""
    near = [
        {"similarity": value, "separation": angle, **facts.of(int(row))}
        for row, value, angle in zip(block.rows, block.similarity, facts.separation(block), strict=True)
    ]
    return {
        "detection": facts.of(block.row),
        "simulated": facts.simulated,
        "embedded": block.embedded,
        "same_source": block.same_source,
        "same_source_left_out": not all_detections,
        "neighbors": near,
    }


def _print(block: "Neighbors", facts: _Facts, k: int, all_detections: bool) -> None:
    """Print one block for people."""
    from .layout import table

    own = facts.of(block.row)
    click.echo(
        f"row {block.row}: {own['name'] or own['file']}, ObsID {own['obsid']}, "
        f"class {own['class'] or '-'}, {own['net_counts']:g} net counts"
    )
    said = "counted as neighbours" if all_detections else "left out (--all-detections counts them)"
    if block.same_source:
        click.echo(f"other detections of this source: {block.same_source}, {said}")
    if not block.embedded:
        click.echo("note: this detection has no embedding, and no neighbours")
    elif len(block.rows) < k:
        click.echo(f"note: {len(block.rows)} neighbours, not {k}: the file has no more")
    if not len(block.rows):
        return
    names = [name for name in facts.columns if name not in ("name", "file", "source_id")]
    lines = []
    for row, value, angle in zip(block.rows, block.similarity, facts.separation(block), strict=True):
        each = facts.of(int(row))
        detection = each["name"] or each["file"]
        lines.append([f"{value:.6f}", int(row), detection, angle, *(each[name] for name in names)])
    click.echo(table(["similarity", "row", "detection", "separation (arcsec)", *names], lines))
