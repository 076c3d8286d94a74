"""Counts of events by energy and time, a row an event list; the twin stands in ``tests/naive.py``."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def good_time(
    time: NDArray[np.float64], start: NDArray[np.float64], stop: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Fill `out` with the good time gone by before each event.

    Parameters
    ----------
    time : ndarray, shape (n,), float64
        s, ascending.
    start, stop : ndarray, shape (m,), float64
        Good time intervals, s, ascending and disjoint, m at least 1.
    out : ndarray, shape (n,), float64
        s; the time of an event between two intervals is the end of the one before.
    """
    k = 0
    before = 0.0
    for i in range(time.size):
        while k + 1 < start.size and start[k + 1] <= time[i]:
            before += stop[k] - start[k]
            k += 1
        out[i] = before + min(max(time[i] - start[k], 0.0), stop[k] - start[k])


@njit(cache=True, nogil=True)
def count_events(
    energy: NDArray[np.float32],
    elapsed: NDArray[np.float64],
    live: float,
    edges: NDArray[np.float32],
    per_part: int,
    time_bins: int,
    intervals: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> int:
    """Count the events of one list: by energy, then by energy, time and interval.

    Parameters
    ----------
    energy : ndarray, shape (n,), float32
        keV; events outside the edges, or NaN, are left out.
    elapsed : ndarray, shape (n,), float64
        Good time gone by before each event, s, finite.
    live : float
        Good time of the list, s, above 0.
    edges : ndarray, shape (e + 1,), float32
        Of the energy bins, keV.
    per_part : int
        Energy bins that share one of the table.
    time_bins : int
        Time bins of the table.
    intervals : ndarray, shape (i,), float64
        Edges between bins of the time since the event before, over its mean; empty: one bin.
    counts : ndarray, shape (e + e/per_part * time_bins * (i + 1),), int64
        Zeros, to be counted up.

    Returns
    -------
    int
        Events counted.
    """
    bins = edges.size - 1
    n = 0
    for i in range(energy.size):
        if energy[i] >= edges[0] and energy[i] < edges[bins]:
            n += 1
    last = 0.0
    for i in range(energy.size):
        if not (energy[i] >= edges[0] and energy[i] < edges[bins]):
            continue
        k = np.searchsorted(edges, energy[i], side="right") - 1
        place = elapsed[i] / live * time_bins
        t = int(place) if place < time_bins - 1 else time_bins - 1
        cell = k // per_part * time_bins + t
        if intervals.size:
            gap = (elapsed[i] - last) * (n / live)
            cell = cell * (intervals.size + 1) + np.searchsorted(intervals, gap, side="right")
            last = elapsed[i]
        counts[k] += 1
        counts[bins + cell] += 1
    return n


@njit(cache=True, nogil=True)
def count_rows(
    offset: NDArray[np.int64],
    time: NDArray[np.float64],
    energy: NDArray[np.float32],
    gti_offset: NDArray[np.int64],
    start: NDArray[np.float64],
    stop: NDArray[np.float64],
    live: NDArray[np.float64],
    edges: NDArray[np.float32],
    per_part: int,
    time_bins: int,
    intervals: NDArray[np.float64],
    rows: NDArray[np.float32],
) -> None:
    """Fill a row for each event list: its counts as :func:`count_events` has them, and its good time.

    Parameters
    ----------
    offset, gti_offset : ndarray, shape (n + 1,), int64
        Row i has events offset[i] to offset[i + 1] - 1, and intervals likewise; without an interval, or
        without an event inside the edges, it stays zero.
    time, energy : ndarray, shape (k,), float64 and float32
        s and keV, of all lists.
    start, stop : ndarray, shape (m,), float64
        Good time intervals of all lists, s.
    live : ndarray, shape (n,), float64
        Good time of each list, s.
    edges, per_part, time_bins, intervals
        As :func:`count_events` takes them.
    rows : ndarray, shape (n, width), float32
        Zeros, to be filled.
    """
    counts = np.zeros(rows.shape[1] - 1, np.int64)
    for i in range(rows.shape[0]):
        a, b, first, end = offset[i], offset[i + 1], gti_offset[i], gti_offset[i + 1]
        if a == b or first == end:
            continue
        elapsed = np.empty(b - a, np.float64)
        good_time(time[a:b], start[first:end], stop[first:end], elapsed)
        counts[:] = 0
        if count_events(energy[a:b], elapsed, live[i], edges, per_part, time_bins, intervals, counts):
            for j in range(counts.size):
                rows[i, j] = counts[j]
            rows[i, counts.size] = live[i]
