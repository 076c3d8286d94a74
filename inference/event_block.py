"""Event lists of many detections as flat arrays: what compiled code takes, without an object a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .event_list import EventList

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EventBlock:
    """Event lists of `n` rows, one after the other; a row without a good time interval has no list.

    Parameters
    ----------
    offset : ndarray, shape (n + 1,), int64
        Row i holds events offset[i] to offset[i + 1] - 1.
    time : ndarray, shape (k,), float64
        s since a zero of the row's own, ascending within a row.
    energy : ndarray, shape (k,), float32
        keV.
    gti_offset : ndarray, shape (n + 1,), int64
        Row i holds intervals gti_offset[i] to gti_offset[i + 1] - 1.
    gti : ndarray, shape (m, 2), float64
        Start and stop of each good time interval, s; ascending and disjoint within a row.
    """

    offset: NDArray[np.int64]
    time: Array
    energy: NDArray[np.float32]
    gti_offset: NDArray[np.int64]
    gti: Array

    @classmethod
    def of(cls, events: Sequence[EventList | None]) -> Self:
        """Put event lists one after the other; None is a row without a list."""
        some = [one for one in events if one is not None]
        ends = np.cumsum([0 if one is None else len(one) for one in events], dtype=np.int64)
        gti_ends = np.cumsum([0 if one is None else len(one.gti) for one in events], dtype=np.int64)
        return cls(
            np.concatenate([[0], ends]).astype(np.int64),
            np.concatenate([one.time for one in some] or [np.zeros(0)]),
            np.concatenate([one.energy for one in some] or [np.zeros(0, np.float32)]).astype(np.float32),
            np.concatenate([[0], gti_ends]).astype(np.int64),
            np.concatenate([one.gti for one in some] or [np.zeros((0, 2))]),
        )

    def __len__(self) -> int:
        return len(self.offset) - 1

    def rows(self, start: int, stop: int) -> Self:
        """Return rows [start, stop), of the same arrays."""
        stop = min(stop, len(self))
        at, gti_at = self.offset[start : stop + 1], self.gti_offset[start : stop + 1]
        own, good = slice(at[0], at[-1]), slice(gti_at[0], gti_at[-1])
        return type(self)(at - at[0], self.time[own], self.energy[own], gti_at - gti_at[0], self.gti[good])

    def livetime(self) -> Array:
        """Return the sum of the good time intervals of each row, shape (n,), float64, s; 0 without any."""
        length = self.gti[:, 1] - self.gti[:, 0]
        return np.array([length[a:b].sum() for a, b in pairwise(self.gti_offset.tolist())])

    def fault(self) -> tuple[int, str] | None:
        """Return the first row that is no event list, and why, None where all are; as :class:`EventList`."""
        found: list[tuple[int, str]] = []
        falls = ~(np.diff(self.gti.ravel()) >= 0)
        falls[2 * self.gti_offset[1:-1][_inner(self.gti_offset)] - 1] = False  # from one row to the next
        if falls.any():
            at = int(np.argmax(falls)) // 2
            found.append((_row(self.gti_offset, at), "good time intervals must ascend and be disjoint"))
        some = self.gti_offset[1:] > self.gti_offset[:-1]
        empty = some & ~(self.livetime() > 0)
        if empty.any():
            found.append((int(np.argmax(empty)), "good time intervals must hold some time"))
        back = ~(np.diff(self.time) >= 0)
        back[self.offset[1:-1][_inner(self.offset)] - 1] = False
        back = np.concatenate([[False], back])[: len(self.time)] | np.isnan(self.time)
        if back.any():
            found.append((_row(self.offset, int(np.argmax(back))), "times must ascend"))
        return min(found, default=None)


def _inner(offset: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which ends between rows stand between two values, not at the ends of all."""
    inner: NDArray[np.bool_] = (offset[1:-1] > 0) & (offset[1:-1] < offset[-1])
    return inner


def _row(offset: NDArray[np.int64], at: int) -> int:
    return int(np.searchsorted(offset, at, side="right")) - 1
