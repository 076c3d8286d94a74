"""Arrival times and energies of the events of one detection, with the times in which it was watched."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EventList:
    """Events of one detection, 0.5-7.0 keV or wider, in the order of their times.

    Parameters
    ----------
    time : ndarray, shape (n,), float64
        s since `zero`, ascending.
    energy : ndarray, shape (n,), float32
        keV.
    gti : ndarray, shape (m, 2), float64
        Start and stop of each good time interval, s since `zero`; ascending and disjoint, m at least 1.
    zero : float
        Start of the first good time interval, s of mission time (MJD 50814.0 TT on); NaN where not known.
    """

    time: Array
    energy: NDArray[np.float32]
    gti: Array
    zero: float = np.nan

    def __post_init__(self) -> None:
        if self.time.shape != self.energy.shape or self.time.ndim != 1:
            raise ValueError(f"times {self.time.shape} and energies {self.energy.shape}: give one of each")
        if self.gti.ndim != 2 or self.gti.shape[1] != 2 or not len(self.gti):
            raise ValueError(f"good time intervals have shape {self.gti.shape}: give (m, 2), m at least 1")
        if not (np.diff(self.gti.ravel()) >= 0).all() or not self.livetime > 0:
            raise ValueError("good time intervals must ascend, be disjoint and hold some time")
        if not (np.diff(self.time) >= 0).all():
            raise ValueError("times must ascend")

    def __len__(self) -> int:
        return len(self.time)

    @property
    def livetime(self) -> float:
        """Sum of the good time intervals, s."""
        return float((self.gti[:, 1] - self.gti[:, 0]).sum())

    def elapsed(self) -> Array:
        """Return good time gone by before each event, shape (n,), float64, s: the gaps cut out."""
        length = self.gti[:, 1] - self.gti[:, 0]
        before = np.concatenate([[0.0], np.cumsum(length)])
        k = np.clip(np.searchsorted(self.gti[:, 0], self.time, side="right") - 1, 0, len(length) - 1)
        inside: Array = np.clip(self.time - self.gti[k, 0], 0.0, length[k])
        return before[k] + inside

    def band(self, low: float, high: float) -> "EventList":
        """Return the events of energy in [low, high), keV."""
        inside = (self.energy >= low) & (self.energy < high)
        return EventList(self.time[inside], self.energy[inside], self.gti, self.zero)
