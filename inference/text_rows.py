"""The third embedding of an embeddings file: for each detection, its texts in the shared space.

All texts are embedded before the first row is written, so that a table without use fails at once.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from .aligned import TextEmbedder
from .catalog import store
from .encoder import Encoder
from .errors import BundleError, ChandraEmbedError
from .text.table import Texts, plain_key, read_texts

logger = logging.getLogger("chandra_embed")
Array = NDArray[np.float32]
# rows of a column of keys looked through at once
BLOCK = 65536
SHORTEST = 1e-6  # of a mean of unit rows that still has a direction
NONE = "none"


@dataclass(frozen=True, eq=False)
class TextRows:
    """What the texts of a table are to each row of a file of spectra.

    Parameters
    ----------
    embedding : ndarray, shape (m, d), float32
        Unit rows, one for each key of the table; NaN where the bundle knows no word of its texts.
    own : ndarray, shape (n,), int32
        Row of `embedding` that a detection has; -1: none.
    attributes : dict
        ``texts``, ``texts_sha256`` and ``texts_semi_simulated``, for the root of the file.
    """

    embedding: Array
    own: NDArray[np.int32]
    attributes: dict[str, Any]

    @classmethod
    def read(cls, path: Path, source: h5py.File, encoder: Encoder) -> Self:
        """Read a table of texts and join it to the rows of a file by file or name.

        Keys are compared without spaces and case, as in training. Of several different texts of one key the
        unit rows are averaged and brought to length 1; the same text twice counts once.

        Parameters
        ----------
        path : Path
            A table as :func:`~.text.table.read_texts` reads it.
        source : h5py.File
            The open file of spectra, of `n` rows.
        encoder : Encoder
            Of the bundle whose text side embeds the words.

        Raises
        ------
        BundleError
            The bundle reads no words.
        ChandraEmbedError
            The table cannot be read, no row of the file has a text, or the bundle knows no word of any.
        """
        embedder = TextEmbedder.load(encoder.manifest, encoder.device, threads=encoder.threads)
        if embedder.size != encoder.embedding_size:
            raise BundleError(
                f"{encoder.manifest.folder}: embeddings of spectra have {encoder.embedding_size} numbers, "
                f"those of texts {embedder.size}; freeze the model again"
            )
        texts = read_texts(path)
        keys, embedding = mean_rows(texts, embedder)
        own = _own(source, texts.key, keys)
        if not (own >= 0).any():
            raise ChandraEmbedError(
                f"{path}: none of its {len(texts):,} texts is of a detection in {source.filename}; its "
                f"column {texts.key} must hold what /detection/{texts.key} does"
            )
        found = cls(embedding, own, _attributes(path, texts))
        if not found.count:
            raise ChandraEmbedError(
                f"{path}: bundle {encoder.manifest.name} knows no word of any text that belongs to a row"
            )
        _warn(path, keys, embedding, own)
        return found

    @property
    def count(self) -> int:
        """Rows of the file that have an embedding of their texts."""
        return int((np.isfinite(self.embedding[:, 0])[self.own] & (self.own >= 0)).sum())

    @property
    def description(self) -> str:
        """What the dataset holds."""
        kind = "semi-simulated texts" if self.attributes["texts_semi_simulated"] else "texts"
        return f"unit row of its {kind}, the mean where there are several; NaN: no text"

    def rows(self, start: int, stop: int) -> Array:
        """Return the unit rows of detections `start` to `stop`, shape (stop - start, d); NaN without text."""
        own = self.own[start:stop]
        found = self.embedding[own]
        found[own < 0] = np.nan
        return found


def mean_rows(texts: Texts, embedder: TextEmbedder) -> tuple[list[str], Array]:
    """Return the keys of a table of texts, and one unit row for each.

    Parameters
    ----------
    texts : Texts
        As read.
    embedder : TextEmbedder
        What embeds them.

    Returns
    -------
    keys : list of str, length m
        As :func:`~.text.table.plain_key` makes them, sorted.
    embedding : ndarray, shape (m, d), float32
        Mean of the unit rows of the different texts of a key, of unit length again. A text without a known
        word does not count; NaN where no text of the key does, or where they cancel out.
    """
    distinct, of_text = np.unique(np.array(texts.texts, object), return_inverse=True)
    keys, of_key = np.unique(np.array([plain_key(key) for key in texts.keys], object), return_inverse=True)
    unit = embedder.embed([str(text) for text in distinct]).astype(np.float64)
    # sorted, so that neither the order of the table nor a row that stands twice makes a difference
    pair = np.unique(np.stack([of_key, of_text], axis=1), axis=0)
    pair = pair[np.isfinite(unit[pair[:, 1]]).all(axis=1)]
    total, number = np.zeros((len(keys), embedder.size)), np.bincount(pair[:, 0], minlength=len(keys))
    np.add.at(total, pair[:, 0], unit[pair[:, 1]])
    length = np.linalg.norm(total, axis=1)
    length[~(length > SHORTEST)] = np.nan
    length[number == 1] = 1.0  # a text alone stays as the model gave it
    found: Array = (total / length[:, None]).astype(np.float32)
    return [str(key) for key in keys], found


def check_same_texts(output: Path, started: dict[str, Any], attributes: dict[str, Any]) -> None:
    """Refuse to go on with another table of texts than an unfinished file was begun with, or without one.

    Raises
    ------
    ChandraEmbedError
        The two differ; both are named.
    """
    before, now = (str(each.get("texts_sha256", NONE)) for each in (started, attributes))
    if before == now:
        return
    said = [
        f"{sha256} ({each['texts']})" if "texts" in each else sha256
        for sha256, each in ((before, started), (now, attributes))
    ]
    raise ChandraEmbedError(
        f"{output}: was begun with --texts {said[0]}, now it is {said[1]}; "
        "go on with the former, or give --overwrite to begin anew"
    )


def _attributes(path: Path, texts: Texts) -> dict[str, Any]:
    return {
        "texts": path.name,
        "texts_sha256": store.sha256_file(path),
        "texts_semi_simulated": texts.semi_simulated,
    }


def _own(source: h5py.File, key: str, keys: list[str]) -> NDArray[np.int32]:
    """Return which of the keys each row of the file has, shape (n,), int32; -1: none."""
    index = {each: i for i, each in enumerate(keys)}
    column, found = source[f"detection/{key}"].asstr(), np.full(store.row_count(source), -1, np.int32)
    for start in range(0, len(found), BLOCK):
        block = [plain_key(each) for each in column[start : start + BLOCK]]
        found[start : start + len(block)] = [index.get(each, -1) if each else -1 for each in block]
    return found


def _warn(path: Path, keys: list[str], embedding: Array, own: NDArray[np.int32]) -> None:
    """Say what of the table is of no use."""
    unused = len(keys) - len(np.unique(own[own >= 0]))
    if unused:
        logger.warning("%s: %d of its %d keys are of no row; left out", path, unused, len(keys))
    unknown = int(np.isnan(embedding[:, 0]).sum())
    if unknown:
        logger.warning("%s: the bundle knows no word of the texts of %d of %d keys", path, unknown, len(keys))
