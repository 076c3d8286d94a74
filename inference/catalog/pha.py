"""One SPECTRUM extension of an OGIP type I PHA file: counts, errors and scaling, or why it is refused.

Level 3 files, CIAO files, merged and real-valued spectra, rates instead of counts; see OGIP/92-007.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Quarantined
from .file_bytes import file_bytes
from .fits_tables import open_tables
from .keywords import check_acis, number, text
from .responses import Array, column, column_names

MAX_CHANNELS = 1024
MOST_COUNTS = 1e9  # in one channel; float32 and ACIS end far below


@dataclass(frozen=True)
class Pha:
    """One SPECTRUM extension: counts by channel and what its header says.

    `counts` and `error` have shape (n,), float64; `error` is None where Poisson errors hold.
    """

    channel: NDArray[np.int64]
    counts: Array
    error: Array | None
    exposure: float
    backscal: float | Array
    areascal: float | Array
    grouped: bool
    header: Any

    def text(self, key: str) -> str:
        """Return a keyword as text, ``""`` where missing."""
        return text(self.header, key)

    @property
    def detchans(self) -> int:
        """Channels of the detector: DETCHANS, or as many as the table lists."""
        said = number(self.header, "DETCHANS")
        listed = int(self.channel.max()) - min(int(self.channel.min()), 1) + 1
        return max(int(said), listed) if np.isfinite(said) and said < 1e6 else listed

    @property
    def counts_digest(self) -> str:
        """SHA-256 of channels, counts and exposure: equal for grouped copies of one spectrum."""
        data = self.channel.tobytes() + self.counts.tobytes() + np.float64(self.exposure).tobytes()
        return hashlib.sha256(data).hexdigest()


def spectrum_extensions(file: Any) -> list[Any]:
    """Return the SPECTRUM tables of an open FITS file, in order."""
    return [
        hdu
        for hdu in file
        if hasattr(hdu, "columns")
        and (hdu.name == "SPECTRUM" or text(hdu.header, "HDUCLAS1").upper() == "SPECTRUM")
    ]


def is_background(hdu: Any) -> bool:
    """Whether a header calls itself background; a TOTAL may be one all the same."""
    return text(hdu.header, "HDUCLAS2").upper().startswith("BKG")


def read_pha(path: Path) -> tuple[Pha, Pha | None]:
    """Read the source spectrum of a file, and the background that stands in the same file.

    Returns
    -------
    source : Pha
        The first SPECTRUM extension that is not a background (a file of backgrounds: the first).
    background : Pha or None
        A further extension with HDUCLAS2 = BKG.

    Raises
    ------
    Quarantined
        Not a Chandra ACIS type I spectrum, or one that cannot be read; see :func:`check_kind`.
    """
    kept = file_bytes(path).kept
    if "pha" not in kept:
        kept["pha"] = _read(path)
    found: tuple[Pha, Pha | None] = kept["pha"]
    return found


def _read(path: Path) -> tuple[Pha, Pha | None]:
    with open_tables(path) as file:
        tables = spectrum_extensions(file)
        if not tables:
            raise Quarantined("no-spectrum", "no extension named SPECTRUM")
        sources = [hdu for hdu in tables if not is_background(hdu)]
        source = sources[0] if sources else tables[0]
        check_kind(source)
        behind = [hdu for hdu in tables if is_background(hdu) and hdu is not source]
        if not behind and len(tables) == 2 and _names_itself(path, source):
            behind = [hdu for hdu in tables if hdu is not source]
        found = _pha(source, number(file[0].header, "EXPOSURE"))
        if not behind:
            return found, None
        try:
            return found, _pha(behind[0], found.exposure)
        except Quarantined as problem:
            raise Quarantined("bad-background", f"its background extension: {problem}") from problem


def _names_itself(path: Path, hdu: Any) -> bool:
    """Whether BACKFILE names the file it stands in: the background is then in the same file."""
    named = Path(text(hdu.header, "BACKFILE")).name.lower().removesuffix(".gz")
    return named == path.name.lower().removesuffix(".gz")


def check_kind(hdu: Any) -> None:
    """Refuse what is not an ACIS imaging type I spectrum.

    Raises
    ------
    Quarantined
        ``not-chandra``, ``hrc``, ``type-2``, ``grating``, ``net-spectrum``, ``not-pi`` or ``bad-channels``.
    """
    header, names = hdu.header, set(column_names(hdu))
    check_acis(header)
    vectors = [
        n for n in ("CHANNEL", "COUNTS", "RATE") if n in names and hdu.columns[n].format[:-1] not in ("", "1")
    ]
    types = {text(header, key).upper() for key in ("HDUCLAS3", "HDUCLAS4")}
    if vectors or "TYPE:II" in types or "SPEC_NUM" in names:
        raise Quarantined("type-2", "a PHA type II file: split it into type I files, zeroth order only")
    dispersed = text(header, "GRATING").upper() not in ("NONE", "") and len(hdu.data) > MAX_CHANNELS
    if {"BIN_LO", "BIN_HI"} <= names or "TG_PART" in header or "TG_M" in header or dispersed:
        raise Quarantined("grating", "a dispersed grating spectrum: only imaging spectra are read")
    if text(header, "HDUCLAS2").upper() == "NET":
        raise Quarantined("net-spectrum", "the background is taken off already; give the total spectrum")
    if text(header, "CHANTYPE").upper() not in ("PI", ""):
        raise Quarantined(
            "not-pi", f"CHANTYPE is {text(header, 'CHANTYPE')}; only PI channels have known energies"
        )
    if len(hdu.data) > MAX_CHANNELS:
        raise Quarantined("bad-channels", f"{len(hdu.data)} channels; ACIS PI has at most {MAX_CHANNELS}")


def _pha(hdu: Any, fallback: float) -> Pha:
    """Read one extension; `fallback` is the exposure where its header has no such keyword."""
    header, names = hdu.header, column_names(hdu)
    exposure = number(header, "EXPOSURE") if "EXPOSURE" in header else fallback
    if not exposure > 0 or not np.isfinite(exposure):
        raise Quarantined("no-exposure", f"EXPOSURE is {text(header, 'EXPOSURE') or 'missing'}")
    if "COUNTS" in names:
        counts, factor = column(hdu, "COUNTS"), 1.0
    elif "RATE" in names:
        counts, factor = _whole(column(hdu, "RATE") * exposure), exposure
    else:
        raise Quarantined("unreadable", "neither a COUNTS nor a RATE column")
    if not np.isfinite(counts).all():
        raise Quarantined(
            "not-finite", f"{np.count_nonzero(~np.isfinite(counts))} channels are NaN or infinite"
        )
    if (counts < 0).any():
        raise Quarantined("negative-counts", f"{np.count_nonzero(counts < 0)} channels hold negative counts")
    if counts.max(initial=0.0) > MOST_COUNTS:
        raise Quarantined("absurd-counts", f"a channel holds {counts.max():.3g} counts")
    first = _first_channel(hdu)
    channel = (
        column(hdu, "CHANNEL").astype(np.int64) if "CHANNEL" in names else first + np.arange(len(counts))
    )
    order = np.argsort(channel, kind="stable")
    if (np.diff(channel[order]) < 1).any():
        raise Quarantined("bad-channels", "a channel number stands twice")
    error = _error(hdu, counts, factor)
    grouping = column(hdu, "GROUPING") if "GROUPING" in names else np.ones(1)
    return Pha(
        channel=channel[order],
        counts=counts[order],
        error=None if error is None else error[order],
        exposure=exposure,
        backscal=_scaling(hdu, "BACKSCAL", order),
        areascal=_scaling(hdu, "AREASCAL", order),
        grouped=bool((grouping < 0).any()),
        header=header.copy(),
    )


def _whole(counts: Array) -> Array:
    """Round counts that a rate in single precision left a hair off whole numbers; not real-valued ones."""
    nearest = np.rint(counts)
    used = counts > 0
    if used.any() and (nearest[used] >= 1).all() and (np.abs(counts - nearest) <= 1e-4 * nearest)[used].all():
        return nearest
    return counts


def _first_channel(hdu: Any) -> int:
    names = column_names(hdu)
    return int(hdu.header.get(f"TLMIN{names.index('CHANNEL') + 1}", 1)) if "CHANNEL" in names else 1


def _error(hdu: Any, counts: Array, factor: float) -> Array | None:
    """STAT_ERR counts where errors are said not to be Poisson, or where counts are not whole."""
    if "STAT_ERR" not in column_names(hdu):
        return None
    said = hdu.header.get("POISSERR", False)
    poisson = said.strip().upper().startswith("T") if isinstance(said, str) else bool(said)
    if poisson and (counts == np.round(counts)).all():
        return None
    error = column(hdu, "STAT_ERR") * factor
    if not np.isfinite(error).all() or (error < 0).any():
        raise Quarantined("not-finite", "STAT_ERR holds negative or non-finite errors")
    return error if error.any() else None  # a column of zeros is no error


def _scaling(hdu: Any, key: str, order: NDArray[np.int64]) -> float | Array:
    """BACKSCAL or AREASCAL: a keyword, or a column; 1 where missing."""
    if key in column_names(hdu):
        values: float | Array = column(hdu, key)[order]
    else:
        values = number(hdu.header, key) if key in hdu.header else 1.0
    if not (np.isfinite(values).all() and (np.asarray(values) > 0).all()):
        raise Quarantined("bad-scaling", f"{key} is not a positive number")
    return values
