"""A sentence encoder of the user's: a BERT-type model in ONNX, with the mean over its last layer."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...models.onnx_file import read_onnx
from ..errors import BundleError
from .encoder import SENTENCE_FILES, check_texts
from .wordpiece import WordPiece

MODEL, VOCABULARY = SENTENCE_FILES
SETTINGS = "tokenizer_config.json"
FEEDS = ("input_ids", "attention_mask", "token_type_ids")
TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
BATCH = 32


class SentenceEncoder:
    """Mean of a BERT-type model's last layer over the pieces of a text (Reimers & Gurevych 2019).

    Made by :meth:`load`.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        The model.
    tokenizer : WordPiece
        Its tokenizer.
    path : Path
        The model's file, for messages.

    Raises
    ------
    BundleError
        The model takes or gives something else than a BERT-type model.
    """

    def __init__(self, session: Any, tokenizer: WordPiece, path: Path) -> None:
        self._session, self._tokenizer, self._path = session, tokenizer, path
        self._types = {feed.name: TYPES.get(feed.type) for feed in session.get_inputs()}
        wrong = [name for name, dtype in self._types.items() if name not in FEEDS or dtype is None]
        if wrong or "input_ids" not in self._types:
            raise BundleError(
                f"{path}: takes {', '.join(self._types)}; a sentence encoder takes whole numbers "
                f"{', '.join(FEEDS)}, at least the first"
            )
        layers = {output.name: output.shape for output in session.get_outputs() if len(output.shape) == 3}
        if not layers:
            raise BundleError(
                f"{path}: no output of shape (texts, pieces, width); export the model with its last layer"
            )
        self._output = "last_hidden_state" if "last_hidden_state" in layers else next(iter(layers))
        width = layers[self._output][2]
        # where the file leaves the width open, the model is asked
        self.size: int = width if isinstance(width, int) else self._pool(["a"]).shape[1]

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> Self:
        """Open ``model.onnx`` and ``vocab.txt`` in a folder.

        ``tokenizer_config.json`` beside them is heard on ``do_lower_case``; without it the model is
        taken for an uncased one.

        Parameters
        ----------
        folder : Path
            Holds the files.
        device : {"auto", "cpu", "cuda"}
            Where to run.

        Raises
        ------
        BundleError
            A file is missing, is no BERT-type model, or keeps weights in another file.
        DeviceError
            CUDA was asked for and does not answer.
        """
        from ..runtime import open_session

        beside = read_onnx(folder / MODEL).external
        if beside:  # a bundle would be frozen without them
            raise BundleError(
                f"{folder / MODEL}: keeps weights in other files ({', '.join(sorted(beside))}); "
                "save the model as one file"
            )
        tokenizer = WordPiece.load(folder / VOCABULARY, lowercase=_lowercase(folder / SETTINGS))
        session, _ = open_session(folder / MODEL, device)
        return cls(session, tokenizer, folder / MODEL)

    def encode(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return the vectors of texts.

        Parameters
        ----------
        texts : iterable of str, length n
            Any texts; one longer than 512 pieces is cut.

        Returns
        -------
        ndarray, shape (n, size), float32
            Unit rows; a blank text gives a zero row.

        Raises
        ------
        BundleError
            The model fails on the texts, or gives numbers that are not finite.
        """
        checked = check_texts(texts)
        found = np.zeros((len(checked), self.size), np.float32)
        order = sorted(range(len(checked)), key=lambda row: len(checked[row]))  # less padding
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            found[rows] = self._pool([checked[row] for row in rows])
        return found

    def _pool(self, texts: list[str]) -> NDArray[np.float32]:
        """Return unit means over the pieces of each text, shape (n, width)."""
        numbers, mask = self._tokenizer.encode(texts)
        values = dict(zip(FEEDS, (numbers, mask, np.zeros_like(mask)), strict=True))
        feeds = {name: values[name].astype(dtype) for name, dtype in self._types.items()}
        try:
            (layer,) = self._session.run([self._output], feeds)
        except Exception as error:
            raise BundleError(f"{self._path}: fails on texts ({error})") from error
        shown = np.asarray(layer, np.float64) * mask[..., None]  # (n, pieces, width)
        mean = shown.sum(axis=1) / mask.sum(axis=1, keepdims=True)
        if not np.isfinite(mean).all():
            raise BundleError(f"{self._path}: gives numbers that are not finite")
        mean[mask.sum(axis=1) <= 2] = 0.0  # nothing between [CLS] and [SEP]
        length = np.linalg.norm(mean, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (mean / np.where(length > 0, length, 1.0)).astype(np.float32)
        return unit


def _lowercase(path: Path) -> bool:
    """Return whether the model is uncased, as its settings say."""
    if not path.is_file():
        return True
    try:
        lowercase = json.loads(path.read_text(encoding="utf-8")).get("do_lower_case", True)
    except (OSError, ValueError, AttributeError) as error:
        raise BundleError(f"{path}: not the settings of a tokenizer ({error})") from error
    if not isinstance(lowercase, bool):
        raise BundleError(f"{path}: do_lower_case is {lowercase!r}; give true or false")
    return lowercase
