"""Fitting the aligner, read from top to bottom: everything in memory, one short epoch after the other.

After every epoch the checkpoint holds all that the next one needs, and the order of the rows is a function
of seed and epoch, so a run that was killed and taken up again ends with the numbers of one that was not.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.catalog.store import command_line
from . import checkpoint as store
from .align_checkpoint import KIND, AlignCheckpoint, as_aligner
from .align_data import AlignmentData, Part
from .align_loss import Batches, align_loss, pairs_of
from .align_recall import BagOfWords, fit_bag_of_words, mean_recall, retrieval_rows, spread
from .aligner import MODALITIES, Aligner, AlignerConfig, LevelHead, build_aligner
from .autoencoder import parameter_count
from .datasets import PARTS, source_keys
from .loop import TrainConfig, learning_rate, make_optimizer
from .run import copy_weights, descend, exhausted, restore, seed_epoch, torch_state, unfinished

Array = NDArray[np.float32]
BLOCK = 8192


@dataclass(frozen=True)
class AlignTrainConfig:
    """How to train an aligner.

    Parameters
    ----------
    epochs : int
        At most so many passes over the training pairs; the learning rate falls to its end over them.
    batch_size : int
        Pairs of one step, each the negatives of the others; the rest of an epoch that fills none is left.
        Fewer training pairs are one batch.
    learning_rate : float
        Its highest value, reached after `warmup` steps.
    weight_decay : float
        Of the weight matrices (AdamW).
    warmup : int
        Steps over which the learning rate rises.
    clip : float
        Largest norm of the gradient.
    patience : int
        Stop after so many epochs without a better validation recall.
    seed : int
        Of the weights, dropout, noise and the order of rows; not of the split.
    threads : int
        Of torch; another number may give other last digits.
    """

    epochs: int = 40
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.3
    warmup: int = 100
    clip: float = 1.0
    patience: int = 10
    seed: int = 0
    threads: int = 1

    @property
    def schedule(self) -> TrainConfig:
        """The part that the optimizer and the learning rate go by."""
        return TrainConfig(
            learning_rate=self.learning_rate, weight_decay=self.weight_decay, warmup=self.warmup
        )


def fit_aligner(
    data: AlignmentData,
    config: AlignerConfig,
    folder: Path,
    training: AlignTrainConfig | None = None,
    facts: Mapping[str, Any] | None = None,
    on_epoch: Callable[[dict[str, Any]], None] = lambda entry: None,
) -> AlignCheckpoint:
    """Fit an aligner, or go on with an unfinished run of the same settings and data.

    Parameters
    ----------
    data : AlignmentData
        Training, validation and test rows together.
    config : AlignerConfig
        Shape and loss; the widths of the heads are taken from `data`.
    folder : Path
        Run folder: ``checkpoint.pt`` and ``meta.json`` are kept there.
    training : AlignTrainConfig, optional
        How to train.
    facts : mapping, optional
        Plain values that go into the checkpoint's ``meta`` (recipe, base bundle, files, ...).
    on_epoch : callable
        Called with the history entry of each epoch, after it is saved.

    Returns
    -------
    AlignCheckpoint
        Finished, with the weights of the epoch of the best validation recall, and the recalls of the test
        sources.

    Raises
    ------
    ChandraEmbedError
        Other settings or data than the unfinished run's, a finished run in the folder, or a loss that is no
        longer finite.
    """
    training = training or AlignTrainConfig()
    widths: dict[str, Any] = {name: data.width(name) for name in MODALITIES}
    config = replace(config, **widths, level=data.level is not None)
    parts = {name: data.take(name) for name in PARTS}
    with torch_state(training.threads):
        state = _start_or_resume(folder, data, parts, config, training, facts or {})
        model = build_aligner(config, training.seed)
        optimizer = make_optimizer(model, training.schedule)
        restore(state, model, optimizer)
        size = min(training.batch_size, len(parts["train"]))
        batches = Batches(parts["train"], size, training.seed)
        history: list[dict[str, Any]] = state.meta["history"]
        costs = [-float(entry["validation"]) for entry in history]  # of recall more is better
        while len(history) < training.epochs and not exhausted(costs, training.patience):
            began = time.monotonic()
            loss = _one_epoch(model, optimizer, batches, training, len(history))
            recall = validation_recall(model, parts["validation"])
            if all(-recall < cost for cost in costs):
                state.best = copy_weights(model)
            entry = {"epoch": len(history) + 1, "train": loss, "validation": recall}
            entry |= {"temperature": model.temperature, "seconds": round(time.monotonic() - began, 1)}
            costs.append(-recall)
            history.append(entry)
            state.weights, state.optimizer = copy_weights(model), optimizer.state_dict()
            store.save(folder, state)
            on_epoch(entry)
        model.load_state_dict(state.best)
        state.meta["figures"] = _figures(model, state.bag_of_words(), parts["test"])
        state.meta["finished"] = True
        store.save(folder, state)
    return state


def _one_epoch(
    model: Aligner,
    optimizer: torch.optim.Optimizer,
    batches: Batches,
    training: AlignTrainConfig,
    epoch: int,
) -> float:
    """Pass once over the training pairs; return the mean loss."""
    model.train()
    seed_epoch(training.seed, epoch)
    total, schedule = 0.0, training.schedule
    for step, rows in enumerate(batches.epoch(epoch)):
        rate = learning_rate(epoch * batches.steps + step, training.epochs * batches.steps, schedule)
        loss = align_loss(model, batches, rows)
        total += descend(
            loss,
            model,
            optimizer,
            rate=rate,
            clip=training.clip,
            epoch=epoch,
            mend="give a smaller learning rate",
        )
        model.clamp_temperature()
    return total / batches.steps


def embed_part(model: Aligner, part: Part) -> dict[str, Array]:
    """Return the unit rows (m, d) of each modality; NaN where a row has none."""
    model.eval()
    found = {}
    with torch.inference_mode():
        for name in model.heads:
            rows = part.rows[name]
            blocks = [model(name, torch.from_numpy(rows[i : i + BLOCK])) for i in range(0, len(rows), BLOCK)]
            found[name] = torch.cat(blocks).numpy()
    return found


def validation_recall(model: Aligner, part: Part) -> float:
    """Return recall at 1 % of texts and each other modality, the mean of both directions and of all."""
    z = embed_part(model, part)
    found = [
        mean_recall(z[name], z["text"], part.source_id, part.present(name))
        for name in model.config.modalities
        if name != "text" and part.present(name).any()
    ]
    return float(np.mean(found))


def _figures(model: Aligner, bag: BagOfWords, test: Part) -> list[dict[str, Any]]:
    """Return the recalls of the test sources, by the aligner and by the bag of words."""
    z = embed_part(model, test)
    data = model.config.modalities[0]
    linear = {data: bag.unit(test.rows[data]), "text": bag.unit(bag.predict(test.rows["text"]))}
    return [
        *({"method": "aligner", **row} for row in retrieval_rows(z, test, pairs_of(model))),
        *({"method": "bag of words", **row} for row in retrieval_rows(linear, test, [(data, "text")])),
    ]


def _start_or_resume(
    folder: Path,
    data: AlignmentData,
    parts: dict[str, Part],
    config: AlignerConfig,
    training: AlignTrainConfig,
    facts: Mapping[str, Any],
) -> AlignCheckpoint:
    """Return the unfinished checkpoint of the folder where its settings are these, else a new one."""
    meta = {
        "format_version": store.FORMAT_VERSION,
        "kind": KIND,
        "command": command_line(),
        "recipe_fingerprint": "",
        **facts,
        "model": asdict(config),
        "training": asdict(training),
        "data": {
            "files": [{"name": "pairs", "sha256": data.digest()}],
            "rows": {name: len(part) for name, part in parts.items()},
            "sources": {name: len(np.unique(part.source_id)) for name, part in parts.items()},
        },
        "versions": store.versions(),
        "history": [],
        "finished": False,
        "figures": [],
    }
    if found := unfinished(folder, meta):
        return as_aligner(found, folder)
    model = build_aligner(config, training.seed)
    _standardise(model, parts["train"])
    meta["parameters"] = parameter_count(model)
    bag = fit_bag_of_words(parts["train"], parts["validation"], config.modalities[0])
    seen = source_keys([*parts["train"].source_id, *parts["validation"].source_id])
    baseline = {name: torch.from_numpy(values) for name, values in vars(bag).items()}
    weights = copy_weights(model)
    return AlignCheckpoint(meta, weights, weights, {}, baseline, torch.from_numpy(seen))


def _standardise(model: Aligner, train: Part) -> None:
    """Set mean and scale of each head's input from the training rows that have it."""
    for name, head in model.heads.items():
        rows = train.rows[name][train.present(name)].astype(np.float64)
        scale = spread(rows)
        if name == "text":
            # one for all columns: the small components of a text are mostly noise, and stay small
            rms = float(np.sqrt(rows.var(axis=0).mean()))
            scale = np.full_like(scale, rms if rms > 0 else 1.0)
        head.mean.copy_(torch.from_numpy(rows.mean(axis=0)))  # type: ignore[operator]
        head.scale.copy_(torch.from_numpy(scale))  # type: ignore[operator]
        if isinstance(head, LevelHead):
            head.low.fill_(float(rows[:, -1].min()))
            head.high.fill_(float(rows[:, -1].max()))
