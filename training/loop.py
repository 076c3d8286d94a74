"""The training loop, read from top to bottom: fit, look at validation, save, stop when it no longer helps.

After every epoch the checkpoint holds all that the next one needs, and the order of the rows is a function
of seed and epoch, so a run that was killed and taken up again ends with the numbers of one that was not.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..inference.catalog.store import command_line
from ..inference.errors import ChandraEmbedError
from ..inference.progress import Progress
from . import checkpoint as store
from .autoencoder import Autoencoder, AutoencoderConfig, build, parameter_count
from .checkpoint import Checkpoint
from .datasets import PARTS, Spectra, source_keys, split
from .losses import training_loss
from .reconstruction import BLOCK, Baseline, figures, fit_baseline, model_errors
from .run import copy_weights, descend, exhausted, restore, seed_epoch, torch_state, unfinished


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Parameters
    ----------
    epochs : int
        At most so many passes over the training rows; the learning rate falls to its end over them.
    batch_size : int
        Rows of one step.
    learning_rate : float
        Its highest value, reached after `warmup` steps.
    weight_decay : float
        Of the weight matrices (AdamW).
    warmup : int
        Steps over which the learning rate rises.
    clip : float
        Largest norm of the gradient.
    patience : int
        Stop after so many epochs without a better validation error.
    validation, test : float
        Fractions of the sources.
    rows : int, optional
        Train on so many rows, drawn from the training part by the seed; default: on all.
    noise : float
        Standard deviation of Gaussian noise on the normalised input; the target stays without.
    mask : float
        Fraction of the input's tokens hidden from the encoder, others in each step; the target is whole.
    weighted : bool
        Weight bins by their inverse variance; see :func:`~.losses.inverse_variance`.
    denoise : float
        Share of the loss that is taken against the noise-free spectra; see :func:`~.losses.training_loss`.
    seed : int
        Of the weights, the split and the order of rows.
    threads : int
        Of torch; another number may give other last digits.
    """

    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup: int = 500
    clip: float = 1.0
    patience: int = 6
    validation: float = 0.1
    test: float = 0.1
    rows: int | None = None
    noise: float = 0.0
    mask: float = 0.0
    weighted: bool = False
    denoise: float = 0.0
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("validation", "test", "mask"):
            if not 0 <= getattr(self, name) < 1:
                raise ChandraEmbedError(
                    f"{name} {getattr(self, name)}: give a fraction, at least 0 and below 1"
                )
        if self.validation + self.test >= 1:
            raise ChandraEmbedError(
                f"test {self.test}: with {self.validation} for validation nothing is left to train on"
            )
        if not 0 <= self.denoise <= 1:
            raise ChandraEmbedError(f"denoise {self.denoise}: give a share, from 0 to 1")
        if not 0 <= self.noise < math.inf:
            raise ChandraEmbedError(f"noise {self.noise}: give a standard deviation, at least 0")


