"""From files to pairs: latents of spectra and event lists, vectors of texts, joined by file or by name."""

import logging
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.catalog import store
from ..inference.catalog.contents import stored_recipe
from ..inference.catalog.event_table import read_events
from ..inference.catalog.spectra_file import spectra_block
from ..inference.encoder import Encoder
from ..inference.errors import ChandraEmbedError
from ..inference.event_list import EventList
from ..inference.event_map import EventRecipe, event_maps
from ..inference.progress import Progress
from ..inference.text.encoder import SENTENCE_FILES, TFIDF_FILES, open_text_encoder
from ..inference.text.precomputed import read_vectors
from ..inference.text.sentence import SETTINGS
from ..inference.text.table import plain_key, read_texts
from .align_data import AlignmentData, split_of
from .checkpoint import make_folder
from .datasets import log_range
from .event_autoencoder import EventEncoder
from .event_checkpoint import EventCheckpoint, load_events

logger = logging.getLogger("chandra_embed")
Array = NDArray[np.float32]
BASE, EVENTS, TEXT = "base", "events", "text"
TEXT_FILES = (*TFIDF_FILES, *SENTENCE_FILES, SETTINGS)
BLOCK = 2048


@dataclass(frozen=True)
class Detections:
    """Rows of spectra that hold a shape: what a text is joined to.

    Parameters
    ----------
    keys : dict of str to ndarray, shape (n,), str
        ``file`` and ``name`` of each row.
    source_id : ndarray, shape (n,), str
    spectrum : ndarray, shape (n, l), float32
        Latents.
    level : ndarray, shape (n,), float32
        log10 of the spectra's ranges.
    event : ndarray, shape (n, e), float32, or None
        Latents, rows of NaN without events; None where no events run was given.
    facts : dict
        name, sha256, simulated, command, rows, constant of the file.
    """

    keys: dict[str, NDArray[np.str_]]
    source_id: NDArray[np.str_]
    spectrum: Array
    level: Array
    event: Array | None
    facts: dict[str, Any]

    def __len__(self) -> int:
        return len(self.source_id)


@dataclass(frozen=True)
class Words:
    """Vectors of texts and what each is of: `key` is ``"file"`` or ``"name"``, `vectors` (m, t) float32."""

    key: str
    keys: NDArray[np.str_]
    vectors: Array
    splits: NDArray[np.str_] | None
    facts: dict[str, Any]


def read_pairs(
    spectra: Sequence[Path],
    *,
    model: str | Path,
    texts: Sequence[Path] = (),
    text_encoder: Path | None = None,
    vectors: Path | None = None,
    events: Path | None = None,
) -> tuple[AlignmentData, dict[str, Any]]:
    """Read pairs of detections and texts, and turn both into the numbers that are aligned.

    Parameters
    ----------
    spectra : sequence of Path
        ``spectra.h5`` files of the bundle's recipe.
    model : str or Path
        Bundle of the spectrum encoder.
    texts : sequence of Path
        Tables of texts; one for each file of spectra, or one for all of them.
    text_encoder : Path, optional
        Folder of the text encoder, which `texts` need.
    vectors : Path, optional
        Vectors of texts made elsewhere, by name, instead of `texts`.
    events : Path, optional
        Run folder of ``train events``.

    Returns
    -------
    data : AlignmentData
        One row for each detection and text of it. Detections and texts that belong to nothing, constant
        spectra and texts of which the encoder knows no word are left out; how many stands in `facts`.
    facts : dict
        Plain values for the checkpoint.

    Raises
    ------
    ChandraEmbedError
        Files of another recipe, a file named twice, an ambiguous or missing key, or no pair at all.
    """
    encoder = Encoder.load(model, "cpu")
    checkpoint = _events_run(events)
    detections = [read_detections(path, encoder, checkpoint) for path in spectra]
    _check_distinct(spectra, detections)
    words = [_vector_words(vectors)] if vectors else list(_text_words(texts, text_encoder))
    if len(words) not in (1, len(spectra)):
        raise ChandraEmbedError(
            f"{len(words)} tables of texts for {len(spectra)} files of spectra: give one, or one for each"
        )
    if len(words) == 1:
        _check_keys(words[0].key, detections)
    joined = [_join(each, words[i % len(words)]) for i, each in enumerate(detections)]
    parts = [part for part, _ in joined]
    if not sum(len(part["source_id"]) for part in parts):
        first = words[0]
        if not len(first.keys):
            raise ChandraEmbedError(
                f"{first.facts['name']}: the encoder knows no word of any text; fit another"
            )
        raise ChandraEmbedError(
            f"{', '.join(map(str, spectra))}: no detection has a text; the texts' {first.key} begins with "
            f"{str(first.keys[0])!r}, the detections' with {str(detections[0].keys[first.key][0])!r}"
        )
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    data = AlignmentData(**columns)
    return data, _facts(data, encoder, checkpoint, detections, words, [counts for _, counts in joined])


