"""The distribution of one parameter of a class, and the sub-populations that have them."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """A normal distribution in the natural space of a parameter (`log`: its decadic logarithm) with limits.

    `centre`, `lo`, `hi` in the parameter's unit; `sigma` in dex if `log`, else in the unit.
    """

    centre: float
    sigma: float
    lo: float
    hi: float
    log: bool

    def draw(self, z: float, spread: float) -> float:
        """Return the value `spread` x `z` sigma from the centre; beyond a limit it is folded back inside."""
        if not self.log:
            return _fold(self.centre + spread * self.sigma * z, self.lo, self.hi)
        x = math.log10(self.centre) + spread * self.sigma * z
        return float(10 ** _fold(x, math.log10(self.lo), math.log10(self.hi)))


def _fold(x: float, lo: float, hi: float) -> float:
    """Reflect at the limits as often as needed: no heap at a limit, as clipping would leave."""
    if lo <= x <= hi:
        return x
    width = hi - lo
    return lo + width - abs((x - lo) % (2 * width) - width)


def logarithmic(centre: float, dex: float, lo: float, hi: float) -> Range:
    """Return a range in the logarithm, `dex` wide."""
    return Range(centre, dex, lo, hi, log=True)


def linear(centre: float, sigma: float, lo: float, hi: float) -> Range:
    """Return a range in the value itself."""
    return Range(centre, sigma, lo, hi, log=False)


@dataclass(frozen=True)
class Population:
    """A kind of source within a class.

    `first` and `second` ("" if none) name the components, `weight` its weight in the class. Ranges: `nh` the
    column before everything, `nh_inner` a further one before the first component that lets the part `leak`
    pass beside it (1e22 cm^-2); `gamma` photon index; `kt`, `kt2` temperatures of the first and the second
    component (keV); `abundance` (solar); `share` of the second component in the unabsorbed photons of
    0.5-7.0 keV; `redshift`; `line` equivalent width of Fe K alpha (keV, at the source).
    """

    name: str
    weight: float
    first: str
    second: str
    nh: Range
    gamma: Range | None = None
    kt: Range | None = None
    kt2: Range | None = None
    abundance: Range | None = None
    share: Range | None = None
    nh_inner: Range | None = None
    leak: Range | None = None
    redshift: Range | None = None
    line: Range | None = None
