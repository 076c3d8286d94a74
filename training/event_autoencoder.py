"""The autoencoder of events: counts by energy and time to a few latents and back.

All that turns counts into features is inside the network, so a frozen encoder takes rows of
:func:`~chandra_embed.inference.event_map.event_maps` and nothing else has to be known.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..inference.errors import ChandraEmbedError
from ..inference.event_map import BANDS, EventRecipe

BANDS_PRIOR = 0.5  # counts added to each band, so that ratios of few counts stay off +-1
SCALE_FLOOR, BLOCK = 0.03, 4096
CLIP = 10.0  # standard deviations; a feature further out says no more


@dataclass(frozen=True)
class EventAutoencoderConfig:
    """Shape of the autoencoder.

    Parameters
    ----------
    n_latent : int
        Numbers in the bottleneck.
    hidden : int
        Width of the hidden layers.
    depth : int
        Residual blocks in the encoder, and as many in the decoder.
    dropout : float
        Fraction of activations dropped while training.
    """

    n_latent: int = 64
    hidden: int = 256
    depth: int = 1
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("n_latent", "hidden", "depth"):
            if getattr(self, name) < 1:
                raise ChandraEmbedError(f"{name} {getattr(self, name)}: give a whole number, at least 1")
        if not 0 <= self.dropout < 1:
            raise ChandraEmbedError(f"dropout {self.dropout}: give a fraction, at least 0 and below 1")


class EventTables(nn.Module):
    """Reads a row: energy histogram, table, light curves of 2, 4, ... time bins, bands, good time.

    Sums over bins are products with fixed matrices of zeros and ones, which leaves no Shape operators.
    """

    pool: Tensor
    bands: Tensor

    def __init__(self, recipe: EventRecipe) -> None:
        super().__init__()
        energy, time, interval = recipe.shape
        self.energy_bins, self.cells = recipe.energy_bins, energy * time * interval
        self.resolutions = [2**k for k in range(1, int(math.log2(time)) + 1)]
        bin_of_cell = torch.arange(self.cells) // interval % time
        pools = [
            functional.one_hot(bin_of_cell // (time // k), k) for k in self.resolutions
        ]  # each (cells, k)
        self.register_buffer("pool", torch.cat(pools, dim=1).float(), persistent=False)
        band = torch.arange(self.energy_bins) // recipe.bins_per_band
        self.register_buffer("bands", functional.one_hot(band, len(BANDS)).float(), persistent=False)

    def split(self, event: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cut rows (B, width) into energy histogram (B, e), table (B, cells) and good time (B, 1)."""
        cells = self.energy_bins + self.cells
        return event[:, : self.energy_bins], event[:, self.energy_bins : cells], event[:, cells:]

    def light_curves(self, table: Tensor) -> list[Tensor]:
        """Sum a table (B, cells) to light curves, coarse to fine, each (B, k)."""
        return list(torch.split(table @ self.pool, self.resolutions, dim=1))


def log_odds(curve: Tensor) -> Tensor:
    """Return the log odds of a stepwise rate against a constant one (Gregory & Loredo 1992, section 5).

    ln [ (m-1)! prod n_k! m^N / (N + m - 1)! ], of one phase and without the prior over m. Factorials are
    Stirling's series about n + 1/2, good to 0.011 at n = 0, since runtimes have no log gamma; and in
    float64, since the terms of a bright constant source cancel.

    Parameters
    ----------
    curve : Tensor, shape (B, m), float32
        Counts in bins of equal good time.

    Returns
    -------
    Tensor, shape (B, 1), float32
        Dimensionless.
    """
    m = curve.shape[1]
    counts = curve.double()
    n = counts.sum(dim=1, keepdim=True)  # (B, 1)
    steps = _log_factorial(counts).sum(dim=1, keepdim=True) + n * math.log(m)
    return (math.lgamma(m) + steps - _log_factorial(n + (m - 1))).float()


def _log_factorial(n: Tensor) -> Tensor:
    """Stirling's series of ln n! about n + 1/2."""
    x = n + 0.5
    return x * x.log() - x + 0.5 * math.log(2 * math.pi) - 1 / (24 * x)


class EventFeatures(nn.Module):
    """Counts to features of mean 0 and standard deviation about 1 in the training rows.

    Statistics (log counts, log good time, hardness of counts, log odds of variability at each resolution)
    stand beside the shapes (square roots of fractions, light curves in sigmas): sums over all bins, which
    a few layers do not learn from some ten thousand sparse rows. They make distances between latents follow
    hardness and variability, as nearest neighbours need.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, recipe: EventRecipe) -> None:
        super().__init__()
        self.tables = EventTables(recipe)
        self.n_statistics = 2 + len(BANDS) + len(self.tables.resolutions)
        width = recipe.width - 1 + sum(self.tables.resolutions) + self.n_statistics
        self.width = width
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def statistics(self, event: Tensor) -> Tensor:
        """Return log counts, log good time, hardness of counts and log odds of variability (B, s)."""
        energy, table, live = self.tables.split(event)
        band = energy @ self.tables.bands + BANDS_PRIOR  # (B, 3)
        soft, medium, hard = torch.split(band, 1, dim=1)
        n = energy.sum(dim=1, keepdim=True)
        ratios = [(hard - soft) / (hard + soft), (hard - medium) / (hard + medium)]
        ratios.append((medium - soft) / (medium + soft))
        odds = [torch.asinh(log_odds(curve)) for curve in self.tables.light_curves(table)]
        return torch.cat([torch.log1p(n), torch.log1p(live), *ratios, *odds], dim=1)

    def forward(self, event: Tensor) -> Tensor:
        """Map rows (B, width) to features (B, f), statistics first."""
        return ((self.raw(event) - self.mean) / self.scale).clamp(-CLIP, CLIP)

    def raw(self, event: Tensor) -> Tensor:
        """Return the features before they are standardised (B, f)."""
        energy, table, _ = self.tables.split(event)
        n = energy.sum(dim=1, keepdim=True).clamp(min=1.0)
        shapes = [torch.sqrt(energy / n), torch.sqrt(table / n)]
        for curve in self.tables.light_curves(table):
            # about one sigma of Poisson noise (Anscombe 1948), whatever the counts
            expected = torch.sqrt(n / curve.shape[1] + 0.375)
            shapes.append(torch.asinh(2 * (torch.sqrt(curve + 0.375) - expected)))
        return torch.cat([self.statistics(event), *shapes], dim=1)

    def settle(self, event: Tensor) -> None:
        """Set mean and scale from training rows (n, width), in place."""
        with torch.no_grad():
            raw = torch.cat([self.raw(block) for block in torch.split(event, BLOCK)])
            self.mean.copy_(raw.mean(dim=0))
            # a bin that is nearly always empty must not shout when it is not
            self.scale.copy_(raw.std(dim=0).clamp(min=SCALE_FLOOR))


class Residual(nn.Module):
    """A pre-norm perceptron of one hidden layer, added to its input."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, w) to (B, w)."""
        return x + self.layers(x)  # type: ignore[no-any-return]


