"""Fit an autoencoder of events: tables by cross-entropy, statistics by squares, latents through noise.

Noise on the latents (of variance 1) makes a channel of small capacity: what weighs in the loss is written
in many latents, Poisson noise of single bins in none, so that distances between latents mean something.
Halves of event lists measure that: shown one half, what does a model say of the other?
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..inference.catalog.store import command_line
from ..inference.errors import ChandraEmbedError
from ..inference.progress import Progress
from . import checkpoint as store
from .autoencoder import parameter_count
from .checkpoint import Checkpoint
from .datasets import PARTS, source_keys, split
from .event_autoencoder import EventAutoencoder, EventAutoencoderConfig, EventTables, build_events
from .event_checkpoint import KIND, EventCheckpoint
from .event_data import EventMaps
from .event_halves import fit_baseline, half_errors
from .loop import TrainConfig, learning_rate, make_optimizer
from .reconstruction import figures
from .run import copy_weights, descend, exhausted, restore, seed_epoch, torch_state, unfinished

BLOCK = 4096
FLOOR = 1e-12  # of a fraction before its logarithm


@dataclass(frozen=True)
class EventTrainConfig:
    """How to train.

    Parameters
    ----------
    model : EventAutoencoderConfig
        Shape of the autoencoder.
    epochs : int
        At most so many passes over the training rows; the learning rate falls to its end over them.
    batch_size : int
        Rows of one step.
    learning_rate : float
        Its highest value.
    patience : int
        Stop after so many epochs without a better validation loss.
    noise : float
        Standard deviation of Gaussian noise on the latents while training.
    table_weight, light_curve_weight, statistics_weight : float
        Weights of the losses beside that of the energy histogram, which is 1.
    validation, test : float
        Fractions of the sources.
    seed : int
        Of weights, noise and the order of rows; the split has always seed 0, as that of the aligner.
    threads : int
        Of torch; another number may give other last digits.
    """

    model: EventAutoencoderConfig = field(default_factory=EventAutoencoderConfig)
    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 2e-3
    patience: int = 6
    noise: float = 1.0
    table_weight: float = 0.2
    light_curve_weight: float = 1.0
    statistics_weight: float = 10.0
    validation: float = 0.1
    test: float = 0.5
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.noise < math.inf:
            raise ChandraEmbedError(f"noise {self.noise}: give a standard deviation, at least 0")

    def schedule(self) -> TrainConfig:
        """Return what the spectra's loop calls the same settings."""
        return TrainConfig(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            patience=self.patience,
            validation=self.validation,
            test=self.test,
            seed=self.seed,
            threads=self.threads,
        )


def event_loss(
    model: EventAutoencoder, whole: Tensor, shown: Tensor, hidden: Tensor, config: EventTrainConfig
) -> Tensor:
    """Return the loss of rows of events.

    Histogram, table and light curves: the model is shown one half of the events, and its fractions count by
    their Kullback-Leibler divergence from the other half, in nats an event (a Poisson likelihood of sparse
    counts given their sum). Noise is never in both halves, so copying it does not pay (Lehtinen et al. 2018).
    Statistics of what was shown, the half or the whole, count by their squared error in standard deviations
    of the training rows.

    Parameters
    ----------
    model : EventAutoencoder
        Noise is on the latents where it is in training mode.
    whole, shown, hidden : Tensor, shape (B, width), float32
        All events of each row, a random half, and the other half.
    config : EventTrainConfig
        Noise and weights.

    Returns
    -------
    Tensor, shape (), float32
        Mean over rows.
    """
    event = torch.cat([shown, whole])  # (2B, width)
    latent = model.encoder(event)  # (2B, l)
    if model.training and config.noise:
        latent = latent + config.noise * torch.randn_like(latent)
    log_energy, log_table, statistics = model.decoder.parts(latent)
    features, half = model.encoder.features, len(shown)
    energy, table, _ = features.tables.split(hidden)
    log_energy, log_table = log_energy[:half], log_table[:half]
    light_curve = _light_curve_divergence(features.tables, table, log_table.exp())
    wanted = features(event)[:, : features.n_statistics]  # (2B, s)
    loss: Tensor = (
        divergence(energy, log_energy)
        + config.table_weight * divergence(table, log_table)
        + config.light_curve_weight * light_curve
        + config.statistics_weight * (statistics - wanted).square().mean()
    )
    return loss


def _light_curve_divergence(tables: EventTables, found: Tensor, predicted: Tensor) -> Tensor:
    """Return the mean over resolutions of the divergence of light curves."""
    pairs = zip(tables.light_curves(found), tables.light_curves(predicted), strict=True)
    each = [divergence(curve, fraction.clamp(min=FLOOR).log()) for curve, fraction in pairs]
    return torch.stack(each).mean()


def divergence(counts: Tensor, log_fraction: Tensor) -> Tensor:
    """Return the mean Kullback-Leibler divergence of counts (B, k) from log fractions, nats an event."""
    fraction = counts / counts.sum(dim=1, keepdim=True).clamp(min=1.0)
    return (fraction * (fraction.clamp(min=FLOOR).log() - log_fraction)).sum(dim=1).mean()


