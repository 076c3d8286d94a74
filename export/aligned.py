"""Freezing an aligner: its heads joined to the frozen encoders it was fitted on, in one bundle."""

import json
import math
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..inference.errors import ChandraEmbedError
from ..inference.event_list import EventList
from ..inference.event_map import EventRecipe, event_maps
from ..inference.runtime import open_session
from ..models.registry import Manifest, verify
from ..training.align_checkpoint import AlignCheckpoint
from ..training.align_inputs import BASE, EVENTS, TEXT
from ..training.aligner import Aligner, Head, LevelHead
from ..training.datasets import Spectra
from ..training.evaluation.sample import BASELINE
from ..training.events import EventCheckpoint, load_events
from ..training.reconstruction import Baseline
from .aligned_card import aligned_card
from .events import EVENT_OUTPUTS, event_encoder_onnx
from .freeze import (
    ENCODER_OUTPUTS,
    complete,
    distinct_commands,
    of_recipe,
    parity_inputs,
    parity_record,
    replace_bundle,
    unseen_rows,
)
from .graphs import with_head
from .manifest import make_manifest
from .parity import check_parity
from .to_onnx import to_onnx

Array = NDArray[np.float32]
SHARED = ("shared_out",)
# what the head of the spectra takes: the second, where it hears of their level
GIVEN = ("latent_out", "scale_out")
BAG, TEXT_FOLDER = "bag_of_words.npz", "text_encoder"


def export_aligned(
    checkpoint: AlignCheckpoint,
    run: Path,
    output: Path,
    version: str = "1.0.0",
    real: Path | None = None,
    reference: Path | None = None,
    evaluation: Path | None = None,
) -> dict[str, Any]:
    """Freeze an aligner with the encoders it stands on.

    Parameters
    ----------
    checkpoint : AlignCheckpoint
        Of a finished run of ``train aligner``.
    run : Path
        Its folder, which holds the base bundle, the events run and the text encoder.
    output, version, real, reference, evaluation
        As :func:`~.bundle.export_bundle`; a reference is scored in the shared space, on sources that
        neither the encoders nor the aligner have seen.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    ChandraEmbedError
        As :func:`~.bundle.export_bundle`, or a part of the run is missing or is not the one that the
        checkpoint names.
    """
    base = _base(checkpoint, run)
    events = _events(checkpoint, run)
    baseline = _baseline(checkpoint, base, events)
    fingerprint = base.recipe_fingerprint
    unseen = unseen_rows(reference, fingerprint, baseline["seen"]) if reference else None
    real_spectra = of_recipe(real, fingerprint) if real else None
    inputs = parity_inputs(int(base.recipe["n_bins"]), real_spectra)

    def fill(folder: Path, earlier: list[dict[str, Any]]) -> dict[str, Any]:
        model = checkpoint.aligner()
        _write_files(folder, model, checkpoint, run, base, events)
        with open(folder / BASELINE, "wb") as file:
            np.savez(file, **baseline)
        measured: dict[str, Any] = {
            "parity": _parity(folder, model, base, events, inputs, unseen),
            "reconstruction": base.content["measured"]["reconstruction"],
            "alignment": {"data": _pairs(checkpoint.meta), "figures": checkpoint.meta["figures"]},
        }
        extra = {**_facts(checkpoint.meta, base, events, unseen), "earlier": earlier}
        pca = Baseline(baseline["mean"], baseline["components"])
        make = partial(make_manifest, folder, output.name, version, _manifest_meta(checkpoint.meta, base))
        return complete(folder, make, aligned_card, measured, extra, pca, unseen, evaluation)

    return replace_bundle(output, version, checkpoint.meta, fill)


def _base(checkpoint: AlignCheckpoint, run: Path) -> Manifest:
    """Return the base bundle in the run folder, the very one that the aligner was fitted on."""
    stated = checkpoint.meta.get("base")
    if stated is None or "spectrum" not in checkpoint.aligner().heads:
        raise ChandraEmbedError(
            f"{run}: names no base bundle of spectra; only runs of chandra-embed train aligner can be frozen"
        )
    found = verify(run / BASE)
    if found.sha256 != stated["sha256"]:
        raise ChandraEmbedError(
            f"{run / BASE}: sha256 {found.sha256}, the aligner was fitted on {stated['name']} "
            f"{stated['version']}, sha256 {stated['sha256']}; train again"
        )
    return found


