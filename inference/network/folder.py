"""The output folder of a network: everything is written beside it and moved in when it is complete."""

import csv
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import StoreError

RESULT, ABOUT = "network.json", "about.json"


def may_write(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that holds anything, but where `overwrite` is set and it holds a network.

    Raises
    ------
    StoreError
        It is a file, its parent is missing, or it is in the way.
    """
    if not folder.parent.is_dir():
        raise StoreError(f"{folder}: there is no folder {folder.parent}; make it first")
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder}: is a file; give a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / RESULT).is_file():
        raise StoreError(f"{folder}: holds other files; give an empty folder, or a new one")
    if not overwrite:
        raise StoreError(f"{folder}: holds a network already; give --overwrite to replace it")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to write into; when the block ends well, its files replace those of `folder`.

    A run that is killed leaves `folder` as it was, and a hidden folder beside it that the next run removes.
    Of an earlier run the files that it listed in about.json go; any other file stays.

    Raises
    ------
    StoreError
        The disk refuses.
    """
    draft = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        yield draft
        folder.mkdir(exist_ok=True)
        for name in _earlier(folder):
            if not (draft / name).exists():
                (folder / name).unlink(missing_ok=True)
        last = (ABOUT, RESULT)  # a folder with these two is complete
        for path in sorted(draft.iterdir(), key=lambda path: (path.name in last, path.name)):
            os.replace(path, folder / path.name)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _earlier(folder: Path) -> list[str]:
    """Return the files that an earlier run wrote, by their plain names."""
    try:
        names = json.loads((folder / ABOUT).read_text()).get("files", [])
    except (OSError, ValueError, AttributeError):
        return []
    return [name for name in names if isinstance(name, str) and name == Path(name).name]


def write_json(path: Path, facts: Any) -> None:
    """Write facts as JSON, indented; NaN and infinities become null."""
    path.write_text(json.dumps(plain(facts), indent=1, allow_nan=False) + "\n")


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as CSV under all their names; what a row lacks, None and NaN stay empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            values = (plain(row.get(name)) for name in names)
            writer.writerow(["" if value is None else value for value in values])


def plain(value: Any) -> Any:
    """Reduce a value to what JSON knows; NaN and infinities to None."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
