"""What one step of the aligner makes small, and the pairs it is made of."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from .align_data import Part
from .aligner import Aligner
from .contrastive import geometry, info_nce, soft_targets, variance_covariance


class Batches:
    """Training pairs as tensors, in the order of an epoch.

    Parameters
    ----------
    part : Part
        The training rows.
    size : int
        Pairs of one step; the rest of an epoch that fills none is left.
    seed : int
        Of the order.
    """

    def __init__(self, part: Part, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self.steps = len(part) // self.size
        self.rows = {name: torch.from_numpy(rows) for name, rows in part.rows.items()}
        self.present = {name: torch.from_numpy(part.present(name)) for name in part.rows}
        self.groups = torch.from_numpy(np.unique(part.source_id, return_inverse=True)[1].astype(np.int64))

    def epoch(self, epoch: int) -> Iterator[Tensor]:
        """Yield the rows of each step, int64."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.groups))
        for step in range(self.steps):
            yield torch.from_numpy(order[step * self.size : (step + 1) * self.size])


def align_loss(model: Aligner, batches: Batches, rows: Tensor) -> Tensor:
    """Return the loss of one step: InfoNCE of every pair of modalities, plus lambda times the regulariser.

    Parameters
    ----------
    model : Aligner
        In training mode.
    batches : Batches
        The training pairs.
    rows : Tensor, shape (B,), int64
        Rows of this step.

    Returns
    -------
    Tensor, shape (), float32
        The weighted mean of InfoNCE over the pairs, in nats, plus the mean of the regulariser over the
        modalities times its weight. A modality counts with the rows that have it.
    """
    c, groups = model.config, batches.groups[rows]
    text = nn.functional.normalize(batches.rows["text"][rows], dim=1) if c.soft else None
    z, has, regular = {}, {}, []
    for name in model.heads:
        has[name] = batches.present[name][rows]
        x = torch.where(has[name][:, None], batches.rows[name][rows], 0.0)  # (B, width)
        z[name] = model(name, x)  # (B, d)
        if c.weight and int(has[name].sum()) > 1:
            kept = z[name][has[name]]
            regular.append(
                variance_covariance(kept)
                if c.regulariser == "variance-covariance"
                else geometry(kept, model.heads[name].standardise(x[has[name]]))  # type: ignore[operator]
            )
    total, weights = z["text"].new_zeros(()), 0.0
    for a, b in pairs_of(model):
        both = has[a] & has[b]
        weight = 1.0 if b == "text" else c.between
        if weight and int(both.sum()) > 1:
            of = groups[both]
            soft = None if text is None else soft_targets(text[both], of, c.soft)
            total = total + weight * info_nce(z[a][both], z[b][both], of, model.log_temperature, soft)
            weights += weight
    loss: Tensor = total / max(weights, 1e-12)
    if regular:
        loss = loss + c.weight * torch.stack(regular).mean()
    return loss


def pairs_of(model: Aligner) -> list[tuple[str, str]]:
    """Return the pairs of modalities that are aligned, text last."""
    names = list(model.heads)
    return [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
