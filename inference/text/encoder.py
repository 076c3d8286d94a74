"""What every text encoder is, and which of them a folder holds.

A folder with ``vocabulary.json`` and ``weights.npz`` is a frozen TF-IDF encoder; one with ``model.onnx`` and
``vocab.txt`` is a sentence encoder of the user's.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError

TFIDF_FILES = ("vocabulary.json", "weights.npz")
SENTENCE_FILES = ("model.onnx", "vocab.txt")


class TextEncoder(Protocol):
    """Anything that turns texts into vectors of one length."""

    @property
    def size(self) -> int:
        """Length of a vector."""

    def encode(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return unit rows, shape (n, size), float32; a text in which nothing is known gives a zero row."""


def open_text_encoder(folder: Path, device: str = "auto") -> TextEncoder:
    """Open the text encoder in a folder, told by its files.

    Parameters
    ----------
    folder : Path
        Holds ``vocabulary.json`` and ``weights.npz``, or ``model.onnx`` and ``vocab.txt``.
    device : {"auto", "cpu", "cuda"}
        Where a sentence encoder runs; TF-IDF needs no device.

    Returns
    -------
    TextEncoder
        A :class:`~.tfidf.TfidfEncoder` or a :class:`~.sentence.SentenceEncoder`.

    Raises
    ------
    BundleError
        Neither pair of files is there, or both are, or their content is not what it should be.
    DeviceError
        CUDA was asked for and does not answer.
    """
    pairs = (TFIDF_FILES, SENTENCE_FILES)
    found = [all((folder / name).is_file() for name in pair) for pair in pairs]
    said = " or ".join(" and ".join(pair) for pair in pairs)
    if not any(found):
        raise BundleError(f"{folder}: no text encoder (needs {said}); fit one with: chandra-embed train text")
    if all(found):
        raise BundleError(f"{folder}: holds two text encoders; keep {said}, not both")
    if found[0]:
        from .tfidf import TfidfEncoder

        return TfidfEncoder.load(folder)
    from .sentence import SentenceEncoder

    return SentenceEncoder.load(folder, device)


def check_texts(texts: Iterable[str]) -> list[str]:
    """Return texts as a list, after checking that each is one.

    Raises
    ------
    ValueError
        One str was given for a list of them, or an element is no str.
    """
    if isinstance(texts, str):
        raise ValueError("texts is one str: give a list of them")
    found = list(texts)
    for row, text in enumerate(found):
        if not isinstance(text, str):
            raise ValueError(f"text {row} is {type(text).__name__}: give str")
    return found