def read_detections(path: Path, encoder: Encoder, events: EventCheckpoint | None) -> Detections:
    """Read one file and put its spectra, and its events where a run is given, through their encoders."""
    with store.open_store(path, store.SPECTRA) as file:
        stored, wanted = stored_recipe(file).fingerprint, encoder.recipe.fingerprint
        if stored != wanted:
            raise ChandraEmbedError(
                f"{path}: recipe fingerprint {stored}, bundle {encoder.manifest.name} has {wanted}; "
                "ingest again with the bundle's settings"
            )
        n, keep, latents, level, event = store.row_count(file), [], [], [], []
        event_encoder = None if events is None else events.model().encoder
        with Progress(n, f"read {path.name}") as progress:
            for start in range(0, n, BLOCK):
                stop = min(start + BLOCK, n)
                value = spectra_block(file, start, stop)
                shaped = np.ptp(value, axis=1) > 0
                keep.append(shaped)
                latents.append(encoder.latent(value[shaped]))
                level.append(log_range(value[shaped]))
                if events is not None and event_encoder is not None:
                    lists = read_events(file, start, stop)
                    own = [lists[i] for i in np.flatnonzero(shaped)]
                    event.append(event_latents(own, event_encoder, events.recipe))
                progress.update(stop - start)
        mask = np.concatenate(keep) if keep else np.zeros(0, bool)
        columns = {name: store.read_column(file, name)[mask] for name in ("file", "name", "source_id")}
        facts = {
            "name": path.name,
            "sha256": store.sha256_file(path),
            "simulated": bool(file.attrs.get("simulated", False)),
            "command": str(file.attrs.get("command", "")),
            "rows": n,
            "constant": int(n - mask.sum()),
        }
    if not mask.any():
        raise ChandraEmbedError(f"{path}: no spectrum that is not constant")
    return Detections(
        {name: columns[name] for name in ("file", "name")},
        columns["source_id"],
        np.concatenate(latents),
        np.concatenate(level),
        np.concatenate(event) if events is not None else None,
        facts,
    )


def event_latents(lists: Sequence[EventList | None], encoder: EventEncoder, recipe: EventRecipe) -> Array:
    """Return the latents of event lists, shape (n, e), float32; rows of NaN without any event."""
    rows = [row for row, one in enumerate(lists) if one is not None and len(one)]
    maps = event_maps([one for one in lists if one is not None and len(one)], recipe)
    with torch.inference_mode():
        made = encoder(torch.from_numpy(maps)).numpy()
    found = np.full((len(lists), made.shape[1]), np.nan, np.float32)
    found[rows] = made
    return found


def _events_run(folder: Path | None) -> EventCheckpoint | None:
    return None if folder is None else load_events(folder)


def _vector_words(path: Path) -> Words:
    keys, vectors = read_vectors(path)
    facts = {"name": path.name, "sha256": store.sha256_file(path), "rows": len(keys), "semi_simulated": False}
    return Words("name", keys, vectors, None, facts)


def _text_words(paths: Sequence[Path], folder: Path | None) -> Iterator[Words]:
    """Yield the texts of each table as vectors; each distinct text is encoded once."""
    if folder is None or not paths:
        raise ChandraEmbedError("give texts with their encoder (--texts and --text), or --vectors")
    encoder = open_text_encoder(folder, "cpu")
    for path in paths:
        read = read_texts(path)
        distinct, index = np.unique(np.array(read.texts, dtype=object), return_inverse=True)
        vectors = encoder.encode([str(text) for text in distinct])[index]
        known = np.asarray(vectors.any(axis=1))
        if not known.all():
            logger.warning(
                "%s: the encoder knows no word of %d of %d texts; left out",
                path,
                int((~known).sum()),
                len(known),
            )
        facts = {
            "name": path.name,
            "sha256": store.sha256_file(path),
            "rows": len(read),
            "unknown": int((~known).sum()),
            "semi_simulated": read.semi_simulated,
        }
        splits = None if read.splits is None else read.splits[known]
        yield Words(read.key, read.keys[known], vectors[known], splits, facts)


