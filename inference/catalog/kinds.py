"""What an input is, by its name or by what is in it: spectrum, event file, light curve or region."""

import gzip
import re
from pathlib import Path

from ..errors import Quarantined
from .event_files import event_extensions
from .lightcurves import lightcurve_extensions
from .pha import spectrum_extensions
from .responses import open_fits

SPECTRUM, EVENTS, LIGHTCURVE, REGION = "spectrum", "events", "lightcurve", "region"
SPECTRUM_NAMES = (".pi", ".pha", "pha2", "pha2.fits", "pha3.fits")
EVENT_NAME = re.compile(r"(^|[^a-z])(reg)?evt[23](?![0-9])(.*(\.fits|\.fit|\.evt))?$")
LIGHTCURVE_NAME = re.compile(r"(^|[^a-z])lc3(\.fits|\.fit)?$")
REGION_NAME = re.compile(r"(^|[^a-z])reg3(\.fits|\.fit)?$")
COLLECTION = (".hdf5", ".h5")


def kind_of(path: Path) -> str:
    """Return what a file given by name is; one that is nothing known is read as a spectrum, and refused."""
    by_name = _by_name(path)
    if by_name in (SPECTRUM, LIGHTCURVE, REGION):
        return by_name
    return _by_content(path) or by_name or SPECTRUM


def found_kind(path: Path) -> str | None:
    """Return what a file found in a directory is, None where it is no input.

    Spectra are known by name or content, event files and light curves by name. What cannot be opened
    counts by its name alone.
    """
    by_name = _by_name(path)
    if by_name == EVENTS:  # pictures and masks bear such names too
        try:
            with open_fits(path) as file:
                return EVENTS if event_extensions(file) else None
        except Quarantined:
            return EVENTS
    if by_name in (SPECTRUM, LIGHTCURVE):
        return by_name
    if path.name.lower().endswith(COLLECTION):
        from .multimodal import is_collection

        return SPECTRUM if is_collection(path) else None
    return SPECTRUM if _by_content(path) == SPECTRUM else None


def _by_name(path: Path) -> str | None:
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(SPECTRUM_NAMES):
        return SPECTRUM
    for pattern, kind in ((EVENT_NAME, EVENTS), (LIGHTCURVE_NAME, LIGHTCURVE), (REGION_NAME, REGION)):
        if pattern.search(name):
            return kind
    return None


def _by_content(path: Path) -> str | None:
    """The kind of the first table known, None for what is not FITS or cannot be opened."""
    try:
        with open(path, "rb") as raw:
            start = raw.read(9)
        if start[:2] == b"\x1f\x8b":
            with gzip.open(path) as packed:
                start = packed.read(9)
        if start != b"SIMPLE  =":
            return None
        with open_fits(path) as file:
            if spectrum_extensions(file):
                return SPECTRUM
            if event_extensions(file):
                return EVENTS
            return LIGHTCURVE if lightcurve_extensions(file) else None
    except (OSError, EOFError, Quarantined):
        return None
