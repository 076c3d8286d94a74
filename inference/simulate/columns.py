"""The columns of a table file as text, whatever its format: what a reader of catalogs starts from."""

import csv
import gzip
import logging
import math
import warnings
import zlib
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ChandraEmbedError

logger = logging.getLogger("chandra_embed")


def read_columns(path: Path, wanted: Container[str]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Read columns of a table.

    Parameters
    ----------
    path : Path
        CSV (``.csv``, ``.csv.gz``; lines beginning with # are passed over), or what astropy reads: FITS,
        VOTable, ECSV and others.
    wanted : container of str
        Names of columns; of two with one name the first is taken.

    Returns
    -------
    texts : dict of str to list of str
        Those found, a text a row; empty where the table has none.
    left_out : dict of str to int
        Reason -> number of lines that are no row.

    Raises
    ------
    ChandraEmbedError
        The file is not there, empty, damaged, or no table.
    """
    if not path.is_file():
        raise ChandraEmbedError(f"{path}: there is no such file")
    name = path.name.lower()
    if not name.endswith((".csv", ".csv.gz")):
        return _read_astropy(path, wanted), {}
    opener: Callable[..., Any] = gzip.open if name.endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(line for line in file if not line.startswith("#")))
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise ChandraEmbedError(f"{path}: cannot be read as a CSV table ({error})") from error
    lines = [line for line in lines if line]
    if not lines:
        raise ChandraEmbedError(f"{path}: the file is empty")
    header = [column.strip() for column in lines[0]]
    rows = [line for line in lines[1:] if len(line) == len(header)]
    wrong = len(lines) - 1 - len(rows)
    texts: dict[str, list[str]] = {}
    for i, column in enumerate(header):
        if column in wanted and column not in texts:
            texts[column] = [row[i] for row in rows]
    return texts, {f"without the header's {len(header)} fields": wrong} if wrong else {}


def _read_astropy(path: Path, wanted: Container[str]) -> dict[str, list[str]]:
    from astropy.table import Table

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # units and further tables in the file do not matter here
            table = Table.read(path)
    except Exception as error:  # astropy raises whatever the format's reader does
        why = next(iter(str(error).splitlines()), type(error).__name__)  # more lines list all its formats
        raise ChandraEmbedError(
            f"{path}: cannot be read as a table ({why}); give CSV, FITS, VOTable or ECSV"
        ) from error
    texts = {}
    for column in table.colnames:
        if column not in wanted or table[column].ndim != 1:
            continue
        values = table[column]
        hidden = np.ma.getmaskarray(values) if hasattr(values, "mask") else np.zeros(len(values), bool)
        plain = np.ma.getdata(values).tolist()
        texts[column] = [
            "" if gone else value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            for value, gone in zip(plain, hidden, strict=True)
        ]
    return texts


def numbers(values: Iterable[str], path: Path, column: str) -> NDArray[np.float64]:
    """Return the numbers of a column.

    Parameters
    ----------
    values : iterable of str
        A text a row.
    path, column
        Where they come from, for the warning.

    Returns
    -------
    ndarray, shape (n,), float64
        Empty and infinite ones are NaN, and so is what is no number; of the last a warning tells how many.
    """
    out, bad = [], 0
    for value in values:
        try:
            out.append(float(value))
        except ValueError:
            out.append(math.nan)
            bad += value.strip().lower() not in ("", "--", "none", "null", "n/a")
    if bad:
        logger.warning("%s: %d values of %s are not numbers and are left unknown", path, bad, column)
    array = np.array(out, np.float64)
    array[np.isinf(array)] = np.nan
    return array
