"""Degree, neighbours and the isolation forest on a GPU, where one is at hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
from catalog import KINDS, TEXT, rows
from chandra_embed.inference.isolation import fit_forest
from chandra_embed.inference.nearest import find_nearest
from chandra_embed.inference.runtime import cuda_devices
from chandra_embed.inference.similarity import count_degrees, unit_rows
from timing import Section, Settings, alternate, compare

TAU = np.array([0.5, 0.7, 0.9])
SIZE, ALL = 100_000, 1_304_376
COLUMNS = ("n", "subject", "seconds", "rows/s", "time / GPU", "differ from the GPU's")


def run(settings: Settings) -> list[Section]:
    section = Section("On a GPU", f"Catalog embeddings, d = 64. {TEXT}", COLUMNS)
    if cuda_devices() == 0:
        section.text = "No CUDA device: not run. Nothing here has been measured on a GPU."
        return [section]
    x = unit_rows(rows(KINDS[1], 1500 if settings.quick else SIZE))
    forest = fit_forest(x)
    _add_rows(section, "degree", x, lambda device: count_degrees(x, TAU, device=device))
    _add_rows(section, "16 neighbours", x, lambda device: find_nearest(x, 16, device=device)[0])
    _add_rows(section, "forest", x, lambda device: forest.score_samples(x, device))
    if not settings.quick:
        every = unit_rows(rows(KINDS[1], ALL))
        alone = {"degree, cuda": lambda: count_degrees(every, TAU, device="cuda")}
        compare(section, alternate(f"gpu, n = {ALL:,}", alone, 1), ALL, lambda *_: "", (f"{ALL:,}",))
    return [section]


def _add_rows(section: Section, name: str, x: Any, call: Callable[[str], Any]) -> None:
    calls = {f"{name}, {device}": lambda device=device: call(device) for device in ("cuda", "cpu")}
    timed = alternate(f"gpu, {name}, n = {len(x):,}", calls, 3)
    ours = next(iter(timed.values())).result

    def agreement(label: str, found: Any) -> str:
        differ = int(np.sum(found != ours))
        if differ:
            section.faults.append(f"{section.title}: {label}: {differ:,} values differ")
        return "" if found is ours else f"{differ:,}"

    compare(section, timed, len(x), agreement, (f"{len(x):,}",))
