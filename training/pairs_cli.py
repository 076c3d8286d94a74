"""``chandra-embed train pairs``: semi-simulated texts for simulated detections. Needs no extra."""

from pathlib import Path

import click

from ..inference.cli.base import Command
from ..inference.cli.options import (
    input_argument,
    json_option,
    output_option,
    overwrite_option,
    refuse_input,
    seed_option,
)


@click.command(cls=Command)
@input_argument("spectra")
@output_option("Texts to write, JSON lines; beside them <stem>.facts.jsonl, what each states.")
@seed_option
@overwrite_option
@json_option
def pairs(spectra: Path, output: Path, seed: int, overwrite: bool, as_json: bool) -> None:
    """Write semi-simulated texts for simulated spectra, one a detection.

    SPECTRA is a file simulated after tables/muwclass_TD.csv under CHANDRA_EMBED_DATA.

    A text states the class, the subtype, the physics that the simulator drew (in words, as literature has
    it: obscured or not, hot or cool) and what other wavelengths say of the real source; 5 % of the facts
    are wrong, 15 % are left out. Sentences of real abstracts stand between them. Nothing comes from the
    spectrum, its counts or its events. No sentence stands in two splits (train, validation, test).

    \b
    Example:
      chandra-embed simulate --catalog muwclass_TD.csv -n 4160 -o spectra.h5
      chandra-embed train pairs spectra.h5 -o texts.jsonl
    """
    import json
    from dataclasses import asdict

    from ..inference.catalog.store import may_write
    from .evaluation.outside_data import DataNotNamed, data_folder
    from .pairs.write import facts_path, left_over, write_texts

    try:
        data = data_folder()
    except DataNotNamed as error:
        click.echo(f"error: {error}", err=True)
        raise click.exceptions.Exit(2) from error
    facts = facts_path(output)
    for path in (output, facts):
        refuse_input(path, spectra)
    may_write(output, overwrite)
    may_write(facts, overwrite or left_over(output, spectra, seed))
    done = write_texts(spectra, data, output, seed)
    if as_json:
        click.echo(json.dumps({**asdict(done), "facts": done.facts.name, "semi_simulated": True}))
        return
    click.echo(f"{done.rows} semi-simulated texts in {output}, their facts in {done.facts}")
    for part, rows in done.splits.items():
        click.echo(f"  {part:<10} {rows:>7} texts of {done.sources[part]} sources")
    all_of_them = max(done.stated + done.omitted, 1)
    click.echo(
        f"facts: {done.stated} stated, {done.wrong / all_of_them:.1%} wrong, "
        f"{done.omitted / all_of_them:.1%} left out"
    )
