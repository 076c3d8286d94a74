"""Peak memory of degree, each n in a process of its own.

Linux hands ``ru_maxrss`` on to a child; so nothing large may be loaded or made in this process itself.
"""

import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from timing import Section, Settings, say

SIZES = (10_000, 30_000, 100_000)


def run(settings: Settings) -> list[Section]:
    text = (
        "Largest resident memory (`ru_maxrss`) of a fresh process, d = 64, three thresholds. Before: Python, "
        "the packages, the vectors and the compiled kernels. The matrix is what n x n float32 similarities "
        "would take."
    )
    columns = ("n", "before, MB", "peak, MB", "peak - before, MB", "matrix, MB")
    section = Section("Peak memory of degree", text, columns)
    for n in (300, 1500) if settings.quick else SIZES:
        say(f"memory, n = {n:,}")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            before, peak = pool.submit(_measure, n).result()
        section.rows.append(
            (f"{n:,}", f"{before:.0f}", f"{peak:.0f}", f"{peak - before:.0f}", f"{4e-6 * n * n:,.0f}")
        )
    return [section]


def _measure(n: int) -> tuple[float, float]:
    from chandra_embed.inference import degree
    from unit_rows import random_rows

    x = random_rows(n, 64)
    degree(x[:100])
    before = _peak()
    degree(x)
    return before, _peak()


def _peak() -> float:
    """Return the largest resident memory so far, MB (Linux counts in KiB, macOS in bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