def make_hidden(width: int, config: EventAutoencoderConfig) -> nn.Sequential:
    """Return the hidden layers of one side, (B, width) to (B, hidden)."""
    return nn.Sequential(
        nn.Linear(width, config.hidden),
        nn.GELU(),
        *(Residual(config.hidden, config.dropout) for _ in range(config.depth)),
        nn.LayerNorm(config.hidden),
    )


class EventEncoder(nn.Module):
    """Rows of events to latents of about mean 0 and variance 1 in the training rows."""

    def __init__(self, recipe: EventRecipe, config: EventAutoencoderConfig) -> None:
        super().__init__()
        self.features = EventFeatures(recipe)
        self.hidden = make_hidden(self.features.width, config)
        self.to_latent = nn.Linear(config.hidden, config.n_latent)
        self.direct = nn.Linear(self.features.n_statistics, config.n_latent, bias=False)
        self.norm = nn.BatchNorm1d(config.n_latent, affine=False, momentum=0.02)

    def forward(self, event: Tensor) -> Tensor:
        """Map rows (B, width) to latents (B, l)."""
        return self.norm(self.unscaled(event))  # type: ignore[no-any-return]

    def unscaled(self, event: Tensor) -> Tensor:
        """Return the latents before they are brought to mean 0 and variance 1 (B, l)."""
        features = self.features(event)
        statistics = features[:, : self.features.n_statistics]
        latent: Tensor = self.to_latent(self.hidden(features)) + self.direct(statistics)
        return latent

    def settle(self, event: Tensor) -> None:
        """Set the mean and the variance of the latents to those of rows (n, width), in place."""
        mean, var = self.norm.running_mean, self.norm.running_var
        assert mean is not None
        assert var is not None
        with torch.no_grad():
            latent = torch.cat([self.unscaled(block) for block in torch.split(event, BLOCK)]).double()
            mean.copy_(latent.mean(dim=0))
            var.copy_(latent.var(dim=0))


class EventDecoder(nn.Module):
    """Latents to the fractions of the events in each bin of the histogram and of the table."""

    def __init__(self, recipe: EventRecipe, config: EventAutoencoderConfig, n_statistics: int) -> None:
        super().__init__()
        self.hidden = make_hidden(config.n_latent, config)
        self.to_energy = nn.Linear(config.hidden, recipe.energy_bins)
        self.to_table = nn.Linear(config.hidden, recipe.width - recipe.energy_bins - 1)
        self.to_statistics = nn.Linear(config.hidden, n_statistics)
        self.direct = nn.Linear(config.n_latent, n_statistics, bias=False)

    def forward(self, latent: Tensor) -> Tensor:
        """Map latents (B, l) to fractions (B, width - 1), of sum 1 over the histogram and over the table."""
        energy, table, _ = self.parts(latent)
        return torch.cat([energy.exp(), table.exp()], dim=1)

    def parts(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return log fractions (B, e) and (B, cells), and the standardised statistics (B, s)."""
        hidden = self.hidden(latent)
        return (
            torch.log_softmax(self.to_energy(hidden), dim=1),
            torch.log_softmax(self.to_table(hidden), dim=1),
            self.to_statistics(hidden) + self.direct(latent),
        )


class EventAutoencoder(nn.Module):
    """Encoder and decoder of one recipe.

    Parameters
    ----------
    recipe : EventRecipe
        What a row is.
    config : EventAutoencoderConfig
        Shape of both sides.
    """

    def __init__(self, recipe: EventRecipe, config: EventAutoencoderConfig) -> None:
        super().__init__()
        self.encoder = EventEncoder(recipe, config)
        self.decoder = EventDecoder(recipe, config, self.encoder.features.n_statistics)

    def forward(self, event: Tensor) -> tuple[Tensor, Tensor]:
        """Map rows (B, width) to latents (B, l) and reconstructed fractions (B, width - 1)."""
        latent = self.encoder(event)
        return latent, self.decoder(latent)


def build_events(recipe: EventRecipe, config: EventAutoencoderConfig, seed: int) -> EventAutoencoder:
    """Return a new autoencoder whose weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EventAutoencoder(recipe, config)
