"""The most similar of all pairs, against numpy in blocks of rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from catalog import KINDS, TEXT, rows
from chandra_embed.inference import top_pairs
from timing import Section, Settings, alternate, compare

K = 1000
COLUMNS = (
    "rows",
    "n",
    "contender",
    "seconds",
    "million pairs/s",
    "time / ours",
    "largest difference from ours",
)
ROUNDS = {10_000: 5, 30_000: 3}
BLOCK = 512
NEAR = 1e-6


def run(settings: Settings) -> list[Section]:
    text = (
        f"The {K:,} most similar of n (n - 1) / 2 pairs, d = 64. No peer has a call for it: beside it "
        f"stands numpy, which multiplies {BLOCK} rows with those after them, keeps what reaches the {K:,}th "
        f"best so far, and orders by float32. Compared are the similarities, since pairs tie. {TEXT}"
    )
    section = Section("Most similar pairs", text, COLUMNS)
    for kind in KINDS:
        for n in (300, 1500) if settings.quick else ROUNDS:
            x = rows(kind, n)
            calls: dict[str, Callable[[], Any] | None] = {
                "chandra_embed top_pairs": lambda x=x: top_pairs(x, K)[1],
                "numpy, blocks of rows": lambda x=x: numpy_blocks(x),
            }
            timed = alternate(f"pairs, {kind}, n = {n:,}", calls, ROUNDS.get(n, 2))
            ours = next(iter(timed.values())).result

            def agreement(name: str, values: Any, ours: Any = ours) -> str:
                gap = float(np.abs(values - ours).max())
                if gap > NEAR:
                    section.faults.append(f"{section.title}: {name}: similarities differ by {gap:.2g}")
                return "" if values is ours else f"{gap:.1e}"

            compare(section, timed, n * (n - 1) / 2e6, agreement, (kind, f"{n:,}"))
    return [section]


def numpy_blocks(x: Any) -> Any:
    """Return the similarities of the best pairs, falling, as one would find them without this package."""
    best, limit = np.empty(0, np.float32), -np.inf
    for a in range(0, len(x), BLOCK):
        block = x[a : a + BLOCK] @ x[a:].T
        block[np.tril_indices(len(block))] = -np.inf  # a pair once, no row with itself
        best = np.concatenate([best, block[block >= max(limit, -2.0)]])
        if best.size > K:
            best = np.partition(best, best.size - K)[-K:]
            limit = best.min()
    return np.sort(best)[::-1]
