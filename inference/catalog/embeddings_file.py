"""Laying out ``embeddings.h5``: every dataset in its final size and place before a row is embedded."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np

from ..errors import StoreError
from . import store

# rows of /detection copied at once
COPY = 16384
# shape and description of a dataset
Made: TypeAlias = tuple[tuple[int, ...], str]


def lay_out(
    source: h5py.File, output: Path, datasets: Mapping[str, Made], attributes: Mapping[str, Any]
) -> None:
    """Make the whole file with ``rows_done`` 0 under a temporary name, then rename it into place.

    Parameters
    ----------
    source : h5py.File
        The file of spectra, whose ``/detection`` is carried over.
    output : Path
        The file to make; one that is there is replaced.
    datasets : mapping of str to (shape, description)
        Float32 datasets of a row a detection, to be filled in later; ``embedding`` and
        ``embedding_<modality>`` get the attribute ``modality``.
    attributes : mapping
        Further root attributes.

    Raises
    ------
    StoreError
        There is no such folder, or the file cannot be written.
    """
    if not output.parent.is_dir():
        raise StoreError(f"{output}: the folder {output.parent} does not exist; make it first")
    rows, draft = store.row_count(source), output.with_name(f".{output.name}.part")
    try:
        with store.create(draft, store.EMBEDDINGS, {**attributes, "rows_done": np.int64(0)}) as file:
            _copy_detections(source, file, rows)
            for name, (shape, text) in datasets.items():
                made = store.create_dataset(file, name, shape, "float32", "", text)
                if name.startswith("embedding"):
                    made.attrs["modality"] = name.removeprefix("embedding").lstrip("_") or "spectrum"
                if rows:  # one write gives a contiguous dataset its place in the file
                    made[rows - 1] = 0
        os.replace(draft, output)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _copy_detections(source: h5py.File, file: h5py.File, rows: int) -> None:
    """Carry /detection over, a chunk of rows at a time."""
    group = file.create_group("detection")
    for name, column in source["detection"].items():
        text = h5py.check_string_dtype(column.dtype)
        dtype = column.dtype if text is None else "text" if text.length is None else f"str:{text.length}"
        attrs = column.attrs
        made = store.create_dataset(
            group, name, column.shape, dtype, attrs.get("unit", ""), attrs.get("description", "")
        )
        for start in range(0, rows, COPY):
            made[start : start + COPY] = column[start : start + COPY]
