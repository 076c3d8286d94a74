"""The rows of a file of spectra that hold a shape, with all that the file knows of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ...inference.catalog import store
from ...inference.catalog.contents import need, stored_recipe
from ...inference.catalog.spectra_file import spectra_block
from ...inference.errors import StoreError
from ...inference.recipe import Recipe

Array = NDArray[np.float32]
BLOCK = 65536


@dataclass(frozen=True)
class Rows:
    """The rows of a file that hold a shape; fields as in :class:`.sample.Sample`."""

    value: Array
    detection: dict[str, NDArray[Any]]
    truth: dict[str, NDArray[Any]]
    truth_value: Array | None
    recipe: Recipe
    facts: dict[str, Any]


def read_rows(path: Path) -> Rows:
    """Read the rows of a ``spectra.h5`` that hold a shape, with ``/detection`` and ``/truth``.

    Raises
    ------
    StoreError
        The file cannot be read or holds no such row.
    """
    with store.open_store(path, store.SPECTRA) as file:
        recipe = stored_recipe(file)
        need(file, *(f"detection/{name}" for name in ("source_id", "net_counts", "class", "file", "name")))
        n = store.row_count(file)
        blocks = [spectra_block(file, start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
        value = np.concatenate(blocks) if blocks else np.zeros((0, recipe.n_bins), np.float32)
        keep = np.ptp(value, axis=1) > 0
        if not keep.any():
            raise StoreError(f"{path}: holds no spectrum that is not constant; nothing to evaluate")
        truth, truth_value = {}, None
        if "truth" in file:
            truth = _columns(file["truth"], keep)
            truth_value = file["truth/value"][...][keep] if "value" in file["truth"] else None
        facts = {
            "name": path.name,
            "sha256": store.sha256_file(path),
            "command": str(file.attrs.get("command", "")),
            "simulated": bool(file.attrs.get("simulated", False)),
            "rows": n,
            "constant": int(n - keep.sum()),
        }
        return Rows(value[keep], _columns(file["detection"], keep), truth, truth_value, recipe, facts)


def _columns(group: h5py.Group, keep: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Read the one-dimensional datasets of a group, text as str arrays."""
    found: dict[str, NDArray[Any]] = {}
    for name, column in group.items():
        if column.ndim != 1:
            continue
        found[name] = store.read_dataset(column)[keep]
    return found