def train(
    spectra: Spectra,
    model_config: AutoencoderConfig,
    config: TrainConfig,
    folder: Path,
    on_epoch: Callable[[dict[str, Any]], None] = lambda entry: None,
) -> Checkpoint:
    """Fit an autoencoder, or go on with an unfinished run of the same settings.

    Parameters
    ----------
    spectra : Spectra
        Training, validation and test rows together; they are split by source.
    model_config : AutoencoderConfig
        Shape of the model.
    config : TrainConfig
        How to train.
    folder : Path
        Run folder: ``checkpoint.pt`` and ``meta.json`` are kept there.
    on_epoch : callable
        Called with the history entry of each epoch, after it is saved.

    Returns
    -------
    Checkpoint
        Finished: best weights with the latent mean set, and the figures of the test rows.

    Raises
    ------
    ChandraEmbedError
        Other settings than the unfinished run's, a finished run in the folder, too few sources, or a
        loss that is no longer finite.
    """
    parts = _parts(spectra, config)
    with torch_state(config.threads):
        state = _start_or_resume(folder, parts, model_config, config)
        model = build(model_config, config.seed)
        optimizer = make_optimizer(model, config)
        restore(state, model, optimizer)
        baseline = Baseline(state.baseline["mean"].numpy(), state.baseline["components"].numpy())
        beside = {k: float(v.mean()) for k, v in baseline.errors(parts["validation"].value).items()}

        history: list[dict[str, Any]] = state.meta["history"]
        while len(history) < config.epochs and not exhausted(_fitted(history), config.patience):
            began = time.monotonic()
            epoch = len(history)
            loss = _one_epoch(model, optimizer, parts["train"], config, epoch)
            found = _validation(model, parts["validation"], config)
            if all(found["fitted"] < fitted for fitted in _fitted(history)):
                state.best = copy_weights(model)
            entry = {"epoch": epoch + 1, "train": loss, **found, **beside}
            history.append({**entry, "seconds": round(time.monotonic() - began, 1)})
            state.weights, state.optimizer = copy_weights(model), optimizer.state_dict()
            store.save(folder, state)
            on_epoch(history[-1])

        _finish(state, model, parts, baseline)
        store.save(folder, state)
    return state


def _validation(model: Autoencoder, part: Spectra, config: TrainConfig) -> dict[str, float]:
    """Return the error of the validation rows, and of that and the error to the truth what is made small."""
    error = float(model_errors(model, part.value).mean())
    if not config.denoise:
        return {"validation": error, "fitted": error}
    true = float(model_errors(model, part.value, part.truth).mean())
    return {"validation": error, "fitted": (1 - config.denoise) * error + config.denoise * true}


def _fitted(history: list[dict[str, Any]]) -> list[float]:
    """Return what each epoch is judged by; records of older versions have the validation error alone."""
    return [entry.get("fitted", entry["validation"]) for entry in history]


def _finish(state: Checkpoint, model: Autoencoder, parts: dict[str, Spectra], baseline: Baseline) -> None:
    """Settle the latents of the best weights and measure them on the test rows."""
    model.load_state_dict(state.best)
    settle_latents(model, parts["train"].value)
    state.best = copy_weights(model)
    test = parts["test"]
    errors = {"autoencoder": model_errors(model, test.value), **baseline.errors(test.value)}
    state.meta["figures"] = figures(errors, test.net_counts, test.source_id)
    state.meta["finished"] = True


def _one_epoch(
    model: Autoencoder,
    optimizer: torch.optim.Optimizer,
    spectra: Spectra,
    config: TrainConfig,
    epoch: int,
) -> float:
    """Pass once over the training rows in the order of this epoch; return the mean loss."""
    model.train()
    seed_epoch(config.seed, epoch)
    order = np.random.default_rng([config.seed, epoch]).permutation(len(spectra))
    steps = math.ceil(len(spectra) / config.batch_size)
    total = 0.0
    with Progress(len(spectra), f"train, epoch {epoch + 1} of {config.epochs}", unit="spectra") as progress:
        for step in range(steps):
            rows = order[step * config.batch_size : (step + 1) * config.batch_size]
            loss = training_loss(
                model,
                spectra,
                rows,
                noise=config.noise,
                mask=config.mask,
                weighted=config.weighted,
                denoise=config.denoise,
            )
            rate = learning_rate(epoch * steps + step, config.epochs * steps, config)
            total += descend(
                loss,
                model,
                optimizer,
                rate=rate,
                clip=config.clip,
                epoch=epoch,
                mend="give a smaller --lr",
            ) * len(rows)
            progress.update(len(rows))
    return total / len(spectra)


