"""``--catalog``: what a table of detections or sources says of the rows of ``spectra.h5``."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ChandraEmbedError
from ..sky import separation
from .joins import release
from .rows import source_id
from .schema import BY_NAME
from .store import sha256_file

logger = logging.getLogger("chandra_embed")

# column of /detection -> what tables call it, the first that is there is taken
_MORE = {
    "name": ("CSCv2_name", "2CXO"),
    "ra": ("CSCv2_RA", "RAICRS"),
    "dec": ("CSCv2_DEC", "DEICRS"),
    "obi": ("obi_num",),
    "class": ("True_Class", "true_Class", "Class", "main_type", "master_class"),
    "flux_significance_b": ("significance", "CSCv2_S/N"),
    "var_prob_b": ("P_intra",),
}
_FLAGS = [name for name, column in BY_NAME.items() if column.dtype == "int8"]
_HARD = [name for name in BY_NAME if name.startswith("hard_")]
_VARIABLE = ("var_prob_b", "var_index_b", "ks_prob_b", "kp_prob_b")
TAKEN = ("name", "ra", "dec", *_HARD, *_VARIABLE, "class", "flux_significance_b", "likelihood", *_FLAGS)
KEYS = ("obsid", "obi", "region_id")
_TRUTH = {"true": 1, "t": 1, "1": 1, "1.0": 1, "false": 0, "f": 0, "0": 0, "0.0": 0}
_NONE = ("", "nan", "none", "--", "null", "n/a")
WAYS = ("ObsID, interval and region", "name and ObsID", "name", "position")


@dataclass
class CatalogTable:
    """A table that rows are joined with; `matched` counts the rows by how they were found.

    Parameters
    ----------
    path : Path
        The table.
    rows : list of dict
        Columns of ``/detection`` by row, those that the table holds and knows.
    keys : ndarray, shape (n, 3), int64
        ObsID, observation interval and region, -1 where not known.
    radius : float or None
        Greatest distance of a match by position, arcsec; None: positions do not match.
    """

    path: Path
    rows: list[dict[str, Any]]
    keys: NDArray[np.int64]
    radius: float | None
    matched: Counter[str] = field(default_factory=Counter)
    unmatched: int = 0

    def __post_init__(self) -> None:
        self._by_key: dict[tuple[int, ...], int] = {}
        self._by_name: dict[tuple[str, int], int] = {}
        self._of_obsid: dict[int, list[int]] = {}
        for i, row in enumerate(self.rows):
            obsid, obi, region = (int(value) for value in self.keys[i])
            if obsid >= 0 and region >= 0:
                self._by_key.setdefault((obsid, obi, region), i)
            if row.get("name"):
                self._by_name.setdefault((row["name"], obsid), i)
            self._of_obsid.setdefault(obsid, []).append(i)
        places = [(row.get("ra", np.nan), row.get("dec", np.nan)) for row in self.rows]
        self._places = np.array(places, np.float64).reshape(-1, 2)
        known = [i for i in self._of_obsid.get(-1, []) if np.isfinite(self._places[i]).all()]
        self._sources = np.array(known, np.int64)
        self._tree: Any = None

    def join(self, detection: dict[str, Any]) -> dict[str, Any]:
        """Return a detection with what the table says of it: the table's word stands before the file's.

        Parameters
        ----------
        detection : dict
            Columns of ``/detection``.
        """
        found = self._find(detection)
        if found is None:
            self.unmatched += 1
            logger.info("%s: no row of %s", detection["file"], self.path.name)
            return detection
        number, way = found
        self.matched[way] += 1
        joined = detection | self.rows[number]
        joined["source_id"] = source_id(joined)
        return joined

    def _find(self, detection: Mapping[str, Any]) -> tuple[int, str] | None:
        """The row of the table, and how it was found."""
        obsid, obi, region = (int(detection.get(name, -1)) for name in KEYS)
        # regions of release 1 bear other numbers
        if obsid >= 0 and region >= 0 and release(PurePosixPath(str(detection["file"])).name) > 1:
            for key in ((obsid, obi, region), (obsid, -1, region)):
                if key in self._by_key:
                    return self._by_key[key], WAYS[0]
        name = str(detection.get("name", ""))
        for of in (obsid, -1):
            if name and (name, of) in self._by_name:
                return self._by_name[name, of], WAYS[1] if of >= 0 else WAYS[2]
        return self._nearest(detection, obsid)

    def _nearest(self, detection: Mapping[str, Any], obsid: int) -> tuple[int, str] | None:
        """The nearest row of the same ObsID, or of none, within the radius."""
        place = float(detection.get("ra", np.nan)), float(detection.get("dec", np.nan))
        if self.radius is None or not np.isfinite(place).all():
            return None
        near = np.array(self._of_obsid.get(obsid, []) if obsid >= 0 else [], np.int64)
        near = np.append(near, self._sources[self._near_sources(place)])
        distance = separation(self._places[near, 0], self._places[near, 1], *place)
        distance[np.isnan(distance)] = np.inf
        if not distance.size or distance.min() > self.radius:
            return None
        return int(near[distance.argmin()]), WAYS[3]

    def _near_sources(self, place: tuple[float, float]) -> list[int]:
        """Which of the rows without an ObsID lie within the radius, a hair more."""
        from scipy.spatial import cKDTree

        if not self._sources.size or self.radius is None:
            return []
        if self._tree is None:
            self._tree = cKDTree(_unit(self._places[self._sources]))
        chord = 2 * np.sin(np.radians(self.radius / 3600) / 2)
        found: list[int] = self._tree.query_ball_point(_unit(np.array([place]))[0], 1.001 * chord + 1e-12)
        return sorted(found)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by how they were found, ``"none"`` those that were not."""
        return {**self.matched, "none": self.unmatched}

    @property
    def attributes(self) -> dict[str, Any]:
        """What the file says of the join."""
        return {
            "catalog": self.path.name,
            "catalog_sha256": sha256_file(self.path),
            "catalog_matched": sum(self.matched.values()),
            "catalog_unmatched": self.unmatched,
        }


