"""Core and periphery by class of source, with binomial intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
_Z = 1.959963984540054  # of a normal distribution, two-sided 95 %
UNKNOWN = "not known"


@dataclass(frozen=True)
class ClassShare:
    """How the detections of one class divide at one threshold.

    Parameters
    ----------
    source_class : str
        Class; :data:`UNKNOWN` where none was given.
    n, n_sources : int
        Detections and sources among the nodes.
    n_core, n_periphery : int
        Detections inside and outside Lip's core.
    share : float
        n_periphery / n.
    share_lolim, share_hilim : float
        Wilson's 95 % interval of `share`.
    """

    source_class: str
    n: int
    n_sources: int
    n_core: int
    n_periphery: int
    share: float
    share_lolim: float
    share_hilim: float

    def facts(self) -> dict[str, Any]:
        """Return everything for JSON, the class under ``class``."""
        facts = dict(vars(self))
        return {"class": facts.pop("source_class"), **facts}


def wilson(k: int, n: int, z: float = _Z) -> tuple[float, float]:
    """Return Wilson's interval of a binomial proportion.

    The score interval, (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n): Wilson 1927, JASA 22, 209.

    Parameters
    ----------
    k, n : int
        Successes and trials, n at least 1.
    z : float
        Quantile of the normal distribution; default for 95 %.

    Returns
    -------
    low, high : float
        Within 0..1.
    """
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low, high = float(middle - half), float(middle + half)
    # rounding must not shut out the share itself
    return (0.0 if k == 0 else max(0.0, low)), (1.0 if k == n else min(1.0, high))


def class_shares(
    classes: NDArray[Any], source: NDArray[np.int64], is_core: NDArray[np.bool_]
) -> list[ClassShare]:
    """Count core and periphery of each class.

    Parameters
    ----------
    classes : ndarray, shape (n,), str
        Class of each detection, ``""`` where not known.
    source : ndarray, shape (n,), int64
        Source of each, 0 where not known: then a source of its own.
    is_core : ndarray, shape (n,), bool
        Members of the core.

    Returns
    -------
    list of ClassShare
        By name, :data:`UNKNOWN` last. The intervals take detections for independent: those of one source
        are not, so compare `n_sources`.
    """
    found = []
    for name in sorted(set(classes.tolist()), key=lambda name: (name == "", name)):
        of = classes == name
        n, core = int(of.sum()), int((of & is_core).sum())
        codes = source[of]
        n_sources = len(np.unique(codes[codes > 0])) + int((codes == 0).sum())
        low, high = wilson(n - core, n)
        found.append(ClassShare(name or UNKNOWN, n, n_sources, core, n - core, (n - core) / n, low, high))
    return found
