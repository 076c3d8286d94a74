"""What is true of a source, in the grades of literature: its emission, and what other wavelengths say.

The emission is what the simulator drew for the source (``/truth``), never what a detection measures; the rest
comes from the columns of ``muwclass_TD.csv`` that are not X-ray measurements.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...inference.simulate.class_ranges import POPULATIONS
from . import scales as s
from .places import LISTINGS, REGIONS, galactic_latitude, listing, region

# columns of /truth that facts may use; where a file lacks one of the second group, its facts are not stated
NEEDED = ("shape", "population", "nh", "nh_total", "gamma", "kt", "kt2", "catalog_row")
OPTIONAL = ("share", "line", "redshift", "light_curve")
# columns of the table that facts may use
COLUMNS = (
    *("CSCv2_name", "CSCv2_RA", "CSCv2_DEC", "True_Class", "Catalog_name", "Gmag", "BPmag", "RPmag", "Jmag"),
    *("Kmag", "W1mag", "W2mag", "W3mag", "Plx", "e_Plx", "PM", "rgeo"),
)
MAG_PER_COLUMN = 1 / 0.221  # A_V (mag) of 1e22 cm^-2: Guver & Ozel 2009, MNRAS 400, 2050
LIGHT_CURVES = ("constant", "flare", "dip", "eclipse", "periodic")

# sub-population -> companion, where literature would name one
COMPANIONS = {
    "HMXB/Be": "Be star",
    "HMXB/faint Be": "Be star",
    "HMXB/supergiant": "supergiant",
    "HMXB/black hole or gamma-ray binary": "massive star",
    "LMXB/hard": "low-mass star",
    "LMXB/soft": "low-mass star",
    "LMXB/quiescent neutron star": "low-mass star",
    "LMXB/quiescent black hole": "low-mass star",
    "LMXB/edge-on": "low-mass star",
    "CV/non-magnetic": "red dwarf",
    "CV/intermediate polar": "red dwarf",
    "CV/polar": "red dwarf",
    "CV/supersoft": "subgiant",
    "NS/recycled": "white dwarf",
    "HM-STAR/B star": "low-mass star",
    "HM-STAR/magnetic or colliding winds": "massive star",
}
# every value that a fact of each kind may have: a wrong fact is another one of these
VALUES: dict[str, tuple[str, ...]] = {
    "class": tuple(POPULATIONS),
    "companion": tuple(dict.fromkeys(COMPANIONS.values())),
    "absorption": s.ABSORPTION.names,
    "reddening": s.REDDENING.names,
    "extinction": s.EXTINCTION.names,
    "emission lines": ("broad", "narrow"),
    "index": s.INDEX.names,
    "tail": s.INDEX.names,
    "plasma": s.PLASMA.names,
    "second plasma": s.PLASMA.names,
    "surface": s.SURFACE.names,
    "hard share": s.HARD_SHARE.names,
    "soft excess": s.SOFT_EXCESS.names,
    "soft component": s.SURFACE.names,
    "iron line": s.LINE.names,
    "redshift": s.REDSHIFT.names,
    "variability": LIGHT_CURVES,
    "region": tuple(name for name, *_ in REGIONS),
    "listing": tuple(LISTINGS),
    "latitude": s.LATITUDE.names,
    "optical": s.OPTICAL.names,
    "no optical": ("yes",),
    "colour": s.COLOUR.names,
    "near infrared": s.NEAR_INFRARED.names,
    "infrared brightness": s.INFRARED_BRIGHTNESS.names,
    "infrared excess": s.EXCESS.names,
    "dust": s.DUST.names,
    "optical-infrared": s.OPTICAL_INFRARED.names,
    "distance": s.DISTANCE.names,
    "motion": s.MOTION.names,
    "parallax": s.PARALLAX.names,
}
# kinds that say what the source emits and what lies before it
EMISSION = (
    *("absorption", "reddening", "extinction", "emission lines", "redshift", "index", "tail", "plasma"),
    *("second plasma", "surface", "soft component", "hard share", "soft excess", "iron line", "variability"),
)
# kinds whose texts carry a number, and the scale a wrong number is drawn on
NUMBERED = {
    "optical": s.OPTICAL,
    "infrared brightness": s.INFRARED_BRIGHTNESS,
    "distance": s.DISTANCE,
    "motion": s.MOTION,
}


@dataclass(frozen=True)
class Fact:
    """One thing said of a source.

    Parameters
    ----------
    kind : str
        What it is about: ``"subtype"`` or a key of :data:`VALUES`.
    value : str
        One of the kind's values; of a subtype ``class/sub-population``.
    number : float
        The number said with it, of another wavelength; NaN: none.
    """

    kind: str
    value: str
    number: float = math.nan


def subtypes(kind: str) -> tuple[str, ...]:
    """Return the sub-populations of a class as values of the fact ``subtype``."""
    return tuple(f"{kind}/{p.name}" for p in POPULATIONS[kind])


def facts_of(truth: Mapping[str, Any], row: Mapping[str, str]) -> list[Fact]:
    """Return every fact that holds for one detection's source.

    Parameters
    ----------
    truth : mapping
        Columns of ``/truth``: those of :data:`NEEDED`, and of :data:`OPTIONAL` what the file has.
    row : mapping of str to str
        The source's row of ``muwclass_TD.csv``: columns of :data:`COLUMNS`, empty where not known.

    Returns
    -------
    list of Fact
        At most one of a kind, the class first.
    """
    kind, population = row["True_Class"], f"{row['True_Class']}/{truth['population']}"
    found = [Fact("class", kind), Fact("subtype", population)]
    if population in COMPANIONS:
        found.append(Fact("companion", COMPANIONS[population]))
    graded = {**emission_of(kind, truth), **_place(row)}
    found += [Fact(name, value) for name, value in graded.items() if value]
    return found + _photometry(row) + ([] if kind == "AGN" else _astrometry(row))


def emission_of(kind: str, truth: Mapping[str, Any]) -> dict[str, str]:
    """Return the graded facts of a source's emission and of its absorbers, empty where one does not apply.

    Parameters
    ----------
    kind : str
        Class.
    truth : mapping
        As :func:`facts_of`.

    Returns
    -------
    dict of str to str
        Kind of fact, of :data:`EMISSION`, to its value.
    """
    return {**_absorbers(kind, truth), **_emission(truth)}


def _absorbers(kind: str, truth: Mapping[str, Any]) -> dict[str, str]:
    """Grades of what lies before the source."""
    thick = truth["population"] == "Compton-thick"
    graded = {
        "absorption": "Compton-thick" if thick else s.ABSORPTION.grade(truth["nh_total"]),
        "reddening": s.REDDENING.grade(truth["nh_total"]),
        "extinction": s.EXTINCTION.grade(truth["nh"] * MAG_PER_COLUMN),
    }
    if kind == "AGN":
        # above 1e22 cm^-2 the broad lines are hidden too
        graded["emission lines"] = "narrow" if thick or truth["nh_total"] > 1.0 else "broad"
        graded["redshift"] = s.REDSHIFT.grade(float(truth.get("redshift", math.nan)))
    return graded


def _emission(truth: Mapping[str, Any]) -> dict[str, str]:
    """Grades of what the source emits."""
    first, _, second = str(truth["shape"]).partition("+")
    share = float(truth.get("share", math.nan))
    graded = {"iron line": s.LINE.grade(float(truth.get("line", math.nan)))}
    if first == "powerlaw":
        graded["index"] = s.INDEX.grade(truth["gamma"])
        graded["soft excess"] = s.SOFT_EXCESS.grade(share)
        scale = s.PLASMA if second == "thermal" else s.SURFACE
        name = "second plasma" if second == "thermal" else "soft component"
        graded[name] = scale.grade(truth["kt2"])
    else:
        own = "plasma" if first == "thermal" else "surface"
        graded[own] = (s.PLASMA if first == "thermal" else s.SURFACE).grade(truth["kt"])
        if second == "powerlaw":
            graded["tail"] = s.INDEX.grade(truth["gamma"])
        elif second == "thermal":
            graded["second plasma"] = s.PLASMA.grade(truth["kt2"])
        elif second:
            graded["soft component"] = s.SURFACE.grade(truth["kt2"])
        softer = second != "powerlaw" and truth["kt2"] < truth["kt"]
        graded["hard share"] = s.HARD_SHARE.grade(1 - share if softer else share)
    curve = str(truth.get("light_curve", ""))
    graded["variability"] = curve if curve in LIGHT_CURVES else ""
    return graded


def _place(row: Mapping[str, str]) -> dict[str, str]:
    """Region, list of names and Galactic latitude."""
    ra, dec = _number(row, "CSCv2_RA"), _number(row, "CSCv2_DEC")
    return {
        "region": region(ra, dec),
        "listing": listing(row["Catalog_name"]),
        "latitude": s.LATITUDE.grade(abs(galactic_latitude(ra, dec))),
    }


def _photometry(row: Mapping[str, str]) -> list[Fact]:
    """Brightness and colours of the counterpart."""
    g, k = _number(row, "Gmag"), _number(row, "Kmag")
    colours = {
        "colour": s.COLOUR.grade(_number(row, "BPmag") - _number(row, "RPmag")),
        "near infrared": s.NEAR_INFRARED.grade(_number(row, "Jmag") - k),
        "infrared excess": s.EXCESS.grade(_number(row, "W1mag") - _number(row, "W2mag")),
        "dust": s.DUST.grade(_number(row, "W2mag") - _number(row, "W3mag")),
        "optical-infrared": s.OPTICAL_INFRARED.grade(g - k),
    }
    found = [Fact(name, value) for name, value in colours.items() if value]
    if math.isfinite(k):
        found.append(Fact("infrared brightness", s.INFRARED_BRIGHTNESS.grade(k), k))
    found.append(Fact("optical", s.OPTICAL.grade(g), g) if math.isfinite(g) else Fact("no optical", "yes"))
    return found


def _astrometry(row: Mapping[str, str]) -> list[Fact]:
    """Distance, motion and parallax of what is not a galaxy."""
    distance, motion, error = _number(row, "rgeo"), _number(row, "PM"), _number(row, "e_Plx")
    found = []
    if math.isfinite(distance):
        found.append(Fact("distance", s.DISTANCE.grade(distance), distance))
    if math.isfinite(motion):
        found.append(Fact("motion", s.MOTION.grade(motion), motion))
    if error > 0:
        found.append(Fact("parallax", s.PARALLAX.grade(_number(row, "Plx") / error)))
    return [fact for fact in found if fact.value]


def _number(row: Mapping[str, str], column: str) -> float:
    """Return a cell as a number; NaN where it is empty or none."""
    try:
        return float(row[column])
    except ValueError:
        return math.nan
