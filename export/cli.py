"""``chandra-embed export``: freeze a trained model. Needs the ``train`` extra; the help does not."""

import re
from pathlib import Path

import click

from ..inference.cli.base import Command
from ..inference.cli.options import folder_option, json_option

SPECTRA = click.Path(exists=True, dir_okay=False, path_type=Path)


def three_numbers(context: click.Context, option: click.Parameter, value: str) -> str:
    """Return a version, or fail as bad use."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", value):
        raise click.BadParameter(f"{value!r}: give three numbers, such as 1.0.0", context, option)
    return value


@click.command(cls=Command)
@click.argument("checkpoint", type=click.Path(exists=True, path_type=Path))
@folder_option("Folder of the bundle; its name is the model's.")
@click.option(
    "--version",
    default="1.0.0",
    show_default=True,
    callback=three_numbers,
    help="Version, raised at each freeze.",
)
@click.option("--real", type=SPECTRA, help="spectra.h5 whose rows join the check against torch.")
@click.option(
    "--reference",
    type=SPECTRA,
    help="spectra.h5 whose sources unseen in training become the reference of anomaly scores.",
)
@click.option(
    "--evaluation",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that evaluate wrote for the same model; its tables go into the model card.",
)
@json_option
def export(
    checkpoint: Path,
    output: Path,
    version: str,
    real: Path | None,
    reference: Path | None,
    evaluation: Path | None,
    as_json: bool,
) -> None:
    """Freeze a trained model; needs the extra train.

    CHECKPOINT is a run folder or its checkpoint.pt, of an autoencoder of spectra or of an aligner. What is
    made is a bundle that runs without torch.

    The frozen files are loaded again and compared with torch; where they differ by more than 1e-5 nothing
    is written.

    Install the extra with: pip install 'chandra-embed[train]'

    \b
    Example:
      chandra-embed simulate -n 2000 -o spectra.h5
      chandra-embed train autoencoder spectra.h5 -o runs/mine --epochs 5
      chandra-embed export runs/mine -o models/mine --reference spectra.h5
    """
    import json

    from ..inference.errors import ChandraEmbedError
    from ..training.align_checkpoint import KIND, as_aligner
    from ..training.checkpoint import load_whole
    from ..training.reconstruction import table

    found_run, options = load_whole(checkpoint), (output, version, real, reference, evaluation)
    if found_run.meta.get("kind") == KIND:
        from .aligned import export_aligned

        folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
        manifest = export_aligned(as_aligner(found_run, checkpoint), folder, *options)
    elif found_run.meta.get("kind") is not None:
        raise ChandraEmbedError(
            f"{checkpoint}: holds a model of {found_run.meta['kind']}; autoencoders of spectra and aligners "
            "are frozen, and a model of events inside an aligner"
        )
    else:
        from .bundle import export_bundle

        manifest = export_bundle(found_run, *options)
    found = manifest["measured"]["reconstruction"]
    if as_json:
        record = {"bundle": str(output), "version": version, "files": sorted(manifest["files"])}
        click.echo(json.dumps({**record, "figures": found["figures"]}))
        return
    worst = max(value for file in manifest["measured"]["parity"]["files"].values() for value in file.values())
    click.echo(f"{output}: version {version}, {', '.join(sorted(manifest['files']))}")
    click.echo(f"largest difference from torch {worst:.1e}")
    click.echo(f"mean absolute error, normalised, {found['data']} (68 % interval)")
    click.echo(table(found["figures"]))
