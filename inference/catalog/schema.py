"""The columns of ``/detection``: names, types, units and what stands where a value is missing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Column:
    """One column of ``/detection``.

    `dtype` is a NumPy type name, or ``"str:N"`` for UTF-8 text of at most N bytes.
    """

    name: str
    dtype: str
    unit: str
    description: str

    @property
    def length(self) -> int:
        """Bytes of a text column, 0 for numbers."""
        return int(self.dtype[4:]) if self.dtype.startswith("str:") else 0

    @property
    def missing(self) -> Any:
        """What stands where the value is not known: ``""``, NaN, -1 or False."""
        if self.length:
            return ""
        return {"float64": np.nan, "bool": False}.get(self.dtype, -1)


_HARD = [
    Column(
        f"hard_{xy}{limit}",
        "float64",
        "",
        f"hardness ratio (F_{xy[0]} - F_{xy[1]})/(sum) of photon flux{text}",
    )
    for xy in ("hs", "hm", "ms")
    for limit, text in (("", ""), ("_lolim", ", 68 % lower limit"), ("_hilim", ", 68 % upper limit"))
]
_FLAGS = [
    Column(name, "int8", "", text + "; -1 unknown")
    for name, text in (
        ("pileup_flag", "pile-up suspected"),
        ("sat_src_flag", "saturated source"),
        ("streak_src_flag", "on a readout streak"),
        ("conf_flag", "confused with a neighbour"),
        ("extent_flag", "extended"),
        ("dither_warning_flag", "varies at a dither period"),
    )
]

COLUMNS: tuple[Column, ...] = (
    Column("file", "str:256", "", "input file, relative to the path given"),
    Column(
        "source_id", "str:256", "", "name if known, else ObsID and region, else file: the unit of every split"
    ),
    Column("name", "str:32", "", "catalog name, 2CXO J..."),
    Column("obs_id", "str:512", "", "OBS_ID as in the header"),
    Column("obsid", "int32", "", "ObsID; -1 where missing or merged"),
    Column("obi", "int32", "", "observation interval; -1 where missing or merged"),
    Column("region_id", "int32", "", "catalog region; -1 where missing or merged"),
    Column("ra", "float64", "deg", "right ascension of the source (ICRS)"),
    Column("dec", "float64", "deg", "declination of the source (ICRS)"),
    Column("theta", "float64", "arcmin", "off-axis angle"),
    Column("exposure", "float64", "s", "exposure of the source spectrum"),
    Column("date_obs", "str:32", "", "start of the observation"),
    Column("counts", "float64", "count", "source-region counts in channels wholly inside 0.5-7.0 keV"),
    Column(
        "background_counts",
        "float64",
        "count",
        "background in the same channels, scaled to the source region",
    ),
    Column("net_counts", "float64", "count", "counts - background_counts"),
    Column("has_background", "bool", "", "a background was subtracted"),
    Column("has_arf", "bool", "", "an effective area was read"),
    Column("has_rmf", "bool", "", "channel energies are from EBOUNDS; False: the nominal ACIS PI grid"),
    *_HARD,
    Column("var_prob_b", "float64", "", "Gregory-Loredo probability of variability, 0.5-7.0 keV"),
    Column("var_index_b", "float64", "", "Gregory-Loredo variability index, 0.5-7.0 keV"),
    Column("ks_prob_b", "float64", "", "Kolmogorov-Smirnov probability of variability, 0.5-7.0 keV"),
    Column("kp_prob_b", "float64", "", "Kuiper probability of variability, 0.5-7.0 keV"),
    Column("class", "str:32", "", "class of the source where one was given"),
    Column("flux_significance_b", "float64", "", "flux significance of the detection, 0.5-7.0 keV"),
    Column("likelihood", "float64", "", "detection likelihood"),
    *_FLAGS,
)
BY_NAME = {column.name: column for column in COLUMNS}


def blank(n: int) -> dict[str, NDArray[Any]]:
    """Return every column for `n` detections, each value missing.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Text columns as object arrays of str, the others in their stored dtype.
    """
    return {c.name: np.full(n, c.missing, dtype=object if c.length else np.dtype(c.dtype)) for c in COLUMNS}
