"""``chandra-embed train text``: the built-in text encoder, fitted to texts of one's own."""

from pathlib import Path

import click

from ..inference.cli.base import Command
from ..inference.cli.options import folder_option, json_option, overwrite_option, seed_option


@click.command(cls=Command)
@click.argument(
    "texts", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@folder_option("Folder for the encoder.")
@click.option(
    "--components", type=click.IntRange(min=1), default=128, show_default=True, help="Length of a vector."
)
@click.option(
    "--min-df",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Words and word pairs that stand in fewer texts are left out.",
)
@seed_option
@overwrite_option
@json_option
def text(
    texts: tuple[Path, ...],
    output: Path,
    components: int,
    min_df: int,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Fit a text encoder: TF-IDF of words and word pairs, then a truncated SVD.

    TEXTS are CSV or JSON lines with a column text, or title and abstract. Where they have a column split,
    only the rows of train are fitted. Neither torch nor a download is needed.

    \b
    Example:
      chandra-embed train text abstracts.jsonl -o runs/text
    """
    import json

    from .text import train_text

    meta = train_text(texts, output, n_components=components, min_df=min_df, seed=seed, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(meta))
        return
    kind = "semi-simulated texts" if meta["semi_simulated"] else "texts"
    click.echo(f"{'file':<40}{'rows':>10}{'fitted':>10}")
    for file in meta["texts"]:
        click.echo(f"{file['name']:<40}{file['rows']:>10,}{file['fitted']:>10,}")
    click.echo(
        f"{meta['fitted']:,} {kind}, {meta['terms']:,} words and word pairs, vectors of {meta['size']} "
        f"numbers that keep {meta['share']:.0%} of the squared length"
    )
