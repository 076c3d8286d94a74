"""From words to observations: the rows of an aligned embeddings file most like a text."""

from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import NDArray

from .aligned import TextEmbedder, embeds_text
from .catalog import store
from .errors import ChandraEmbedError, StoreError
from .made_by import bundle_of
from .nearest_sources import most_similar, read_embedding, similarity_to


@dataclass(frozen=True)
class Hits:
    """What is most like a text.

    Parameters
    ----------
    rows : ndarray, shape (m,), int64
        Detections, the most similar first.
    similarity : ndarray, shape (m,), float64
        Their cosine similarities to the text.
    other_detections : ndarray, shape (m,), int64
        Further detections of the same source in the file.
    without : int
        Rows of the file that have no embedding.
    bundle : str
        Name and version of the bundle.
    semi_simulated : bool
        The texts that the bundle learned from were semi-simulated.
    """

    rows: NDArray[np.int64]
    similarity: NDArray[np.float64]
    other_detections: NDArray[np.int64]
    without: int
    bundle: str
    semi_simulated: bool


def search(file: h5py.File, text: str, *, k: int = 10, all_detections: bool = False) -> Hits:
    """Rank the detections of an embeddings file by their similarity to a text.

    Parameters
    ----------
    file : h5py.File
        An open embeddings file, made with an aligned bundle; the text is embedded with the same one.
    text : str
        Words, or a whole abstract.
    k : int
        Detections to return, at least 1; fewer where the file has no more.
    all_detections : bool
        Return several detections of one source too.

    Returns
    -------
    Hits

    Raises
    ------
    ChandraEmbedError
        The text is empty, or the bundle knows no text, or no word of this one.
    BundleError
        The bundle is not found, altered, or not the one that made the embeddings.
    StoreError
        The file is not as ``embed`` leaves it.
    ValueError
        `k` is below 1.
    """
    if k < 1:
        raise ValueError(f"k={k}: give at least 1")
    if not text.strip():
        raise ChandraEmbedError("the text to search for is empty; give some words")
    manifest = bundle_of(file)
    if not embeds_text(manifest):
        raise ChandraEmbedError(
            f"{file.filename}: was embedded with bundle {manifest.name}, which knows no words; embed the "
            "spectra again with an aligned one, such as --model aligned-64"
        )
    embedder = TextEmbedder.load(manifest, "cpu")
    query = embedder.embed([text])[0]
    if np.isnan(query).any():
        raise ChandraEmbedError(
            f"{text!r}: bundle {manifest.name} knows no word of it; try the words of paper abstracts"
        )
    rows = read_embedding(file)
    if rows.shape[1] != len(query):
        raise StoreError(
            f"{file.filename}: /embedding has {rows.shape[1]} columns, the text {len(query)}; embed again"
        )
    source_id = store.read_column(file, "source_id")
    similarity = similarity_to(rows, query)
    best = most_similar(similarity, source_id, k, all_detections=all_detections)
    others = [np.count_nonzero(source_id == source_id[row]) - 1 if source_id[row] else 0 for row in best]
    return Hits(
        best,
        similarity[best],
        np.array(others, np.int64),
        int(np.isnan(similarity).sum()),
        f"{manifest.name} {manifest.version}",
        bool(manifest.content.get("semi_simulated", False)),
    )
