"""How long the whole catalog would take: degree and neighbours at two sizes, drawn out to all detections."""

import time
from itertools import product
from math import log
from typing import Any

from catalog import KINDS, TEXT, rows
from chandra_embed.inference import degree, nearest_neighbors
from timing import Section, Settings, say

SIZES, ALL = (130_000, 300_000), 1_304_376
SUBJECTS = {"degree": degree, "16 neighbours": lambda x: nearest_neighbors(x, 16)}


def run(settings: Settings) -> list[Section]:
    sizes = (600, 1500) if settings.quick else SIZES
    text = (
        f"One call at each size, after one of 1,000 rows. The projection to {ALL:,} rows goes on with the "
        f"power of n between the two sizes; it is not measured. {TEXT}"
    )
    columns = ("subject", "rows", *(f"n = {n:,}, s" for n in sizes), "power of n", f"n = {ALL:,}, min")
    section = Section("The whole catalog, projected", text, columns)
    for (name, call), kind in product(SUBJECTS.items(), KINDS):
        if name != "degree" and kind == KINDS[0]:
            continue  # minutes, and no catalog looks like that
        seconds = [_timed(name, call, kind, n) for n in sizes]
        power = log(seconds[1] / seconds[0]) / log(sizes[1] / sizes[0])
        minutes = seconds[1] * (ALL / sizes[1]) ** power / 60
        cells = (*(f"{each:.3g}" for each in seconds), f"{power:.2f}", f"{minutes:.0f}")
        section.rows.append((name, kind, *cells))
    return [section]


def _timed(name: str, call: Any, kind: str, n: int) -> float:
    x = rows(kind, n)
    call(x[:1000])
    say(f"projection: {name}, {kind}, n = {n:,}")
    begun = time.perf_counter()
    call(x)
    return time.perf_counter() - begun
