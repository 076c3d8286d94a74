"""The 16 nearest neighbours, against FAISS and scikit-learn."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from catalog import KINDS, TEXT, rows
from chandra_embed.inference import nearest_neighbors
from timing import Section, Settings, alternate, compare, optional

K = 16
COLUMNS = ("n", "contender", "seconds", "rows/s", "time / ours", "places with another index than ours")
ROUNDS = {10_000: 5, 30_000: 3, 50_000: 3, 100_000: 2}
MOST_FOR_SKLEARN = {"euclidean": 30_000, "cosine": 10_000}
NEAR = 1e-6


def run(settings: Settings) -> list[Section]:
    return [_section(kind, (300, 1500) if settings.quick else tuple(ROUNDS)) for kind in KINDS]


def _section(kind: str, sizes: Sequence[int]) -> Section:
    text = (
        f"d = 64, k = {K}, themselves left out; "
        f"{', '.join(f'{ROUNDS.get(n, 2)} rounds at n = {n:,}' for n in sizes)}. Euclidean distance puts "
        "unit rows in the same order as the cosine, and is scikit-learn's faster path. Ours orders by "
        "float64 similarities, FAISS by float32 ones; indices may differ where similarities do by less than "
        f"{NEAR:g}. {TEXT if kind != KINDS[0] else ''}"
    )
    section = Section(f"Nearest neighbours, {kind}", text, COLUMNS)
    for n in sizes:
        _add_rows(section, rows(kind, n), ROUNDS.get(n, 2))
    return section


def _add_rows(section: Section, x: Any, rounds: int) -> None:
    """Time all contenders on the rows `x`, check their indices and add a line each to the table."""
    calls: dict[str, Callable[[], Any] | None] = {
        "chandra_embed nearest_neighbors": lambda: nearest_neighbors(x, K)[0],
        "FAISS IndexFlatIP search": _faiss(x),
    }
    for metric, most in MOST_FOR_SKLEARN.items():
        if len(x) <= most:
            calls[f"scikit-learn brute, {metric}"] = _sklearn(x, metric)
    timed = alternate(f"neighbours, n = {len(x):,}", calls, rounds)
    ours = next(iter(timed.values())).result

    def agreement(name: str, indices: Any) -> str:
        if indices is ours:
            return ""
        row, place = np.nonzero(indices != ours)
        gap = _similarity(x, row, ours[row, place]) - _similarity(x, row, indices[row, place])
        if row.size and (largest := np.abs(gap).max()) > NEAR:
            section.faults.append(f"{section.title}: {name}: another neighbour, {largest:.2g} less similar")
        return f"{row.size:,} of {ours.size:,}"

    compare(section, timed, len(x), agreement, (f"{len(x):,}",))


def _similarity(x: Any, rows: Any, others: Any) -> Any:
    return np.einsum("ij,ij->i", x[rows], x[others], dtype=np.float64)


def _faiss(x: Any) -> Callable[[], Any] | None:
    faiss = optional("faiss")
    if faiss is None:
        return None
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(x)
    return lambda: _without_itself(index.search(x, K + 1)[1])


def _without_itself(found: Any) -> Any:
    """Drop each row's own index, or the last where a twin pushed it out."""
    keep = found != np.arange(len(found))[:, None]
    keep[keep.all(axis=1), -1] = False
    return found[keep].reshape(len(found), -1)


def _sklearn(x: Any, metric: str) -> Callable[[], Any]:
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=K, algorithm="brute", metric=metric).fit(x)
    return lambda: found.kneighbors(return_distance=False)
