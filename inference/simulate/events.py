"""Arrival times and energies of simulated events: the counts of a simulated spectrum, in good time."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..event_list import EventList
from ..variability import BAND, HIGHLY_VARIABLE, LEAST_EVENTS, probability_of_phases, variability_columns
from .lightcurves import LightCurveShape, draw_light_curve

Array = NDArray[np.float64]

CANDIDATES = 12  # light curves among which a catalog's probability of variability chooses
NEAR = 0.1  # a probability so near to the catalog's ends the search
_BRIGHT, _CANDIDATES_BRIGHT = 3000, 4  # fewer candidates for more events than these
_YEAR = 365.25 * 86400  # s
# a choice: two of three observations are in one piece; perigee passages and lost telemetry cut the others
_INTERVALS = (0.68, 0.16, 0.08, 0.05, 0.03)
_GAP = (0.003, 0.5)  # of the exposure, log-uniform: choice
_LEAST_PART = 0.02  # of the exposure: the shortest good time interval


@dataclass(frozen=True)
class SimulatedEvents:
    """Events of one simulated detection, and what they were drawn from.

    Parameters
    ----------
    events : EventList
        Source and background in the aperture.
    shape : LightCurveShape
        How the source varied.
    columns : dict of str to float
        Columns of variability as measured on these events.
    """

    events: EventList
    shape: LightCurveShape
    columns: dict[str, float]


def mission_time(epoch: float) -> float:
    """Return s of mission time, which runs from 1998.0, of a number of years since 1999.0."""
    return (epoch + 1) * _YEAR


def draw_intervals(exposure: float, rng: np.random.Generator) -> Array:
    """Draw one to five good time intervals.

    Parameters
    ----------
    exposure : float
        s, their sum.
    rng : Generator
        Random numbers.

    Returns
    -------
    ndarray, shape (m, 2), float64
        Starts and stops, s; the first starts at 0.
    """
    m = 1 + int(np.searchsorted(np.cumsum(_INTERVALS)[:-1], rng.random(), side="right"))
    part = _LEAST_PART + (1 - m * _LEAST_PART) * rng.dirichlet(np.ones(m))
    gap = exposure * _GAP[0] * (_GAP[1] / _GAP[0]) ** rng.random(m)
    gap[0] = 0.0
    stop = np.cumsum(exposure * part + gap)
    return np.column_stack([stop - exposure * part, stop])


def draw_events(
    counts: NDArray[Any],
    source_fraction: Array,
    channel_lo: Array,
    channel_hi: Array,
    exposure: float,
    shape: LightCurveShape,
    rng: np.random.Generator,
    gti: Array | None = None,
    zero: float = math.nan,
) -> EventList:
    """Draw the events behind counts by channel.

    Parameters
    ----------
    counts : ndarray, shape (n,), whole numbers
        Counts in the aperture by channel; each becomes that many events.
    source_fraction : ndarray, shape (n,), float64
        Chance that a count of the channel is of the source; the rest is background, which is constant.
    channel_lo, channel_hi : ndarray, shape (n,), float64
        keV; energies are uniform within a channel.
    exposure : float
        s.
    shape : LightCurveShape
        How the source varies.
    rng : Generator
        Random numbers.
    gti : ndarray, shape (m, 2), float64, optional
        Good time, s; without it drawn by :func:`draw_intervals`.
    zero : float
        Mission time of the start, s.

    Returns
    -------
    EventList
        Exactly `counts.sum()` events; histogrammed on the channels they give `counts` again.
    """
    gti = draw_intervals(exposure, rng) if gti is None else gti
    energy, of_source = _energies(counts, source_fraction, channel_lo, channel_hi, rng)
    return _event_list(energy, _elapsed(of_source, gti, shape, rng), gti, zero)


def draw_detection(
    counts: NDArray[Any],
    source_fraction: Array,
    channel_lo: Array,
    channel_hi: Array,
    exposure: float,
    epoch: float,
    rng: np.random.Generator,
    kind_of_source: str = "",
    population: str = "",
    var_prob: float = math.nan,
) -> SimulatedEvents:
    """Draw good time, light curve and events of one detection.

    Where a catalog gives a probability of variability, up to :data:`CANDIDATES` light curves are drawn, and
    of those whose measured Gregory-Loredo probability is on the catalog's side of 0.9 the nearest is kept;
    if none is on that side, the nearest of all.

    Parameters
    ----------
    counts, source_fraction, channel_lo, channel_hi, exposure, rng
        As :func:`draw_events` takes them.
    epoch : float
        Start, years since 1999.0.
    kind_of_source, population, var_prob
        As :func:`.lightcurves.draw_light_curve` takes them.

    Returns
    -------
    SimulatedEvents
    """
    gti = draw_intervals(exposure, rng)
    energy, of_source = _energies(counts, source_fraction, channel_lo, channel_hi, rng)
    in_band = (energy >= BAND[0]) & (energy < BAND[1])
    choose = math.isfinite(var_prob) and int(in_band.sum()) >= LEAST_EVENTS
    best: tuple[tuple[bool, float], Array, LightCurveShape] | None = None
    for _ in range((CANDIDATES if len(energy) <= _BRIGHT else _CANDIDATES_BRIGHT) if choose else 1):
        shape = draw_light_curve(kind_of_source, population, rng, var_prob, float(gti[-1, 1]))
        gone = _elapsed(of_source, gti, shape, rng)
        far = _distance(np.sort(gone[in_band]) / exposure, exposure, var_prob) if choose else (False, 0.0)
        if best is None or far < best[0]:
            best = (far, gone, shape)
        if _ends(far):
            break
    assert best is not None
    events = _event_list(energy, best[1], gti, mission_time(epoch))
    return SimulatedEvents(events, best[2], variability_columns(events))


def _distance(phase: Array, exposure: float, var_prob: float) -> tuple[bool, float]:
    """Return whether the measured probability is on the wrong side of 0.9, and how far from the catalog's.

    A quick look; near 0.9 it is measured in full.
    """
    found = probability_of_phases(phase, exposure, quick=True)
    if abs(found - HIGHLY_VARIABLE) < NEAR:
        found = probability_of_phases(phase, exposure)
    return (found > HIGHLY_VARIABLE) != (var_prob > HIGHLY_VARIABLE), abs(found - var_prob)


def _ends(far: tuple[bool, float]) -> bool:
    return not far[0] and far[1] < NEAR


def _energies(
    counts: NDArray[Any], source_fraction: Array, lo: Array, hi: Array, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the energy of each event and whether it is of the source, in the order of the channels."""
    channel = np.repeat(np.arange(len(counts)), np.asarray(counts).astype(np.int64))
    u, v = rng.random((2, len(channel)))
    a, b = lo[channel], hi[channel]
    energy = (a + u * (b - a)).astype(np.float32)
    # rounding to float32 must not carry an event over the edge of its channel
    energy = np.where(energy.astype(np.float64) >= b, np.nextafter(energy, np.float32(0)), energy)
    energy = np.where(energy.astype(np.float64) < a, np.nextafter(energy, np.float32(np.inf)), energy)
    return energy, v < source_fraction[channel]


