"""What is clustered: the rows whose class is one of those to find, and the numbers each row goes by."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...inference.errors import ChandraEmbedError
from ...inference.simulate.classes import CLASSES
from .bands import band_fluxes
from .clusterers import check_rows

if TYPE_CHECKING:
    from .sample import Sample

logger = logging.getLogger("chandra_embed")

Labels = NDArray[np.int64]
MIN_COUNTS = 40  # net counts that a spectrum needs to be scored
LEAST_SOURCES = 2  # of a class, seen and unseen each; with fewer it is left out
MOST_ROWS = 2500  # of the seen and the unseen each: agglomerative clustering holds every pair in memory
COMPACT = ("CV", "HMXB", "LMXB", "NS")
GROUPS: dict[int, dict[str, str]] = {
    8: {name: name for name in CLASSES},
    2: {"AGN": "AGN", **dict.fromkeys(COMPACT, "compact")},
}


@dataclass(frozen=True)
class Task:
    """Rows with a class, and the classes to find.

    Parameters
    ----------
    names : tuple of str
        The classes.
    true : ndarray, shape (n,), int64
        Class of each row, as its place in `names`.
    source_id : ndarray, shape (n,), str
        Source of each row.
    seen : ndarray, shape (n,), bool
        Where the method is chosen; it is measured on the rest.
    features : dict of str to ndarray, shape (n, d)
        What is clustered: ``autoencoder``, ``pca``, ``bands``.
    spectra : ndarray, shape (n, n_bins), float32
        Normalised spectra, for the forest.
    """

    names: tuple[str, ...]
    true: Labels
    source_id: NDArray[np.str_]
    seen: NDArray[np.bool_]
    features: dict[str, NDArray[np.floating]]
    spectra: NDArray[np.float32]


def features_of(sample: "Sample") -> dict[str, NDArray[np.floating]]:
    """Return what is clustered, each shape (n, d); without the bands, and saying so, where there are none."""
    found: dict[str, NDArray[np.floating]] = {"autoencoder": sample.latent, "pca": sample.pca}
    try:
        found["bands"] = band_fluxes(sample.detection)
    except ChandraEmbedError as error:
        logger.warning("bands are left out: %s", error)
    return {name: check_rows(x, name) for name, x in found.items()}


def make_task(
    sample: "Sample", features: Mapping[str, NDArray[np.floating]], groups: Mapping[str, str]
) -> Task | None:
    """Take the rows whose class belongs to one of the groups; None where fewer than two groups are there.

    Parameters
    ----------
    sample : Sample
        With the column ``class``; rows of other classes, without one, and of fewer
        than 40 net counts are left out.
    features : mapping of str to ndarray, shape (n, d)
        See :func:`features_of`.
    groups : mapping
        Class in the file to class to find.

    Raises
    ------
    ChandraEmbedError
        The model has seen none of the sources of these classes, or all of them.
    """
    group = np.array([groups.get(str(name), "") for name in sample.detection["class"]])
    group[~(sample.net_counts >= MIN_COUNTS)] = ""
    wanted = list(dict.fromkeys(groups.values()))
    if not (group != "").any():
        return None
    for part, what in ((sample.seen, "seen none"), (~sample.seen, "seen all")):
        if not (part & (group != "")).any():
            raise ChandraEmbedError(
                f"{file_names(sample)}: {sample.model} has {what} of the sources of the classes "
                f"{', '.join(wanted)}; "
                "the method is chosen on seen sources and measured on others: give a file that holds both"
            )
    names = []
    for name in wanted:
        few = min(
            len(np.unique(sample.source_id[(group == name) & part])) for part in (sample.seen, ~sample.seen)
        )
        if few >= LEAST_SOURCES:
            names.append(name)
        else:
            logger.warning("class %s is left out: %d sources among the seen or the unseen", name, few)
    if len(names) < 2:
        return None
    keep = np.isin(group, names)
    for part in (sample.seen, ~sample.seen):
        keep &= ~part | _at_most(keep & part, sample.source_id)
    return Task(
        tuple(names),
        np.array([names.index(each) for each in group[keep]], np.int64),
        sample.source_id[keep],
        sample.seen[keep],
        {name: np.asarray(x)[keep] for name, x in features.items()},
        sample.normalised[keep],
    )


def _at_most(rows: NDArray[np.bool_], source_id: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Keep at most :data:`MOST_ROWS` of the rows: whole sources, in a fixed random order, and say so."""
    if rows.sum() <= MOST_ROWS:
        return rows
    names, index, count = np.unique(source_id[rows], return_inverse=True, return_counts=True)
    order = np.random.default_rng(0).permutation(len(names))
    taken = np.zeros(len(names), bool)
    taken[order[np.cumsum(count[order]) <= MOST_ROWS]] = True
    kept = rows.copy()
    kept[rows] = taken[index]
    logger.warning("%d of %d rows are clustered: every pair is held in memory", kept.sum(), rows.sum())
    return kept


def file_names(sample: "Sample") -> str:
    """Return the names of a sample's files, for messages."""
    return ", ".join(str(file["name"]) for file in sample.files)
