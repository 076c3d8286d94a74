"""WordPiece as BERT uses it, in Python alone.

Cleaning, spacing of Chinese characters, lower case without accents, splitting at punctuation, then the
longest known piece first: Devlin et al. 2019 (arXiv 1810.04805) and their published ``tokenization.py``.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError
from .encoder import check_texts

PAD, UNKNOWN, FIRST, LAST = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
LONGEST_WORD = 100  # characters; a longer word is unknown
CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """Texts to the numbers a BERT-type model takes.

    Parameters
    ----------
    vocabulary : sequence of str
        Pieces in the order of their numbers; a piece inside a word begins with ``##``.
    lowercase : bool
        Lower the case and drop accents, as uncased models want it.
    max_length : int
        Most pieces of a text, [CLS] and [SEP] counted; what is longer is cut at its end.

    Raises
    ------
    ValueError
        [PAD], [UNK], [CLS] or [SEP] is not in the vocabulary, or `max_length` is less than 3.
    """

    def __init__(self, vocabulary: Sequence[str], *, lowercase: bool = True, max_length: int = 512) -> None:
        self._number = {piece: number for number, piece in enumerate(vocabulary)}
        missing = [piece for piece in (PAD, UNKNOWN, FIRST, LAST) if piece not in self._number]
        if missing:
            raise ValueError(f"no {' and no '.join(missing)} in the vocabulary")
        if max_length < 3:
            raise ValueError(f"max_length {max_length}: give at least 3")
        self.lowercase = lowercase
        self.max_length = max_length

    @classmethod
    def load(cls, path: Path, *, lowercase: bool = True, max_length: int = 512) -> Self:
        """Read ``vocab.txt``, one piece a line.

        Raises
        ------
        BundleError
            The file cannot be read, or is no vocabulary of a BERT-type model.
        """
        try:
            # by lines alone: some pieces hold other characters that str.splitlines would split at
            with open(path, encoding="utf-8") as file:
                vocabulary = [line.rstrip("\n") for line in file]
            return cls(vocabulary, lowercase=lowercase, max_length=max_length)
        except (OSError, ValueError) as error:
            raise BundleError(f"{path}: not the vocab.txt of a BERT-type model ({error})") from error

    def pieces(self, text: str) -> list[str]:
        """Return the pieces of a text, without [CLS] and [SEP] and without a limit."""
        return [piece for word in split_words(text, self.lowercase) for piece in self._split(word)]

    def encode(self, texts: Iterable[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the numbers of the pieces of texts, and where they stand.

        Parameters
        ----------
        texts : iterable of str, length n
            Any texts.

        Returns
        -------
        numbers : ndarray, shape (n, longest), int64
            [CLS], the pieces, [SEP], then [PAD].
        mask : ndarray, shape (n, longest), int64
            1 where a piece is, 0 on [PAD].
        """
        rows = [[FIRST, *self.pieces(text)[: self.max_length - 2], LAST] for text in check_texts(texts)]
        longest = max(map(len, rows), default=0)
        numbers = np.full((len(rows), longest), self._number[PAD], np.int64)
        mask = np.zeros((len(rows), longest), np.int64)
        for row, found in enumerate(rows):
            numbers[row, : len(found)] = [self._number[piece] for piece in found]
            mask[row, : len(found)] = 1
        return numbers, mask

    def _split(self, word: str) -> list[str]:
        """Split a word into known pieces, each as long as can be; [UNK] where that fails."""
        if len(word) > LONGEST_WORD:
            return [UNKNOWN]
        found: list[str] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if mark + word[start:end] in self._number), None)
            if end is None:
                return [UNKNOWN]
            found.append(mark + word[start:end])
            start = end
        return found


def split_words(text: str, lowercase: bool = True) -> list[str]:
    """Return the words of a text as BERT's basic tokenizer splits it.

    Parameters
    ----------
    text : str
        Any text.
    lowercase : bool
        Lower the case and drop accents.

    Returns
    -------
    list of str
        Words, punctuation marks and Chinese characters, each on its own.
    """
    spaced = "".join(map(_clean, text))
    if lowercase:
        spaced = "".join(
            c for c in unicodedata.normalize("NFD", spaced.lower()) if unicodedata.category(c) != "Mn"
        )
    return "".join(f" {c} " if _is_punctuation(c) else c for c in spaced).split()


def _clean(c: str) -> str:
    """Return a character, a space for white space, nothing for control; Chinese between spaces."""
    if c in "\t\n\r" or unicodedata.category(c) == "Zs":
        return " "
    if c == "\ufffd" or unicodedata.category(c).startswith("C"):
        return ""
    return f" {c} " if any(low <= ord(c) <= high for low, high in CHINESE) else c


def _is_punctuation(c: str) -> bool:
    """Tell punctuation: by Unicode, and every ASCII sign that is no letter, digit or space."""
    return unicodedata.category(c).startswith("P") or (
        c.isascii() and c.isprintable() and c not in " " and not c.isalnum()
    )
