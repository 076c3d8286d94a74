"""Rare sources to plant among simulated normal ones, so that a search for anomalies can be measured.

Pointing, exposure and counts are the generic population's. The papers beside a range say what is observed;
rounding it to a centre and a width, shares of kinds and every range marked "choice" are ours.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..hardness import BANDS, RATIOS
from ..preprocess import Observation, band_counts, mean_area
from ..recipe import Recipe
from ..variability import variability_columns
from .components import Grid, component, grid
from .events import SimulatedEvents, draw_events, draw_intervals, mission_time
from .lightcurves import LightCurveShape
from .population import background, draw
from .ranges import linear, logarithmic
from .response import acis_response
from .spectra import Drawn, Simulated, assemble, fold_density

Array = NDArray[np.float64]
ULX, SUPERSOFT, YSO = "ULX-like", "supersoft", "flaring YSO"
CLASS = "rare: "  # begins the class of every planted row
PERCENT = (1.0, 99.0)  # of the normal rows, between which planted ones lie
_TRIES = 20_000
_STREAM = 2  # the generic population's rows draw from [seed, row] and [seed, row, 1]
_NAN = float("nan")

# ULX. Columns: Swartz et al. 2004, ApJS 154, 519; Winter, Mushotzky & Reynolds 2006, ApJ 649, 730
_ULX_NH = logarithmic(0.4, 0.25, 0.08, 2.0)
# curvature above some 3 keV: Stobbart, Roberts & Wilms 2006, MNRAS 368, 397; Gladstone, Roberts & Done 2009,
# MNRAS 397, 1836; hard and curved with a cut-off of 4-8 keV: Pintore et al. 2017, ApJ 836, 113
_ULX_GAMMA = linear(0.9, 0.30, 0.2, 1.6)
_ULX_CUTOFF = logarithmic(5.0, 0.12, 3.0, 9.0)
# cool discs of 0.1-0.4 keV beside cool, thick coronae of 1-2.5 keV: Gladstone, Roberts & Done 2009; the
# corona as a power law cut off near three times its temperature: choice
_ULX_DISC = logarithmic(0.22, 0.15, 0.10, 0.45)
_ULX_TAIL = linear(1.4, 0.25, 0.8, 2.0)
_ULX_TAIL_CUTOFF = logarithmic(4.5, 0.12, 3.0, 8.0)
_ULX_SHARE = logarithmic(0.25, 0.25, 0.05, 0.6)  # of the disc; choice
# dips of 100-300 s and trains of them that take most of the flux: Stobbart, Roberts & Warwick 2004, MNRAS
# 351, 1063;
# flares: Sivakoff et al. 2005, ApJ 624, L17; Irwin et al. 2016, Nature 538, 356; red noise of tens of per
# cent in some: Heil, Vaughan & Roberts 2009, MNRAS 397, 1061. Ranges: choice
_DIP_DEPTH = logarithmic(0.75, 0.10, 0.5, 0.95)
_DIP_PERIOD = logarithmic(4e3, 0.30, 1e3, 15e3)  # s
_DIP_PART = linear(0.30, 0.08, 0.15, 0.45)
_ULX_FLARE = logarithmic(6.0, 0.20, 3.0, 20.0)
_ULX_DECAY = logarithmic(1.5e3, 0.25, 400.0, 6e3)  # s

# supersoft sources: Kahabka & van den Heuvel 1997, ARA&A 35, 69; Kahabka 2006, AdSpR 38, 2836 (20-100 eV);
# Greiner 2000, New Astron. 5, 137; other galaxies: Di Stefano & Kong 2003, ApJ 592, 884
_SOFT_KT = logarithmic(0.07, 0.15, 0.03, 0.12)
_SOFT_NH = logarithmic(0.06, 0.40, 0.005, 0.6)

# young stars: columns and the corona between flares: Getman et al. 2005, ApJS 160, 319
_YSO_NH = logarithmic(0.6, 0.40, 0.03, 5.0)
_YSO_KT = logarithmic(0.90, 0.15, 0.3, 1.6)
_YSO_ABUNDANCE = logarithmic(0.3, 0.25, 0.05, 1.0)
# plasma at the flare of 3-10 keV and more: Favata et al. 2005, ApJS 160, 469; Getman et al. 2008, ApJ 688,
# 418; its share of all photons follows from flares of this size: choice
_FLARE_KT = logarithmic(5.5, 0.15, 3.0, 10.0)
_FLARE_SHARE = linear(0.88, 0.06, 0.7, 0.98)
# fast rise and decay over 1-60 ks, peaks of ten to hundreds of times the level between: Getman et al. 2008;
# ranges: choice
_FLARE_PEAK = logarithmic(50.0, 0.25, 15.0, 200.0)
_FLARE_DECAY = logarithmic(4e3, 0.25, 1e3, 15e3)  # s


@dataclass(frozen=True)
class Limits:
    """Ranges that a planted detection has to lie in: net counts, and each hardness ratio that is defined."""

    net_counts: tuple[float, float]
    hard_hs: tuple[float, float]
    hard_hm: tuple[float, float]
    hard_ms: tuple[float, float]

    @classmethod
    def measure(cls, columns: Mapping[str, ArrayLike], percent: tuple[float, float] = PERCENT) -> Self:
        """Return the percentiles of normal detections.

        Parameters
        ----------
        columns : mapping of str to array_like, shape (n,)
            ``net_counts``, ``hard_hs``, ``hard_hm``, ``hard_ms``; NaN does not count.
        percent : tuple of float
            Lower and upper percentile.
        """
        found = [np.nanpercentile(np.asarray(columns[f.name], np.float64), percent) for f in fields(cls)]
        return cls(*((float(low), float(high)) for low, high in found))

    def hold(self, values: Mapping[str, float]) -> bool:
        """Whether every value that is defined lies inside, ends included."""
        ranges = ((getattr(self, f.name), values[f.name]) for f in fields(self))
        return all(math.isnan(value) or low <= value <= high for (low, high), value in ranges)


@dataclass(frozen=True)
class _Source:
    """What one rare source emits: its parameters, and its photon density (keV^-1, up to a factor)."""

    density: Array
    shape: str
    nh: float
    gamma: float = _NAN
    kt: float = _NAN
    kt2: float = _NAN
    abundance: float = _NAN


def simulate_rare(kind: str, n: int, seed: int, recipe: Recipe, within: Limits) -> Iterator[Simulated]:
    """Simulate rare detections 0 to n - 1, each of a source of its own.

    Everything is drawn again until net counts and hardness ratios lie inside `within`: what sets these
    sources apart is then neither their brightness nor a band.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    n : int
        How many.
    seed : int
        Row i depends on the seed, the kind and i alone.
    recipe : Recipe
        What the spectra are put through.
    within : Limits
        As measured on the normal rows.

    Yields
    ------
    Simulated
        Its class is ``rare: `` and the kind; with hardness ratios (without their limits).

    Raises
    ------
    ValueError
        There is no such kind, or no draw of it lies inside.
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r}: give one of {', '.join(KINDS)}")
    for row in range(n):
        yield _simulate_row(kind, row, seed, recipe, within)