def _join(detections: Detections, words: Words) -> tuple[dict[str, NDArray[Any]], dict[str, int]]:
    """Return the columns of the pairs of one file, and how many rows and texts found no partner."""
    texts_of: dict[str, list[int]] = defaultdict(list)
    for index, key in enumerate(words.keys.tolist()):
        texts_of[plain_key(key)].append(index)
    keys = [plain_key(key) for key in detections.keys[words.key].tolist()]
    found = [(row, index) for row, key in enumerate(keys) if key for index in texts_of.get(key, ())]
    row, text = np.array(found, np.intp).reshape(-1, 2).T
    source_id = detections.source_id[row]
    columns = {
        "spectrum": detections.spectrum[row],
        "level": detections.level[row],
        "text": words.vectors[text],
        "source_id": source_id,
        "split": split_of(source_id) if words.splits is None else words.splits[text],
    }
    if detections.event is not None:
        columns["event"] = detections.event[row]
    counts = {
        "pairs": len(row),
        "detections_without_text": len(detections) - len(np.unique(row)),
        "texts_without_detection": len(words.keys) - len(np.unique(text)),
    }
    return columns, counts


def _check_distinct(paths: Sequence[Path], detections: Sequence[Detections]) -> None:
    """No file of spectra is given twice."""
    seen: dict[str, Path] = {}
    for path, each in zip(paths, detections, strict=True):
        sha256 = each.facts["sha256"]
        if sha256 in seen:
            raise ChandraEmbedError(f"{path}: has the same bytes as {seen[sha256]}; name it once")
        seen[sha256] = path


def _check_keys(key: str, detections: Sequence[Detections]) -> None:
    """Where texts are of files, a file stands in one of the spectra only."""
    if key != "file":
        return
    seen: dict[str, str] = {}
    for each in detections:
        for name in np.unique(each.keys["file"]).tolist():
            if name in seen:
                raise ChandraEmbedError(
                    f"{each.facts['name']}: file {name} is in {seen[name]} too, and a text of it could be of "
                    "either; give one --texts for each file of spectra, in their order"
                )
            seen[name] = each.facts["name"]


def _facts(
    data: AlignmentData,
    encoder: Encoder,
    events: EventCheckpoint | None,
    detections: Sequence[Detections],
    words: Sequence[Words],
    counts: Sequence[dict[str, int]],
) -> dict[str, Any]:
    """Return what a checkpoint says of its data and of the frozen parts it stands on."""
    base = encoder.manifest
    return {
        "recipe": asdict(encoder.recipe),
        "recipe_fingerprint": encoder.recipe.fingerprint,
        "event_recipe": None if events is None else asdict(events.recipe),
        "base": {"name": base.name, "version": base.version, "sha256": base.sha256},
        "spectra": [each.facts for each in detections],
        "texts": [each.facts for each in words],
        "joined": {name: sum(each[name] for each in counts) for name in counts[0]} | {"by": words[0].key},
        "semi_simulated": any(each.facts["semi_simulated"] for each in words),
        "simulated": all(each.facts["simulated"] for each in detections),
    }


def keep_parts(folder: Path, base: Path, events: Path | None, text: Path | None) -> None:
    """Copy what an export needs into a run folder: the base bundle, the events run, the text encoder.

    Parameters
    ----------
    folder : Path
        Run folder; made where it is missing.
    base : Path
        Folder of the base bundle.
    events, text : Path, optional
        Run folder of the events, folder of the text encoder.

    Raises
    ------
    ChandraEmbedError
        The folder cannot be made, or the disk refuses.
    """
    remove_parts(folder)
    make_folder(folder)
    try:
        shutil.copytree(base, folder / BASE)
        if events is not None:
            (folder / EVENTS).mkdir()
            for name in ("checkpoint.pt", "meta.json"):
                if (events / name).is_file():
                    shutil.copyfile(events / name, folder / EVENTS / name)
        if text is not None:
            (folder / TEXT).mkdir()
            for name in TEXT_FILES:
                if (text / name).is_file():
                    shutil.copyfile(text / name, folder / TEXT / name)
    except OSError as error:  # shutil.Error too
        raise ChandraEmbedError(
            f"{folder}: the parts that an export needs cannot be copied there ({error}); "
            "make room and run again"
        ) from error


def remove_parts(folder: Path) -> None:
    """Delete what :func:`keep_parts` made, and nothing else."""
    for name in (BASE, EVENTS, TEXT):
        shutil.rmtree(folder / name, ignore_errors=True)
