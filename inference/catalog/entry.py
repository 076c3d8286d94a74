"""One row of ``spectra.h5`` as it is written: made where a file is read, written where the file is."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import Quarantined
from ..event_list import EventList
from ..preprocess import Observation
from .schema import BY_NAME

if TYPE_CHECKING:
    from .lightcurves import LightCurve

CHANNELS = 1024
WHOLE = {"int8": 2**7, "int32": 2**31, "int64": 2**63}


class Channels(NamedTuple):
    """The counts of one detection as ``/counts`` holds them.

    `source` and `background` (None: there is none) have shape (m,), float32; `lo` and `hi` are the energies
    of the channels, keV, shape (m,), float64.
    """

    source: NDArray[np.float32]
    background: NDArray[np.float32] | None
    scale: float
    lo: NDArray[np.float64]
    hi: NDArray[np.float64]


class Entry(NamedTuple):
    """One detection as it is written: columns, the spectrum on the grid, and what it came from."""

    detection: dict[str, Any]
    value: NDArray[np.float32]
    error: NDArray[np.float32]
    channels: Channels | None
    events: EventList | None = None
    lightcurve: "LightCurve | None" = None


def entry(
    detection: Mapping[str, Any],
    value: NDArray[np.float32],
    error: NDArray[np.float32],
    observation: Observation | None,
    events: EventList | None = None,
    lightcurve: "LightCurve | None" = None,
) -> Entry:
    """Return one detection as it is written; the arguments are those of :meth:`SpectraWriter.append`.

    Raises
    ------
    Quarantined
        A text is longer than its column, or a whole number beyond it.
    """
    for name, given in detection.items():
        column = BY_NAME[name]
        most = WHOLE.get(column.dtype)
        if most and not -most <= given < most:
            raise Quarantined("bad-value", f"{name} is {given}")
        if column.length and len(str(given).encode()) > column.length:
            raise Quarantined(
                "name-too-long", f"{name} has more than {column.length} bytes: {str(given)[:60]!r}..."
            )
    channels = None if observation is None else _channels(observation)
    return Entry(dict(detection), value, error, channels, events, lightcurve)


def _channels(observation: Observation) -> Channels:
    source = observation.counts.astype(np.float32)
    background, scale = None, float("nan")
    if observation.background is not None:
        factor = np.broadcast_to(np.asarray(observation.scale, np.float64), (len(source),))
        scale = float(factor.mean())
        # a scale that varies by channel is folded into the background, so that scale stays one number
        background = (observation.background * (factor / scale if scale else 1.0)).astype(np.float32)
    return Channels(source, background, scale, observation.energy_lo, observation.energy_hi)
