"""What every training loop shares: a run taken up again, one step downhill, torch's state given back."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..inference.errors import ChandraEmbedError
from . import checkpoint as store
from .checkpoint import Checkpoint


def unfinished(folder: Path, meta: dict[str, Any]) -> Checkpoint | None:
    """Return the unfinished checkpoint of a run folder, None where the folder holds none.

    Parameters
    ----------
    folder : Path
        Run folder.
    meta : dict
        What the run that is asked for would write; see :class:`~.checkpoint.Checkpoint`.

    Raises
    ------
    ChandraEmbedError
        A finished run, one of another kind of model, or one of other settings or data (both are named); or
        the folder cannot be made or written, which is better known before the first epoch than after it.
    """
    store.make_folder(folder)
    if not (folder / store.FILE).exists():
        return None
    found = store.load(folder)
    if found.meta["finished"]:
        raise ChandraEmbedError(
            f"{folder}: holds a finished run; give another -o, or --overwrite to replace it"
        )
    difference = (
        store.first_difference(found.meta, meta)
        if found.meta.get("kind") == meta.get("kind")
        else "another kind of model"
    )
    if difference:
        raise ChandraEmbedError(
            f"{folder}: holds an unfinished run with {difference}; "
            "give the same, or --overwrite to start again"
        )
    return found


def restore(state: Checkpoint, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Bring a model and its optimizer, in place, to where the last epoch left them."""
    model.load_state_dict(state.weights)
    if state.optimizer:
        optimizer.load_state_dict(state.optimizer)


def seed_epoch(seed: int, epoch: int) -> None:
    """Seed torch for one epoch: dropout, noise and masks depend on nothing that came before."""
    torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))


def descend(
    loss: Tensor,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    rate: float,
    clip: float,
    epoch: int,
    mend: str,
) -> float:
    """Take one step downhill and return the loss.

    Parameters
    ----------
    loss : Tensor, shape (), float32
        Of the rows of this step.
    model : nn.Module
        Its parameters are changed in place.
    optimizer : torch.optim.Optimizer
        Of those parameters.
    rate : float
        Learning rate of this step.
    clip : float
        Largest norm of the gradient.
    epoch : int
        From 0, for the error.
    mend : str
        What may help where the loss is not finite.

    Raises
    ------
    ChandraEmbedError
        The loss is not finite.
    """
    found = loss.item()
    if not math.isfinite(found):
        raise ChandraEmbedError(f"epoch {epoch + 1}: the loss is {found}; {mend}")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return found


def exhausted(costs: Sequence[float], patience: int) -> bool:
    """Whether the last `patience` epochs brought no smaller cost."""
    return bool(costs) and len(costs) - 1 - int(np.argmin(costs)) >= patience


def copy_weights(model: nn.Module) -> dict[str, Tensor]:
    """Copy a module's state, so that training on does not change it."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


@contextmanager
def torch_state(threads: int) -> Iterator[None]:
    """Use the run's threads and random numbers, and give the caller's back."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(before)
