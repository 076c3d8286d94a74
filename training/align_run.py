"""One run of ``train aligner``, from files to a run folder that is enough for an export."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..inference.errors import ChandraEmbedError
from ..inference.threads import thread_count
from ..models import registry
from .align import AlignTrainConfig, fit_aligner
from .align_checkpoint import AlignCheckpoint, load_aligner
from .align_inputs import keep_parts, read_pairs, remove_parts
from .aligner import AlignerConfig
from .checkpoint import FILE, remove


def run(
    spectra: Sequence[Path],
    output: Path,
    *,
    model: str | Path,
    texts: Sequence[Path] = (),
    text_encoder: Path | None = None,
    vectors: Path | None = None,
    events: Path | None = None,
    regulariser: str = AlignerConfig.regulariser,
    weight: float = AlignerConfig.weight,
    epochs: int = AlignTrainConfig.epochs,
    seed: int = 0,
    overwrite: bool = False,
    on_epoch: Callable[[dict[str, Any]], None] = lambda entry: None,
) -> AlignCheckpoint:
    """Read pairs, fit an aligner to them and keep all that its export needs in the run folder.

    Parameters
    ----------
    spectra, model, texts, text_encoder, vectors, events
        As :func:`~.align_inputs.read_pairs` takes them.
    output : Path
        Run folder.
    regulariser, weight, epochs, seed
        See :class:`~.aligner.AlignerConfig` and :class:`~.align.AlignTrainConfig`.
    overwrite : bool
        Replace the run that is there.
    on_epoch : callable
        Called with the history entry of each epoch.

    Returns
    -------
    AlignCheckpoint
        Finished.

    Raises
    ------
    ChandraEmbedError
        A finished run in the folder, or what reading and fitting raise.
    """
    if not overwrite and (output / FILE).exists() and load_aligner(output).meta["finished"]:
        raise ChandraEmbedError(
            f"{output}: holds a finished run; give another -o, or --overwrite to replace it"
        )
    data, facts = read_pairs(
        spectra, model=model, texts=texts, text_encoder=text_encoder, vectors=vectors, events=events
    )
    if overwrite:  # only now: input that cannot be read costs no earlier run
        remove(output)
        remove_parts(output)
    if not (output / FILE).exists():  # what goes on has its parts, and a run refused below keeps them
        keep_parts(output, registry.find(model), events, text_encoder)
    return fit_aligner(
        data,
        AlignerConfig(regulariser=regulariser, weight=weight),
        output,
        AlignTrainConfig(epochs=epochs, seed=seed, threads=thread_count()),
        facts,
        on_epoch,
    )
