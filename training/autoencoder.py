"""The autoencoders of spectra, transformer or recurrent: 400 bins to a few latents and back.

MinMax normalisation is the first layer, so a frozen encoder takes the recipe's quantity and nothing
else has to be known. Attention is written out, which leaves a graph without Shape operators.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..inference.errors import ChandraEmbedError
from .recurrent import RecurrentBlock

KINDS = ("transformer", "recurrent")


@dataclass(frozen=True)
class AutoencoderConfig:
    """Shape of the autoencoder.

    Parameters
    ----------
    n_bins : int
        Bins of the energy grid.
    patch : int
        Bins in one token; divides `n_bins`.
    width : int
        Length of a token; a multiple of `heads`.
    depth : int
        Blocks in the encoder, and as many in the decoder.
    heads : int
        Attention heads; the recurrent kind has none.
    n_latent : int
        Numbers in the bottleneck.
    mlp_ratio : int
        Hidden width of a block's perceptron over `width`; the recurrent kind has none.
    dropout : float
        Fraction of activations dropped while training.
    kind : str
        What a block is: "transformer" (attention), or "recurrent" (:class:`~.recurrent.RecurrentBlock`).
    """

    n_bins: int = 400
    patch: int = 20
    width: int = 80
    depth: int = 2
    heads: int = 4
    n_latent: int = 8
    mlp_ratio: int = 2
    dropout: float = 0.0
    kind: str = "transformer"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ChandraEmbedError(f"kind {self.kind}: give one of {', '.join(KINDS)}")
        for name in ("n_bins", "patch", "width", "depth", "heads", "n_latent", "mlp_ratio"):
            if getattr(self, name) < 1:
                raise ChandraEmbedError(f"{name} {getattr(self, name)}: give a whole number, at least 1")
        if self.n_bins % self.patch:
            raise ChandraEmbedError(
                f"patch {self.patch}: give a divisor of the {self.n_bins} bins of the grid"
            )
        if self.kind == "transformer" and self.width % self.heads:
            raise ChandraEmbedError(
                f"width {self.width}: give a multiple of the {self.heads} attention heads"
            )
        if not 0 <= self.dropout < 1:
            raise ChandraEmbedError(f"dropout {self.dropout}: give a fraction, at least 0 and below 1")

    @property
    def tokens(self) -> int:
        """Number of tokens a spectrum is cut into."""
        return self.n_bins // self.patch


def minmax(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """Scale each spectrum to 0..1 by its own least and largest bin.

    Parameters
    ----------
    spectrum : Tensor, shape (B, n_bins), float32
        The recipe's quantity. Any scale: nothing is added to the range, which may be 1e-5 or less.

    Returns
    -------
    normalised : Tensor, shape (B, n_bins), float32
        (spectrum - min) / (max - min); zeros where the spectrum is constant.
    scale : Tensor, shape (B, 2), float32
        min and max, in the recipe's quantity.
    """
    low = spectrum.amin(dim=1, keepdim=True)  # (B, 1)
    high = spectrum.amax(dim=1, keepdim=True)  # (B, 1)
    width = high - low
    return (spectrum - low) / torch.where(width == 0, 1.0, width), torch.cat([low, high], dim=1)


def scaled(spectrum: Tensor, scale: Tensor) -> Tensor:
    """Return spectra (B, n_bins) normalised with the min and max (B, 2) of others; see :func:`minmax`."""
    width = scale[:, 1:] - scale[:, :1]  # (B, 1)
    return (spectrum - scale[:, :1]) / torch.where(width == 0, 1.0, width)


class Attention(nn.Module):
    """Multi-head self-attention over all tokens (Vaswani et al. 2017), written out."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.tokens, self.heads, self.size = config.tokens, config.heads, config.width // config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, T, w) to tokens (B, T, w)."""
        qkv = self.qkv(x).reshape(-1, self.tokens, 3 * self.heads, self.size).transpose(1, 2)  # (B, 3h, T, d)
        q, k, v = qkv.split(self.heads, dim=1)  # each (B, h, T, d)
        weight = torch.softmax(q @ k.transpose(-2, -1) * self.size**-0.5, dim=-1)  # (B, h, T, T)
        mixed = (weight @ v).transpose(1, 2).reshape(-1, self.tokens, self.heads * self.size)  # (B, T, w)
        return self.out(mixed)  # type: ignore[no-any-return]


class Block(nn.Module):
    """One pre-norm transformer block: attention, then a perceptron, each added to its input."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(config.width)
        self.attention = Attention(config)
        self.norm_mlp = nn.LayerNorm(config.width)
        self.mlp = nn.Sequential(
            nn.Linear(config.width, config.mlp_ratio * config.width),
            nn.GELU(),
            nn.Linear(config.mlp_ratio * config.width, config.width),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, T, w) to tokens (B, T, w)."""
        x = x + self.dropout(self.attention(self.norm_attention(x)))
        return x + self.dropout(self.mlp(self.norm_mlp(x)))  # type: ignore[no-any-return]