def _events(checkpoint: AlignCheckpoint, run: Path) -> EventCheckpoint | None:
    """Return the events run in the run folder, None where the aligner has no such head."""
    if "event" not in checkpoint.aligner().heads:
        return None
    return load_events(run / EVENTS)


def _baseline(checkpoint: AlignCheckpoint, base: Manifest, events: EventCheckpoint | None) -> dict[str, Any]:
    """Return the base's PCA, and the hashes of all sources that any part of the model has seen."""
    with np.load(base.folder / BASELINE, allow_pickle=False) as file:
        found: dict[str, Any] = dict(file)
    seen = [found["seen"], checkpoint.seen.numpy(), *([] if events is None else [events.seen.numpy()])]
    return {**found, "seen": np.unique(np.concatenate(seen))}


def _write_files(
    folder: Path,
    model: Aligner,
    checkpoint: AlignCheckpoint,
    run: Path,
    base: Manifest,
    events: EventCheckpoint | None,
) -> None:
    """Write the models, the text encoder and the linear baseline."""
    config = model.config
    given = GIVEN if config.level else GIVEN[:1]
    width = config.spectrum + (2 if config.level else 0)
    head = to_onnx(_spectrum_head(model), width, "given_in", SHARED)
    (folder / "encoder.onnx").write_bytes(with_head(base.folder / "encoder.onnx", head, given))
    shutil.copyfile(base.folder / "decoder.onnx", folder / "decoder.onnx")
    if events is not None:
        (folder / "event_encoder.onnx").write_bytes(event_encoder_onnx(events))
        made = to_onnx(_head(model, "event"), config.event, "event_latent_in", SHARED)
        (folder / "align_event.onnx").write_bytes(made)
    made = to_onnx(_head(model, "text"), config.text, "text_in", SHARED)
    (folder / "align_text.onnx").write_bytes(made)
    if (run / TEXT).is_dir():
        shutil.copytree(run / TEXT, folder / TEXT_FOLDER)
    with open(folder / BAG, "wb") as file:
        np.savez(file, **vars(checkpoint.bag_of_words()))


def _head(model: Aligner, name: str) -> Head:
    head = model.heads[name]
    assert isinstance(head, Head)
    return head.eval()


