"""``chandra-embed evaluate``: how good a frozen model is, in numbers with intervals."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...inference.cli.base import Group
from ...inference.cli.options import json_option, model_option, overwrite_option
from ...models.errors import ChandraEmbedError
from .alignment_cli import alignment, regression
from .anomalies_cli import anomalies, variability
from .cli_shared import files, folder_option, prepare, tell

if TYPE_CHECKING:
    from .sample import Sample

spectra_argument = click.argument("spectra", nargs=-1, type=files)


@click.group(cls=Group)
def evaluate() -> None:
    """Measure a frozen model; figures need the extra plot.

    Install the extra with: pip install 'chandra-embed[plot]'. Two commands need another one beside it:
    latents needs symbolic, record needs train.

    SPECTRA are spectra.h5 files of ingest or simulate. Without them one spectrum is simulated for every
    row of tables/muwclass_TD.csv under CHANDRA_EMBED_DATA, once, and kept in the output folder.
    Only sources that the model has not seen count; intervals come from a bootstrap over sources.

    \b
    Example:
      chandra-embed evaluate reconstruction spectra.h5 -o evaluation
    """


@evaluate.command()
@spectra_argument
@model_option
@folder_option
@overwrite_option
@json_option
def reconstruction(
    spectra: tuple[Path, ...], model: str, output: Path, overwrite: bool, as_json: bool
) -> None:
    """Measure how well spectra come back from the latents; needs the extra plot.

    The mean absolute error of normalised spectra, by the autoencoder, by a PCA with as many numbers and by
    the mean spectrum, by net counts, with paired differences; where the noise-free truth is known, against
    that too. Beside it the stored records of the training runs with several seeds. Where CHANDRA_EMBED_DATA
    is set, its real spectra are ingested and drawn one by one, without a ranking.

    Install the extra with: pip install 'chandra-embed[plot]'

    \b
    Example:
      chandra-embed evaluate reconstruction spectra.h5 -o evaluation
    """
    from .reconstruction import real_sample, run, table

    prepare(output, "reconstruction", overwrite, "about a minute")
    sample = _sample(spectra, model, output)
    real, said = real_sample(model, output)
    click.echo(said, err=True)
    rows = run(sample, real, output)
    tell(rows, table(rows), output, as_json)


@evaluate.command()
@spectra_argument
@model_option
@folder_option
@click.option(
    "--spread-curve",
    is_flag=True,
    help="Also simulate the table with narrower and wider physics, and draw accuracy against that spread.",
)
@click.option(
    "--record", type=files, help="Record of the model's training run: keep the figures there, for its seeds."
)
@overwrite_option
@json_option
def clusters(
    spectra: tuple[Path, ...],
    model: str,
    output: Path,
    spread_curve: bool,
    record: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure how well clusters of latents are classes of sources; needs the extra plot.

    Balanced accuracy for 8 classes and for 2 (AGN against CV, HMXB, LMXB and NS), one cluster a class, with
    the PCA, the three bands, chance and a random forest beside it. Needs the column class. Beside it the
    stored records of training runs with several seeds, for each recipe (clusters_seeds).

    Install the extra with: pip install 'chandra-embed[plot]'

    \b
    Example:
      chandra-embed evaluate clusters spectra.h5 -o evaluation
    """
    from . import cluster_seeds
    from .clustering import run, table
    from .records import add_scores, read_record, read_records
    from .tables import write_result

    if record:
        read_record(record)  # what is none is said before minutes of work, not after
    prepare(output, "clusters", overwrite, "about eight minutes" if spread_curve else "about three minutes")
    sample = _sample(spectra, model, output)
    if spread_curve:
        from .spread import SPREADS, write_spread

        write_spread({spread: _sample((), model, output, spread) for spread in SPREADS}, output)
    records = read_records()
    seeds = cluster_seeds.seed_rows(records)
    write_result(output, "clusters_seeds", seeds, {"simulated": all(one.simulated for one in records)})
    rows = run(sample, output)
    if record:
        add_scores(record, cluster_seeds.scores_of(rows))
    tell(rows, "\n\n".join(filter(None, (table(rows), cluster_seeds.table(seeds)))), output, as_json)


@evaluate.command()
@spectra_argument
@model_option
@folder_option
@overwrite_option
@json_option
def latents(spectra: tuple[Path, ...], model: str, output: Path, overwrite: bool, as_json: bool) -> None:
    """Relate latents to physical quantities of AGN; needs the extras plot and symbolic.

    Rank correlation and mutual information of each latent with each quantity, and expressions found by
    symbolic regression with R^2 on sources held out, a linear fit and a shuffled null beside them.

    Install the extras with: pip install 'chandra-embed[plot,symbolic]'

    \b
    Example:
      chandra-embed evaluate latents spectra.h5 -o evaluation
    """
    from .latents import run, table

    prepare(output, "latents", overwrite, "about five minutes")
    rows = run(_sample(spectra, model, output), output)
    tell(rows, table(rows), output, as_json)


