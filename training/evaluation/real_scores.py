"""Real spectra scored beside the simulated normal ones, to be looked at: they are few, and rank nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.encoder import Encoder
from ...inference.errors import Quarantined
from ...inference.reference import Reference
from ...inference.significance import binned_pvalue
from .spectra_rows import read_rows
from .strangeness import COMBINATION, Space
from .tasks import MIN_COUNTS
from .xmm_pn import object_names, pn_files, read_pn

XMM = Path("other_missions") / "xmm_pn"
PN = "XMM-Newton pn"


@dataclass(frozen=True)
class Judge:
    """What judges one more spectrum: the bundle, the space of normal rows, and its frozen reference if any.

    `net_counts`, shape (m,), float64, are those of the normal rows.
    """

    encoder: Encoder
    space: Space
    net_counts: NDArray[np.float64]
    frozen: Reference | None

    def score(self, spectra: NDArray[np.float32], net_counts: NDArray[np.float64]) -> dict[str, Any]:
        """Return scores of spectra on the grid, each shape (n,): see :func:`score_real`."""
        encoded = self.encoder.run(spectra)
        found = self.space.score(encoded.embedding)
        scores = {"knn": found["knn"], "isolation": found["isolation"], "quantile": found[COMBINATION]}
        if self.frozen is None:
            own = self.space.own[COMBINATION]
            pvalue = binned_pvalue(own, self.net_counts, found[COMBINATION], net_counts)
        else:
            frozen = self.frozen.score(encoded.embedding, encoded.reconstruction_error, net_counts)
            scores["anomaly"], pvalue = frozen["anomaly"], frozen["anomaly_pvalue"]
        return scores | {"pvalue": np.where(net_counts >= MIN_COUNTS, pvalue, np.nan)}


def score_real(data: Path, judge: Judge, folder: Path) -> list[dict[str, Any]]:
    """Ingest the real Chandra spectra of a folder, read the XMM-Newton ones beside them, and score both.

    Parameters
    ----------
    data : Path
        Holds ``spectra/`` and ``other_missions/xmm_pn/``; either may be missing.
    judge : Judge
        What scores them.
    folder : Path
        Where ``real-spectra.h5`` is written; an earlier one is replaced.

    Returns
    -------
    list of dict
        The strangest first: file, object (XMM-Newton), mission, net_counts, knn, isolation, quantile (mean of
        both among the normal rows, 0..1), with a frozen reference anomaly, and pvalue (against the frozen
        reference, else against the normal rows; of spectra of like net counts, all simulated; NaN below 40),
        note. At the end those that could not be read; their note says why.
    """
    names, missions, counts, values = _chandra(data, judge.encoder, folder)
    objects, unread = object_names(data / XMM), []
    for path in pn_files(data / XMM):
        try:
            net, value = read_pn(path, judge.encoder.recipe)
        except Quarantined as error:
            about = {"file": path.name, "object": objects.get(path.name, ""), "mission": PN}
            unread.append({**about, "note": str(error)})
            continue
        names.append(path.name)
        missions.append(PN)
        counts.append(net)
        values.append(value)
    if not values:
        return unread
    scores = judge.score(np.stack(values), np.array(counts))
    rows: list[dict[str, Any]] = [
        {
            "file": name,
            "object": objects.get(name, ""),
            "mission": mission,
            "net_counts": net,
            **{key: float(column[i]) for key, column in scores.items()},
            "note": "",
        }
        for i, (name, mission, net) in enumerate(zip(names, missions, counts, strict=True))
    ]
    order = sorted(rows, key=lambda row: (np.isnan(row["pvalue"]), row["pvalue"], -row["quantile"]))
    return [*order, *unread]


def _chandra(
    data: Path, encoder: Encoder, folder: Path
) -> tuple[list[str], list[str], list[float], list[NDArray[np.float32]]]:
    """Return file, mission, net counts and spectrum of the Chandra files."""
    from ...inference.catalog.ingest import ingest

    if not (data / "spectra").is_dir():
        return [], [], [], []
    path = folder / "real-spectra.h5"
    if not ingest([data / "spectra"], path, encoder.recipe).used:
        return [], [], [], []
    rows = read_rows(path)
    names = ["/".join(Path(name).parts[-2:]) for name in rows.detection["file"].tolist()]
    return names, ["Chandra ACIS"] * len(names), rows.detection["net_counts"].tolist(), list(rows.value)
