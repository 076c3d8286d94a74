"""Where a source stands: regions and fields of the sky by position, listings by the counterpart's name."""

import math
import re

# name, right ascension and declination (deg, ICRS), radius (deg): ours, from the usual maps of each
REGIONS = (
    ("the Orion Nebula Cluster", 83.82, -5.39, 0.25),
    ("the southern Orion A cloud", 84.1, -6.4, 0.9),
    ("the northern part of Orion A", 83.8, -4.9, 0.6),
    ("NGC 2024 in Orion B", 85.42, -1.9, 0.35),
    ("the sigma Orionis cluster", 84.69, -2.6, 0.5),
    ("NGC 2068 and NGC 2071 in Orion B", 86.7, 0.2, 0.6),
    ("the Carina Nebula", 161.0, -59.8, 1.2),
    ("the association Cygnus OB2", 308.3, 41.3, 0.8),
    ("NGC 3603", 168.8, -61.26, 0.3),
    ("Westerlund 2", 155.99, -57.76, 0.3),
    ("the Rho Ophiuchi cloud", 246.7, -24.4, 1.2),
    ("the Serpens cloud core", 277.5, 1.2, 0.5),
    ("IC 348 in Perseus", 56.1, 32.15, 0.4),
    ("NGC 1333 in Perseus", 52.29, 31.35, 0.4),
    ("the Taurus clouds", 67.5, 26.0, 6.0),
    ("the heart of the W3 complex", 36.6, 62.0, 0.9),
    ("NGC 2362", 109.68, -24.95, 0.6),
    ("NGC 2264", 100.25, 9.7, 0.6),
    ("the open cluster M 67", 132.85, 11.8, 0.6),
    ("the globular cluster 47 Tucanae", 6.02, -72.08, 0.3),
    ("the Galactic Centre", 266.42, -29.0, 0.7),
    ("the COSMOS field", 150.12, 2.2, 1.0),
    ("the Chandra Deep Field South", 53.12, -27.8, 0.5),
    ("the Hubble Deep Field North", 189.2, 62.23, 0.5),
    ("the Lockman Hole", 162.0, 58.5, 2.2),
    ("the Groth strip", 214.7, 52.8, 0.9),
    ("the Bootes field", 217.8, 34.2, 2.0),
    ("the XMM-LSS field", 35.5, -4.8, 1.5),
)
# what a counterpart's name starts with -> the list that it stands in
LISTINGS = {
    "Sloan": r"SDSS",
    "deep field": r"COSM|CDFS|ECDF|CLANS|CLASXS|HDF|CXOH|XMS|CIRS",
    "serendipitous": r"CXO|CXOMP|XMM|HXMM|1WGA|RXS|RX\b",
    "galaxy": r"NGC|IC\b|MCG|MARK|UGC|ESO|KISSR|MRK|ZW",
    "radio": r"3C|4C|PKS|FIRST|TEX|MG\b|PMN|B2\b|B3\b",
    "blue excess": r"Q\b|2QZ|HE\b|HS\b|PG\b|SBS|CSO|UM\b|PSS|BR\b",
    "infrared": r"2MASS|IRAS|EM\*|JW|Parenago|RAFGL",
    "variable": r"V\*|V\d+\b",
    "bright": r"HD|HR\b|BD|CD-|LS\b|TYC|AG\+|GSC",
    "cluster member": r"Cl\b|Cl\*|\[MT91\]|Schulte|Westerlund|Brun",
    "hard survey": r"IGR|XTE|4U|1E\b|GRO|GS\b|KS\b|AX\b|EXO",
}
_LISTINGS = tuple((name, re.compile(pattern)) for name, pattern in LISTINGS.items())
# north pole of the Galaxy, ICRS, deg
_POLE_RA, _POLE_DEC = math.radians(192.85948), math.radians(27.12825)


def region(ra: float, dec: float) -> str:
    """Return the region or field that holds a position (deg), the smallest where several do; else empty."""
    held = [
        (radius, name) for name, ra0, dec0, radius in REGIONS if _separation(ra, dec, ra0, dec0) <= radius
    ]
    return min(held)[1] if held else ""


def listing(name: str) -> str:
    """Return the kind of list that the name of a counterpart comes from; empty where it tells none."""
    return next((kind for kind, pattern in _LISTINGS if pattern.match(name)), "")


def galactic_latitude(ra: float, dec: float) -> float:
    """Return the Galactic latitude of a position, both in deg."""
    a, d = math.radians(ra), math.radians(dec)
    sine = math.sin(d) * math.sin(_POLE_DEC) + math.cos(d) * math.cos(_POLE_DEC) * math.cos(a - _POLE_RA)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def _separation(ra: float, dec: float, ra0: float, dec0: float) -> float:
    """Angle between two positions, deg."""
    a, d, a0, d0 = map(math.radians, (ra, dec, ra0, dec0))
    haversine = math.sin((d - d0) / 2) ** 2 + math.cos(d) * math.cos(d0) * math.sin((a - a0) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(haversine))))
