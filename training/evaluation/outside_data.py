"""Outside data: the folder that the user names, and its table of known sources."""

import os
from pathlib import Path

from ...inference.errors import ChandraEmbedError

DATA = "CHANDRA_EMBED_DATA"
TABLE = "muwclass_TD.csv"


class DataNotNamed(ChandraEmbedError):
    """Outside data are needed and ``CHANDRA_EMBED_DATA`` does not say where they are."""


def data_folder() -> Path:
    """Return the folder that ``CHANDRA_EMBED_DATA`` names.

    Raises
    ------
    DataNotNamed
        The variable is not set, or names no folder.
    """
    text = os.environ.get(DATA, "")
    if not text or not Path(text).is_dir():
        raise DataNotNamed(
            f"{DATA}={text!r}: set it to the folder with tables/{TABLE}, or name a file of spectra"
        )
    return Path(text)


def known_sources(mend: str) -> Path:
    """Return the table of known sources, ``tables/muwclass_TD.csv`` of the folder.

    Parameters
    ----------
    mend : str
        What to do without the table; ends the error.

    Raises
    ------
    DataNotNamed
        As :func:`data_folder`.
    ChandraEmbedError
        The table is not there.
    """
    table = data_folder() / "tables" / TABLE
    if not table.is_file():
        raise ChandraEmbedError(f"{table}: no such table; {mend}")
    return table
