"""What an input is, by name or content: spectrum, event file, light curve, region or collection."""

import gzip
import re
import zlib
from pathlib import Path

from ..errors import Quarantined
from .event_files import event_extensions
from .fits_tables import open_tables
from .lightcurves import lightcurve_extensions
from .pha import spectrum_extensions

SPECTRUM, EVENTS, LIGHTCURVE, REGION = "spectrum", "events", "lightcurve", "region"
COLLECTED = "collection"
SPECTRUM_NAMES = (".pi", ".pha", "pha2", "pha2.fits", "pha3.fits")
EVENT_NAME = re.compile(r"(^|[^a-z])(reg)?evt[23](?![0-9])(.*(\.fits|\.fit|\.evt))?$")
LIGHTCURVE_NAME = re.compile(r"(^|[^a-z])lc3(\.fits|\.fit)?$")
REGION_NAME = re.compile(r"(^|[^a-z])reg3(\.fits|\.fit)?$")
RESPONSE_NAME = re.compile(r"(^|[^a-z])w?(arf|rmf)3?(\.fits|\.fit)?$")
COLLECTION = (".hdf5", ".h5")


def kind_of(path: Path) -> str:
    """Return what a file given by name is; one that is nothing known is read as a spectrum, and refused."""
    by_name = kind_by_name(path.name)
    if by_name in (SPECTRUM, LIGHTCURVE, REGION):
        return by_name
    return _by_content(path) or by_name or (COLLECTED if _is_hdf5(path) else SPECTRUM)


def found_kind(path: Path) -> str | None:
    """Return what a file found in a directory is, None where it is no input.

    Spectra are known by name or content, event files and light curves by name. What cannot be opened
    counts by its name alone.
    """
    by_name = kind_by_name(path.name)
    if by_name == EVENTS:  # pictures and masks bear such names too
        try:
            with open_tables(path) as file:
                return EVENTS if event_extensions(file) else None
        except Quarantined:
            return EVENTS
    if by_name in (SPECTRUM, LIGHTCURVE):
        return by_name
    if path.name.lower().endswith(COLLECTION):
        from .multimodal import is_collection

        return COLLECTED if is_collection(path) else None
    if RESPONSE_NAME.search(path.name.lower().removesuffix(".gz")):
        return None  # opened when a spectrum names it
    return SPECTRUM if _by_content(path) == SPECTRUM else None


def kind_by_name(name: str) -> str | None:
    """Return what a file is by its name alone, None where that does not tell."""
    name = name.lower().removesuffix(".gz")
    if name.endswith(SPECTRUM_NAMES):
        return SPECTRUM
    for pattern, kind in ((EVENT_NAME, EVENTS), (LIGHTCURVE_NAME, LIGHTCURVE), (REGION_NAME, REGION)):
        if pattern.search(name):
            return kind
    return None


def _is_hdf5(path: Path) -> bool:
    import h5py

    return path.is_file() and bool(h5py.is_hdf5(path))


def _by_content(path: Path) -> str | None:
    """The kind of the first table known, None for what is not FITS or cannot be opened."""
    try:
        if not path.is_file():
            return None
        with open(path, "rb") as raw:
            start = raw.read(9)
        if start[:2] == b"\x1f\x8b":
            with gzip.open(path) as packed:
                start = packed.read(9)
        if start != b"SIMPLE  =":
            return None
        with open_tables(path) as file:
            if spectrum_extensions(file):
                return SPECTRUM
            if event_extensions(file):
                return EVENTS
            return LIGHTCURVE if lightcurve_extensions(file) else None
    except (OSError, EOFError, zlib.error, Quarantined):
        return None
