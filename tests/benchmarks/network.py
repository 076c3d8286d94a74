"""Degree, strength and Lip's core without edges, against the full tile product alone; coreness; memory."""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from machine import peak_memory
from timing import Section, Settings, alternate, say

THRESHOLDS = (0.5, 0.7, 0.9)
TILE = 256
DIMENSION = 64
SIMULATED = 5000
CHECKED = 30_000  # counts of more rows are not compared with those of degree
BUNDLE = "aligned-64"
ROUNDS = {10_000: 7, 30_000: 5, 130_000: 3}
COLUMNS = ("rows", "n", "pairs that reach 0.5, 0.7, 0.9", "product, s", "ours, s", "ours / product")
COLUMNS += ("components, s", "coreness, s", "passes", "residual", "peak - before, MB")


def run(settings: Settings) -> list[Section]:
    sizes = (300, 1500) if settings.quick else tuple(ROUNDS)[: 3 if settings.large else 2]
    text = (
        f"d = {DIMENSION}. Ours: degree and strength at thresholds {', '.join(map(str, THRESHOLDS))} in one "
        "pass, and Lip's core of each. The product: all n x n similarities by BLAS in tiles of "
        f"{TILE} x {TILE}, nothing counted. Called in turns; medians, and the median, least and largest of "
        "the ratios of a round. Components and coreness at the middle threshold, called once. Peak: resident "
        "memory of a fresh process after all of ours, less what it had with the vectors loaded and the "
        "kernels compiled."
    )
    section = Section("Network without edges", text, COLUMNS)
    for kind, n in product(("random unit vectors", "catalog embeddings"), sizes):
        with TemporaryDirectory() as folder:
            path = Path(folder, "rows.npy")
            cells, fault = _in_process(_timed, kind, n, ROUNDS.get(n, 2), path)
            memory = _in_process(_memory, path)
        section.rows.append((kind, f"{n:,}", *cells, f"{memory:.0f}"))
        if fault:
            section.faults.append(f"{section.title}, {kind}, n = {n:,}: {fault}")
    return [section]


def degrees_and_cores(x: Any) -> tuple[Any, Any, list[Any]]:
    """Return degrees, strengths and Lip's cores."""
    from chandra_embed.inference.network.degrees import degrees_and_strengths
    from chandra_embed.inference.network.lip import lip_core

    count, strength = degrees_and_strengths(x, THRESHOLDS)
    return count, strength, [lip_core(one) for one in count]


def full_product(x: Any) -> None:
    """Multiply all tiles, both sides of the diagonal, and throw the products away."""
    from chandra_embed.inference.tiling import in_threads, multiply

    starts = range(0, len(x), TILE)

    def work(take: Any) -> None:
        buffer = np.empty(TILE**2, np.float32)
        for a, b in take:
            multiply(x[a : a + TILE], x[b : b + TILE], buffer)

    in_threads(work, product(starts, starts), len(starts) ** 2)


def rows(kind: str, n: int) -> Any:
    """Return `n` unit rows: random, or embeddings of simulated spectra, each repeated with a little noise."""
    from unit_rows import random_rows

    if kind == "random unit vectors":
        return random_rows(n, DIMENSION)
    from chandra_embed.inference import Encoder
    from chandra_embed.inference.simulate.spectra import simulate

    encoder = Encoder.load(BUNDLE, "cpu")
    x = encoder.embed(np.stack([one.value for one in simulate(min(n, SIMULATED), 0, encoder.recipe)]))
    x = np.concatenate([x] * -(-n // len(x)))[:n].astype(np.float64)
    x[SIMULATED:] += 0.02 * random_rows(n, x.shape[1])[SIMULATED:]
    return (x / np.linalg.norm(x, axis=1)[:, None]).astype(np.float32)


def _in_process(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *arguments).result()


def _timed(kind: str, n: int, rounds: int, path: Path) -> tuple[tuple[str, ...], str]:
    """Return cells of the table, and what is wrong with the counts; leave the rows in a file."""
    from chandra_embed.inference import degree
    from chandra_embed.inference.network.components import connected_components
    from chandra_embed.inference.network.coreness import coreness

    x = rows(kind, n)
    np.save(path, x)
    calls = {"ours": lambda: degrees_and_cores(x), "product": lambda: full_product(x)}
    timed = alternate(f"network, {kind}, n = {n:,}", calls, rounds)
    ours, full = timed["ours"], timed["product"]
    ratio = [a / b for a, b in zip(ours.seconds, full.seconds, strict=True)]
    say(f"network, {kind}, n = {n:,}: components and coreness")
    connected_components(x[:500], THRESHOLDS[1])
    coreness(x[:500], THRESHOLDS[1])
    begun = time.perf_counter()
    connected_components(x, THRESHOLDS[1])
    between = time.perf_counter()
    found = coreness(x, THRESHOLDS[1])
    ended = time.perf_counter()
    count = ours.result[0]
    cells = (
        ", ".join(f"{one.mean() / max(n - 1, 1):.2%}" for one in count),
        f"{np.median(full.seconds):.3g}",
        f"{np.median(ours.seconds):.3g}",
        f"{np.median(ratio):.2f} ({min(ratio):.2f} to {max(ratio):.2f})",
        f"{between - begun:.3g}",
        f"{ended - between:.3g}",
        f"{found.passes}",
        f"{found.residual:.1e}",
    )
    wrong = 0 if n > CHECKED else int(np.sum(count != degree(x, THRESHOLDS)))
    return cells, f"{wrong} counts differ from those of degree" if wrong else ""


def _memory(path: Path) -> float:
    """Return by how much all of ours raise the largest resident memory, MB."""
    from chandra_embed.inference.network.components import connected_components
    from chandra_embed.inference.network.coreness import coreness

    x = np.load(path)
    before = []
    for part in (x[:500], x):
        degrees_and_cores(part)
        connected_components(part, THRESHOLDS[1])
        coreness(part, THRESHOLDS[1], tol=0.0)
        before.append(peak_memory())
    return before[1] - before[0]
