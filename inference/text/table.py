"""Reading texts: a table of the user's, or pairs that the program wrote; CSV or JSON lines."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ChandraEmbedError

KEYS = ("file", "name")
SPLITS = ("train", "validation", "test")
FORMAT = "chandra-embed/texts"
FORMAT_VERSION = 1
TRUTH = {"": False, "false": False, "0": False, "true": True, "1": True}
LONGEST_FIELD = 2**24  # characters; csv alone stops at 131,072


@dataclass(frozen=True)
class Texts:
    """Texts and the detections or sources they are of.

    Parameters
    ----------
    key : {"name", "file", ""}
        What `keys` are: source names, files of single detections, or nothing.
    keys : ndarray, shape (n,), str
        One for each text; a key may stand several times. Empty where `key` is.
    texts : tuple of str, length n
        The texts.
    plain : tuple of str, length n, or None
        The same texts without the words that name a class.
    splits : ndarray, shape (n,), str, or None
        ``train``, ``validation`` or ``test``.
    semi_simulated : bool
        Any of the texts was made for a simulated detection.
    """

    key: str
    keys: NDArray[np.str_]
    texts: tuple[str, ...]
    plain: tuple[str, ...] | None
    splits: NDArray[np.str_] | None
    semi_simulated: bool

    def __len__(self) -> int:
        return len(self.texts)


def read_texts(path: Path, *, keyed: bool = True) -> Texts:
    """Read texts from CSV or JSON lines, told by the first character.

    Parameters
    ----------
    path : Path
        Columns or keys: ``file`` or ``name`` (``file`` wins), and ``text``, or in its place ``title``
        and ``abstract``, which are joined. As they apply ``plain``, ``split``, ``semi_simulated``.
        A first JSON line with ``format`` is the head of a file that the program wrote.
    keyed : bool
        Texts without ``file`` and ``name`` are refused; False where only the words matter.

    Returns
    -------
    Texts
        In the order of the file.

    Raises
    ------
    ChandraEmbedError
        The file is no such table; the message names the line and what to write there.
    """
    rows = list(_rows(path))
    if not rows:
        raise ChandraEmbedError(f"{path}: holds no text")
    first = rows[0][1]
    key = next((name for name in KEYS if first.get(name) is not None), "")
    if not key and keyed:
        some = any(row.get(name) is not None for _, row in rows for name in KEYS)
        where = f"{path}: line {rows[0][0]}" if some else f"{path}"
        raise ChandraEmbedError(f"{where}: no {' or '.join(KEYS)}; say what each text is of")
    keys = [_text(path, line, row, key) if key else "" for line, row in rows]
    plain = _column(path, rows, "plain")
    splits = _column(path, rows, "split")
    for (line, _), split in zip(rows, splits or (), strict=False):
        if split not in SPLITS:
            raise ChandraEmbedError(f"{path}: line {line}: split {split!r}; give {', '.join(SPLITS)}")
    simulated = [_truth(path, line, row) for line, row in rows]
    return Texts(
        key,
        np.array(keys, dtype=np.str_),
        tuple(_words(path, line, row) for line, row in rows),
        plain,
        None if splits is None else np.array(splits, dtype=np.str_),
        any(simulated),
    )


def plain_key(key: Any) -> str:
    """Return a key as it is compared: without spaces and case, which tables of names differ in."""
    return "".join(str(key).split()).casefold()


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, row), each a dict by column."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ChandraEmbedError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ChandraEmbedError(f"{path}: is not UTF-8 ({error}); convert it") from error
    # not str.splitlines, which also splits at signs that may stand inside a text
    lines = text.split("\n")
    yield from _json_rows(path, lines) if text.lstrip().startswith("{") else _csv_rows(path, lines)


def _json_rows(path: Path, lines: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    begun = False
    for line, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ChandraEmbedError(f"{path}: line {line}: not JSON ({error}); one object a line") from error
        if not isinstance(row, dict):
            raise ChandraEmbedError(f"{path}: line {line}: not a JSON object; one object a line")
        if not begun and "format" in row:
            _check_head(path, row)
        else:
            yield line, row
        begun = True


def _check_head(path: Path, head: dict[str, Any]) -> None:
    """Refuse a head of another format, or of a newer version."""
    if head["format"] != FORMAT or not isinstance(head.get("format_version"), int):
        raise ChandraEmbedError(f"{path}: line 1: format {head['format']!r}; texts have {FORMAT!r}")
    if head["format_version"] > FORMAT_VERSION:
        raise ChandraEmbedError(
            f"{path}: has format version {head['format_version']}, this program reads up to "
            f"{FORMAT_VERSION}: upgrade chandra-embed"
        )


def _csv_rows(path: Path, lines: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        reader = csv.reader((f"{line}\n" for line in lines), strict=True)
        columns = next(reader, [])
        if len(set(columns)) < len(columns):
            raise ChandraEmbedError(f"{path}: line 1: a column stands twice in {', '.join(columns)}")
        for fields in reader:
            if not any(fields):
                continue
            if len(fields) != len(columns):
                raise ChandraEmbedError(
                    f"{path}: line {reader.line_num}: {len(fields)} fields, the first line has "
                    f"{len(columns)}; put quotes around text that holds commas"
                )
            yield reader.line_num, dict(zip(columns, fields, strict=True))
    except csv.Error as error:
        raise ChandraEmbedError(f"{path}: line {reader.line_num}: not CSV ({error})") from error
    finally:
        csv.field_size_limit(before)


def _words(path: Path, line: int, row: dict[str, Any]) -> str:
    """Return the text of a row, or its title and abstract."""
    if "text" in row:
        return _text(path, line, row, "text", empty=True)
    parts = [_text(path, line, row, name) for name in ("title", "abstract") if row.get(name)]
    if not parts:
        raise ChandraEmbedError(f"{path}: line {line}: no text, and no title or abstract in its place")
    return ". ".join(parts)


def _text(path: Path, line: int, row: dict[str, Any], name: str, *, empty: bool = False) -> str:
    """Return one text value of a row."""
    value = row.get(name)
    if not isinstance(value, str) or not (value.strip() or empty):
        raise ChandraEmbedError(f"{path}: line {line}: {name} is {value!r}; give text, as on the other lines")
    return value if name not in KEYS else value.strip()


def _column(path: Path, rows: list[tuple[int, dict[str, Any]]], name: str) -> tuple[str, ...] | None:
    """Return a column that all rows have or none."""
    if all(row.get(name) is None for _, row in rows):
        return None
    return tuple(_text(path, line, row, name, empty=name == "plain") for line, row in rows)


def _truth(path: Path, line: int, row: dict[str, Any]) -> bool:
    """Return whether a row says it is semi-simulated."""
    value = row.get("semi_simulated", False)
    if isinstance(value, str):
        value = TRUTH.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise ChandraEmbedError(f"{path}: line {line}: semi_simulated is {value!r}; give true or false")
    return value
