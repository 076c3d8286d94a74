"""Frozen TF-IDF and truncated SVD: the text encoder that needs no download, no torch and no scikit-learn.

The weights are scikit-learn's: 1 + ln(count of a term in the text), times its stored idf, each row then of
unit length. The vector is the row's product with the components of the SVD (latent semantic analysis,
Deerwester et al. 1990), of unit length again.
"""

import json
import os
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import BundleError
from .encoder import TFIDF_FILES, check_texts

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FORMAT = "chandra-embed/tfidf"
FORMAT_VERSION = 1
VOCABULARY, WEIGHTS = TFIDF_FILES
# a decimal number, or letters and digits: "low-mass" and "low mass" give the same words and pair
WORD = re.compile(r"\d+\.\d+|[^\W_]+")


def words(text: str) -> list[str]:
    """Return the words of a text: without accents, case-folded, split at all that is no letter or digit.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    list of str
        In order. Decimal numbers stay whole: ``"X-1 at 0.5 kpc"`` gives x, 1, at, 0.5, kpc.
    """
    if not text.isascii():  # most are: the long way takes ten times as long
        text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return WORD.findall(text.casefold())


def terms(text: str) -> list[str]:
    """Return the words of a text and, after them, each pair of neighbours joined by a space."""
    found = words(text)
    return found + [f"{a} {b}" for a, b in pairwise(found)]


class TfidfEncoder:
    """TF-IDF of words and word pairs, projected on the components of a truncated SVD.

    Parameters
    ----------
    vocabulary : sequence of str, length v
        Terms in the order of the columns: words, and pairs of words joined by a space.
    idf : array_like, shape (v,), float64
        Inverse document frequency of each term, ln((1 + n) / (1 + texts with it)) + 1.
    components : array_like, shape (d, v), float32
        Right singular vectors of the fitted texts' rows.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, a term twice, or a number that is not finite.
    """

    def __init__(self, vocabulary: Sequence[str], idf: ArrayLike, components: ArrayLike) -> None:
        self.vocabulary = tuple(vocabulary)
        self.idf = np.array(idf, np.float64)
        self.components = np.array(components, np.float32)
        v = len(self.vocabulary)
        if self.idf.shape != (v,) or self.components.ndim != 2 or self.components.shape[1] != v:
            raise ValueError(
                f"{v} terms, idf of shape {self.idf.shape}, components of shape {self.components.shape}: "
                "one idf and one column a term"
            )
        if not (np.isfinite(self.idf).all() and np.isfinite(self.components).all()):
            raise ValueError("idf and components must be finite")
        self._column = {term: column for column, term in enumerate(self.vocabulary)}
        if len(self._column) != v:
            raise ValueError(f"{v} terms, {len(self._column)} of them different: give each once")
        self._projection = np.ascontiguousarray(self.components.T, np.float64)

    @property
    def size(self) -> int:
        """Length d of a vector."""
        return len(self.components)

    @staticmethod
    def words(text: str) -> list[str]:
        """Return the words of a text as this encoder sees them; see :func:`words`."""
        return words(text)

    def bag(self, texts: Iterable[str]) -> "csr_array[Any, tuple[int, int]]":
        """Return the TF-IDF weights of texts.

        Parameters
        ----------
        texts : iterable of str, length n
            Any texts.

        Returns
        -------
        scipy.sparse.csr_array, shape (n, v), float64
            Unit rows; a text without a known term has an empty row.
        """
        from scipy.sparse import csr_array

        checked = check_texts(texts)
        columns: list[NDArray[np.int32]] = []
        values: list[NDArray[np.float64]] = []
        for text in checked:
            column, weight = self._weights(text)
            columns.append(column)
            values.append(weight)
        ends = np.cumsum([0, *map(len, columns)])
        return csr_array(
            (np.concatenate([*values, np.zeros(0)]), np.concatenate([*columns, np.zeros(0, np.int32)]), ends),
            shape=(len(checked), len(self.vocabulary)),
        )

    def encode(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return the vectors of texts.

        Parameters
        ----------
        texts : iterable of str, length n
            Any texts.

        Returns
        -------
        ndarray, shape (n, d), float32
            Unit rows; a text without a known term gives a zero row. A row does not depend on the others.
        """
        rows: NDArray[np.float64] = self.bag(texts) @ self._projection
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.where(length > 0, length, 1.0)).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write ``vocabulary.json`` and ``weights.npz`` into a folder; the same encoder, the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        head = {"format": FORMAT, "format_version": FORMAT_VERSION, "terms": self.vocabulary}
        text = json.dumps(head, ensure_ascii=False, indent=0) + "\n"
        temporary = folder / f"{VOCABULARY}.tmp"
        temporary.write_text(text, encoding="utf-8", newline="\n")
        weights = folder / f"{WEIGHTS}.tmp"
        with open(weights, "wb") as file:
            np.savez(file, idf=self.idf, components=self.components)
        os.replace(temporary, folder / VOCABULARY)
        os.replace(weights, folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote; nothing in the files is executed.

        Raises
        ------
        BundleError
            A file is missing or altered, was written by a newer version, or the two do not belong together.
        """
        path = folder / VOCABULARY
        try:
            head = json.loads(path.read_text(encoding="utf-8"))
            ours = head["format"] == FORMAT
            newer = head["format_version"] > FORMAT_VERSION
            vocabulary = head["terms"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise BundleError(f"{path}: not a vocabulary of chandra-embed ({error}); fit it again") from error
        if not ours or not isinstance(vocabulary, list) or not all(isinstance(t, str) for t in vocabulary):
            raise BundleError(f"{path}: not a vocabulary of chandra-embed; fit it again")
        if newer:
            raise BundleError(
                f"{path}: has format version {head['format_version']}, this program reads up to "
                f"{FORMAT_VERSION}: upgrade chandra-embed"
            )
        path = folder / WEIGHTS
        try:
            # opened here: numpy leaves a file open that turns out to be no npz
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
                return cls(vocabulary, stored["idf"], stored["components"])
        except (OSError, EOFError, ValueError, LookupError, TypeError, zipfile.BadZipFile) as error:
            raise BundleError(f"{path}: {error}; fit the text encoder again") from error

    def _weights(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the columns of a text's known terms, ascending, and their weights, of unit length."""
        counts = Counter(self._column[term] for term in terms(text) if term in self._column)
        column = np.array(sorted(counts), np.int32)
        tf = np.array([counts[c] for c in column.tolist()], np.float64)
        weight = (1.0 + np.log(tf)) * self.idf[column]
        length = np.sqrt(weight @ weight)
        return column, weight / (length if length > 0 else 1.0)
