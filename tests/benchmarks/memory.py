"""Peak memory of degree and neighbours, each n in a process of its own."""

from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

from machine import peak_memory
from timing import Section, Settings, say

SIZES = (10_000, 30_000, 100_000)
SUBJECTS = ("degree", "nearest_neighbors")


def run(settings: Settings) -> list[Section]:
    from catalog import KINDS, TEXT

    text = (
        "Largest resident memory of a fresh process, d = 64; three thresholds, or 16 "
        "neighbours, the results counted in. Before: Python, the packages, the vectors and the "
        f"compiled kernels. The matrix is what n x n float32 similarities would take. {TEXT}"
    )
    columns = ("subject", "rows", "n", "before, MB", "peak, MB", "peak - before, MB", "matrix, MB")
    section = Section("Peak memory", text, columns)
    for what, kind, n in product(SUBJECTS, KINDS, (300, 1500) if settings.quick else SIZES):
        say(f"memory, {what}, {kind}, n = {n:,}")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            before, peak = pool.submit(_measure, what, kind, n).result()
        cells = f"{before:.0f}", f"{peak:.0f}", f"{peak - before:.0f}", f"{4e-6 * n * n:,.0f}"
        section.rows.append((what, kind, f"{n:,}", *cells))
    return [section]


def _measure(what: str, kind: str, n: int) -> tuple[float, float]:
    from catalog import rows
    from chandra_embed import inference

    call, x = getattr(inference, what), rows(kind, n)
    call(x[:100])
    before = peak_memory()
    call(x, **({} if what == "degree" else {"k": 16}))
    return before, peak_memory()
