"""An embeddings file as one flat table, a row a detection, that TOPCAT and astropy open."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import ChandraEmbedError, StoreError
from ..where import Where, near_names
from . import store
from .schema import COLUMNS

# rows of a text column read at once: stored wide, kept as wide as its longest value
BLOCK = 65536


@dataclass(frozen=True)
class Source:
    """Where one column of the table comes from.

    Parameters
    ----------
    data : h5py.Dataset or ndarray
        Shape (n,), or (n, d) or (t, n) where `part` picks one of d or t.
    part : tuple, optional
        Index that leaves n numbers of `data`.
    unit, description : str
        For the head of the table.
    """

    data: Any
    part: tuple[Any, ...] = ()
    unit: str = ""
    description: str = ""

    def read(self) -> NDArray[Any]:
        """Return all n values; text as str, int8 widened since FITS would read it as a truth value."""
        if self.data.dtype.kind in "SO":
            return _text(self.data)
        values: NDArray[Any] = np.asarray(self.data[self.part or ...])
        return values.astype(np.int16) if values.dtype == np.int8 else values


def _text(data: Any) -> NDArray[np.str_]:
    """Read a column of UTF-8."""
    if data.dtype.kind == "O":
        return store.read_dataset(data)
    try:
        blocks = [np.char.decode(data[at : at + BLOCK], "utf-8") for at in range(0, len(data), BLOCK)]
    except UnicodeDecodeError as error:
        raise StoreError(
            f"{data.file.filename}: {data.name} is not UTF-8 ({error}); make the file again"
        ) from error
    # an empty column still gets a width: FITS has no text of length 0
    return np.concatenate(blocks) if blocks else np.zeros(0, "U1")


def sources(file: h5py.File) -> dict[str, Source]:
    """Return every column that an embeddings file can give, by name, in the order of the table.

    Parameters
    ----------
    file : h5py.File
        An open embeddings file.

    Returns
    -------
    dict of str to Source
        ``row``, the columns of /detection, ``reconstruction_error``, what ``score`` and ``network``
        added, ``latent_0``..., ``embedding_0``...; ``simulated`` where the data are.
    """
    n = store.row_count(file)
    found = {"row": Source(np.arange(n), description="row of the embeddings file")}
    if file.attrs.get("simulated", False):
        found["simulated"] = Source(np.ones(n, np.bool_), description="no telescope saw this: simulated data")
    order = {column.name: i for i, column in enumerate(COLUMNS)}
    for name in sorted(file["detection"], key=lambda name: (order.get(name, len(order)), name)):
        found[name] = _whole(file["detection"][name])
    if "reconstruction_error" in file:
        found["reconstruction_error"] = _whole(file["reconstruction_error"])
    for group in ("score", "network"):
        for name, data in file[group].items() if group in file else ():
            if name == "degree" and group == "score":
                found.update(_degrees(data))
            elif isinstance(data, h5py.Dataset) and "thresholds" in data.attrs:
                found.update(_at_thresholds(f"{group}_{name}", data))
            elif isinstance(data, h5py.Dataset) and data.shape == (n,):
                found[f"{group}_{name}" if name in found else name] = _whole(data)
    vectors = [name for name in ("latent", *sorted(file)) if name in file and _is_vector(name)]
    for vector in dict.fromkeys(vectors):
        whole = _whole(file[vector])
        for j in range(file[vector].shape[1]):
            found[f"{vector}_{j}"] = Source(
                whole.data, (slice(None), j), whole.unit, f"{whole.description}, part {j}"
            )
    return found


def _is_vector(name: str) -> bool:
    return name == "latent" or name.split("_")[0] == "embedding"


def _whole(data: h5py.Dataset) -> Source:
    return Source(data, (), str(data.attrs.get("unit", "")), str(data.attrs.get("description", "")))


def _degrees(data: h5py.Dataset) -> dict[str, Source]:
    """Return one column a threshold, such as ``degree_0.5``."""
    return {
        f"degree_{float(tau)!r}": Source(
            data, (i,), "", f"other detections of cosine similarity >= {float(tau)!r}"
        )
        for i, tau in enumerate(data.attrs["thresholds"])
    }


def select(file: h5py.File, where: str) -> NDArray[np.bool_]:
    """Return which rows of an embeddings file meet a condition on its columns.

    Parameters
    ----------
    file : h5py.File
        An open embeddings file.
    where : str
        See :class:`chandra_embed.inference.where.Where`.

    Returns
    -------
    ndarray, shape (n,), bool

    Raises
    ------
    ChandraEmbedError
        The text is no condition on these columns.
    """
    known = sources(file)
    condition = Where(where, known)
    return condition({name: known[name].read() for name in condition.names}, store.row_count(file))


def _at_thresholds(name: str, data: h5py.Dataset) -> dict[str, Source]:
    """Return one column a threshold, such as ``network_coreness_0.5``."""
    whole = _whole(data)
    return {
        f"{name}_{float(tau)!r}": Source(
            data, (i,), whole.unit, f"{whole.description} (cosine similarity >= {float(tau)!r})"
        )
        for i, tau in enumerate(data.attrs["thresholds"])
    }


def build_table(
    file: h5py.File, *, where: str | None = None, columns: Sequence[str] | None = None, top: int | None = None
) -> Any:
    """Return rows and columns of an embeddings file as an astropy table.

    Parameters
    ----------
    file : h5py.File
        An open embeddings file.
    where : str, optional
        Condition that rows must meet.
    columns : sequence of str, optional
        Columns to take, in this order; default all.
    top : int, optional
        Only the so many of highest anomaly, the strangest first; equal ones by row. Rows without an
        anomaly are never among them.

    Returns
    -------
    astropy.table.Table
        With units and descriptions; ``meta["comments"]`` says what it was made from.

    Raises
    ------
    ChandraEmbedError
        No such column, no such condition, or `top` of a file that was not scored.
    """
    from astropy.table import Column, Table

    known = sources(file)
    for name in columns or ():
        if name not in known:
            raise ChandraEmbedError(f"{file.filename}: {name!r} is no column; {near_names(name, known)}")
    rows = np.flatnonzero(select(file, where)) if where is not None else np.arange(store.row_count(file))
    if top is not None:
        if "anomaly" not in known:
            raise StoreError(
                f"{file.filename}: has no anomaly scores; run: chandra-embed score {file.filename}"
            )
        anomaly = known["anomaly"].read()[rows]
        order = np.argsort(-anomaly, kind="stable")
        rows = rows[order[np.isfinite(anomaly[order])][:top]]
    table = Table()
    for name in dict.fromkeys(columns or known):
        source = known[name]
        table[name] = Column(
            _tight(source.read()[rows]), unit=source.unit or None, description=source.description or None
        )
    table.meta["comments"] = _comments(file, where, top)
    return table


def _tight(values: NDArray[Any]) -> NDArray[Any]:
    """Make text no wider than its longest value."""
    if values.dtype.kind != "U":
        return values
    return values.astype(f"U{max(1, int(np.char.str_len(values).max(initial=0)))}")


def _comments(file: h5py.File, where: str | None, top: int | None) -> list[str]:
    """Return lines that say what the table was made from."""
    attributes = file.attrs
    lines = ["SIMULATED data: none of it was observed"] if attributes.get("simulated", False) else []
    lines.append(f"chandra-embed table of {os.path.basename(file.filename)}")
    stated = {name: attributes.get(name, "unknown") for name in ("bundle_version", "bundle_sha256", "recipe")}
    if "bundle" not in attributes:
        raise StoreError(f"{file.filename}: does not say which bundle made it; embed again")
    lines.append(
        f"bundle {attributes['bundle']} {stated['bundle_version']}, sha256 {stated['bundle_sha256']}"
    )
    lines.append(f"recipe {stated['recipe']}")
    if "score" in file:
        lines.append(f"anomaly scored against {file['score'].attrs.get('against', 'an unknown set')}")
    if where is not None:
        lines.append(f"where {' '.join(where.split())}")
    if top is not None:
        lines.append(f"the {top} of highest anomaly")
    return lines


def _write_fits(table: Any, path: Path) -> None:
    """Write a FITS table with its descriptions as TCOMM, where TOPCAT reads them."""
    from astropy.io import fits

    plain = table.copy(copy_data=False)
    plain.meta.clear()
    for name in plain.colnames:
        if plain[name].dtype.kind == "U":  # FITS knows ASCII only
            plain[name] = np.char.encode(plain[name], "ascii", "backslashreplace")
    hdu = fits.table_to_hdu(plain)
    hdu.name = "DETECTIONS"
    for i, name in enumerate(table.colnames, 1):
        if table[name].description:
            hdu.header[f"TCOMM{i}"] = table[name].description
    for line in table.meta["comments"]:
        hdu.header["COMMENT"] = line.encode("ascii", "backslashreplace").decode()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)


def _write_votable(table: Any, path: Path) -> None:
    from astropy.io.votable import from_table

    document = from_table(table)
    document.description = "\n".join(table.meta["comments"])
    document.to_xml(str(path), tabledata_format="binary2")


def _write_ecsv(table: Any, path: Path) -> None:
    table.write(path, format="ascii.ecsv", overwrite=True)


def _write_parquet(table: Any, path: Path) -> None:
    import pyarrow  # noqa: F401  (astropy's own message would not name the extra)

    table.write(path, format="parquet", overwrite=True)


WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".fits": _write_fits,
    ".vot": _write_votable,
    ".ecsv": _write_ecsv,
    ".parquet": _write_parquet,
}


def check_extension(output: Path) -> None:
    """Raise where the name of a table has no extension that is known.

    Raises
    ------
    ChandraEmbedError
        It ends in none of .fits, .vot, .ecsv, .parquet.
    """
    if output.suffix.lower() not in WRITERS:
        raise ChandraEmbedError(f"{output}: end the name in one of {', '.join(WRITERS)}")


def write_table(table: Any, output: Path) -> None:
    """Write a table in the format of its extension, whole or not at all.

    Parameters
    ----------
    table : astropy.table.Table
        What :func:`build_table` returned.
    output : Path
        Ends in .fits, .vot, .ecsv or .parquet; an existing file is replaced.

    Raises
    ------
    ChandraEmbedError
        Another extension, or the file cannot be written.
    """
    check_extension(output)
    draft = output.with_name(f".{output.name}.part")
    try:
        WRITERS[output.suffix.lower()](table, draft)
        os.replace(draft, output)
    except OSError as error:
        raise ChandraEmbedError(f"{output}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):  # what stood in its way may stand in the way of this too
            draft.unlink(missing_ok=True)
