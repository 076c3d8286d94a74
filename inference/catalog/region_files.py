"""Region files: FITS tables of shapes (CSC reg3, CIAO) and text as DS9 and CIAO write it."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ChandraEmbedError, Quarantined
from .fits_tables import open_tables
from .regions import SIZES, Region, Shape, length, position

LINE = re.compile(r"^([+\-!]?)\s*([a-z]+)\s*\(([^()]*)\)")
PIXELS, SKY = {"physical"}, {"fk5", "icrs", "j2000", "wcs"}
OTHER_FRAMES = {"image", "fk4", "b1950", "galactic", "ecliptic", "linear", "amplifier", "detector"}
ALIAS = {"rotbox": "box"}


def read_region_file(path: Path) -> Region:
    """Read a region file.

    Parameters
    ----------
    path : Path
        FITS with a table of SHAPE, X, Y, R, ROTANG (circle, ellipse, annulus, box, polygon; names with
        ``!`` are cut out; rows of one COMPONENT are intersected, all others united), or text with one
        shape a line, in sky pixels (``physical``) or fk5 (``+`` adds, ``-`` and ``!`` cut out).

    Raises
    ------
    ChandraEmbedError
        It holds no shape, or one that is not known.
    """
    try:
        with open(path, "rb") as raw:
            fits = raw.read(9).startswith((b"\x1f\x8b", b"SIMPLE  ="))
        shapes = _fits_shapes(path) if fits else _text_shapes(path.read_text("utf-8"))
    except (Quarantined, ValueError, OSError) as error:
        raise ChandraEmbedError(f"{path}: cannot be read as a region ({error})") from error
    if not shapes:
        raise ChandraEmbedError(f"{path}: holds no region")
    return Region(path.name, tuple(shapes))


def _fits_shapes(path: Path) -> list[Shape]:
    with open_tables(path) as file:
        tables = [hdu for hdu in file if hasattr(hdu, "columns") and "SHAPE" in _upper(hdu)]
        sources = [hdu for hdu in tables if not str(hdu.name).upper().startswith("BKG")]
        if not sources:
            raise ValueError("no table with a column SHAPE")
        return _rows(sources[0])


def _upper(hdu: Any) -> list[str]:
    return [name.upper() for name in hdu.columns.names]


def _rows(hdu: Any) -> list[Shape]:
    """The shapes of a table, one a row."""
    data, names = hdu.data, _upper(hdu)
    missing = {"X", "Y"} - set(names)
    if missing:
        raise ValueError(f"no column {' or '.join(sorted(missing))}, in sky pixels")
    shapes = []
    for i, kind in enumerate(data["SHAPE"]):
        said = str(kind).strip().lower()
        name = ALIAS.get(said.lstrip("!"), said.lstrip("!"))
        x, y = np.atleast_1d(data["X"][i]).astype(float), np.atleast_1d(data["Y"][i]).astype(float)
        r = np.atleast_1d(data["R"][i]).astype(float) if "R" in names else np.zeros(0)
        angle = float(np.atleast_1d(data["ROTANG"][i])[0]) if "ROTANG" in names else 0.0
        component = int(data["COMPONENT"][i]) if "COMPONENT" in names else i
        shapes.append(_shape(name, x, y, r, angle, said.startswith("!"), component))
    if "COMPONENT" not in names:
        shapes = _cut_from_all(shapes)
    return shapes


def _shape(name: str, x: Any, y: Any, r: Any, angle: float, exclude: bool, component: int) -> Shape:
    if name == "polygon":
        real = np.isfinite(x) & np.isfinite(y)
        corners = list(dict.fromkeys(zip(x[real].tolist(), y[real].tolist(), strict=True)))
        return Shape(name, tuple(corners), exclude=exclude, component=component)
    if name not in SIZES:
        raise ValueError(f"shape {name!r} is not known; there are {', '.join(SIZES)} and polygon")
    sizes = tuple(r[: SIZES[name]].tolist())
    turned = angle if name in ("ellipse", "box") and np.isfinite(angle) else 0.0
    return Shape(name, ((float(x[0]), float(y[0])),), sizes, turned, exclude=exclude, component=component)


def _cut_from_all(shapes: list[Shape]) -> list[Shape]:
    """Unite the shapes that are taken, each without all that are cut out."""
    taken, cut = [s for s in shapes if not s.exclude], [s for s in shapes if s.exclude]
    if not taken:
        raise ValueError("every shape is cut out")
    out = []
    for i, one in enumerate(taken):
        out.append(Shape(one.kind, one.points, one.sizes, one.angle, one.sky, False, i))
        out += [Shape(c.kind, c.points, c.sizes, c.angle, c.sky, True, i) for c in cut]
    return out


def _text_shapes(text: str) -> list[Shape]:
    """The shapes of a DS9 or CIAO region file."""
    frame, shapes = "", []
    for line in re.split(r"[\n;]", re.sub(r"#.*", "", text)):
        said = line.strip().lower()
        if not said or said.startswith("global"):
            continue
        if said in PIXELS | SKY | OTHER_FRAMES:
            if said in OTHER_FRAMES:
                raise ValueError(f"coordinates {said!r}: write physical (sky pixels) or fk5")
            frame = said
            continue
        found = LINE.match(said)
        if not found:
            raise ValueError(f"{line.strip()[:60]!r} is no shape")
        shapes.append(_line(found[2], found[3].split(","), frame, found[1] in ("-", "!")))
    return _cut_from_all(shapes) if shapes else []


def _line(name: str, arguments: list[str], frame: str, exclude: bool) -> Shape:
    """One shape of a text file; sizes without a unit are pixels, in a sky frame deg."""
    name, arguments = ALIAS.get(name, name), [argument.strip() for argument in arguments]
    sky = frame in SKY
    if name == "polygon":
        sky = sky or any(":" in argument for argument in arguments)
        if len(arguments) % 2:
            raise ValueError("a polygon with an odd number of coordinates")
        pairs = zip(arguments[::2], arguments[1::2], strict=True)
        return Shape(name, tuple(position(x, y, sky=sky) for x, y in pairs), sky=sky, exclude=exclude)
    if name not in SIZES:
        raise ValueError(f"shape {name!r} is not known; there are {', '.join(SIZES)} and polygon")
    n = SIZES[name]
    if not 2 + n <= len(arguments) <= 3 + n:
        raise ValueError(f"a {name} with {len(arguments)} numbers")
    sizes = [length(argument) for argument in arguments[2 : 2 + n]]
    if frame in PIXELS and any(unit for _, unit in sizes):
        raise ValueError(f"a {name} in pixels with sizes on the sky; write all of it in fk5")
    sky = sky or any(unit > 0 for _, unit in sizes)
    if sky and not frame and not all(unit > 0 for _, unit in sizes):
        raise ValueError(f"a {name} whose sizes have no unit in part")
    centre = position(arguments[0], arguments[1], sky=sky)
    angle = float(arguments[2 + n]) if len(arguments) > 2 + n else 0.0
    scaled = tuple(value * (unit or 1.0) for value, unit in sizes)
    return Shape(name, (centre,), scaled, angle, sky=sky, exclude=exclude)
