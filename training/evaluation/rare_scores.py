"""Every score that planted rare sources are looked for with, by the space it is measured in.

Strangeness in embeddings and in hardness ratios; the variability as measured, which needs no model; and, as a
limit to them all, classifiers that were shown such sources.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.reference import Reference
from .planted import Planted
from .shown import shown_scores
from .strangeness import HardnessSpace, Space

Array = NDArray[np.float64]
HARDNESS, MEASURED = "hardness", "measured"  # spaces beside the embeddings
FROZEN, VARIABILITY, SHOWN = "frozen reference", "variability", "shown such sources"


def rare_scores(planted: Planted, frozen: Reference | None) -> tuple[dict[tuple[str, str], Array], Space]:
    """Score all rows in all ways.

    Parameters
    ----------
    planted : Planted
        Rows of `n` detections.
    frozen : Reference, optional
        The bundle's frozen reference.

    Returns
    -------
    scores : dict of (space, method) to ndarray, shape (n,), float64
        Larger is stranger. The methods of :class:`.strangeness.Space` and ``shown such sources`` in each
        embedding and in ``hardness``; in ``spectrum`` ``frozen reference``, where there is one; and in
        ``measured`` (hardness and variability) ``variability`` and ``shown such sources``.
    spectrum : Space
        The space of spectra.
    """
    normal = planted.normal
    spaces: dict[str, Space] = {name: Space(rows[normal]) for name, rows in planted.embedding.items()}
    rows: dict[str, NDArray[Any]] = dict(planted.embedding)
    spaces[HARDNESS], rows[HARDNESS] = HardnessSpace(planted.hardness[normal]), planted.hardness
    found = {}
    for name, space in spaces.items():
        rare = space.score(rows[name][~normal])
        for method, own in space.own.items():
            score = np.empty(len(normal))
            score[normal], score[~normal] = own, rare[method]
            found[name, method] = score
    if planted.variability is not None:
        rows[MEASURED] = np.column_stack([planted.hardness, planted.variability])
        found[MEASURED, VARIABILITY] = np.nan_to_num(planted.variability, nan=-1.0)
    for name, given in rows.items():
        found[name, SHOWN] = shown_scores(given, planted.net_counts, planted.kind)
    if frozen:
        found["spectrum", FROZEN] = frozen_scores(planted, frozen)["anomaly"]
    return found, spaces["spectrum"]


def frozen_scores(planted: Planted, frozen: Reference) -> dict[str, Array]:
    """Return what ``score`` gives the rows against the bundle's frozen reference."""
    return frozen.score(planted.embedding["spectrum"], planted.reconstruction_error, planted.net_counts)
