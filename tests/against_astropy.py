"""What the plain reader of FITS tables says, against astropy: the same, or the plain reader steps back."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from chandra_embed.inference.catalog.file_bytes import file_bytes
from chandra_embed.inference.catalog.fits_tables import plain_tables
from chandra_embed.inference.errors import Quarantined

NOT_COMPARED = ("COMMENT", "HISTORY", "", "EXTEND")  # astropy adds EXTEND where it is missing


def compare(path: Path) -> bool:
    """Compare what both read in a file; return whether the plain reader read it at all.

    Raises
    ------
    AssertionError
        They differ.
    """
    try:
        opened = file_bytes(path)
        ours = plain_tables(opened)
    except Quarantined:
        return False
    if ours is None:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(opened.data[: opened.kept["end"]])) as theirs:
            assert len(ours) == len(theirs), path
            for a, b in zip(ours, theirs, strict=True):
                _compare_extensions(a, b, path)
    return True


def _compare_extensions(a: Any, b: Any, path: Path) -> None:
    assert a.name == b.name, path
    for key in {str(key) for key in b.header} - set(NOT_COMPARED):
        assert key in a.header, (path, key)
        assert repr(_value(a.header, key)) == repr(_value(b.header, key)), (path, key)
    assert hasattr(a, "columns") == hasattr(b, "columns"), path
    if not hasattr(a, "columns"):
        return
    assert a.columns.names == b.columns.names, path
    assert len(a.data) == len(b.data), path
    for name in a.columns.names:
        assert a.columns[name].format == b.columns[name].format, (path, name)
        if a.columns[name].code is not None:
            np.testing.assert_array_equal(a.data[name], b.data[name])


def _value(header: Any, key: str) -> Any:
    try:
        return header[key]
    except (fits.VerifyError, KeyError, ValueError) as error:
        return type(error).__name__
