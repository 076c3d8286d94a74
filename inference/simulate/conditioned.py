"""Simulated detections that follow a catalog: one a table row, with its class, bands, exposure and angle.

The class gives the physics, the row the three bands. Of some draws from the class's distribution one is taken
with the likelihood of the row's bands; what the bands still lack, a smooth factor of energy makes up. Of
some light curves the events follow the one that comes near the row's probability of variability.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..hardness import BANDS, hardness_columns
from ..preprocess import BROAD
from ..recipe import Recipe
from .catalog import Catalog, CatalogRow
from .classes import Physics, draw_physics
from .impute import DetectionPool, ErrorFree, complete
from .population import MAX_COUNTS, Draw, background, draw
from .response import Redistribution, Response, acis_response
from .spectra import Drawn, Simulated, assemble, event_generator

Array = NDArray[np.float64]
CANDIDATES = 32  # draws of the class's physics among which the row's bands choose
TOLERANCE = 0.15  # 1 sigma in ln of a ratio of band fluxes: how well a draw has to meet the bands
MOST_COUNTS = 400.0  # more counts than these do not sharpen the choice, or one draw would win always
_EDGES = np.array([BANDS["s"][0], *(hi for _, hi in BANDS.values())])  # keV
_CENTRES = np.log(np.sqrt(_EDGES[1:] * _EDGES[:-1]))
_KEV = 1.602176634e-9  # erg
_ROUNDS = 20


@dataclass(frozen=True)
class Conditions:
    """What all rows of one catalog-conditioned simulation share.

    Parameters
    ----------
    catalog : Catalog
        The table.
    seed : int
        Row i is drawn from ``SeedSequence([seed, i])``, its events from ``SeedSequence([seed, i, 1])``.
    recipe : Recipe
        What the spectra are put through.
    pool : DetectionPool
        Where exposures and angles come from that the table lacks.
    responses : sequence of Response
        Responses from files; empty: the ACIS-like one of the row's epoch.
    spread : float
        Width of the physics within a class over what the literature gives.
    """

    catalog: Catalog
    seed: int
    recipe: Recipe
    pool: DetectionPool
    responses: Sequence[Response] = ()
    spread: float = 1.0


def simulate_catalog(conditions: Conditions, n: int | None = None) -> Iterator[Simulated]:
    """Simulate one detection a table row.

    Parameters
    ----------
    conditions : Conditions
        The table and everything else.
    n : int, optional
        How many detections; beyond the table's length its rows come again, with other random numbers.

    Yields
    ------
    Simulated
        One detection; several of one row have one ``source_id``.
    """
    error_free = ErrorFree.fit(conditions.catalog)
    for index in range(len(conditions.catalog.rows) if n is None else n):
        yield simulate_catalog_row(index, conditions, error_free)


def simulate_catalog_row(index: int, conditions: Conditions, error_free: ErrorFree) -> Simulated:
    """Simulate detection `index`; see :func:`simulate_catalog`."""
    c = conditions
    rng = np.random.default_rng(np.random.SeedSequence([c.seed, index]))
    row = complete(c.catalog.rows[index % len(c.catalog.rows)], c.pool, rng)
    d = _pointing(row, rng)
    if c.responses:
        response = c.responses[int(d.pick * len(c.responses))]
        behind = background(d, response)
    else:
        response = acis_response(d.chip, d.epoch, d.theta)
        behind = background(d)
    known = np.isfinite(row.counts)
    if known.any():
        physics, expected, flux = _from_counts(row, response, c.spread, rng)
    else:
        target = error_free.draw(row, rng)
        physics, expected, flux = _from_flux(row, target, d.exposure, response, c.spread, rng)
    bands = band_of_channels(response.redistribution)
    total = float(expected[bands >= 0].sum())
    if total > MAX_COUNTS:  # a brighter one would be piled up beyond use
        expected, flux, known = expected * (MAX_COUNTS / total), flux * (MAX_COUNTS / total), known & False
    expected = hold_outside(expected, bands)
    drawn = rng.poisson(expected)
    for i in np.flatnonzero(known):
        _keep(drawn, bands == i, int(np.rint(row.counts[i])), expected, rng)
    d = _with_physics(d, physics, float(expected[bands >= 0].sum()))
    counted = Drawn(
        d,
        drawn + rng.poisson(behind),
        rng.poisson(behind * d.ratio),
        expected,
        behind,
        response,
        flux,
        f"simulated {c.seed}:{index}",
    )
    events = counted.events(event_generator(c.seed, index), physics.kind, physics.population, row.var_prob_b)
    made = assemble(counted, events, c.recipe)
    made.detection.update(_columns(row, d), **hardness_columns(made.observation))
    made.truth.update(
        population=physics.population,
        nh_total=physics.nh_total,
        kt2=physics.kt2,
        share=physics.share,
        line=physics.line,
        redshift=physics.redshift,
        catalog_row=row.row,
        label=row.label,
        spread=c.spread,
        imputed=" ".join(row.imputed),
        catalog_var_prob_b=row.var_prob_b,
    )
    return made


def band_of_channels(r: Redistribution) -> NDArray[np.intp]:
    """Return the band (0 s, 1 m, 2 h; -1 none) of each channel, shape (n,), intp.

    A channel belongs to the band its centre lies in; at the ends of 0.5-7.0 keV only whole channels count.
    """
    band = np.searchsorted(_EDGES, (r.channel_lo + r.channel_hi) / 2, side="right") - 1
    inside = (r.channel_lo >= BROAD[0]) & (r.channel_hi <= BROAD[1])
    return np.where(inside, np.clip(band, 0, 2), -1)


def hold_outside(expected: Array, bands: NDArray[np.intp]) -> Array:
    """Return expected counts of which at most :data:`~.population.MAX_COUNTS` lie outside the bands.

    A redshifted soft excess can hold any number of photons below 0.5 keV, where no band bounds them.

    Parameters
    ----------
    expected : ndarray, shape (n,), float64
        Counts by channel.
    bands : ndarray, shape (n,), intp
        See :func:`band_of_channels`.

    Returns
    -------
    ndarray, shape (n,), float64
    """
    outside = float(expected[bands < 0].sum())
    if outside <= MAX_COUNTS:
        return expected
    return np.where(bands < 0, expected * (MAX_COUNTS / outside), expected)


def _band_of_energies(r: Redistribution) -> NDArray[np.intp]:
    energy = (r.energy_lo + r.energy_hi) / 2
    band = np.searchsorted(_EDGES, energy, side="right") - 1
    return np.where((energy >= BROAD[0]) & (energy < BROAD[1]), band, -1)


def _pointing(row: CatalogRow, rng: np.random.Generator) -> Draw:
    """Return where and when the row was observed, with what only the generic population draws."""
    d = draw(rng)
    known = {"exposure": row.exposure, "theta": row.theta, "epoch": row.epoch, "ra": row.ra, "dec": row.dec}
    return _replace(d, **{name: value for name, value in known.items() if np.isfinite(value)})


def _replace(d: Draw, **values: float | str) -> Draw:
    return Draw(**{f.name: values.get(f.name, getattr(d, f.name)) for f in fields(d)})


def _with_physics(d: Draw, p: Physics, counts: float) -> Draw:
    return _replace(d, shape=p.shape, nh=p.nh, gamma=p.gamma, kt=p.kt, abundance=p.abundance, counts=counts)


def _candidates(row: CatalogRow, spread: float, n: int, rng: np.random.Generator) -> list[Physics]:
    return [draw_physics(row.kind, rng, spread, gamma=row.gamma, nh=row.nh, kt=row.kt) for _ in range(n)]


def _from_counts(
    row: CatalogRow, response: Response, spread: float, rng: np.random.Generator
) -> tuple[Physics, Array, Array]:
    """Choose the physics by the band counts; return it, expected counts by channel and band photon fluxes.

    A band whose counts are not known follows the physics.
    """
    known = np.isfinite(row.counts)
    target = np.where(known, row.counts, 0.0)
    r = response.redistribution
    width, band = r.energy_hi - r.energy_lo, _band_of_energies(r)
    found = _candidates(row, spread, CANDIDATES if target.any() else 1, rng)
    densities = [p.photon_density(r.energy_lo, r.energy_hi) for p in found]
    events = np.array([_sums(density * response.area * width, band) for density in densities])
    in_known = np.maximum(events[:, known].sum(axis=1, keepdims=True), 1e-300)
    share = np.maximum(events, 1e-300) / in_known
    sharpness = min(1.0, MOST_COUNTS / max(float(target.sum()), 1.0))
    chosen = _choose((np.log(share) * target).sum(axis=1) * sharpness, rng)
    density = densities[chosen]
    # an empty band still has a spectrum: a third of a count is expected in it
    aim = np.maximum(np.where(known, target, share[chosen] * target.sum()), 0.3)
    density = density * _factor(density * response.area * width, band, aim, r)
    expected = r.fold(density * response.area * width)
    channels = band_of_channels(r)
    scale = aim / np.maximum(_sums(expected, channels), 1e-300)
    expected = expected * _spread_out(scale, channels)
    return found[chosen], expected, _sums(density * width, band) * scale / row.exposure


def _from_flux(
    row: CatalogRow,
    target: Array,
    exposure: float,
    response: Response,
    spread: float,
    rng: np.random.Generator,
) -> tuple[Physics, Array, Array]:
    """Choose the physics by the band energy fluxes (erg cm^-2 s^-1); see :func:`_from_counts`.

    The photon flux of a band is its energy flux over the chosen spectrum's mean photon energy in it.
    """
    r = response.redistribution
    width, band = r.energy_hi - r.energy_lo, _band_of_energies(r)
    erg = (r.energy_lo + r.energy_hi) / 2 * width * _KEV
    known = bool((target > 0).all())
    found = _candidates(row, spread, CANDIDATES if known else 1, rng)
    densities = [p.photon_density(r.energy_lo, r.energy_hi) for p in found]
    if known:
        energy = np.log(np.maximum([_sums(density * erg, band) for density in densities], 1e-300))
        off = energy - np.log(target)
        off -= off.mean(axis=1, keepdims=True)
        chosen = _choose(-(off**2).sum(axis=1) / (2 * TOLERANCE**2), rng)
        density = densities[chosen] * _factor(densities[chosen] * erg, band, target, r)
        density *= _spread_out(target / np.maximum(_sums(density * erg, band), 1e-300), band)
    else:
        chosen, density = 0, densities[0]
        total = _sums(density * erg, band).sum()
        density = density * ((row.flux_b if np.isfinite(row.flux_b) else 1e-14) / max(total, 1e-300))
    return found[chosen], r.fold(density * response.area * width) * exposure, _sums(density * width, band)


def _choose(log_weight: Array, rng: np.random.Generator) -> int:
    """Draw an index with probability in proportion to exp(`log_weight`)."""
    weight = np.cumsum(np.exp(log_weight - log_weight.max()))
    return int(min(np.searchsorted(weight, rng.random() * weight[-1], side="right"), len(weight) - 1))


def _sums(values: Array, band: NDArray[np.intp]) -> Array:
    """Sum by band, shape (3,); band -1 is left out."""
    sums: Array = np.bincount(band + 1, values, minlength=4)[1:4].astype(np.float64)
    return sums


def _spread_out(scale: Array, band: NDArray[np.intp]) -> Array:
    """Return the scale of each bin from that of its band; outside, that of the band next to it."""
    first, last = np.flatnonzero(band >= 0)[[0, -1]]
    filled = band.copy()
    filled[:first], filled[last + 1 :] = band[first], band[last]
    out: Array = scale[filled]
    return out


def _factor(values: Array, band: NDArray[np.intp], target: Array, r: Redistribution) -> Array:
    """Return a factor, continuous in energy, under which the band sums of `values` come near `target`.

    Its logarithm is linear in log energy between the middles of the bands and level beyond: a step at
    1.2 or 2.0 keV would be a feature that no source has.
    """
    log_energy = np.log((r.energy_lo + r.energy_hi) / 2)
    height = np.zeros(3)
    for _ in range(_ROUNDS):
        sums = _sums(values * np.exp(np.interp(log_energy, _CENTRES, height)), band)
        height += np.clip(np.log(target / np.maximum(sums, 1e-300)), -5, 5)
        height = np.clip(height, height.max() - 12, None)
    factor: Array = np.exp(np.interp(log_energy, _CENTRES, height))
    return factor


def _keep(
    drawn: NDArray[np.int64], inside: NDArray[np.bool_], n: int, expected: Array, rng: np.random.Generator
) -> None:
    """Draw the counts of one band again, in place, so that they are `n` in all."""
    p = expected[inside]
    drawn[inside] = rng.multinomial(n, p / p.sum())


def _columns(row: CatalogRow, d: Draw) -> dict[str, object]:
    """Return the columns of /detection that the table knows; variability is measured on the events."""
    return {
        "source_id": row.source_id,
        "name": row.name[:32],
        "obsid": row.obsid,
        "obi": row.obi,
        "region_id": row.region_id,
        "class": row.kind,
        "flux_significance_b": row.significance,
        "date_obs": _date(d.epoch),
    }


def _date(epoch: float) -> str:
    """Return the day (YYYY-MM-DD) of a number of years since 1999.0."""
    year = int(1999 + epoch // 1)
    return str(np.datetime64(f"{year}-01-01") + np.timedelta64(int(365 * (epoch % 1)), "D"))
