"""The X-ray emission of the eight classes: one source drawn from its class, and its photon spectrum.

The ranges and where they come from are in ``class_ranges``.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .class_ranges import MIXTURE, POPULATIONS
from .components import add_line, component, grid, partial_absorption
from .ranges import Population, Range

Array = NDArray[np.float64]

CLASSES = ("AGN", "CV", "HM-STAR", "HMXB", "LM-STAR", "LMXB", "NS", "YSO")
IRON = 6.40  # keV: Fe K alpha of cold iron
IRON_SIGMA = 0.03  # keV at the source: a choice, narrower than ACIS resolves

# what a given value is clipped to: catalog fits of faint sources run to the ends of their grids
GAMMA_LIMITS = (-1.0, 5.0)
NH_LIMITS = (1e-3, 50.0)  # 1e22 cm^-2
KT_LIMITS = (0.03, 5.0)  # keV

_NAN = float("nan")
_MIXTURE = np.cumsum([MIXTURE[kind] for kind in CLASSES]) / sum(MIXTURE.values())
_FREE = ("nh", "gamma", "kt", "kt2", "abundance", "share", "nh_inner", "leak", "redshift", "line")


@dataclass(frozen=True)
class Physics:
    """What one source emits; a parameter that it does not have is NaN.

    Parameters
    ----------
    kind : str
        One of :data:`CLASSES`.
    population : str
        Sub-population within the class.
    shape : str
        The components, the leading one first: "powerlaw", "thermal+thermal", "blackbody+powerlaw" ...
    nh : float
        Column before everything, 1e22 cm^-2.
    gamma : float
        Photon index of the power law.
    kt, kt2 : float
        Temperatures of the first and the second component, keV, at the source.
    abundance : float
        Of the thermal components, solar.
    share : float
        Of the second component in the unabsorbed photons of 0.5-7.0 keV.
    nh_inner, covering : float
        Column, 1e22 cm^-2, that hides the part `covering` of the first component.
    redshift : float
        Of the inner column, of the line, and of a blackbody; a power law looks the same at any. Thermal
        components are taken as observed.
    line : float
        Equivalent width of Fe K alpha at the source, keV, against the absorbed continuum.
    """

    kind: str
    population: str
    shape: str
    nh: float = _NAN
    gamma: float = _NAN
    kt: float = _NAN
    kt2: float = _NAN
    abundance: float = _NAN
    share: float = _NAN
    nh_inner: float = _NAN
    covering: float = _NAN
    redshift: float = _NAN
    line: float = _NAN

    @property
    def nh_total(self) -> float:
        """Column of all absorbers (1e22 cm^-2), the inner one as if it lay at redshift 0.

        An inner column N at redshift z absorbs about as N (1 + z)^-2.6 does here: above the oxygen edge the
        cross-section falls nearly as E^-2.6 (Morrison & McCammon 1983, ApJ 270, 119).
        """
        if math.isnan(self.nh_inner):
            return self.nh
        z = 0.0 if math.isnan(self.redshift) else self.redshift
        return float(self.nh + self.nh_inner * (1 + z) ** -2.6)

    def photon_density(self, lo: Array, hi: Array) -> Array:
        """Absorbed photon spectrum.

        Parameters
        ----------
        lo, hi : ndarray, shape (k,), float64
            Edges of the energy bins, keV, adjoining and ascending, centres from 0.03 keV up. What depends on
            them alone is kept for the next call.

        Returns
        -------
        ndarray, shape (k,), float64
            Photons cm^-2 s^-1 keV^-1 up to a factor; finite and not negative. Shares are counted over the
            bins inside 0.5-7.0 keV, so a grid that ends within this band changes them.

        Raises
        ------
        ValueError
            If the bins are none, do not ascend or have a centre below 0.03 keV.
        """
        g = grid(lo, hi)
        first, _, second = self.shape.partition("+")
        z = 0.0 if math.isnan(self.redshift) else self.redshift
        kt = self.kt / (1 + z) if first == "blackbody" else self.kt
        density = component(g, first, self.gamma, kt, self.abundance)
        if not math.isnan(self.nh_inner):
            density *= partial_absorption(g, self.nh_inner, self.covering, z)
        if second:
            kt2 = self.kt2 / (1 + z) if second == "blackbody" else self.kt2
            density *= 1 - self.share
            density += self.share * component(g, second, self.gamma, kt2, self.abundance)
        density *= np.exp(-self.nh * g.sigma)
        if not math.isnan(self.line):
            add_line(g, density, IRON / (1 + z), IRON_SIGMA / (1 + z), self.line / (1 + z))
        return density


def draw_physics(
    kind: str,
    rng: np.random.Generator,
    spread: float = 1.0,
    *,
    gamma: float = _NAN,
    nh: float = _NAN,
    kt: float = _NAN,
) -> Physics:
    """Draw one source of a class.

    Parameters
    ----------
    kind : str
        One of :data:`CLASSES`; "" (not known) draws the class from ``class_ranges.MIXTURE``.
    rng : Generator
        Every draw takes the same number of random numbers, so that draws stay in step whatever the class, the
        spread and the values given.
    spread : float
        Scales the width of every parameter about the class's centre: 1 as wide as the literature gives, 0 all
        of a class alike, 2 twice as wide. Values beyond a limit are folded back inside. The weights of the
        sub-populations are raised to 1 / spread: at 0 only the commonest is left, at large spread all are
        alike.
    gamma : float
        Photon index of the source, if known; a leading power law takes it, clipped to :data:`GAMMA_LIMITS`.
        Plasma, blackbodies and the tail beside them are not what a power law was fitted to: they ignore it.
    nh : float
        Column of the source, if known, 1e22 cm^-2, clipped to :data:`NH_LIMITS`. It is the whole column of a
        fit at redshift 0, so there is no inner column then.
    kt : float
        Temperature of a blackbody, if known, keV; a leading blackbody takes it (some sub-populations of CV,
        HMXB, LMXB and NS), clipped to :data:`KT_LIMITS`. Other sub-populations and classes ignore it.

    Returns
    -------
    Physics
        Sub-populations whose range does not hold a value given for their leading component are left out,
        unless none is left.

    Raises
    ------
    ValueError
        If the class is none of the eight, or the spread is negative or not finite.
    """
    if kind and kind not in POPULATIONS:
        raise ValueError(f"class {kind!r}: give one of {', '.join(CLASSES)}, or an empty one")
    if not (math.isfinite(spread) and spread >= 0):
        raise ValueError(f"spread {spread}: give a number not below 0")
    u_kind, u_population = rng.random(2).tolist()
    z = rng.standard_normal(len(_FREE)).tolist()
    if not kind:
        kind = CLASSES[int(np.searchsorted(_MIXTURE[:-1], u_kind, side="right"))]
    gamma, nh, kt = _clip(gamma, GAMMA_LIMITS), _clip(nh, NH_LIMITS), _clip(kt, KT_LIMITS)
    p = _choose(POPULATIONS[kind], u_population, spread, gamma, kt)

    value = {}
    for name, normal in zip(_FREE, z, strict=True):
        r: Range | None = getattr(p, name)
        if r is not None:
            value[name] = r.draw(normal, spread)
    if p.first == "powerlaw" and not math.isnan(gamma):
        value["gamma"] = gamma
    if p.first == "blackbody" and not math.isnan(kt):
        value["kt"] = kt
    leak = value.pop("leak", 0.0)
    if not math.isnan(nh):
        value["nh"] = nh
        value.pop("nh_inner", None)
    if "nh_inner" in value:
        value["covering"] = 1 - leak
    return Physics(kind, p.name, f"{p.first}+{p.second}" if p.second else p.first, **value)


def _clip(value: float, limits: tuple[float, float]) -> float:
    """Clip a given value; what is not a finite number is not given."""
    return min(max(float(value), limits[0]), limits[1]) if math.isfinite(value) else _NAN


def _choose(
    populations: tuple[Population, ...], u: float, spread: float, gamma: float, kt: float
) -> Population:
    """Pick a sub-population that can hold the given values."""
    able = [p for p in populations if _holds(p, gamma, kt)] or list(populations)
    if spread == 0:
        return max(able, key=lambda p: p.weight)
    # the greatest weight becomes 1: no underflow of all of them at a small spread
    greatest = max(p.weight for p in able)
    weights = [(p.weight / greatest) ** (1 / spread) for p in able]
    left = u * sum(weights)
    for p, weight in zip(able, weights, strict=True):
        left -= weight
        if left < 0:
            return p
    return able[-1]


def _holds(p: Population, gamma: float, kt: float) -> bool:
    """Whether the leading component of `p` may have the values given; NaN is no hindrance."""
    if p.first == "powerlaw" and p.gamma is not None:
        return not (gamma < p.gamma.lo or gamma > p.gamma.hi)
    if p.first == "blackbody" and p.kt is not None:
        return not (kt < p.kt.lo or kt > p.kt.hi)
    return True
