"""How simulated sources vary within one observation: kinds of light curves, and which sources show which.

The papers beside an entry say that such sources vary so and on what times; shares, ranges of strength and
every range marked "choice" are ours. One flare, one dip, strict eclipses or one sinusoid stand for what is in
truth richer: red noise, several flares, dips and pulses of many shapes.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Span = tuple[float, float]

KINDS = ("constant", "flare", "dip", "eclipse", "periodic")
RISE = 0.15  # time of a flare's rise over that of its decay
VARIABLE = 0.9  # above it a catalog calls a source highly variable
_ODDS_VARIABLE, _ODDS_STEADY = 20.0, 0.3  # on the shares of what varies, where the catalog knows


@dataclass(frozen=True)
class LightCurveShape:
    """The source's rate over time, up to a factor.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    amplitude : float
        Flare: peak over quiescent rate. Dip and eclipse: part of the rate that is lost. Periodic: half the
        range over the mean. Constant: 0.
    period : float
        s, of eclipses, recurrent dips and pulses; NaN where nothing recurs.
    start : float
        s since zero: peak of the flare, middle of a dip or eclipse, greatest rate of a pulse.
    length : float
        s: e-folding time of a flare's decay, full width of a dip or eclipse; NaN for the others.
    """

    kind: str = "constant"
    amplitude: float = 0.0
    period: float = math.nan
    start: float = 0.0
    length: float = math.nan

    def rate(self, time: Array) -> Array:
        """Return the rate at each time (s since zero), over the rate outside flares and dips.

        Parameters
        ----------
        time : ndarray, shape (n,), float64

        Returns
        -------
        ndarray, shape (n,), float64
            Not negative, at most :attr:`greatest`. A pulse's is over its mean.
        """
        off = time - self.start
        if self.kind == "constant":
            return np.ones(time.shape)
        if self.kind == "flare":
            slope = np.where(off < 0, 1 / (RISE * self.length), -1 / self.length)
            return 1 + (self.amplitude - 1) * np.exp(slope * off)
        if self.kind == "periodic":
            return 1 + self.amplitude * np.cos(2 * np.pi / self.period * off)
        if not math.isnan(self.period):
            off = off - self.period * np.round(off / self.period)
        inside = np.abs(off) < self.length / 2
        if self.kind == "dip":  # a cosine: no sharp edges
            return 1 - self.amplitude * np.where(inside, np.cos(np.pi / self.length * off), 0.0)
        return np.where(inside, 1 - self.amplitude, 1.0)

    @property
    def greatest(self) -> float:
        """The greatest value that :meth:`rate` takes."""
        if self.kind == "flare":
            return self.amplitude
        return 1 + self.amplitude if self.kind == "periodic" else 1.0


@dataclass(frozen=True)
class Habit:
    """One way in which sources vary: a kind, the share of detections that show it, and its ranges.

    `time` s, log-uniform: e-folding time of a flare, length of a dip that does not recur, else the period;
    `amplitude` log-uniform; `part` of the period that a dip or an eclipse takes (0: it does not recur).
    """

    kind: str
    share: float
    amplitude: Span
    time: Span
    part: Span = (0.0, 0.0)


# class -> sub-population -> what is not constant; "" is every other sub-population
_CORONAL = (
    # cool stars: Pye et al. 2015, A&A 581, A28 (peaks of a few to some ten times, 1-10 ks); Guedel 2004,
    # A&ARv 12, 71
    Habit("flare", 0.15, (1.5, 15.0), (800.0, 10e3)),
)
_CORONAL_FLARING = (Habit("flare", 0.6, (2.0, 60.0), (800.0, 12e3)),)
# pre-main-sequence stars: Wolk et al. 2005, ApJS 160, 423; Getman et al. 2008, ApJ 688, 418 (decays of hours)
_YOUNG = (Habit("flare", 0.12, (1.5, 10.0), (2e3, 20e3)),)
_YOUNG_FLARING = (Habit("flare", 0.65, (2.5, 100.0), (2e3, 25e3)),)

HABITS: dict[str, dict[str, tuple[Habit, ...]]] = {
    "AGN": {
        "type 1": (
            # red noise: Gonzalez-Martin & Vaughan 2012, A&A 544, A80; as slow flares: choice
            Habit("flare", 0.06, (1.3, 4.0), (5e3, 40e3)),
        ),
        "type 2": (
            # clouds of the broad-line region: Risaliti et al. 2007, ApJ 659, L111; Markowitz, Krumpe &
            # Nikutta 2014, MNRAS 439, 1403 (most last longer than one observation)
            Habit("dip", 0.02, (0.4, 0.95), (5e3, 60e3)),
            Habit("flare", 0.03, (1.3, 3.0), (5e3, 40e3)),
        ),
        "": (),
    },
    "CV": {
        # spin periods of minutes: Patterson 1994, PASP 106, 209; Mukai 2017, PASP 129, 062001
        "intermediate polar": (Habit("periodic", 0.7, (0.15, 0.8), (200.0, 4e3)),),
        # orbits of 80 minutes to some hours, the pole goes behind the limb: Cropper 1990, SSRv 54, 195
        "polar": (
            Habit("eclipse", 0.5, (0.8, 0.98), (4.8e3, 16e3), (0.25, 0.5)),
            Habit("periodic", 0.35, (0.4, 0.95), (4.8e3, 16e3)),
        ),
        "": (
            Habit("flare", 0.12, (1.3, 5.0), (300.0, 6e3)),  # flickering and dwarf novae: choice
            Habit("eclipse", 0.08, (0.7, 0.98), (5e3, 20e3), (0.05, 0.12)),  # high inclination: Mukai 2017
        ),
    },
    "HM-STAR": {
        "gamma Cas": (
            # bursts on all times: Smith, Lopes de Oliveira & Motch 2016, AdSpR 58, 782
            Habit("flare", 0.4, (1.3, 3.0), (300.0, 8e3)),
        ),
        # companions of B stars that flare: Stelzer et al. 2005, ApJS 160, 557
        "B star": _YOUNG,
        # winds vary by up to 15 % over a day or some: Naze, Oskinova & Gosset 2013, ApJ 763, 143
        "": (Habit("periodic", 0.03, (0.05, 0.2), (30e3, 300e3)),),
    },
    "HMXB": {
        # pulses of seconds to a thousand: Reig 2011, Ap&SS 332, 1
        "Be": (
            Habit("periodic", 0.5, (0.2, 0.8), (10.0, 1.2e3)),
            Habit("flare", 0.1, (1.5, 6.0), (500.0, 10e3)),
        ),
        "": (
            # clumpy winds: Walter et al. 2015, A&ARv 23, 2
            Habit("flare", 0.35, (2.0, 30.0), (300.0, 8e3)),
            Habit("periodic", 0.2, (0.2, 0.7), (10.0, 3e3)),
            Habit("eclipse", 0.04, (0.8, 0.98), (120e3, 400e3), (0.1, 0.2)),
        ),
    },
    "LM-STAR": {"flaring": _CORONAL_FLARING, "": _CORONAL},
    "LMXB": {
        # dips and eclipses of edge-on systems, orbits of 1-20 hours: Frank, King & Lasota 1987, A&A
        # 178, 137; Diaz Trigo et al. 2006, A&A 445, 179
        "edge-on": (
            Habit("dip", 0.55, (0.4, 0.95), (3.6e3, 60e3), (0.15, 0.4)),
            Habit("eclipse", 0.3, (0.85, 0.98), (5e3, 50e3), (0.04, 0.1)),
        ),
        # bursts of tens of seconds: Galloway et al. 2008, ApJS 179, 360
        "soft": (
            Habit("flare", 0.08, (5.0, 60.0), (10.0, 60.0)),
            Habit("flare", 0.08, (1.3, 3.0), (1e3, 15e3)),
        ),
        "hard": (
            Habit("flare", 0.06, (5.0, 60.0), (10.0, 60.0)),
            Habit("flare", 0.12, (1.3, 4.0), (500.0, 15e3)),
        ),
        "": (Habit("flare", 0.04, (1.5, 5.0), (1e3, 15e3)),),
    },
    "NS": {
        # periods of 2-12 s, of which the readout blurs the shorter ones; bursts: Olausen & Kaspi 2014, ApJS
        # 212, 6; Kaspi & Beloborodov 2017, ARA&A 55, 261
        "magnetar": (
            Habit("periodic", 0.3, (0.1, 0.6), (7.0, 12.0)),
            Habit("flare", 0.05, (3.0, 50.0), (50.0, 3e3)),
        ),
        "cooling": (Habit("periodic", 0.4, (0.05, 0.2), (7.0, 11.5)),),  # Haberl 2007, Ap&SS 308, 181
        # shocks between pulsar and companion: Gentile et al. 2014, ApJ 783, 69 (orbits of hours)
        "recycled": (Habit("periodic", 0.25, (0.2, 0.7), (7e3, 40e3)),),
        # one of them has 6.67 hours: De Luca et al. 2006, Science 313, 814
        "central compact object": (Habit("periodic", 0.05, (0.2, 0.7), (20e3, 28e3)),),
        "": (),  # pulses far below the readout of 3.2 s
    },
    "YSO": {
        "flaring": _YOUNG_FLARING,
        # Imanishi, Koyama & Tsuboi 2001, ApJ 557, 747: flares of class I stars
        "protostar": (Habit("flare", 0.3, (2.0, 40.0), (2e3, 25e3)),),
        "": _YOUNG,
    },
    # no class: a choice, near the mean of the others
    "": {
        "": (
            Habit("flare", 0.10, (1.5, 30.0), (500.0, 20e3)),
            Habit("periodic", 0.03, (0.1, 0.9), (50.0, 20e3)),
            Habit("dip", 0.02, (0.4, 0.95), (1e3, 30e3)),
            Habit("eclipse", 0.02, (0.8, 0.98), (5e3, 50e3), (0.05, 0.3)),
        )
    },
}


def draw_light_curve(
    kind_of_source: str, population: str, rng: np.random.Generator, var_prob: float, span: float
) -> LightCurveShape:
    """Draw how one source varies while it is watched.

    Parameters
    ----------
    kind_of_source : str
        Class of the source; ``""`` where it has none.
    population : str
        Sub-population within the class.
    rng : Generator
        Takes the same number of random numbers whatever is drawn.
    var_prob : float
        Probability of variability that a catalog gives the source: above 0.9 what varies is drawn 20 times
        as often against what is constant (any kind, where the sub-population knows none), below it 0.3 times;
        NaN: as the sub-population has it.
    span : float
        s from the start to the end of the observation; flares and dips fall into it.

    Returns
    -------
    LightCurveShape

    Raises
    ------
    ValueError
        The class has no habits here.
    """
    if kind_of_source not in HABITS:
        raise ValueError(f"class {kind_of_source!r}: give one of {', '.join(filter(None, HABITS))}, or none")
    of_class = HABITS[kind_of_source]
    habits = of_class.get(population, of_class[""])
    if not habits and var_prob > VARIABLE:
        habits = HABITS[""][""]
    u, u_amplitude, u_time, u_part, u_start = rng.random(5).tolist()
    constant = 1 - sum(h.share for h in habits)
    factor = _ODDS_VARIABLE if var_prob > VARIABLE else 1.0 if math.isnan(var_prob) else _ODDS_STEADY
    left = u * (constant + factor * (1 - constant)) - constant
    for h in habits:
        if left < 0:
            break
        left -= factor * h.share
        if left < 0 or h is habits[-1]:
            return _shape(h, u_amplitude, u_time, u_part, u_start, span)
    return LightCurveShape()


def _shape(
    h: Habit, u_amplitude: float, u_time: float, u_part: float, u_start: float, span: float
) -> LightCurveShape:
    """Return one light curve of a habit from uniform numbers."""
    amplitude, time = _log_uniform(h.amplitude, u_amplitude), _log_uniform(h.time, u_time)
    if h.kind == "flare":
        # one whose peak came before is seen to decay
        return LightCurveShape(h.kind, amplitude, math.nan, u_start * (span + time) - time, time)
    if h.kind == "dip" and not h.part[1]:
        return LightCurveShape(h.kind, amplitude, math.nan, u_start * span, time)
    if h.kind == "periodic":
        return LightCurveShape(h.kind, amplitude, time, u_start * time)
    part = h.part[0] + (h.part[1] - h.part[0]) * u_part
    return LightCurveShape(h.kind, amplitude, time, u_start * time, part * time)


def _log_uniform(span: Span, u: float) -> float:
    return float(span[0] * (span[1] / span[0]) ** u)
