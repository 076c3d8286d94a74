"""``chandra-embed score``: degrees and anomalies of a whole file."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .base import Command
from .options import input_argument, json_option, seed_option

if TYPE_CHECKING:
    from ..score import Scores

STRANGEST = 10


def _finite(_: click.Context, param: click.Parameter, value: Any) -> Any:
    """Refuse NaN and infinity, which click takes for numbers."""
    for each in value if isinstance(value, tuple) else (value,):
        if not math.isfinite(each):
            raise click.BadParameter(f"{each} is not a finite number", param=param)
    return value


@click.command(cls=Command)
@input_argument("embeddings")
@click.option(
    "-t",
    "--threshold",
    "thresholds",
    type=float,
    multiple=True,
    default=(0.5, 0.7, 0.9),
    show_default=True,
    callback=_finite,
    help="Cosine similarity that degrees count from; may be given several times.",
)
@click.option(
    "-k",
    type=click.IntRange(min=1),
    default=None,
    help="Neighbour that distances are measured to.  [default: that of the bundle's reference, else 10]",
)
@seed_option
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to run, with the same scores; auto takes CUDA where it answers. Not measured on a GPU.",
)
@click.option(
    "--min-counts",
    type=float,
    default=40.0,
    show_default=True,
    callback=_finite,
    help="Detections of fewer net counts get no anomaly; unknown counts are kept.",
)
@click.option(
    "--no-artefacts",
    is_flag=True,
    help="Nor do detections flagged as piled up, saturated, on a streak, confused, or dithering.",
)
@json_option
def score(
    embeddings: Path,
    thresholds: tuple[float, ...],
    k: int | None,
    seed: int,
    device: str,
    min_counts: float,
    no_artefacts: bool,
    as_json: bool,
) -> None:
    """Count similar detections and rate how strange each one is; writes /score into EMBEDDINGS.

    An anomaly is the mean quantile, 0 to 1, of three measures among the frozen reference of the bundle: the
    distance to the k-th nearest, an isolation forest, and the reconstruction error. p-values and false
    discovery rates come with it. Without a frozen reference the quantiles are within the file, and there
    are no p-values; --seed then seeds the forest.

    The strangest are listed with the flags set on them and with what sets them apart: the nearest other
    sources of known class, hardness ratios 3 robust sigmas or more from the median of the 10 nearest other
    sources, and the reconstruction error over its median in the file.

    An earlier /score is replaced, all else stays; a run that is stopped leaves the file as it was, and
    beside it what it has found so far: repeat the command to go on.

    \b
    Example:
      chandra-embed score embeddings.h5 -t 0.7 -t 0.9 --no-artefacts
    """
    from ..catalog import store
    from ..score import score_file
    from ..threads import thread_count
    from ..why import why

    found = score_file(
        embeddings,
        thresholds=thresholds,
        k=k,
        seed=seed,
        min_counts=min_counts,
        no_artefacts=no_artefacts,
        device=device,
    )
    with store.open_store(embeddings, store.EMBEDDINGS) as file:
        columns = {name: store.read_column(file, name) for name in ("name", "file", "obsid", "net_counts")}
        simulated = bool(file.attrs.get("simulated", False))
        strangest = list(_strangest(found, columns))
        reasons = why(file, [line["row"] for line in strangest])
    for line, reason in zip(strangest, reasons, strict=True):
        line |= {"flags": reason.flags, "why": reason.facts()}
    facts = {**_summary(found), "file": str(embeddings), "simulated": simulated, "device": found.device}
    if as_json:
        from .layout import json_line

        for line in ({"kind": "summary", **facts}, *({"kind": "detection", **row} for row in strangest)):
            click.echo(json_line(line))
        return
    told = " (simulated)" if simulated else ""
    device_note = f"device {found.device}, {thread_count()} threads" + (" (auto)" if device == "auto" else "")
    click.echo(f"{embeddings}: {facts['detections']:,} detections{told}, {device_note}")
    _print(found, facts, strangest)
    for reason in reasons:
        click.echo(f"why row {reason.row}: {reason.text()}")
    if strangest:
        click.echo(f"next: {_next(embeddings, strangest[0])}")


def _summary(found: "Scores") -> dict[str, Any]:
    """Return the figures of the whole file."""
    import numpy as np

    n = found.degree.shape[1]
    degrees = []
    for tau, values in zip(found.thresholds, found.degree, strict=True):
        quartiles = np.percentile(values, (0, 25, 50, 75, 100)) if n else np.full(5, np.nan)
        density = values.sum() / (n * (n - 1)) if n > 1 else float("nan")
        degrees.append({"threshold": tau, "quartiles": quartiles, "density": density})
    scored = int(np.isfinite(found.anomaly).sum())
    return {
        "detections": n,
        "degrees": degrees,
        "against": found.against,
        "k": found.k,
        "scored": scored,
        "without_anomaly": n - scored,
        "left_out": found.left_out,
        "notes": found.notes,
    }


def _strangest(found: "Scores", columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the detections of the highest anomaly, of equal ones the lower row first."""
    import numpy as np

    order = np.argsort(-found.anomaly, kind="stable")  # NaN stands last
    for row in order[:STRANGEST][np.isfinite(found.anomaly[order[:STRANGEST]])]:
        yield {
            "row": row,
            **{name: values[row] for name, values in columns.items()},
            "anomaly": found.anomaly[row],
            "anomaly_pvalue": found.anomaly_pvalue[row],
            "anomaly_qvalue": found.anomaly_qvalue[row],
        }


def _print(found: "Scores", facts: dict[str, Any], strangest: list[dict[str, Any]]) -> None:
    """Print the tables for people."""
    from .layout import table

    head = ["similarity", "least degree", "25 %", "median", "75 %", "most", "edge density"]
    lines = [[f">= {each['threshold']:g}", *each["quartiles"], each["density"]] for each in facts["degrees"]]
    click.echo(table(head, lines))
    click.echo(f"anomalies against: {found.against}, k = {found.k}")
    if found.against.endswith("(simulated)"):
        click.echo("p: how rare among the simulated spectra of the reference, not among observed ones")
    if found.against == "file":
        click.echo("no frozen reference: quantiles are within the file, there are no p-values")
    for note in found.notes:
        click.echo(f"note: {note}")
    reasons = ", ".join(f"{reason}: {n:,}" for reason, n in found.left_out.items())
    click.echo(
        f"scored: {facts['scored']:,}; left out: {facts['without_anomaly']:,}" + (reasons and f" ({reasons})")
    )
    if strangest:
        names = {"anomaly_pvalue": "p", "anomaly_qvalue": "q", "net_counts": "net counts"}
        keys = ["row", "obsid", "net_counts", "anomaly", "anomaly_pvalue", "anomaly_qvalue"]
        rows = [
            [
                line["row"],
                line["name"] or line["file"],
                *(line[key] for key in keys[1:]),
                ", ".join(flag.removesuffix("_flag") for flag in line["flags"]),
            ]
            for line in strangest
        ]
        click.echo("the strangest:")
        click.echo(table(["row", "detection", *(names.get(key, key) for key in keys[1:]), "flags"], rows))


def _next(embeddings: Path, strangest: dict[str, Any]) -> str:
    """Return the command that looks closer at the strangest detection."""
    import shlex

    name, file = str(strangest["name"]), str(strangest["file"])
    selector = ["--name", name] if name else ["--file", file]
    return shlex.join(["chandra-embed", "neighbors", str(embeddings), *selector])
