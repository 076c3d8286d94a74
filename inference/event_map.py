"""An event list as one row of numbers of fixed length: how many events fell in which energy and time.

Written once and used alike by training and by a frozen model; the recipe's fingerprint goes with both.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .errors import ChandraEmbedError
from .event_block import EventBlock
from .event_list import EventList

KINDS = ("map", "cube")
# CSC bands s, m and h, keV
BANDS = ((0.5, 1.2), (1.2, 2.0), (2.0, 7.0))


@dataclass(frozen=True)
class EventRecipe:
    """How an event list becomes `width` numbers.

    The row holds, one after the other: the energy histogram, `bins_per_band` bins equal in log energy in
    each of the CSC bands s, m and h (so that counts in bands are sums of bins); the table of events by
    energy, time and, in a cube, interval, C order; and the good time, s. All but the last are counts.

    Parameters
    ----------
    kind : {"map", "cube"}
        Whether the table is energy by time, or energy by time by interval.
    bins_per_band : int
        Energy bins of the histogram in each of the three bands.
    parts_per_band : int
        Energy bins of the table in each of the three bands; divides `bins_per_band`.
    time_bins : int
        Time bins of the table, of equal good time; a power of two, at least 2.
    interval_edges : tuple of float
        Edges between the bins of the good time since the event before (the first event: since the start),
        as a multiple of its mean, good time over events. A map has no use for them.
    version : int
        Raised whenever the same settings give other numbers.
    """

    kind: str = "map"
    bins_per_band: int = 10
    parts_per_band: int = 2
    time_bins: int = 64
    interval_edges: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0, 3.0)
    version: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ChandraEmbedError(f"kind {self.kind!r}: give one of {', '.join(KINDS)}")
        for name in ("bins_per_band", "parts_per_band"):
            if getattr(self, name) < 1:
                raise ChandraEmbedError(f"{name} {getattr(self, name)}: give a whole number, at least 1")
        if self.bins_per_band % self.parts_per_band:
            raise ChandraEmbedError(
                f"parts_per_band {self.parts_per_band}: give a divisor of bins_per_band {self.bins_per_band}"
            )
        if self.time_bins < 2 or self.time_bins & (self.time_bins - 1):
            raise ChandraEmbedError(f"time_bins {self.time_bins}: give a power of two, at least 2")
        edges = np.array(self.interval_edges, float)
        if not (edges > 0).all() or not (np.diff(edges) > 0).all():
            raise ChandraEmbedError(f"interval_edges {self.interval_edges}: give rising numbers above 0")

    @property
    def energy_bins(self) -> int:
        """Bins of the energy histogram."""
        return len(BANDS) * self.bins_per_band

    @property
    def shape(self) -> tuple[int, int, int]:
        """Bins of the table in energy, time and interval (1 in a map)."""
        intervals = len(self.interval_edges) + 1 if self.kind == "cube" else 1
        return len(BANDS) * self.parts_per_band, self.time_bins, intervals

    @property
    def width(self) -> int:
        """Length of a row."""
        energy, time, interval = self.shape
        return self.energy_bins + energy * time * interval + 1

    def energy_edges(self) -> NDArray[np.float64]:
        """Return the edges of the energy histogram, shape (energy_bins + 1,), float64, keV."""
        return _edges(self.bins_per_band).copy()

    def to_json(self) -> str:
        """Return the recipe as canonical JSON (sorted keys, no spaces, repr floats)."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of :meth:`to_json`, in hexadecimal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@lru_cache(maxsize=8)
def _edges(bins: int) -> NDArray[np.float64]:
    parts = [np.geomspace(low, high, bins + 1)[:-1] for low, high in BANDS]
    for part, (low, _) in zip(parts, BANDS, strict=True):
        part[0] = low  # geomspace may miss it by a rounding, and events stand on band edges
    return np.concatenate([*parts, [BANDS[-1][1]]])


def event_recipe_from_json(text: str) -> EventRecipe:
    """Return the recipe that canonical JSON describes.

    Raises
    ------
    ChandraEmbedError
        The text is no recipe of this version of the program.
    """
    try:
        content = json.loads(text)
        content["interval_edges"] = tuple(content["interval_edges"])
        return EventRecipe(**content)
    except (LookupError, TypeError, ValueError) as error:
        raise ChandraEmbedError(
            f"event recipe {text!r} cannot be read ({error}); upgrade chandra-embed"
        ) from error


def event_map(events: EventList, recipe: EventRecipe) -> NDArray[np.float32]:
    """Return one event list as a row.

    Time is good time gone by: gaps between good time intervals are cut out, and the rest is cut into bins
    of equal length. Events outside 0.5-7.0 keV, or of an energy that is NaN, are left out first.

    Parameters
    ----------
    events : EventList
        Of one detection.
    recipe : EventRecipe
        What to make of it.

    Returns
    -------
    ndarray, shape (width,), float32
        Counts, and the good time in s at the end; zeros throughout where no event is left.
    """
    row: NDArray[np.float32] = event_maps([events], recipe)[0]
    return row


def event_maps(events: Sequence[EventList | None] | EventBlock, recipe: EventRecipe) -> NDArray[np.float32]:
    """Return event lists as rows, shape (n, width), float32; see :func:`event_map`. Without a list: zeros."""
    from .kernels.event_counts import count_rows

    block = events if isinstance(events, EventBlock) else EventBlock.of(events)
    rows = np.zeros((len(block), recipe.width), np.float32)
    # float32 energies on an edge such as 1.2 belong above it, as whole bands are cut in EventList.band
    edges = _edges(recipe.bins_per_band).astype(np.float32)
    intervals = np.array(recipe.interval_edges if recipe.kind == "cube" else (), np.float64)
    start, stop = np.ascontiguousarray(block.gti.T)
    count_rows(
        block.offset,
        block.time,
        block.energy,
        block.gti_offset,
        start,
        stop,
        block.livetime(),
        edges,
        recipe.bins_per_band // recipe.parts_per_band,
        recipe.time_bins,
        intervals,
        rows,
    )
    return rows
