"""The nodes of a network: which detections, and by which embedding they are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..catalog import store, tables
from ..errors import ChandraEmbedError, StoreError
from ..nearest_sources import read_embedding
from ..similarity import Floats
from ..where import Where

JOINS = ("mean", "concatenation")
COLUMNS = ("name", "file", "source_id", "obsid", "class", "ra", "dec", "net_counts", "var_prob_b")
HARDNESS = ("hard_hs", "hard_hm", "hard_ms")
FLAGS = (
    *("pileup_flag", "sat_src_flag", "streak_src_flag", "conf_flag", "extent_flag"),
    "dither_warning_flag",
)
LEAST = 2  # nodes of a network
_SHORTEST = 1e-6  # of a mean of unit rows that still has a direction


@dataclass(frozen=True, eq=False)
class Selection:
    """The nodes of one network.

    Parameters
    ----------
    rows : ndarray, shape (n,), int64
        Rows of the file, in its order.
    x : ndarray, shape (n, d), float32
        Unit rows.
    modality : str
        What the rows of `x` are of, such as ``"spectrum"`` or ``"both (mean of spectrum and event)"``.
    where : str
        The condition; empty: all rows.
    columns : dict of str to ndarray, shape (n,)
        What is known of each node: :data:`COLUMNS`, :data:`HARDNESS` and :data:`FLAGS`.
    of : int
        Rows of the file.
    left_out : dict of str to int
        Reason to the number of rows that met the condition and are no nodes.
    simulated : bool
        Whether the data are.
    """

    rows: NDArray[np.int64]
    x: Floats
    modality: str
    where: str
    columns: dict[str, NDArray[Any]]
    of: int
    left_out: dict[str, int]
    simulated: bool

    @property
    def source_code(self) -> NDArray[np.int64]:
        """The source of each node as a whole number from 1, shape (n,); 0: not known, a source of its own."""
        source = self.columns["source_id"]
        _, code = np.unique(source, return_inverse=True)
        return np.where(source == "", 0, code + 1)


def select_nodes(
    file: h5py.File, *, where: str | None = None, modality: str | None = None, join: str = "mean"
) -> Selection:
    """Return the detections that meet a condition and have an embedding.

    Parameters
    ----------
    file : h5py.File
        An open embeddings file.
    where : str, optional
        Condition on the columns of the file's table; see :class:`chandra_embed.inference.where.Where`.
    modality : str, optional
        See :func:`read_modality`.
    join : {"mean", "concatenation"}
        How several embeddings become one.

    Returns
    -------
    Selection

    Raises
    ------
    ChandraEmbedError
        No such column or embedding, a condition that cannot be read, or fewer than two nodes.
    """
    n = store.row_count(file)
    chosen = np.ones(n, np.bool_) if where is None else tables.select(file, where)
    if where is not None and chosen.sum() < LEAST:
        raise ChandraEmbedError(
            f"{file.filename}: {int(chosen.sum())} of {n:,} rows meet --where {where!r}"
            f"{_known(file, where)}; a network needs at least {LEAST}"
        )
    x, named = read_modality(file, modality, join)
    there = np.isfinite(x).all(axis=1)
    rows = np.flatnonzero(chosen & there)
    if len(rows) < LEAST:
        raise ChandraEmbedError(
            f"{file.filename}: {len(rows)} of {int(chosen.sum()):,} chosen rows have an embedding of "
            f"{named}; a network needs at least {LEAST}"
        )
    without = int((chosen & ~there).sum())
    return Selection(
        rows=rows.astype(np.int64),
        x=np.ascontiguousarray(x[rows]),
        modality=named,
        where=where or "",
        columns={name: _column(file, name)[rows] for name in (*COLUMNS, *HARDNESS, *FLAGS)},
        of=n,
        left_out={f"no embedding of {named}": without} if without else {},
        simulated=bool(file.attrs.get("simulated", False)),
    )


def read_modality(file: h5py.File, modality: str | None, join: str = "mean") -> tuple[Floats, str]:
    """Return the embedding of one modality, or of several as one, and what it is called.

    Parameters
    ----------
    file : h5py.File
        An open embeddings file.
    modality : str, optional
        ``"spectrum"``, ``"event"``, ``"text"`` or any other that the file holds as ``/embedding_<modality>``;
        several joined by ``+``, as in ``"spectrum+text"``; ``"both"``: ``/embedding_both`` where the file has
        it and `join` is the mean, else all that it has. Default: ``/embedding``.
    join : {"mean", "concatenation"}
        Of several: their mean of unit length again, or the rows side by side over the square root of their
        number, whose cosine similarity is the mean of theirs.

    Returns
    -------
    x : ndarray, shape (n, d), float32
        Unit rows; NaN where a row lacks one of them.
    named : str
        What it is.

    Raises
    ------
    ChandraEmbedError
        The file has no such embedding.
    """
    if join not in JOINS:
        raise ValueError(f"join {join!r}: give one of {', '.join(JOINS)}")
    datasets = _datasets(file)
    own = [name for name in datasets if name != "both"]
    if modality == "both" and not ("both" in datasets and join == "mean"):
        if len(own) < 2:
            raise ChandraEmbedError(
                f"{file.filename}: --modality both: the file holds only the embedding of {own[0]}"
            )
        parts = own
    elif modality == "both":
        told = str(file[datasets["both"]].attrs.get("description", "")).partition(",")[0]
        return read_embedding(file, datasets["both"]), f"both ({told})" if told else "both"
    else:
        parts = (next(iter(datasets)) if modality is None else modality).split("+")
    for name in parts:
        if name not in datasets:
            raise ChandraEmbedError(
                f"{file.filename}: --modality {modality}: no embedding of {name!r}; there are "
                f"{', '.join(datasets)}"
            )
    rows = [read_embedding(file, datasets[name]) for name in dict.fromkeys(parts)]
    if len(rows) == 1:
        return rows[0], parts[0]
    word = "both" if modality == "both" else "+".join(dict.fromkeys(parts))
    named = f"{word} ({join} of {' and '.join(dict.fromkeys(parts))})"
    if join == "concatenation":
        return _side_by_side(rows), named
    widths = [each.shape[1] for each in rows]
    if len(set(widths)) > 1:
        raise ChandraEmbedError(
            f"{file.filename}: embeddings of {' and '.join(map(str, widths))} numbers have no mean: "
            "take --join concatenation"
        )
    return _mean(rows), named


def _datasets(file: h5py.File) -> dict[str, str]:
    """Return the name of the dataset of each modality, that of /embedding first."""
    found = {}
    if "embedding" in file:
        attribute = file["embedding"].attrs.get("modality", "spectrum")
        found[attribute.decode() if isinstance(attribute, bytes) else str(attribute)] = "embedding"
    for name in sorted(file):
        if name.startswith("embedding_"):
            found.setdefault(name.removeprefix("embedding_"), name)
    if not found:
        raise StoreError(f"{file.filename}: /embedding is missing; embed again")
    return found


def _mean(rows: Sequence[Floats]) -> Floats:
    """Return the mean of unit rows, of unit length again; NaN where they cancel out."""
    total = np.sum([each.astype(np.float64) for each in rows], axis=0)
    length = np.sqrt((total**2).sum(axis=1, keepdims=True))
    length[~(length > _SHORTEST)] = np.nan
    mean: Floats = (total / length).astype(np.float32)
    return mean


def _side_by_side(rows: Sequence[Floats]) -> Floats:
    joined: Floats = (np.hstack([each.astype(np.float64) for each in rows]) / np.sqrt(len(rows))).astype(
        np.float32
    )
    joined[np.isnan(joined).any(axis=1)] = np.nan
    return joined


def _column(file: h5py.File, name: str) -> NDArray[Any]:
    """Return a column of /detection; where an older file lacks it, what stands for missing."""
    from ..catalog.schema import blank

    if name in file["detection"]:
        return store.read_column(file, name)
    values = blank(store.row_count(file))[name]
    return values.astype(np.str_) if values.dtype == object else values


def _known(file: h5py.File, where: str) -> str:
    """Say how many rows know the numbers that a condition reads."""
    known = tables.sources(file)
    condition = Where(where, known)
    values = {name: known[name].read() for name in condition.names}
    parts = [
        f"{name} is known of {int(np.isfinite(column).sum()):,}"
        for name, column in values.items()
        if column.dtype.kind == "f"
    ]
    return f" ({', '.join(parts)})" if parts else ""
