"""The group ``/network`` of an embeddings file: what each detection is in the network, if it is a node."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..catalog import store
from ..catalog.rewrite import rewritten
from .levels import Level
from .select import Selection

# name, what stands where a row is no node, description
DATASETS: tuple[tuple[str, Any, str], ...] = (
    ("degree", np.int64(-1), "neighbours among the nodes of the network; -1: no node"),
    ("strength", np.float64(np.nan), "sum of the similarities to the neighbours; NaN: no node"),
    ("coreness", np.float64(np.nan), "leading eigenvector of the similarity graph, 0..1; NaN: no node"),
    ("is_core", np.int8(-1), "1 in Lip's core, 0 in the periphery, -1 no node"),
    ("component", np.int64(-1), "lowest row of the connected component; -1: no node"),
)


def room(rows: int, thresholds: int) -> int:
    """Return the bytes that the group takes."""
    return rows * thresholds * int(sum(missing.dtype.itemsize for _, missing, _ in DATASETS))


def write_group(
    path: Path, selection: Selection, levels: Sequence[Level], attributes: Mapping[str, Any]
) -> None:
    """Replace ``/network`` of an embeddings file; a run that is killed leaves the file as it was.

    Parameters
    ----------
    path : Path
        The file that `selection` was read from.
    selection : Selection
        The nodes.
    levels : sequence of Level
        What was found.
    attributes : mapping
        Attributes of the group.

    Raises
    ------
    StoreError
        Too little room, or the disk refuses.
    """
    found = [_of_level(level, selection.rows) for level in levels]
    with rewritten(path, "network", room(selection.of, len(levels))) as file:
        group = file.create_group("network")
        for name, missing, description in DATASETS:
            values = np.full((len(levels), selection.of), missing)
            for row, each in zip(values, found, strict=True):
                row[selection.rows] = each[name]
            written = store.write_dataset(group, name, values, "", description)
            written.attrs["thresholds"] = np.array([level.tau for level in levels], np.float64)
        everything = {
            **attributes,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": store.command_line(),
            "versions": store.versions(),
        }
        for name, value in everything.items():
            group.attrs[name] = value


def _of_level(level: Level, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    return {
        "degree": level.degree,
        "strength": level.strength,
        "coreness": level.coreness.value,
        "is_core": level.core.is_core.astype(np.int8),
        "component": rows[level.component],
    }
