"""The preprocessing recipe and the energy grid, and the fingerprint that stands in every file and bundle."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .errors import ChandraEmbedError

UNITS = {"rate": "count s-1 keV-1", "flux": "photon cm-2 s-1 keV-1"}


@dataclass(frozen=True)
class Recipe:
    """How a spectrum becomes `n_bins` numbers.

    Parameters
    ----------
    quantity : {"rate", "flux"}
        Rate density (counts s^-1 keV^-1) or flux density (photons cm^-2 s^-1 keV^-1, approximate,
        not unfolded).
    group_min : int
        Channels are grouped to at least so many source counts.
    energy_lo, energy_hi : float
        Ends of the grid, keV.
    n_bins : int
        Bins of the grid, equal in log energy.
    version : int
        Raised whenever the same settings give other numbers.
    """

    quantity: str = "rate"
    group_min: int = 5
    energy_lo: float = 0.5
    energy_hi: float = 8.0
    n_bins: int = 400
    version: int = 1

    def __post_init__(self) -> None:
        if self.quantity not in UNITS:
            raise ChandraEmbedError(f"quantity {self.quantity!r}: give one of {', '.join(UNITS)}")
        if self.group_min < 1:
            raise ChandraEmbedError(f"group_min {self.group_min}: give a whole number, at least 1")

    @property
    def unit(self) -> str:
        """Unit of the quantity on the grid."""
        return UNITS[self.quantity]

    def energy_edges(self) -> NDArray[np.float64]:
        """Return the edges of the grid, shape (n_bins + 1,), float64, keV."""
        return _edges(self.energy_lo, self.energy_hi, self.n_bins).copy()

    def to_json(self) -> str:
        """Return the recipe as canonical JSON (sorted keys, no spaces, repr floats)."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of :meth:`to_json`, in hexadecimal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@lru_cache(maxsize=8)
def _edges(lo: float, hi: float, n: int) -> NDArray[np.float64]:
    edges = np.geomspace(lo, hi, n + 1)
    edges[0], edges[-1] = lo, hi
    return edges


def recipe_from_json(text: str) -> Recipe:
    """Return the recipe that canonical JSON describes.

    Raises
    ------
    ChandraEmbedError
        The text is no recipe of this version of the program.
    """
    try:
        return Recipe(**json.loads(text))
    except (TypeError, ValueError) as error:
        raise ChandraEmbedError(f"recipe {text!r} cannot be read ({error}); upgrade chandra-embed") from error
