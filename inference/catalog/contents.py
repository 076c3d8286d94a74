"""Whether an HDF5 file of ours holds what it says: shapes and types that readers may then rely on.

Looks at the heads of datasets alone, so that it costs as much for a million rows as for one.
"""

from collections.abc import Iterable

import h5py
import numpy as np

from ..errors import ChandraEmbedError, StoreError
from ..recipe import Recipe, recipe_from_json
from .schema import BY_NAME

# datasets that have no row a detection
OWN_LENGTH = {"energy_edges", "channel_lo", "channel_hi"}
BY_ROW = ("detection", "spectrum", "counts", "truth")
SLACK = 4096  # bytes that may be missing: HDF5 stores no chunk that nobody wrote to
# real numbers: a vector a detection, as embeddings are, and one number
VECTORS, ERROR = ("value", "error", "latent"), "reconstruction_error"
# flat datasets of rows of unequal length, and the offsets that cut them
FLAT: dict[str, dict[str, tuple[str, ...]]] = {
    "event": {"offset": ("time", "energy"), "gti_offset": ("gti_start", "gti_stop")},
    "lightcurve": {"offset": ("start", "width", "counts", "fraction", "rate_error")},
}


def check_contents(file: h5py.File) -> None:
    """Refuse a file whose datasets do not fit each other.

    Parameters
    ----------
    file : h5py.File
        A finished file of spectra or of embeddings, open.

    Raises
    ------
    StoreError
        There is no ``/detection/obsid``, a dataset has not one row a detection, is not of its type, or has
        more rows than bytes; what is missing otherwise is for its reader to say.
    """
    n = _rows(file)
    for name in BY_ROW:
        if name in file:
            for each in _members(file, name):
                if each.name.split("/")[-1] not in OWN_LENGTH:
                    _check_rows(file, each, n)
    for name in file:
        if name.split("_")[0] == "embedding" or name in ("latent", ERROR):
            _check_rows(file, _dataset(file, name), n)
    for name, cuts in FLAT.items():
        if name in file:
            _check_flat(file, name, cuts, n)
    if "score" in file:
        _check_scores(file, n)
    if "network" in file and not isinstance(file["network"], h5py.Group):
        raise StoreError(f"{file.filename}: /network is no group; {_mend(file)}")


def need(file: h5py.File, *names: str) -> None:
    """Raise unless the file has these datasets.

    Raises
    ------
    StoreError
        One is missing; it is named.
    """
    for name in names:
        if not isinstance(file.get(name), h5py.Dataset):
            raise StoreError(f"{file.filename}: /{name} is missing; {_mend(file)}")


def stored_recipe(file: h5py.File) -> Recipe:
    """Return the recipe of a file of spectra.

    Raises
    ------
    StoreError
        The file states none, one that cannot be read, or another than its fingerprint; or it has no spectra,
        or spectra that are not on the recipe's grid.
    """
    need(file, "spectrum/value")
    text, stated = (file.attrs.get(name) for name in ("recipe", "recipe_fingerprint"))
    if not isinstance(text, str) or not isinstance(stated, str):
        raise StoreError(f"{file.filename}: does not say with which recipe it was made; {_mend(file)}")
    try:
        recipe = recipe_from_json(text)
    except ChandraEmbedError as error:
        raise StoreError(f"{file.filename}: {error}") from error
    if stated != recipe.fingerprint:
        raise StoreError(
            f"{file.filename}: says recipe fingerprint {stated}, its recipe has {recipe.fingerprint}; "
            f"{_mend(file)}"
        )
    shape = file["spectrum/value"].shape
    if shape[1:] != (recipe.n_bins,):
        raise StoreError(
            f"{file.filename}: /spectrum/value has shape {shape}, its recipe has {recipe.n_bins} bins; "
            f"{_mend(file)}"
        )
    return recipe


def _mend(file: h5py.File) -> str:
    return "embed again" if "embedding" in file else "ingest or simulate it again"


def _rows(file: h5py.File) -> int:
    """Return the number of detections."""
    detection = file.get("detection")
    column = detection.get("obsid") if isinstance(detection, h5py.Group) else None
    if not isinstance(column, h5py.Dataset) or column.ndim != 1:
        raise StoreError(f"{file.filename}: has no column /detection/obsid; {_mend(file)}")
    return int(column.shape[0])