class FromScale(nn.Module):
    """A head that takes a spectrum's level as the encoder gives it: its smallest and largest bin."""

    def __init__(self, head: LevelHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Map latent, min and max (B, l + 2) to unit rows (B, size)."""
        extent = x[:, -1:] - x[:, -2:-1]  # (B, 1)
        # a constant spectrum has no range: it is taken for the faintest of training
        level = torch.log(torch.maximum(extent, 10.0**self.head.low)) / math.log(10.0)
        return self.head(torch.cat([x[:, :-2], level], dim=1))  # type: ignore[no-any-return]


def _spectrum_head(model: Aligner) -> nn.Module:
    head = _head(model, "spectrum")
    return FromScale(head) if isinstance(head, LevelHead) else head


class Joined(nn.Module):
    """What a joined encoder must give: the base bundle's own outputs, and torch's head on its own latents."""

    def __init__(self, base: Path, joined: Path, head: nn.Module) -> None:
        super().__init__()
        self.base, _ = open_session(base, "cpu")
        self.joined, _ = open_session(joined, "cpu")
        self.head = head

    def forward(self, spectrum: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Map spectra (B, n_bins) to latents, normalised spectra, scales and unit rows."""
        feed = {"spectrum": spectrum.numpy()}
        latent, normalised, scale = map(torch.from_numpy, self.base.run(list(ENCODER_OUTPUTS[:3]), feed))
        # its own: far from the training rows a head makes much of the last digit of a latent
        given = GIVEN if isinstance(self.head, FromScale) else GIVEN[:1]
        own = [torch.from_numpy(output) for output in self.joined.run(list(given), feed)]
        return latent, normalised, scale, self.head(torch.cat(own, dim=1))


def _parity(
    folder: Path,
    model: Aligner,
    base: Manifest,
    events: EventCheckpoint | None,
    inputs: Mapping[str, Array],
    unseen: Spectra | None,
) -> dict[str, Any]:
    """Compare every frozen model with what it was made of; raise on a difference."""
    path = folder / "encoder.onnx"
    joined = Joined(base.folder / path.name, path, _spectrum_head(model))
    files = {path.name: check_parity(joined, path, ENCODER_OUTPUTS, inputs)}
    for name in model.heads:
        if name != "spectrum":
            file, head = f"align_{name}.onnx", _head(model, name)
            files[file] = check_parity(head, folder / file, SHARED, {"made up": awkward_rows(head)})
    if events is not None:
        file, rows = "event_encoder.onnx", {"made up": awkward_events(events.recipe)}
        files[file] = check_parity(events.model(), folder / file, EVENT_OUTPUTS, rows)
    return parity_record(joined, path, inputs, files, unseen)


def awkward_rows(head: Head, seed: int = 0) -> Array:
    """Return made-up inputs that a frozen head must get right, shape (131, width), float32.

    Rows as training had them, ten times wider, a thousandth as wide; the mean row, zeros, and one large
    number alone.
    """
    rng = np.random.default_rng(seed)
    mean, scale = head.mean.numpy(), head.scale.numpy()
    size = np.repeat([1.0, 10.0, 1e-3], [64, 32, 32])[:, None]
    rows = mean + scale * size * rng.normal(size=(128, len(mean)))
    single = np.zeros(len(mean))
    single[len(mean) // 2] = 100.0
    return np.concatenate([rows, [mean, np.zeros(len(mean)), single]]).astype(np.float32)


def awkward_events(recipe: EventRecipe, seed: int = 0) -> Array:
    """Return made-up event lists as the encoder takes them, shape (65, width), float32; the first is empty.

    From 1 to 3,000 events of every energy, evenly spread or all in one moment, in 1 s to 100 ks.
    """
    rng, lists = np.random.default_rng(seed), []
    for i in range(65):
        n, live = 0 if i == 0 else int(10 ** rng.uniform(0, 3.5)), 10 ** rng.uniform(0, 5)
        time = np.sort(rng.uniform(0, live, n)) if i % 3 else np.full(n, live / 2)
        energy = rng.uniform(0.3, 8.0, n).astype(np.float32)
        lists.append(EventList(time, energy, np.array([[0.0, live]])))
    return event_maps(lists, recipe)


def _pairs(meta: Mapping[str, Any]) -> str:
    """Say what the recalls were measured on."""
    spectra = "simulated spectra" if meta["simulated"] else "spectra"
    texts = "semi-simulated texts" if meta["semi_simulated"] else "texts"
    return f"{spectra} and {texts} of sources not trained on"


def _manifest_meta(meta: Mapping[str, Any], base: Manifest) -> dict[str, Any]:
    """Return the checkpoint's facts as a manifest takes them: files are those of spectra."""
    data = {"files": meta["spectra"], "rows": meta["data"]["rows"]}
    return {**meta, "model": base.content["model"], "data": data}


def _facts(
    meta: Mapping[str, Any], base: Manifest, events: EventCheckpoint | None, unseen: Spectra | None
) -> dict[str, Any]:
    """Return what stands in the manifest of an aligned bundle beside what stands in every one."""
    commands = [*base.content["commands"], *(file["command"] for file in meta["spectra"])]
    if events is not None:
        commands.append(events.meta["command"])
    return {
        "modalities": [name for name in ("spectrum", "event", "text") if meta["model"][name]],
        "aligner": dict(meta["model"]),
        "event_recipe": meta["event_recipe"],
        "base": {
            **meta["base"],
            "parameters": base.content["parameters"],
            "trained_on": base.content["trained_on"],
        },
        "events_model": None if events is None else json.loads(json.dumps(events.meta["model"])),
        "texts": meta["texts"],
        "joined": meta["joined"],
        "semi_simulated": meta["semi_simulated"],
        "sources": meta["data"]["sources"],
        "temperature": meta["history"][_best(meta)]["temperature"],
        "commands": distinct_commands([*commands, meta["command"]], unseen),
    }


def _best(meta: Mapping[str, Any]) -> int:
    """Return the epoch, from 0, whose weights were kept."""
    return int(np.argmax([entry["validation"] for entry in meta["history"]]))