def hardness_ratios(observation: Observation) -> dict[str, float]:
    """Return hard_hs, hard_hm and hard_ms of a detection that has an effective area, without limits.

    The values are those of :func:`~chandra_embed.inference.hardness.hardness_columns`, whose limits take ten
    times as long.
    """
    flux = {}
    for band, (lo, hi) in BANDS.items():
        (area,), _ = mean_area(observation, np.array([lo, hi]))
        flux[band] = max(band_counts(observation, lo, hi)[2], 0.0) / (observation.exposure * area)
    found = {}
    for x, y in RATIOS:
        both = flux[x] + flux[y]
        found[f"hard_{x}{y}"] = float((flux[x] - flux[y]) / both) if both > 0 else _NAN
    return found


def _simulate_row(kind: str, row: int, seed: int, recipe: Recipe, within: Limits) -> Simulated:
    """Draw until one lies inside, and give it its light curve."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, row, _STREAM + list(KINDS).index(kind)]))
    of_kind = KINDS[kind]
    for _ in range(_TRIES):
        d = draw(rng)
        response = acis_response(d.chip, d.epoch, d.theta)
        r = response.redistribution
        source = of_kind.source(grid(r.energy_lo, r.energy_hi), rng)
        expected, flux = fold_density(source.density, d, response)
        behind = background(d)
        counts, beside = rng.poisson(expected + behind), rng.poisson(behind * d.ratio)
        label = f"simulated {kind} {seed}:{row}"
        drawn = Drawn(d, counts, beside, expected, behind, response, flux, label)
        seen = drawn.observation
        ratios = hardness_ratios(seen)
        if within.hold({"net_counts": band_counts(seen)[2], **ratios}):
            break
    else:
        raise ValueError(f"none of {_TRIES:,} sources of kind {kind!r} lies inside {within}")
    parameters = {name: getattr(source, name) for name in ("shape", "nh", "gamma", "kt", "abundance")}
    drawn = replace(drawn, d=replace(d, **parameters))
    made = assemble(drawn, _events(drawn, of_kind, rng), recipe)
    truth = {"population": kind, "nh_total": source.nh, "kt2": source.kt2}
    named = {"class": f"{CLASS}{kind}", **ratios}
    return replace(made, detection=made.detection | named, truth=made.truth | truth)


def _events(drawn: Drawn, kind: "_Kind", rng: np.random.Generator) -> SimulatedEvents:
    """Draw the events as the kind varies."""
    r, d = drawn.response.redistribution, drawn.d
    gti = draw_intervals(d.exposure, rng)
    light = kind.light(float(gti[-1, 1]), rng)
    events = draw_events(
        drawn.counts,
        drawn.source_fraction,
        r.channel_lo,
        r.channel_hi,
        d.exposure,
        light,
        rng,
        gti,
        mission_time(d.epoch),
    )
    return SimulatedEvents(events, light, variability_columns(events))


def cutoff_powerlaw(energy: Array, gamma: float, cutoff: float) -> Array:
    """Return E^-gamma exp(-E / cutoff), up to a factor; keV."""
    density: Array = np.exp(-gamma * np.log(energy) - energy / cutoff)
    return density


def disc_blackbody(energy: Array, kt: float) -> Array:
    """Photon spectrum of a thin disc whose inner edge has temperature `kt`, up to a factor; keV.

    The integral over x = T / T_in of x^(-11/3) E^2 / (exp(E / (kt x)) - 1) (Mitsuda et al. 1984, PASJ 36,
    741); what the parts below T_in / 100 add is left out.
    """
    log_x = np.linspace(math.log(0.01), 0.0, 600)
    x = np.exp(log_x)[:, None]
    with np.errstate(over="ignore"):  # the coldest parts emit nothing at these energies
        rings = x ** (-8 / 3) / np.expm1(energy / (kt * x))  # d x = x d ln x
    density: Array = energy**2 * np.trapezoid(rings, log_x, axis=0)
    return density


def _unit(g: Grid, density: Array) -> Array:
    """Scale to 1 photon in 0.5-7.0 keV."""
    scaled: Array = density / float(density[g.band] @ g.width[g.band])
    return scaled


def _ulx(g: Grid, rng: np.random.Generator) -> _Source:
    """A hard power law that is cut off, or a cool disc with a tail that is."""
    u = rng.random()
    z = rng.standard_normal(5).tolist()
    nh = _ULX_NH.draw(z[0], 1)
    absorbed = np.exp(-nh * g.sigma)
    if u < 0.5:
        gamma, cutoff = _ULX_GAMMA.draw(z[1], 1), _ULX_CUTOFF.draw(z[2], 1)
        return _Source(cutoff_powerlaw(g.energy, gamma, cutoff) * absorbed, "cutoff powerlaw", nh, gamma)
    gamma, cutoff = _ULX_TAIL.draw(z[1], 1), _ULX_TAIL_CUTOFF.draw(z[2], 1)
    kt, share = _ULX_DISC.draw(z[3], 1), _ULX_SHARE.draw(z[4], 1)
    density = share * _unit(g, disc_blackbody(g.energy, kt))
    density += (1 - share) * _unit(g, cutoff_powerlaw(g.energy, gamma, cutoff))
    return _Source(density * absorbed, "disc+cutoff powerlaw", nh, gamma, kt)


def _supersoft(g: Grid, rng: np.random.Generator) -> _Source:
    """A blackbody below 0.12 keV."""
    z = rng.standard_normal(2).tolist()
    nh, kt = _SOFT_NH.draw(z[0], 1), _SOFT_KT.draw(z[1], 1)
    return _Source(component(g, "blackbody", _NAN, kt, _NAN) * np.exp(-nh * g.sigma), "blackbody", nh, kt=kt)


def _yso(g: Grid, rng: np.random.Generator) -> _Source:
    """Plasma of the corona, and the hotter one of the flare, which gives most photons."""
    z = rng.standard_normal(5).tolist()
    nh, kt, kt2 = _YSO_NH.draw(z[0], 1), _YSO_KT.draw(z[1], 1), _FLARE_KT.draw(z[2], 1)
    abundance, share = _YSO_ABUNDANCE.draw(z[3], 1), _FLARE_SHARE.draw(z[4], 1)
    density = (1 - share) * component(g, "thermal", _NAN, kt, abundance)
    density += share * component(g, "thermal", _NAN, kt2, abundance)
    return _Source(
        density * np.exp(-nh * g.sigma), "thermal+thermal", nh, kt=kt, kt2=kt2, abundance=abundance
    )


def _flare(amplitude: float, decay: float, span: float, u: float) -> LightCurveShape:
    """A flare whose peak falls into the first four fifths of the observation."""
    return LightCurveShape("flare", amplitude, _NAN, 0.8 * u * span, decay)


def _ulx_light(span: float, rng: np.random.Generator) -> LightCurveShape:
    """Dips that recur, or a flare; one half each, a choice."""
    u, when = rng.random(2).tolist()
    z = rng.standard_normal(3).tolist()
    if u < 0.5:
        period = _DIP_PERIOD.draw(z[1], 1)
        return LightCurveShape(
            "dip", _DIP_DEPTH.draw(z[0], 1), period, when * period, _DIP_PART.draw(z[2], 1) * period
        )
    return _flare(_ULX_FLARE.draw(z[0], 1), _ULX_DECAY.draw(z[1], 1), span, when)


def _constant_light(span: float, rng: np.random.Generator) -> LightCurveShape:
    """Supersoft sources vary over days and longer."""
    return LightCurveShape()


def _yso_light(span: float, rng: np.random.Generator) -> LightCurveShape:
    when = rng.random()
    z = rng.standard_normal(2).tolist()
    return _flare(_FLARE_PEAK.draw(z[0], 1), _FLARE_DECAY.draw(z[1], 1), span, when)


@dataclass(frozen=True)
class _Kind:
    """How one kind emits and varies."""

    source: Callable[[Grid, np.random.Generator], _Source]
    light: Callable[[float, np.random.Generator], LightCurveShape]


KINDS = {
    ULX: _Kind(_ulx, _ulx_light),
    SUPERSOFT: _Kind(_supersoft, _constant_light),
    YSO: _Kind(_yso, _yso_light),
}
