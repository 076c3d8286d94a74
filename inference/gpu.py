"""Degrees, neighbours and trees on a GPU, by graphs of ONNX Runtime: the same numbers as on the CPU.

A float32 product of the GPU is summed in an order of its own; the rounding bound holds for any. What that
bound leaves open comes back and is decided in float64 by the functions that decide it on the CPU.
Not measured: no CUDA device was at hand. The tests run the same graphs on the CPU provider.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .gpu_graphs import GUARDS, degree_graph, forest_graph, nearest_graph
from .runtime import open_session
from .similarity import Floats, rounding_band, value_limits

TILE = 2048
# values of a row that a tile gives beyond the k asked for
SPARE = 16
# below every threshold by more than any rounding
PADDING = np.float32(-4.0)


class Degrees:
    """Degrees of rows, tile by tile.

    Parameters
    ----------
    d : int
        Columns of a row.
    tau : ndarray, shape (t,), float64
        Thresholds.
    device : {"cuda", "cpu"}
        The provider, which must be the one that runs.
    tile : int
        Rows and columns of a tile; no result depends on it.
    """

    def __init__(self, d: int, tau: NDArray[np.float64], device: str = "cuda", tile: int = TILE) -> None:
        self._tau, self._tile = tau, tile
        self._limits = value_limits(tau, rounding_band(d))
        self._off, self._on = (
            open_session(degree_graph(tile, d, tau.size, diagonal), device)[0] for diagonal in (False, True)
        )

    def count(self, x: Floats, report: Callable[[int], None]) -> NDArray[np.int64]:
        """Count the degrees of `x`, shape (n, d); see :func:`~chandra_embed.inference.similarity.degree`.

        `report` is called with the number of pairs decided after each tile.
        """
        from .kernels.degree import decide_pairs

        counts = np.zeros((self._tau.size, len(x)), np.int64)
        low, high = self._limits
        edges = {"low": low[:, None, None], "high": high[:, None, None]}
        keep = np.triu(np.ones((self._tile, self._tile), np.bool_), 1)
        for a in range(0, len(x), self._tile):
            left = with_guards(x[a : a + self._tile], self._tile)
            for b in range(a, len(x), self._tile):
                right = with_guards(x[b : b + self._tile], self._tile, right=True)
                given = {"left": left, "right": right, **edges}
                run = self._on.run if a == b else self._off.run
                of_rows, of_columns, pairs, values = run(None, {**given, "keep": keep} if a == b else given)
                p, q = len(x[a : a + self._tile]), len(x[b : b + self._tile])
                counts[:, a : a + p] += of_rows[:, :p].astype(np.int64)
                counts[:, b : b + q] += of_columns[:, :q].astype(np.int64)
                decide_pairs(values, pairs[0] + a, pairs[1] + b, x, self._tau, low, high, counts)
                report(p * (p - 1) // 2 if a == b else p * q)
        return counts


def search(
    x: Floats,
    queries: Floats,
    own: bool,
    best: NDArray[np.float64],
    index: NDArray[np.int64],
    report: Callable[[int], None],
    device: str = "cuda",
    tile: int = TILE,
) -> None:
    """Fill `best` and `index`, shape (m, k), with the nearest rows of `x`.

    See :func:`~chandra_embed.inference.nearest.find_nearest`. A tile gives the largest values of each row;
    where those that are left out may matter, because many tie, the row meets the tile again on the CPU.
    """
    from .kernels.neighbors import NO_LIMIT, offer_lists, settle

    (n, d), k = x.shape, best.shape[1]
    band, many, room = rounding_band(d), min(k + SPARE, tile), k + max(16, k // 2)
    session, _ = open_session(nearest_graph(tile, d, many), device)
    for a in range(0, len(queries), tile):
        rows = queries[a : a + tile]
        left, p = with_guards(rows, tile), len(rows)
        value, where = np.empty((p, room), np.float32), np.empty((p, room), np.int32)
        held, limit = np.zeros(p, np.int64), np.full(p, NO_LIMIT)
        for b in range(0, n, tile):
            right = with_guards(x[b : b + tile], tile, right=True)
            values, places = session.run(None, {"left": left, "right": right})
            size = len(x[b : b + tile])
            names = (places[:p] + b).astype(np.int32)
            itself = a if own else -n - tile
            values = np.ascontiguousarray(values[:p])
            offer_lists(values, names, b, size, rows, x, itself, k, band, value, where, held, limit)
        settle(rows, x, value, where, held, best[a : a + tile], index[a : a + tile])
        report(p)


def path_lengths(
    x: Floats,
    feature: NDArray[Any],
    threshold: NDArray[np.float32],
    path: NDArray[np.float64],
    device: str = "cuda",
    tile: int = TILE,
) -> NDArray[np.float64]:
    """Sum the path lengths of each row, shape (n,), float64, on the CPU and in the order of the trees.

    See :func:`~chandra_embed.inference.kernels.forest.path_lengths`: the same arguments, the same sums.
    """
    trees, nodes = feature.shape
    session, _ = open_session(forest_graph(tile, x.shape[1], trees, nodes + 1), device)
    given = {"feature": feature.astype(np.int64).ravel(), "threshold": threshold.ravel()}
    given["first"] = nodes * np.arange(trees)[None]
    total = np.zeros(len(x))
    for a in range(0, len(x), tile):
        rows = x[a : a + tile]
        block = np.zeros((tile, x.shape[1]), np.float32)
        block[: len(rows)] = rows
        leaf = session.run(None, {**given, "x": block})[0][: len(rows)]
        for t in range(trees):
            total[a : a + tile] += path[t, leaf[:, t]]
    return total


def device_that_runs(device: str) -> str:
    """Return ``"cuda"`` or ``"cpu"`` for what was asked for, after a try; ``"auto"`` takes what there is.

    Raises
    ------
    DeviceError
        CUDA was asked for and does not answer, or cannot run the graphs.
    ValueError
        `device` is none of auto, cpu and cuda.
    """
    return "cpu" if device == "cpu" else open_session(degree_graph(2, 1, 1, diagonal=True), device)[1]


def with_guards(rows: Floats, tile: int, right: bool = False) -> Floats:
    """Return rows filled up to a tile, and two columns that put every pair with a filling below all limits.

    The columns of a left row are 0 and 1, of a right one 1 and 0: they add nothing, whatever the order of
    the sum. A filling has -4 for 0.
    """
    guarded = np.zeros((tile, rows.shape[1] + GUARDS), np.float32)
    guarded[: len(rows), :-GUARDS] = rows
    zero, one = (-1, -2) if right else (-2, -1)
    guarded[:, one] = 1.0
    guarded[len(rows) :, zero] = PADDING
    return guarded
