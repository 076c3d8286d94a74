"""The aligner: one small head for each of spectrum, event list and text, all ending in one space."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..inference.errors import ChandraEmbedError

MODALITIES = ("spectrum", "event", "text")
REGULARISERS = ("variance-covariance", "geometry")


@dataclass(frozen=True)
class AlignerConfig:
    """Shape of the aligner, and what its training makes small.

    Parameters
    ----------
    spectrum, event, text : int
        Numbers of a latent or vector that goes into each head; 0: no such head.
    level : bool
        The spectrum's head takes one more number: log10 of the spectrum's range, which its latent has lost.
    size : int
        Numbers of the shared space.
    hidden : int
        Width of the layer between.
    dropout : float
        Fraction of the hidden activations dropped while training.
    noise : float
        Standard deviation of Gaussian noise on the standardised input while training.
    regulariser : {"variance-covariance", "geometry"}
        What is added to InfoNCE; see :mod:`~.contrastive`.
    weight : float
        lambda: how much of it; 0: none.
    between : float
        Weight of the spectrum-event pair beside the pairs with text.
    soft : float
        Share of the target that near-duplicates of a text take; see :func:`~.contrastive.soft_targets`.
    temperature : float
        Of InfoNCE before the first step; it is learnt.
    temperature_low, temperature_high : float
        It never leaves these. Left alone it falls for as long as the training pairs can be learnt by heart,
        while the recall of validation sources falls too; hence the lower one.
    """

    spectrum: int = 0
    event: int = 0
    text: int = 0
    level: bool = False
    size: int = 64
    hidden: int = 512
    dropout: float = 0.3
    noise: float = 0.1
    regulariser: str = "variance-covariance"
    weight: float = 0.1
    between: float = 0.5
    soft: float = 0.0
    temperature: float = 0.2
    temperature_low: float = 0.15
    temperature_high: float = 1.0

    def __post_init__(self) -> None:
        if self.regulariser not in REGULARISERS:
            raise ChandraEmbedError(f"regulariser {self.regulariser}: give one of {', '.join(REGULARISERS)}")
        for name in ("size", "hidden"):
            if getattr(self, name) < 1:
                raise ChandraEmbedError(f"{name} {getattr(self, name)}: give a whole number, at least 1")
        for name in ("spectrum", "event", "text", "noise", "weight", "between"):
            if not getattr(self, name) >= 0:
                raise ChandraEmbedError(f"{name} {getattr(self, name)}: give a number, at least 0")
        if not 0 <= self.dropout < 1 or not 0 <= self.soft < 1:
            raise ChandraEmbedError(
                f"dropout {self.dropout}, soft {self.soft}: give fractions, at least 0 and below 1"
            )
        if not 0 < self.temperature_low <= self.temperature <= self.temperature_high:
            raise ChandraEmbedError(
                f"temperature {self.temperature}: give one in {self.temperature_low:g} to "
                f"{self.temperature_high:g}, above 0"
            )

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the heads there are, in the order of :data:`MODALITIES`."""
        return tuple(name for name in MODALITIES if getattr(self, name))

    def width(self, modality: str) -> int:
        """Return how many numbers a row of a modality has, the level of a spectrum among them."""
        return int(getattr(self, modality)) + (self.level and modality == "spectrum")


class Head(nn.Module):
    """From one modality's numbers to unit rows of the shared space: a straight map plus a bent one.

    ``mean`` and ``scale`` standardise the input; :func:`~.align.fit_aligner` sets them from training rows.
    """

    mean: Tensor
    scale: Tensor
    first_axis: Tensor

    def __init__(self, width: int, config: AlignerConfig) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.register_buffer("first_axis", torch.eye(1, config.size), persistent=False)
        self.noise = config.noise
        self.straight = nn.Linear(width, config.size)
        self.bent = nn.Sequential(
            nn.Linear(width, config.hidden),
            nn.LayerNorm(config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.size),
        )

    def standardise(self, x: Tensor) -> Tensor:
        """Take the training mean off rows (B, width) and divide by the training scale."""
        return (x - self.mean) / self.scale

    def forward(self, x: Tensor) -> Tensor:
        """Map rows (B, width) to unit rows (B, size); the first axis where nothing is left to scale."""
        x = self.standardise(x)
        if self.training and self.noise:
            x = x + self.noise * torch.randn_like(x)
        z = self.straight(x) + self.bent(x)  # (B, size)
        length = (z * z).sum(dim=1, keepdim=True).sqrt()  # (B, 1)
        # asked as == 0, so that NaN stays NaN and is never taken for a direction
        return torch.where(length == 0, self.first_axis, z / torch.where(length == 0, 1.0, length))


class LevelHead(Head):
    """A head whose last number is the level of a spectrum, kept between those of the training rows."""

    low: Tensor
    high: Tensor

    def __init__(self, width: int, config: AlignerConfig) -> None:
        super().__init__(width, config)
        self.register_buffer("low", torch.full((1,), -torch.inf))
        self.register_buffer("high", torch.full((1,), torch.inf))

    def standardise(self, x: Tensor) -> Tensor:
        """Clamp the last of the numbers (B, width), take the training mean off, divide by the scale."""
        level = torch.maximum(torch.minimum(x[:, -1:], self.high), self.low)  # (B, 1)
        return super().standardise(torch.cat([x[:, :-1], level], dim=1))


class Aligner(nn.Module):
    """Heads of the modalities there are, and the temperature they were trained with."""

    def __init__(self, config: AlignerConfig) -> None:
        super().__init__()
        if len(config.modalities) < 2:
            raise ChandraEmbedError(
                f"modalities {', '.join(config.modalities) or 'none'}: two at least are aligned"
            )
        self.config = config
        self.heads = nn.ModuleDict(
            {
                name: (LevelHead if config.level and name == "spectrum" else Head)(config.width(name), config)
                for name in config.modalities
            }
        )
        self.log_temperature = nn.Parameter(torch.tensor(config.temperature).log())

    def forward(self, modality: str, x: Tensor) -> Tensor:
        """Map rows (B, width) of a modality to unit rows (B, size)."""
        if modality not in self.heads:
            raise ValueError(f"modality {modality!r}: this aligner has {', '.join(self.heads)}")
        return self.heads[modality](x)  # type: ignore[no-any-return]

    def spectrum(self, latent: Tensor) -> Tensor:
        """Map latents of spectra (B, l), with their level (B, l + 1), to unit rows (B, size), float32."""
        return self("spectrum", latent)  # type: ignore[no-any-return]

    def event(self, latent: Tensor) -> Tensor:
        """Map latents of event lists (B, e) to unit rows (B, size), float32."""
        return self("event", latent)  # type: ignore[no-any-return]

    def text(self, vector: Tensor) -> Tensor:
        """Map vectors of texts (B, t) to unit rows (B, size), float32."""
        return self("text", vector)  # type: ignore[no-any-return]

    @property
    def temperature(self) -> float:
        """What cosines are divided by in InfoNCE."""
        return float(self.log_temperature.detach().exp())

    def clamp_temperature(self) -> None:
        """Bring the temperature back between its limits, in place; called after each step."""
        with torch.no_grad():
            low, high = self.config.temperature_low, self.config.temperature_high
            limits = torch.tensor([low, high]).log()
            self.log_temperature.clamp_(limits[0], limits[1])


def build_aligner(config: AlignerConfig, seed: int) -> Aligner:
    """Return an aligner whose first weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Aligner(config)