def learning_rate(step: int, steps: int, config: TrainConfig) -> float:
    """Return the learning rate of a step: a linear rise, then half a cosine down to a hundredth.

    Parameters
    ----------
    step, steps : int
        This step, from 0, and how many there will be.
    config : TrainConfig
        Highest value and length of the rise.
    """
    warmup = min(config.warmup, max(steps // 10, 1))
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    part = (step - warmup) / max(steps - warmup, 1)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * part)))


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """Return AdamW (Loshchilov & Hutter 2019) that decays weight matrices alone, not biases or norms."""
    matrices = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() != 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.95), fused=True)


def settle_latents(model: Autoencoder, value: NDArray[np.float32]) -> None:
    """Set the mean and the scale of the latents from the training rows, in place.

    Latents have no unit of their own and training lets them grow. They are divided by a power of two, which
    is exact, so that their root mean square about the mean lies in (0.5, 1]; the decoder takes it back.
    Reconstructions and embeddings stay the same to the last bit, and absolute rounding errors become small.

    Parameters
    ----------
    model : Autoencoder
        ``latent_mean`` and the layers on both sides of the bottleneck are changed.
    value : ndarray, shape (n, n_bins), float32
        Training spectra in the recipe's quantity.
    """
    model.eval()
    with torch.no_grad():
        blocks = (torch.from_numpy(value[start : start + BLOCK]) for start in range(0, len(value), BLOCK))
        latent = torch.cat([model.encoder(block)[0] for block in blocks]).double()  # (n, l)
        mean = latent.mean(dim=0)  # (l,)
        rms = float((latent - mean).square().mean().sqrt())
        scale = 2.0 ** math.ceil(math.log2(rms)) if rms > 0 else 1.0
        model.encoder.latent_mean.copy_(mean / scale)
        model.encoder.to_latent.weight.div_(scale)
        model.encoder.to_latent.bias.div_(scale)
        model.decoder.from_latent.weight.mul_(scale)


def _parts(spectra: Spectra, config: TrainConfig) -> dict[str, Spectra]:
    """Split by source, and keep of the training rows those that the budget allows."""
    masks = split(spectra.source_id, config.seed, config.validation, config.test)
    for name in PARTS:
        if not masks[name].any():
            raise ChandraEmbedError(f"{len(spectra)} spectra leave no source for the {name} part; give more")
    if config.rows is not None:
        train = np.flatnonzero(masks["train"])
        # drawn, since a file may hold one class after the other
        kept = np.random.default_rng(config.seed).permutation(len(train))[: config.rows]
        masks["train"] = np.zeros(len(spectra), bool)
        masks["train"][train[kept]] = True
    if masks["train"].sum() < 2:
        raise ChandraEmbedError("1 spectrum to train on, which has no spread; give more")
    return {name: spectra.take(masks[name]) for name in PARTS}


def _start_or_resume(
    folder: Path, parts: dict[str, Spectra], model_config: AutoencoderConfig, config: TrainConfig
) -> Checkpoint:
    """Return the unfinished checkpoint of the folder where its settings are these, else a new one."""
    training = parts["train"]
    meta = {
        "format_version": store.FORMAT_VERSION,
        "command": command_line(),
        "model": store.plain(model_config),
        "training": store.plain(config),
        "recipe": store.plain(training.recipe),
        "recipe_fingerprint": training.recipe.fingerprint,
        "data": {"files": list(training.files), "rows": {name: len(part) for name, part in parts.items()}},
        "versions": store.versions(),
        "history": [],
        "finished": False,
        "figures": [],
    }
    if found := unfinished(folder, meta):
        return found
    model = build(model_config, config.seed)
    meta["parameters"] = parameter_count(model)
    baseline = fit_baseline(training.value, model_config.n_latent)
    seen = source_keys([*training.source_id, *parts["validation"].source_id])
    weights = copy_weights(model)
    return Checkpoint(
        meta,
        weights,
        weights,
        {},
        {"mean": torch.from_numpy(baseline.mean), "components": torch.from_numpy(baseline.components)},
        torch.from_numpy(seen),
    )
