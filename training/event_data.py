"""Rows of events for training, read from ``spectra.h5``, and the halves by which models are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inference.catalog import store
from ..inference.catalog.event_table import read_events
from ..inference.errors import ChandraEmbedError
from ..inference.event_list import EventList
from ..inference.event_map import BANDS, EventRecipe, event_map

Rows = NDArray[np.float32]
# of comparable width: what a cube spends on intervals it saves on energy and time
RECIPES = {"map": EventRecipe(), "cube": EventRecipe("cube", parts_per_band=1, time_bins=32)}
BLOCK = 4096


@dataclass(frozen=True)
class EventMaps:
    """Rows of events of one or several files, in memory.

    Parameters
    ----------
    whole : ndarray, shape (n, width), float32
        All events of each detection; see :func:`~chandra_embed.inference.event_map.event_map`.
    shown, hidden : ndarray, shape (n, width), float32
        A random half of its events, and the other half: a model that is shown one is asked for the other.
    source_id : ndarray, shape (n,), str
        The unit of every split.
    net_counts : ndarray, shape (n,), float64
        Net counts, 0.5-7.0 keV.
    recipe : EventRecipe
        What a row is.
    files : tuple of dict
        Of each file: name, sha256, simulated, command, rows, empty (rows without events, left out).
    """

    whole: Rows
    shown: Rows
    hidden: Rows
    source_id: NDArray[np.str_]
    net_counts: NDArray[np.float64]
    recipe: EventRecipe
    files: tuple[dict[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.whole)

    @property
    def halved(self) -> NDArray[np.bool_]:
        """Whether both halves of a row have events, shape (n,), bool."""
        both: NDArray[np.bool_] = np.logical_and(
            np.any(self.shown > 0, axis=1), np.any(self.hidden > 0, axis=1)
        )
        return both

    def take(self, rows: NDArray[Any]) -> "EventMaps":
        """Return the rows of an index or mask."""
        return EventMaps(
            self.whole[rows],
            self.shown[rows],
            self.hidden[rows],
            self.source_id[rows],
            self.net_counts[rows],
            self.recipe,
            self.files,
        )


def halves(events: EventList, rng: np.random.Generator) -> tuple[EventList, EventList]:
    """Split events at random into two lists, each event with probability 1/2 in either."""
    first = rng.random(len(events)) < 0.5
    return (
        EventList(events.time[first], events.energy[first], events.gti, events.zero),
        EventList(events.time[~first], events.energy[~first], events.gti, events.zero),
    )


def make_event_maps(
    events: Sequence[EventList],
    source_id: NDArray[np.str_],
    net_counts: NDArray[np.float64],
    recipe: EventRecipe,
    files: tuple[dict[str, Any], ...] = (),
) -> EventMaps:
    """Return the rows of event lists; a list without events gives zeros.

    Parameters
    ----------
    events : sequence of EventList, length n
        One a detection. Row i is halved by random numbers of its own.
    source_id, net_counts, recipe, files
        As in :class:`EventMaps`.
    """
    parts = np.zeros((3, len(events), recipe.width), np.float32)
    for row, one in enumerate(events):
        for part, each in zip(parts, (one, *halves(one, np.random.default_rng([0, row]))), strict=True):
            part[row] = event_map(each, recipe)
    return EventMaps(parts[0], parts[1], parts[2], source_id, net_counts, recipe, files)


def read_event_maps(paths: Sequence[Path], recipe: EventRecipe) -> EventMaps:
    """Read every detection that has events in 0.5-7.0 keV.

    Parameters
    ----------
    paths : sequence of Path
        ``spectra.h5`` files.
    recipe : EventRecipe
        What to make of them.

    Raises
    ------
    ChandraEmbedError
        One file twice, a file that cannot be read, or no row with events at all.
    """
    read: list[EventMaps] = []
    seen: dict[str, Path] = {}
    for path in paths:
        read.append(_read_one(path, recipe))
        sha256 = read[-1].files[0]["sha256"]
        if sha256 in seen:
            raise ChandraEmbedError(f"{path}: has the same bytes as {seen[sha256]}; name it once")
        seen[sha256] = path
    if not sum(map(len, read)):
        raise ChandraEmbedError(
            f"{', '.join(map(str, paths))}: no row with events; simulate, or ingest event files"
        )
    if len(read) == 1:
        return read[0]
    names = ("whole", "shown", "hidden", "source_id", "net_counts")
    joined = {name: np.concatenate([getattr(one, name) for one in read]) for name in names}
    return EventMaps(**joined, recipe=recipe, files=tuple(one.files[0] for one in read))


def _read_one(path: Path, recipe: EventRecipe) -> EventMaps:
    """Read one file and leave out its rows without events."""
    with store.open_store(path, store.SPECTRA) as file:
        n = store.row_count(file)
        lists: list[EventList] = []
        keep = np.zeros(n, bool)
        for start in range(0, n, BLOCK):
            for row, one in enumerate(read_events(file, start, min(start + BLOCK, n)), start):
                if one is not None and len(one.band(BANDS[0][0], BANDS[-1][1])):
                    keep[row] = True
                    lists.append(one)
        facts = {
            "name": path.name,
            "sha256": store.sha256_file(path),
            "simulated": bool(file.attrs.get("simulated", False)),
            "command": str(file.attrs.get("command", "")),
            "rows": n,
            "empty": int(n - keep.sum()),
        }
        source_id = store.read_column(file, "source_id")[keep]
        net_counts = store.read_column(file, "net_counts")[keep]
    return make_event_maps(lists, source_id, net_counts, recipe, (facts,))