def _members(file: h5py.File, name: str) -> Iterable[h5py.Dataset]:
    """Return the datasets of a group."""
    group = file[name]
    if not isinstance(group, h5py.Group):
        raise StoreError(f"{file.filename}: /{name} is no group of datasets; {_mend(file)}")
    return [_dataset(file, f"{name}/{item}") for item in group]


def _dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """Return a dataset that lies in this file."""
    here = isinstance(file.get(name, getlink=True), h5py.HardLink)
    item = file[name] if here else None
    if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
        raise StoreError(f"{file.filename}: /{name} is no dataset of this file; {_mend(file)}")
    return item


def _check_rows(file: h5py.File, data: h5py.Dataset, n: int) -> None:
    """One row a detection, of the right type, and the bytes to hold it."""
    group, _, name = data.name.strip("/").rpartition("/")
    if data.ndim < 1 or data.shape[0] != n:
        raise StoreError(f"{file.filename}: {data.name} has shape {data.shape}, not {n} rows; {_mend(file)}")
    known = BY_NAME.get(name) if group == "detection" else None
    text = data.dtype.kind == "S" or h5py.check_string_dtype(data.dtype) is not None
    if known is not None:
        right = data.ndim == 1 and (text if known.length else data.dtype.kind in "biuf")
        wanted = "text" if known.length else "a number"
    elif name.split("_")[0] == "embedding" or name in VECTORS:
        right, wanted = data.ndim == 2 and data.dtype.kind == "f", "a vector of real numbers"
    else:
        right, wanted = name != ERROR or (data.ndim == 1 and data.dtype.kind == "f"), "a real number"
    if not right:
        raise StoreError(
            f"{file.filename}: {data.name} is {data.dtype} of shape {data.shape}, not {wanted} for each "
            f"detection; {_mend(file)}"
        )
    _check_bytes(file, data)


def _check_bytes(file: h5py.File, data: h5py.Dataset) -> None:
    """Nothing of ours is compressed or left unwritten: fewer bytes than numbers are a shape made up."""
    if data.id.get_create_plist().get_nfilters():
        return
    held, wanted = data.id.get_storage_size(), data.size * data.dtype.itemsize
    if held + SLACK < wanted:
        raise StoreError(
            f"{file.filename}: {data.name} says {data.shape}, {wanted} bytes, and holds {held}; {_mend(file)}"
        )


def _check_flat(file: h5py.File, name: str, cuts: dict[str, tuple[str, ...]], n: int) -> None:
    """Offsets for each row, and flat datasets that end where the last one says."""
    group = {each.name.split("/")[-1]: each for each in _members(file, name)}
    need(file, *(f"{name}/{each}" for cut in cuts for each in (cut, *cuts[cut])))
    for cut, flat in cuts.items():
        offset = group[cut]
        if offset.shape != (n + 1,) or offset.dtype.kind not in "iu":
            raise StoreError(
                f"{file.filename}: {offset.name} is {offset.dtype} of shape {offset.shape}, wanted are whole "
                f"numbers of shape ({n + 1},); {_mend(file)}"
            )
        _check_bytes(file, offset)
        end = int(offset[-1])
        for each in flat:
            if group[each].shape != (end,) or group[each].dtype.kind != "f":
                raise StoreError(
                    f"{file.filename}: {group[each].name} is {group[each].dtype} of shape "
                    f"{group[each].shape}, {offset.name} ends at {end}; {_mend(file)}"
                )
            _check_bytes(file, group[each])


def _check_scores(file: h5py.File, n: int) -> None:
    """A degree for each threshold and detection; one number a detection otherwise."""
    for each in _members(file, "score"):
        shape: tuple[int, ...] = (n,)
        if each.name == "/score/degree":
            shape = (np.size(each.attrs.get("thresholds", ())), n)
        if each.shape != shape or each.dtype.kind not in "iuf":
            raise StoreError(
                f"{file.filename}: {each.name} is {each.dtype} of shape {each.shape}, wanted is {shape}; "
                f"run: chandra-embed score {file.filename}"
            )
        _check_bytes(file, each)
