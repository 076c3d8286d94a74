"""What brings two views of one source together in the shared space, and what keeps that space wide."""

import torch
from torch import Tensor

# VICReg's own target and floor: a standard deviation of 1 in each direction, variance raised by 1e-4
TARGET, FLOOR = 1.0, 1e-4


def info_nce(
    a: Tensor, b: Tensor, groups: Tensor, log_temperature: Tensor, soft: Tensor | None = None
) -> Tensor:
    """Return the symmetric InfoNCE loss of paired rows (van den Oord et al. 2018; CLIP, Radford et al. 2021).

    The mean over both directions of -log exp(a_i . b_i / T) / sum_j exp(a_i . b_j / T), where j runs over
    i itself and the rows of other groups.

    Parameters
    ----------
    a, b : Tensor, shape (B, d), float32
        Unit rows; row i of one belongs to row i of the other.
    groups : Tensor, shape (B,), int64
        Source of each row. Other rows of the same source are no negatives: they do not enter the sum.
    log_temperature : Tensor, shape (), float32
        ln T.
    soft : Tensor, shape (B, B), float32, optional
        Targets instead of the pair alone; rows sum to 1 and are 0 where the group is the same but for the
        diagonal. See :func:`soft_targets`.

    Returns
    -------
    Tensor, shape (), float32
        In nats.
    """
    logits = a @ b.T * torch.exp(-log_temperature)  # (B, B)
    excluded = same_group(groups)  # (B, B)
    loss = logits.new_zeros(())
    for side in (logits, logits.T):
        log_p = torch.log_softmax(side.masked_fill(excluded, -torch.inf), dim=1)  # (B, B)
        if soft is None:
            loss = loss - log_p.diagonal().mean()
        else:
            loss = loss - (soft * log_p.masked_fill(excluded, 0.0)).sum(dim=1).mean()
    return loss / 2


def same_group(groups: Tensor) -> Tensor:
    """Return which pairs of different rows are of one group, shape (B, B), bool; the diagonal is False."""
    same = groups[:, None] == groups[None, :]
    return same & ~torch.eye(len(groups), dtype=torch.bool)


def soft_targets(text: Tensor, groups: Tensor, share: float, temperature: float = 0.1) -> Tensor:
    """Return targets that give near-duplicates of a text part of its weight.

    Texts of sources of one kind say nearly the same; as hard negatives they would be pushed apart for
    nothing (as in SoftCLIP, Gao et al. 2024, with the texts' own similarity for that of both views).

    Parameters
    ----------
    text : Tensor, shape (B, t), float32
        Unit rows of the texts before any training; rows of zeros are like no other.
    groups : Tensor, shape (B,), int64
        Source of each row.
    share : float
        What the pair itself gives away, 0 to 1.
    temperature : float
        Others take of it in proportion to exp(cosine / temperature).

    Returns
    -------
    Tensor, shape (B, B), float32
        Rows sum to 1; 0 where the group is the same but for the diagonal.
    """
    weight = (text @ text.T / temperature).masked_fill(same_group(groups), -torch.inf)  # (B, B)
    return share * torch.softmax(weight, dim=1) + (1 - share) * torch.eye(len(text))


def variance_covariance(z: Tensor) -> Tensor:
    """Return the variance and covariance terms of VICReg (Bardes, Ponce & LeCun 2022, eqs. 1 to 4).

    v = mean_k max(0, 1 - sqrt(Var z_k + 1e-4)) and c = sum_(k != l) Cov_kl^2 / d, weighed as in VICReg's
    25 : 1, divided by 25. Both are of sqrt(d) z: unit rows spread over all directions have then variance 1.

    Parameters
    ----------
    z : Tensor, shape (B, d), float32
        Unit rows, B at least 2.

    Returns
    -------
    Tensor, shape (), float32
        0 where every direction is used and none follows another.
    """
    n, d = z.shape
    scaled = z * d**0.5
    centred = scaled - scaled.mean(dim=0)  # (B, d)
    covariance = centred.T @ centred / (n - 1)  # (d, d)
    deviation = torch.sqrt(covariance.diagonal() + FLOOR)  # (d,)
    missing = torch.relu(TARGET - deviation).mean()
    off_diagonal = covariance.square().sum() - covariance.diagonal().square().sum()
    total: Tensor = missing + off_diagonal / d / 25.0
    return total


def geometry(z: Tensor, x: Tensor) -> Tensor:
    """Return how far the cosines between rows moved: the mean of (z_i . z_j - x_i . x_j)^2 over i != j.

    Alignment may bend a space as it likes; this keeps what was near before near after (structure
    preservation as in multidimensional scaling, Kruskal 1964, of cosines).

    Parameters
    ----------
    z : Tensor, shape (B, d), float32
        Unit rows after projection.
    x : Tensor, shape (B, l), float32
        The same rows before; scaled to unit length here, rows of zeros stay.

    Returns
    -------
    Tensor, shape (), float32
        Between 0 and 4.
    """
    before = x / x.norm(dim=1, keepdim=True).clamp(min=1e-12)  # (B, l)
    moved = (z @ z.T - before @ before.T).square()  # (B, B)
    n = len(z)
    mean: Tensor = (moved.sum() - moved.diagonal().sum()) / (n * (n - 1))
    return mean
