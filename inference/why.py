"""What sets a strange detection apart: the known sources nearest to it, its bands, its reconstruction."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from .catalog import store
from .nearest_sources import most_similar, read_embedding, similarity_to

RATIOS = ("hard_hs", "hard_hm", "hard_ms")
FLAGS = (
    *("pileup_flag", "sat_src_flag", "streak_src_flag", "conf_flag", "extent_flag"),
    "dither_warning_flag",
)
NEIGHBOURS, KNOWN, FEWEST = 10, 3, 3
# robust sigmas from which a band is called different
DIFFERENT = 3.0
MAD_TO_SIGMA = 1.4826  # of a normal distribution


@dataclass(frozen=True)
class Known:
    """A source of known class: its detection `row`, name (or file), class, and cosine similarity."""

    row: int
    name: str
    source_class: str
    similarity: float


@dataclass(frozen=True)
class Band:
    """One hardness ratio beside those of the nearest other sources.

    Parameters
    ----------
    ratio : str
        Column, such as ``"hard_hs"``.
    value : float
        Of the detection; NaN where not known.
    neighbours : float
        Median of the nearest other sources; NaN where fewer than three are known.
    sigmas : float
        (value - median) / (1.4826 x median absolute deviation); infinite where they all agree.
    """

    ratio: str
    value: float
    neighbours: float
    sigmas: float

    @property
    def different(self) -> bool:
        """Whether the detection stands out in this ratio."""
        return abs(self.sigmas) >= DIFFERENT


@dataclass(frozen=True)
class Why:
    """What sets one detection apart.

    Parameters
    ----------
    row : int
        The detection.
    known : list of Known
        Nearest other sources of known class, the nearest first.
    bands : list of Band
        One for each of :data:`RATIOS`.
    reconstruction : float
        Its reconstruction error over the median of the file; NaN where that is 0 or not known.
    flags : list of str
        Artefact flags that are set, such as ``"pileup_flag"``.
    """

    row: int
    known: list[Known]
    bands: list[Band]
    reconstruction: float
    flags: list[str]

    def facts(self) -> dict[str, Any]:
        """Return everything for JSON."""
        return {
            "nearest_known": [
                {
                    "row": each.row,
                    "name": each.name,
                    "class": each.source_class,
                    "similarity": each.similarity,
                }
                for each in self.known
            ],
            "bands": [{**asdict(band), "different": band.different} for band in self.bands],
            "reconstruction_over_median": self.reconstruction,
        }

    def text(self) -> str:
        """Return one line for people."""
        near = ", ".join(f"{each.source_class} {each.name} ({each.similarity:.3f})" for each in self.known)
        parts = [f"nearest known: {near}" if near else "no other source of known class"]
        parts += [_said(band) for band in self.bands if band.different] or [self._no_band()]
        if np.isfinite(self.reconstruction):
            parts.append(f"reconstruction error {self.reconstruction:.2g} x the median")
        return "; ".join(parts)

    def _no_band(self) -> str:
        if all(np.isnan(band.sigmas) for band in self.bands):
            return "hardness not known, here or there"
        return "hardness as its neighbours'"


def why(
    file: h5py.File, rows: Sequence[int] | NDArray[np.int64], *, k: int = NEIGHBOURS, known: int = KNOWN
) -> list[Why]:
    """Say what sets detections of an embeddings file apart from the others.

    Parameters
    ----------
    file : h5py.File
        An open embeddings file.
    rows : sequence of int, shape (m,)
        The detections.
    k : int
        Nearest other sources, one detection each, that the hardness is held against.
    known : int
        Nearest other sources of known class to name.

    Returns
    -------
    list of Why
        One for each of `rows`.

    Raises
    ------
    StoreError
        The file is not as ``embed`` leaves it.
    """
    if not len(rows):
        return []
    embedding = read_embedding(file)
    columns = {
        name: store.read_column(file, name)
        for name in ("source_id", "name", "file", "class", *RATIOS, *FLAGS)
    }
    error = file["reconstruction_error"][...].astype(np.float64)
    median = float(np.median(error))
    found = []
    for row in map(int, rows):
        similarity, source = similarity_to(embedding, embedding[row]), columns["source_id"]
        other = source != source[row] if source[row] else np.ones(len(source), np.bool_)
        other[row] = False
        near = most_similar(similarity, source, k, usable=other)
        classed = most_similar(similarity, source, known, usable=other & (columns["class"] != ""))
        found.append(
            Why(
                row,
                [_known(int(each), columns, float(similarity[each])) for each in classed],
                [_band(name, float(columns[name][row]), columns[name][near]) for name in RATIOS],
                float(error[row] / median) if median > 0 else float("nan"),
                [name for name in FLAGS if columns[name][row] == 1],
            )
        )
    return found


def _known(row: int, columns: dict[str, NDArray[Any]], similarity: float) -> Known:
    name = str(columns["name"][row]) or str(columns["file"][row])
    return Known(row, name, str(columns["class"][row]), similarity)


def _band(ratio: str, value: float, near: NDArray[np.float64]) -> Band:
    """Hold one ratio against those of the neighbours."""
    near = near[np.isfinite(near)]
    if len(near) < FEWEST:
        return Band(ratio, value, float("nan"), float("nan"))
    median = float(np.median(near))
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(near - median)))
    apart = value - median
    sigmas = apart / sigma if sigma > 0 else float(np.sign(apart) * np.inf) if apart else 0.0
    return Band(ratio, value, median, sigmas)


def _said(band: Band) -> str:
    """Put one differing ratio into words."""
    much = f"{band.sigmas:+.1f} sigma" if np.isfinite(band.sigmas) else "they all agree"
    return f"{band.ratio} {band.value:.2f}, its neighbours {band.neighbours:.2f} ({much})"