@evaluate.command()
@spectra_argument
@click.option(
    "--model",
    "models",
    multiple=True,
    default=("spectrum-8",),
    show_default=True,
    help="Frozen bundle: a name or a folder; give one for each recipe.",
)
@folder_option
@overwrite_option
@json_option
def nuisance(
    spectra: tuple[Path, ...], models: tuple[str, ...], output: Path, overwrite: bool, as_json: bool
) -> None:
    """Measure what embeddings tell of the observation, not the source; needs the extra plot.

    R^2 of observation year, off-axis angle and log net counts from the embedding, on sources held out, for
    each model. SPECTRA are read by the models of their recipe.

    Install the extra with: pip install 'chandra-embed[plot]'

    \b
    Example:
      chandra-embed evaluate nuisance spectra.h5 -o evaluation
    """
    from .nuisance import run, table

    prepare(output, "nuisance", overwrite, "about two minutes a model")
    rows = run([_sample(_of_recipe(spectra, model), model, output) for model in models], output)
    tell(rows, table(rows), output, as_json)


@evaluate.command()
@click.option(
    "--records",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of records of your own runs.  [default: those of the package]",
)
@folder_option
@overwrite_option
@json_option
def sweep(records: Path | None, output: Path, overwrite: bool, as_json: bool) -> None:
    """Compare hyper-parameters, one changed at a time; needs the extra plot.

    Made from the records of finished runs: error, interval over sources and seeds, ratio to the default on
    the same sources, worst over best of all and of each hyper-parameter, and the spread over seeds.

    Install the extra with: pip install 'chandra-embed[plot]'

    \b
    Example:
      chandra-embed evaluate sweep -o evaluation
    """
    from .records import FOLDER, read_records
    from .sweep import run, table

    prepare(output, "sweep", overwrite, "a few seconds")
    rows, summary = run(read_records(records or FOLDER), output)
    tell(rows, table(rows, summary), output, as_json)


@evaluate.command()
@click.argument(
    "runs", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--spectra", type=files, required=True, help="File of spectra to measure on.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("records"),
    show_default=True,
    help="Folder of the records, one JSON file a run.",
)
@overwrite_option
@json_option
def record(runs: tuple[Path, ...], spectra: Path, output: Path, overwrite: bool, as_json: bool) -> None:
    """Keep finished training runs as small records; needs the extra train.

    Each run folder RUN is measured, with its best weights, on the sources of the spectra that it has not
    seen. The record holds settings, data, errors with intervals, and sums by groups of sources, so that runs
    can be compared source by source later.

    Install the extra with: pip install 'chandra-embed[train]'

    \b
    Example:
      chandra-embed simulate -n 500 -o spectra.h5
      chandra-embed train autoencoder spectra.h5 -o runs/mine --epochs 2
      chandra-embed evaluate record runs/mine --spectra spectra.h5 -o records
    """
    from ...inference.cli.layout import json_line, table
    from .records import record_runs

    made = record_runs(runs, spectra, output, overwrite)
    rows = [
        {
            "name": r.name,
            "kind": r.kind,
            "parameters": r.parameters,
            "rows": r.test["rows"],
            "simulated": r.simulated,
            "mae": r.mae["value"],
            "mae_low": r.mae["low"],
            "mae_high": r.mae["high"],
            "pca_mae": r.pca_mae["value"],
            "truth_mae": r.truth_mae["value"] if r.truth_mae else None,
        }
        for r in made
    ]
    if as_json:
        for row in rows:
            click.echo(json_line(row))
        return
    click.echo(table(list(rows[0]), [list(row.values()) for row in rows]))
    click.echo(f"records: {output}")


def _sample(spectra: Sequence[Path], model: str, output: Path, spread: float = 1.0) -> "Sample":
    """Read the files given, or the default evaluation catalog, with a model."""
    from ...inference.encoder import Encoder
    from .default_catalog import evaluation_catalog
    from .outside_data import DataNotNamed
    from .sample import join, read_sample

    if not spectra:
        try:
            spectra = evaluation_catalog(output, Encoder.load(model, "cpu").recipe, spread)
        except DataNotNamed as error:
            click.echo(f"error: {error}", err=True)
            raise click.exceptions.Exit(2) from error
    return join([read_sample(path, model) for path in spectra])


def _of_recipe(spectra: Sequence[Path], model: str) -> list[Path]:
    """Return the files that a model can read; none given stays none."""
    from ...inference.catalog import store
    from ...inference.catalog.contents import stored_recipe
    from ...inference.encoder import Encoder

    fingerprint = Encoder.load(model, "cpu").recipe.fingerprint
    kept = []
    for path in spectra:
        with store.open_store(path, store.SPECTRA) as file:
            if stored_recipe(file).fingerprint == fingerprint:
                kept.append(path)
    if spectra and not kept:
        raise ChandraEmbedError(f"{model}: none of the files is of its recipe; make one for it")
    return kept


evaluate.add_command(alignment)
evaluate.add_command(regression)
evaluate.add_command(anomalies)
evaluate.add_command(variability)