def _unit(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors of positions in deg, shape (n, 3)."""
    a, d = np.radians(places).T
    return np.column_stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])


def read_catalog_table(path: Path, radius: float | None) -> CatalogTable:
    """Read a table of detections or sources.

    Parameters
    ----------
    path : Path
        CSV, FITS, VOTable, ECSV; columns by the names of ``/detection``, or as MUWCLASS and VizieR's IX/57
        call them.
    radius : float or None
        Greatest distance of a match by position, arcsec.

    Raises
    ------
    ChandraEmbedError
        No table, or one without a column to join on or to take.
    """
    from ..simulate.columns import read_columns

    names = {column: (column, *_MORE.get(column, ())) for column in dict.fromkeys((*TAKEN, *KEYS))}
    texts, _ = read_columns(path, {name for several in names.values() for name in several})
    used = {
        column: texts[found]
        for column, several in names.items()
        if (found := next((name for name in several if name in texts), None)) is not None
    }
    detections, sources = {"obsid", "region_id"} <= set(used), "name" in used
    if not (detections or sources or (radius is not None and {"ra", "dec"} <= set(used))):
        raise ChandraEmbedError(
            f"{path}: no columns obsid and region_id, nor name, nor (with --radius) ra and dec to join on"
        )
    if not set(used) - set(KEYS):
        raise ChandraEmbedError(f"{path}: no column to take; there could be {', '.join(TAKEN)}")
    n = max(len(values) for values in used.values())
    keys = np.full((n, 3), -1, np.int64)
    for j, key in enumerate(KEYS):
        keys[:, j] = [_whole(text) for text in used.get(key, [""] * n)]
    rows = [_row({column: used[column][i] for column in TAKEN if column in used}) for i in range(n)]
    return CatalogTable(path, rows, keys, radius)


def _row(texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of a row that are known."""
    found: dict[str, Any] = {}
    for column, text in texts.items():
        value = _value(column, text.strip())
        if value is not None:
            found[column] = value
    if "name" in found and found["name"].upper().startswith("J"):
        found["name"] = f"2CXO {found['name']}"
    if not {"ra", "dec"} <= set(found):
        found.pop("ra", None), found.pop("dec", None)
    return found


def _value(column: str, text: str) -> Any:
    """One value, None where it is not known."""
    kind = BY_NAME[column]
    if text.lower() in _NONE:
        return None
    if kind.length:
        words = " ".join(text.split())
        return words if len(words.encode()) <= kind.length else None
    if kind.dtype == "int8":
        return _TRUTH.get(text.lower())
    if column in ("ra", "dec"):
        return _angle(text, 15.0 if column == "ra" else 1.0)
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _angle(text: str, hours: float) -> float | None:
    """Degrees of a number, or of three that are sexagesimal."""
    try:
        parts: Sequence[float] = [float(part) for part in text.replace(":", " ").split()]
    except ValueError:
        return None
    if len(parts) == 3:
        sign = -1.0 if text.lstrip().startswith("-") else 1.0
        return sign * hours * (abs(parts[0]) + parts[1] / 60 + parts[2] / 3600)
    return parts[0] if len(parts) == 1 and np.isfinite(parts[0]) else None


def _whole(text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        return -1
    return int(value) if 0 <= value < 2**31 else -1
