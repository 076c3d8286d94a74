"""Keywords of a FITS header as text and numbers, whatever stands there, and which telescope they name."""

from typing import Any

from ..errors import Quarantined


def text(header: Any, key: str) -> str:
    """Return a keyword as text, ``""`` where it is missing or cannot be read."""
    value = _value(header, key)
    return "" if value is None else str(value).strip()


def number(header: Any, key: str) -> float:
    """Return a keyword as a number, also one written as text; NaN where it is missing or no number."""
    value = _value(header, key)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return float("nan")
    try:
        return float(value)
    except (ValueError, OverflowError):
        return float("nan")


def _value(header: Any, key: str) -> Any:
    try:
        return header.get(key)
    except Exception:  # astropy refuses a card such as ``RA = NaN`` when it is looked at
        return None


def check_acis(header: Any) -> None:
    """Refuse what is not of ACIS on Chandra; its chips (``ACIS-S``) may be named, one keyword may be missing.

    Raises
    ------
    Quarantined
        ``hrc`` or ``not-chandra``.
    """
    telescope, instrument = text(header, "TELESCOP").upper(), text(header, "INSTRUME").upper()
    if instrument.startswith("HRC"):
        raise Quarantined("hrc", "the HRC records no usable energies; only ACIS is read")
    if not telescope + instrument:
        raise Quarantined("not-chandra", "neither TELESCOP nor INSTRUME is in the header")
    if not names_acis(telescope, instrument):
        raise Quarantined(
            "not-chandra", f"TELESCOP {telescope or 'missing'}, INSTRUME {instrument or 'missing'}"
        )


def names_acis(telescope: str, instrument: str) -> bool:
    """Whether upper-case TELESCOP and INSTRUME, each perhaps empty, may be those of ACIS on Chandra."""
    return telescope in ("CHANDRA", "AXAF", "") and instrument.partition("-")[0] in ("ACIS", "")