def train_events(
    data: EventMaps,
    config: EventTrainConfig,
    folder: Path,
    on_epoch: Callable[[dict[str, Any]], None] = lambda entry: None,
) -> EventCheckpoint:
    """Fit an autoencoder of events, or go on with an unfinished run of the same settings.

    Parameters
    ----------
    data : EventMaps
        Training, validation and test rows together; they are split by source.
    config : EventTrainConfig
        How to train.
    folder : Path
        Run folder: ``checkpoint.pt`` and ``meta.json`` are kept there.
    on_epoch : callable
        Called with the history entry of each epoch, after it is saved.

    Returns
    -------
    EventCheckpoint
        Finished: best weights, latents of mean 0 and variance 1 over the training rows and their shown
        halves, and the figures of the test rows.

    Raises
    ------
    ChandraEmbedError
        Other settings than the unfinished run's, a finished run in the folder, too few sources, or a loss
        that is no longer finite.
    """
    masks = split(data.source_id, 0, config.validation, config.test)
    parts = {name: data.take(masks[name]) for name in PARTS}
    if min(int(part.halved.sum()) for part in parts.values()) < 2:
        raise ChandraEmbedError(f"{len(data)} rows with events leave too few sources to split; give more")
    with torch_state(config.threads):
        state = _start_or_resume(folder, parts, config)
        model = build_events(data.recipe, config.model, config.seed)
        optimizer = make_optimizer(model, config.schedule())
        restore(state, model, optimizer)

        history: list[dict[str, Any]] = state.meta["history"]
        costs = [float(entry["validation"]) for entry in history]
        while len(history) < config.epochs and not exhausted(costs, config.patience):
            began = time.monotonic()
            epoch = len(history)
            loss = _one_epoch(model, optimizer, _tensors(parts["train"]), config, epoch)
            error = _mean_loss(model, _tensors(parts["validation"]), config)
            if all(error < cost for cost in costs):
                state.best = copy_weights(model)
            entry = {"epoch": epoch + 1, "train": loss, "validation": error}
            costs.append(error)
            history.append({**entry, "seconds": round(time.monotonic() - began, 1)})
            state.weights, state.optimizer = copy_weights(model), optimizer.state_dict()
            store.save(folder, state)
            on_epoch(history[-1])

        _finish(state, model, parts)
        store.save(folder, state)
    return EventCheckpoint(state)


def _finish(state: Checkpoint, model: EventAutoencoder, parts: dict[str, EventMaps]) -> None:
    """Settle the latents of the best weights and measure them on the test rows."""
    model.load_state_dict(state.best)
    model.eval()
    whole, shown, _ = _tensors(parts["train"])
    model.encoder.settle(torch.cat([shown, whole]))  # as the decoder knows them from its batches
    state.best = copy_weights(model)
    test = parts["test"].take(parts["test"].halved)
    errors = half_errors(model, state.baseline, test)
    state.meta["figures"] = figures(errors, test.net_counts, test.source_id)
    state.meta["finished"] = True


def _one_epoch(
    model: EventAutoencoder,
    optimizer: torch.optim.Optimizer,
    events: tuple[Tensor, Tensor, Tensor],
    config: EventTrainConfig,
    epoch: int,
) -> float:
    """Pass once over the training rows in the order of this epoch; return the mean loss."""
    model.train()
    seed_epoch(config.seed, epoch)
    n = len(events[0])
    order = np.random.default_rng([config.seed, epoch]).permutation(n)
    schedule, steps, total = config.schedule(), math.ceil(n / config.batch_size), 0.0
    with Progress(n, f"train, epoch {epoch + 1} of {config.epochs}", unit="event lists") as progress:
        for step in range(steps):
            rows = order[step * config.batch_size : (step + 1) * config.batch_size]
            whole, shown, hidden = (event[rows] for event in events)
            loss = event_loss(model, whole, shown, hidden, config)
            rate = learning_rate(epoch * steps + step, config.epochs * steps, schedule)
            total += descend(
                loss,
                model,
                optimizer,
                rate=rate,
                clip=schedule.clip,
                epoch=epoch,
                mend="other files, or fewer latents",
            ) * len(rows)
            progress.update(len(rows))
    return total / n


def _mean_loss(
    model: EventAutoencoder, events: tuple[Tensor, Tensor, Tensor], config: EventTrainConfig
) -> float:
    """Return the mean loss of rows without noise."""
    model.eval()
    whole, shown, hidden = (torch.split(event, BLOCK) for event in events)
    with torch.inference_mode():
        losses = [
            float(event_loss(model, *block, config)) * len(block[0])
            for block in zip(whole, shown, hidden, strict=True)
        ]
    return math.fsum(losses) / len(events[0])


def _tensors(rows: EventMaps) -> tuple[Tensor, Tensor, Tensor]:
    """Return all events, the shown half and the hidden half, each (n, width), without a copy."""
    return torch.from_numpy(rows.whole), torch.from_numpy(rows.shown), torch.from_numpy(rows.hidden)


def _start_or_resume(folder: Path, parts: dict[str, EventMaps], config: EventTrainConfig) -> Checkpoint:
    """Return the unfinished checkpoint of the folder where its settings are these, else a new one."""
    training = parts["train"]
    settings = store.plain(config)
    meta = {
        "format_version": store.FORMAT_VERSION,
        "kind": KIND,
        "command": command_line(),
        "model": settings.pop("model"),
        "training": settings,
        "recipe": asdict(training.recipe),
        "recipe_fingerprint": training.recipe.fingerprint,
        "data": {"files": list(training.files), "rows": {name: len(part) for name, part in parts.items()}},
        "versions": store.versions(),
        "history": [],
        "finished": False,
        "figures": [],
    }
    if found := unfinished(folder, meta):
        return found
    model = build_events(training.recipe, config.model, config.seed)
    model.encoder.features.settle(torch.from_numpy(training.whole))
    meta["parameters"] = parameter_count(model)
    baseline = fit_baseline(training, parts["validation"], config.model.n_latent)
    seen = source_keys([*training.source_id, *parts["validation"].source_id])
    weights = copy_weights(model)
    return Checkpoint(meta, weights, weights, {}, baseline, torch.from_numpy(seen))