def make_blocks(config: AutoencoderConfig) -> nn.Sequential:
    """Return the blocks of one side, tokens (B, T, w) to tokens (B, T, w)."""
    if config.kind == "recurrent":
        return nn.Sequential(*(RecurrentBlock(config.width, config.dropout) for _ in range(config.depth)))
    return nn.Sequential(*(Block(config) for _ in range(config.depth)))


class Encoder(nn.Module):
    """From a spectrum in the recipe's quantity to latents and the unit embedding.

    ``latent_mean`` is zero until :func:`~.loop.train` sets it to the mean over the training set:
    uncentred latents point the same way, and every similarity graph of them is complete.
    """

    latent_mean: Tensor
    first_axis: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_patch = nn.Linear(config.patch, config.width)
        self.position = nn.Parameter(0.02 * torch.randn(1, config.tokens, config.width))
        self.blocks = make_blocks(config)
        self.norm = nn.LayerNorm(config.width)
        self.to_latent = nn.Linear(config.tokens * config.width, config.n_latent)
        self.register_buffer("latent_mean", torch.zeros(config.n_latent))
        axis = torch.zeros(1, config.n_latent)
        axis[0, 0] = 1
        self.register_buffer("first_axis", axis, persistent=False)

    def forward(self, spectrum: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encode spectra.

        Parameters
        ----------
        spectrum : Tensor, shape (B, n_bins), float32
            The recipe's quantity.

        Returns
        -------
        latent : Tensor, shape (B, n_latent), float32
        normalised : Tensor, shape (B, n_bins), float32
            See :func:`minmax`.
        scale : Tensor, shape (B, 2), float32
            min and max, in the recipe's quantity.
        embedding : Tensor, shape (B, n_latent), float32
            Unit rows: the latent less ``latent_mean``, over its length; the first axis where that is 0.
        """
        normalised, scale = minmax(spectrum)
        latent = self.encode(normalised)
        return latent, normalised, scale, self.unit(latent - self.latent_mean)

    def encode(self, normalised: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Map normalised spectra to latents.

        Parameters
        ----------
        normalised : Tensor, shape (B, n_bins), float32
            See :func:`minmax`.
        hidden : Tensor, shape (B, tokens), bool, optional
            Tokens of which nothing but the position is shown. A patch of zeros is not the same: it is
            embedded as the bias of the first layer.

        Returns
        -------
        Tensor, shape (B, n_latent), float32
        """
        c = self.config
        x = self.embed_patch(normalised.reshape(-1, c.tokens, c.patch))  # (B, T, w)
        if hidden is not None:
            x = x.masked_fill(hidden.unsqueeze(2), 0.0)
        x = self.norm(self.blocks(x + self.position))  # (B, T, w)
        return self.to_latent(x.reshape(-1, c.tokens * c.width))  # type: ignore[no-any-return]

    def unit(self, centred: Tensor) -> Tensor:
        """Scale rows (B, l) to length 1; divided by the largest first, so that no square underflows."""
        largest = centred.abs().amax(dim=1, keepdim=True)  # (B, 1)
        # asked as == 0, so that NaN stays NaN and is never taken for a direction
        scaled = centred / torch.where(largest == 0, 1.0, largest)  # (B, l)
        direction = torch.where(largest == 0, self.first_axis, scaled)  # (B, l)
        return direction / (direction * direction).sum(dim=1, keepdim=True).sqrt()


class Decoder(nn.Module):
    """From latents back to the normalised spectrum."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.from_latent = nn.Linear(config.n_latent, config.tokens * config.width)
        self.position = nn.Parameter(0.02 * torch.randn(1, config.tokens, config.width))
        self.blocks = make_blocks(config)
        self.norm = nn.LayerNorm(config.width)
        self.to_patch = nn.Linear(config.width, config.patch)

    def forward(self, latent: Tensor) -> Tensor:
        """Map latents (B, l) to normalised spectra (B, n_bins)."""
        c = self.config
        x = self.from_latent(latent).reshape(-1, c.tokens, c.width) + self.position  # (B, T, w)
        x = self.norm(self.blocks(x))  # (B, T, w)
        return self.to_patch(x).reshape(-1, c.n_bins)  # type: ignore[no-any-return]


class Autoencoder(nn.Module):
    """Encoder and decoder, trained together."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def forward(self, spectrum: Tensor) -> tuple[Tensor, Tensor]:
        """Return the normalised spectra and their reconstructions, each (B, n_bins)."""
        latent, normalised, _, _ = self.encoder(spectrum)
        return normalised, self.decoder(latent)


def build(config: AutoencoderConfig, seed: int) -> Autoencoder:
    """Return an autoencoder whose first weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Autoencoder(config)


def parameter_count(model: nn.Module) -> int:
    """Return the number of trainable numbers in a module."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