def _elapsed(
    of_source: NDArray[np.bool_], gti: Array, shape: LightCurveShape, rng: np.random.Generator
) -> Array:
    """Draw the good time gone by before each event: of the source by its shape, of the background evenly."""
    length = gti[:, 1] - gti[:, 0]
    total = float(length.sum())
    gone = total * rng.random(len(of_source))
    if shape.kind == "constant":
        return gone
    missing = np.flatnonzero(of_source)
    share = 1.0
    while len(missing):
        tried = int(len(missing) / share * 1.1) + 8
        found = total * rng.random(tried)
        found = found[rng.random(tried) * shape.greatest < shape.rate(_clock(found, gti))]
        share = max(len(found) / tried, 0.02)
        gone[missing[: len(found)]] = found[: len(missing)]
        missing = missing[len(found) :]
    return gone


def _clock(gone: Array, gti: Array) -> Array:
    """Return the times, s, at which so much good time has gone by."""
    length = gti[:, 1] - gti[:, 0]
    before = np.concatenate([[0.0], np.cumsum(length)])
    k = np.clip(np.searchsorted(before, gone, side="right") - 1, 0, len(length) - 1)
    time: Array = np.clip(gti[k, 0] + (gone - before[k]), gti[k, 0], gti[k, 1])
    return time


def _event_list(energy: NDArray[np.float32], gone: Array, gti: Array, zero: float) -> EventList:
    time = _clock(gone, gti)
    order = np.argsort(time, kind="stable")
    return EventList(time[order], energy[order], gti, zero)
