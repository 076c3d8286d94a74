"""Reading the ``chandra`` collection of the Multimodal Universe: grouped rate spectra in HDF5.

Its spectra were made by Sherpa (0.5-8.0 keV, background subtracted, 5 counts a group), so they enter
after the grouping and only as rate density.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Quarantined
from ..preprocess import Grouped
from ..recipe import Recipe

SPECTRUM = ("spectrum_ene_lo", "spectrum_ene_hi", "spectrum_flux", "spectrum_flux_err")
GROUP_MIN = 5
EXPANSION = 1100  # times: deflate packs no better
NUMBERS = ("hard_hs", "hard_hm", "hard_ms", "var_prob_b", "var_index_b", "flux_significance_b", "ra", "dec")
KEYS = ("obsid", "obi", "region_id")


@dataclass(frozen=True)
class Row:
    """One row of a collection: its detection columns and either the spectrum or why there is none."""

    number: int
    detection: dict[str, Any]
    grouped: Grouped | None
    problem: Quarantined | None


def is_collection(path: Path) -> bool:
    """Whether a file is HDF5 with the collection's spectrum columns."""
    import h5py

    if not h5py.is_hdf5(path):
        return False
    try:
        with h5py.File(path, "r") as file:
            return all(name in file for name in SPECTRUM)
    except OSError:
        return False


def collection_rows(path: Path) -> int:
    """Return how many rows a collection has, after checking that it can have them.

    Raises
    ------
    Quarantined
        ``not-ours``: not such a file, its columns differ in length or are no numbers, or it declares more
        than so many bytes can hold.
    """
    import h5py

    if not is_collection(path):
        raise Quarantined("not-ours", "an HDF5 file without the columns " + ", ".join(SPECTRUM))
    try:
        with h5py.File(path, "r") as file:
            lengths = {_check_column(file, name, path.stat().st_size) for name in _present(file)}
    except OSError as error:
        raise Quarantined("unreadable", f"{error}") from error
    if len(lengths) != 1:
        raise Quarantined("not-ours", "its columns differ in length")
    (n,) = lengths
    if not n:
        raise Quarantined("no-counts", "the collection holds no rows")
    return n


def _present(file: Any) -> list[str]:
    return [name for name in (*SPECTRUM, "name", *NUMBERS, *KEYS) if name in file]


def _check_column(file: Any, name: str, size: int) -> int:
    """Return the length of a column; refuse one that is none or that declares what the file cannot hold."""
    import h5py

    data = file[name]
    if not isinstance(data, h5py.Dataset) or data.ndim not in (1, 2) or data.is_virtual or data.external:
        raise Quarantined("not-ours", f"{name} is no column of the file")
    kind = (data.dtype.metadata or {}).get("vlen", data.dtype)
    text = kind is str or kind is bytes or np.dtype(kind).kind in "SU"
    if text != (name == "name") or (not text and np.dtype(kind).kind not in "fiu"):
        raise Quarantined("not-ours", f"{name} has type {data.dtype}")
    if data.nbytes > EXPANSION * size:
        raise Quarantined("not-ours", f"{name} declares {data.nbytes:,} bytes, the file has {size:,}")
    return int(data.shape[0])


def read_collection(path: Path, recipe: Recipe, rows: tuple[int, int] | None = None) -> Iterator[Row]:
    """Yield the rows of a collection, in order.

    Parameters
    ----------
    path : Path
        HDF5 file with columns ``spectrum_ene_lo``, ``spectrum_ene_hi`` (keV), ``spectrum_flux`` and
        ``spectrum_flux_err`` (counts s^-1 keV^-1), of variable length or padded.
    recipe : Recipe
        Must be the collection's own: rate density, 5 counts a group.
    rows : (int, int), optional
        The first row and the one after the last; all without.

    Raises
    ------
    Quarantined
        ``not-ours``, ``no-counts`` or ``unreadable``; see :func:`collection_rows`.
    """
    import h5py

    begin, end = rows or (0, collection_rows(path))
    with h5py.File(path, "r") as file:
        present = _present(file)
        columns = {name: file[name][begin:end] for name in SPECTRUM}
        facts = {name: file[name][begin:end] for name in present if name not in SPECTRUM}
    for number in range(begin, end):
        i = number - begin
        detection: dict[str, Any] = {}
        try:
            detection = _detection({name: values[i] for name, values in facts.items()})
            lo, hi, y, error = (np.asarray(columns[name][i], np.float64) for name in SPECTRUM)
            yield Row(number, detection, _grouped(lo, hi, y, error, recipe), None)
        except Quarantined as problem:
            yield Row(number, detection, None, problem)
        except (ValueError, TypeError, OverflowError) as error:
            yield Row(number, detection, None, Quarantined("unreadable", f"{type(error).__name__}: {error}"))


def _grouped(lo: Any, hi: Any, y: Any, error: Any, recipe: Recipe) -> Grouped:
    if recipe.quantity != "rate":
        raise Quarantined("no-arf", "the collection holds rates and no effective area")
    if recipe.group_min != GROUP_MIN:
        raise Quarantined(
            "other-recipe", f"the collection is grouped to {GROUP_MIN} counts, not {recipe.group_min}"
        )
    if not len(lo) == len(hi) == len(y) == len(error):
        raise Quarantined("unreadable", "energies and rates differ in length")
    real = np.isfinite(lo) & np.isfinite(hi) & (hi > lo)  # the rest is padding
    lo, hi, y, error = lo[real], hi[real], y[real], error[real]
    if not lo.size:
        raise Quarantined("no-counts", "the row holds no groups")
    if not (np.isfinite(y).all() and np.isfinite(error).all()):
        raise Quarantined("not-finite", "rates or errors are NaN or infinite")
    order = np.argsort(lo, kind="stable")
    if (hi[order][:-1] > lo[order][1:] + 1e-6).any():
        raise Quarantined("unreadable", "groups overlap in energy")
    return Grouped(lo[order], hi[order], y[order], error[order])


def _detection(facts: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"has_background": True, "has_arf": False, "has_rmf": True}
    for name, value in facts.items():
        if name == "name":
            found[name] = (value.decode() if isinstance(value, bytes) else str(value)).strip()
        elif name in KEYS:
            found[name] = int(value) if np.isfinite(value) else -1
        else:
            found[name] = float(value)
    if "obsid" in found:
        found["obs_id"] = str(found["obsid"])
    return found
