"""Files of spectra whose rows have events, none, or nothing that can be used."""

from pathlib import Path

import numpy as np
from chandra_embed.inference.catalog.spectra_file import SpectraWriter
from chandra_embed.inference.event_list import EventList
from chandra_embed.inference.recipe import Recipe


def draw_events(rng: np.random.Generator, n: int, *, low: float = 0.5, high: float = 7.0) -> EventList:
    """Draw `n` events in two good time intervals."""
    time = np.sort(np.concatenate([rng.uniform(0, 4000, n // 2), rng.uniform(5000, 9000, n - n // 2)]))
    energy = rng.uniform(low, high, n).astype(np.float32)
    return EventList(time, energy, np.array([[0.0, 4000.0], [5000.0, 9000.0]]), 1e8)


def event_of(row: int, rng: np.random.Generator) -> EventList | None:
    """Return what row `row` of the file below has: of five rows, three have events of 0.5-7 keV."""
    if row % 5 == 1:
        return None
    if row % 5 == 3:  # an empty list, or one with all its events out of the band
        return draw_events(rng, 7 * (row % 2), low=7.5, high=9.0)
    return draw_events(rng, 5 + row % 40)


def has_embedding(n: int) -> np.ndarray:
    """Return which rows of the file below have events that can be embedded, shape (n,)."""
    return ~np.isin(np.arange(n) % 5, (1, 3))


def write_spectra_with_events(path: Path, n: int, *, seed: int = 0) -> Path:
    """Write a simulated `spectra.h5` of `n` rows, two of each source, with events as :func:`event_of`."""
    recipe, rng = Recipe(), np.random.default_rng(seed)
    with SpectraWriter(path, recipe, {"simulated": True}) as writer:
        for i in range(n):
            value = rng.gamma(2, 1e-4, recipe.n_bins).astype(np.float32)
            detection = {
                "file": f"sim/{i}.pi",
                "source_id": f"source {i // 2}",
                "name": f"2CXO J{i // 2:06d}",
                "obsid": 100 + i,
                "net_counts": 50.0 + i,
                "hard_hs": rng.uniform(-1, 1),
                "class": ("AGN", "LMXB", "YSO", "")[i // 2 % 4],
            }
            writer.append(detection, value, np.sqrt(value), None, events=event_of(i, rng))
        writer.close()
    return path
