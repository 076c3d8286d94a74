"""What was asked of a network and what was found: the parts that tables, pictures and the terminal show."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .classes import ClassShare
from .levels import Level
from .nulls import NullTest
from .select import Selection
from .with_edges import EdgeFacts


@dataclass(frozen=True)
class Asked:
    """What the user asked for; see the ``network`` command.

    Parameters
    ----------
    where : str, optional
        Condition on the columns; None: all rows.
    thresholds, densities : sequence of float
        Similarities, and edge densities to find further ones by.
    modality : str, optional
        Embedding; None: that of /embedding.
    join : {"mean", "concatenation"}
        How several become one.
    all_detections : bool
        Other detections of the same source may have edges.
    n_null : int
        Random graphs of each null, and subsamples.
    seed : int
        Of all random numbers.
    """

    where: str | None = None
    thresholds: Sequence[float] = (0.5, 0.7, 0.9)
    densities: Sequence[float] = ()
    modality: str | None = None
    join: str = "mean"
    all_detections: bool = False
    n_null: int = 200
    seed: int = 0


@dataclass(eq=False)
class AtLevel:
    """Everything of one threshold.

    Parameters
    ----------
    level : Level
        What needs no edges.
    label : str
        The threshold as it stands in names of files and columns.
    classes : list of ClassShare
    isolated : list of dict
        See :func:`.isolated.most_isolated`.
    edges : EdgeFacts or None
        What needs edges; None where there are too many.
    nulls : list of NullTest
        Against every null, with and without p-value.
    """

    level: Level
    label: str
    classes: list[ClassShare]
    isolated: list[dict[str, Any]]
    edges: EdgeFacts | None = None
    nulls: list[NullTest] = field(default_factory=list)

    def p(self, null: str) -> float | None:
        """Return the p-value of the first statistic against a null, None where there is none.

        For ``density`` and ``cloud`` that is the Borgatti-Everett correlation, for ``degree`` the gain of
        several pairs.
        """
        return next((test.p for test in self.nulls if test.null == null), None)

    def reason(self, null: str) -> str:
        """Return why there is no p-value against a null; empty where there is one."""
        return next((test.reason for test in self.nulls if test.null == null), "")


@dataclass(eq=False)
class Found:
    """One network at all its thresholds.

    Parameters
    ----------
    path, folder : Path
        The embeddings file and the folder written.
    asked : Asked
    selection : Selection
        The nodes.
    same_source : int
        Pairs of detections of one source among them.
    levels : list of AtLevel
        In the order of the thresholds.
    robustness : list of dict
        See :func:`.robustness.rank_agreement`.
    notes : list of str
        What was sampled, left out or could not be done.
    files : list of str
        Written into `folder`.
    """

    path: Path
    folder: Path
    asked: Asked
    selection: Selection
    same_source: int
    levels: list[AtLevel]
    robustness: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        """Nodes."""
        return len(self.selection.rows)


def labels(taus: Sequence[float]) -> list[str]:
    """Return thresholds as short text, each another."""
    short = [f"{tau:.4g}" for tau in taus]
    return [text if short.count(text) == 1 else repr(tau) for text, tau in zip(short, taus, strict=True)]
