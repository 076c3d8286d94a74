"""Regions on the sky plane of an event file: which events belong to a source.

A region is given as ``x,y,r`` in sky pixels, as ``ra,dec,r"``, or as a file (see `region_files`).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ChandraEmbedError, Quarantined

Array = NDArray[np.float64]
SIZES = {"circle": 1, "ellipse": 2, "annulus": 2, "box": 2}  # sizes that follow the centre
UNITS = {
    "": 0.0,
    '"': 1 / 3600,
    "″": 1 / 3600,
    "arcsec": 1 / 3600,
    "'": 1 / 60,
    "′": 1 / 60,
    "arcmin": 1 / 60,
    "d": 1.0,
}
LENGTH = re.compile(r"([0-9.]+(?:[eE][+-]?\d+)?)\s*(" + "|".join(re.escape(u) for u in UNITS if u) + r"|)$")


@dataclass(frozen=True)
class Wcs:
    """Tangent projection of sky pixels: reference pixel, its position (deg), and size of a pixel (deg).

    Source: Calabretta & Greisen 2002, A&A 395, 1077, section 5.1.3; Chandra sky pixels have north up.
    """

    crpix: tuple[float, float]
    crval: tuple[float, float]
    cdelt: tuple[float, float]

    def to_pixel(self, ra: float, dec: float) -> tuple[float, float]:
        """Return the sky pixel of a position (deg); NaN for what lies behind the plane."""
        a, d, d0 = np.radians([ra - self.crval[0], dec, self.crval[1]])
        depth = np.sin(d0) * np.sin(d) + np.cos(d0) * np.cos(d) * np.cos(a)
        if depth <= 0:
            return float("nan"), float("nan")
        xi = np.degrees(np.cos(d) * np.sin(a) / depth)
        eta = np.degrees((np.cos(d0) * np.sin(d) - np.sin(d0) * np.cos(d) * np.cos(a)) / depth)
        return float(self.crpix[0] + xi / self.cdelt[0]), float(self.crpix[1] + eta / self.cdelt[1])

    def to_sky(self, x: float, y: float) -> tuple[float, float]:
        """Return the position (deg) of a sky pixel."""
        xi, eta = np.radians([(x - self.crpix[0]) * self.cdelt[0], (y - self.crpix[1]) * self.cdelt[1]])
        d0 = np.radians(self.crval[1])
        across = np.cos(d0) - eta * np.sin(d0)
        ra = self.crval[0] + np.degrees(np.arctan2(xi, across))
        dec = np.degrees(np.arctan2(np.sin(d0) + eta * np.cos(d0), np.hypot(xi, across)))
        return float(ra % 360), float(dec)

    @property
    def pixel(self) -> float:
        """Size of a pixel, deg."""
        return abs(self.cdelt[1])


def event_wcs(hdu: Any) -> Wcs | None:
    """Return the projection that the columns x and y of an event table carry, None where they carry none."""
    names = [name.upper() for name in hdu.columns.names]
    found: list[tuple[float, float]] = []
    if "X" not in names or "Y" not in names:
        return None
    numbers = names.index("X") + 1, names.index("Y") + 1
    if not str(hdu.header.get(f"TCTYP{numbers[0]}", "")).upper().endswith("TAN"):
        return None
    for key in ("TCRPX", "TCRVL", "TCDLT"):
        pair = [hdu.header.get(f"{key}{number}") for number in numbers]
        if not all(isinstance(value, int | float) and np.isfinite(value) for value in pair):
            return None
        found.append((float(pair[0]), float(pair[1])))
    return Wcs(*found) if all(found[2]) else None


@dataclass(frozen=True)
class Shape:
    """One shape: circle, ellipse, annulus, box or polygon.

    Parameters
    ----------
    kind : str
        One of :data:`SIZES`, or ``"polygon"``.
    points : tuple of (x, y)
        The centre; of a polygon its corners. Sky pixels, or deg where `sky`.
    sizes : tuple of float
        Radius; semi-axes; inner and outer radius; full width and height. Pixels, or deg where `sky`.
    angle : float
        Deg, from +x towards +y.
    sky : bool
        Whether positions and sizes are in deg on the sky.
    exclude : bool
        Whether the shape is cut out.
    component : int
        Shapes of one component are intersected, components united.
    """

    kind: str
    points: tuple[tuple[float, float], ...]
    sizes: tuple[float, ...] = ()
    angle: float = 0.0
    sky: bool = False
    exclude: bool = False
    component: int = 0

    def __post_init__(self) -> None:
        numbers = [*(value for point in self.points for value in point), *self.sizes, self.angle]
        if self.kind != "polygon" and len(self.sizes) != SIZES.get(self.kind):
            raise ValueError(f"a {self.kind} with {len(self.sizes)} sizes")
        if self.kind == "polygon" and len(self.points) < 3:
            raise ValueError("a polygon of fewer than three corners")
        if not np.isfinite(numbers).all():
            raise ValueError(f"a {self.kind} with a number that is not finite")
        least = (self.sizes[1:] if self.kind == "annulus" else self.sizes) or (1.0,)
        if min(least) <= 0 or min(self.sizes, default=1.0) < 0:
            raise ValueError(f"a {self.kind} of size {min(self.sizes):g}")
        if self.sky and any(abs(dec) > 90 or not -360 <= ra <= 360 for ra, dec in self.points):
            raise ValueError("a position outside right ascension 0 to 360 and declination -90 to 90")

    def inside(self, x: Array, y: Array, wcs: Wcs | None) -> NDArray[np.bool_]:
        """Return which pixels the shape holds, its rim included; shape (n,)."""
        points, sizes = self.points, self.sizes
        if self.sky:
            if wcs is None:
                raise Quarantined(
                    "no-wcs", "the region is in sky coordinates and columns x, y have no projection"
                )
            points = tuple(wcs.to_pixel(*point) for point in points)
            sizes = tuple(size / wcs.pixel for size in sizes)
        if self.kind == "polygon":
            return _in_polygon(x, y, points)
        dx, dy = x - points[0][0], y - points[0][1]
        if self.kind in ("circle", "annulus"):
            distance = np.hypot(dx, dy)
            rim = distance <= sizes[-1]
            return rim if self.kind == "circle" else rim & (distance >= sizes[0])
        c, s = np.cos(np.radians(self.angle)), np.sin(np.radians(self.angle))
        u, v = dx * c + dy * s, dy * c - dx * s
        if self.kind == "ellipse":
            held: NDArray[np.bool_] = (u / sizes[0]) ** 2 + (v / sizes[1]) ** 2 <= 1
            return held
        boxed: NDArray[np.bool_] = (np.abs(u) <= sizes[0] / 2) & (np.abs(v) <= sizes[1] / 2)
        return boxed


def _in_polygon(x: Array, y: Array, corners: tuple[tuple[float, float], ...]) -> NDArray[np.bool_]:
    """Even-odd rule: cross the edges to the right of each point."""
    inside = np.zeros(x.shape, bool)
    for (xa, ya), (xb, yb) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if ya != yb:
            crosses = ((ya > y) != (yb > y)) & (x < (xb - xa) * (y - ya) / (yb - ya) + xa)
            inside ^= crosses
    return inside


@dataclass(frozen=True)
class Region:
    """Shapes that together hold a source.

    Parameters
    ----------
    text : str
        What the user gave: numbers, or the name of a file.
    shapes : tuple of Shape
        At least one.
    """

    text: str
    shapes: tuple[Shape, ...]

    def contains(self, x: Array, y: Array, wcs: Wcs | None = None) -> NDArray[np.bool_]:
        """Return which sky pixels lie in the region.

        Parameters
        ----------
        x, y : ndarray, shape (n,), float64
            Sky pixels; NaN lies nowhere.
        wcs : Wcs, optional
            Projection of the pixels, for shapes in sky coordinates.

        Returns
        -------
        ndarray, shape (n,), bool
            Inside, the rim included.

        Raises
        ------
        Quarantined
            ``no-wcs``: the region is in sky coordinates and there is no projection.
        """
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        known = np.isfinite(x) & np.isfinite(y)
        out = np.zeros(x.shape, bool)
        for component in sorted({shape.component for shape in self.shapes}):
            held = known.copy()
            for shape in self.shapes:
                if shape.component == component:
                    held &= shape.inside(x, y, wcs) != shape.exclude
            out |= held
        return out

    def centre(self, wcs: Wcs | None) -> tuple[float, float]:
        """Return the position (deg) of the first shape that is not cut out; NaN where unknown."""
        for shape in self.shapes:
            if not shape.exclude:
                x, y = (float(np.mean(values)) for values in zip(*shape.points, strict=True))
                return (
                    (x % 360, y) if shape.sky else wcs.to_sky(x, y) if wcs else (float("nan"), float("nan"))
                )
        return float("nan"), float("nan")


def parse_region(text: str) -> Region:
    """Read a region as a command line gives it.

    Parameters
    ----------
    text : str
        ``x,y,r`` in sky pixels; ``ra,dec,r"`` or ``ra,dec,r'`` in decimal degrees or as
        ``hh:mm:ss,dd:mm:ss`` (the unit on r marks sky coordinates); or a file: FITS (reg3) or text of
        DS9 or CIAO.

    Raises
    ------
    ChandraEmbedError
        None of these.
    """
    from .region_files import read_region_file

    path = Path(text)
    if path.is_file():
        return read_region_file(path)
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3:
        raise ChandraEmbedError(f'region {text!r}: no such file, and not x,y,r or ra,dec,r"')
    try:
        radius, unit = length(parts[2])
        x, y = position(parts[0], parts[1], sky=unit > 0)
        return Region(",".join(parts), (Shape("circle", ((x, y),), (radius * (unit or 1.0),), sky=unit > 0),))
    except ValueError as error:
        raise ChandraEmbedError(f"region {text!r}: {error}") from error


def length(text: str) -> tuple[float, float]:
    """Return a length and its unit in deg, 0 for pixels.

    Raises
    ------
    ValueError
        Not a number with one of :data:`UNITS`.
    """
    found = LENGTH.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no length; write 8, 4\" or 0.5'")
    return float(found[1]), UNITS[found[2]]


def position(x: str, y: str, *, sky: bool) -> tuple[float, float]:
    """Return a position as numbers: as written, or deg where it is sexagesimal.

    Raises
    ------
    ValueError
        Not numbers, or sexagesimal where pixels are meant.
    """
    if ":" in x or ":" in y:
        if not sky:
            raise ValueError('a position in hours and degrees needs a radius with a unit, such as 4"')
        return 15 * _sexagesimal(x) if ":" in x else float(x), _sexagesimal(y)
    return float(x), float(y)


def _sexagesimal(text: str) -> float:
    """Hours or degrees, minutes and seconds apart by colons, or one number."""
    sign = -1.0 if text.startswith("-") else 1.0
    parts = [float(part) for part in text.lstrip("+-").split(":")]
    if len(parts) > 3 or any(part < 0 or not part < 60 for part in parts[1:]):
        raise ValueError(f"{text!r} is no position in hours or degrees, minutes and seconds")
    value: float = sum(part / 60**i for i, part in enumerate(parts))
    return sign * value
