"""Simulated detections, one a row: each row has its own random numbers, so it depends on no other."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..event_list import EventList
from ..hardness import BANDS
from ..preprocess import BROAD, Grouped, Observation, band_counts, preprocess, resample
from ..recipe import Recipe
from .events import draw_detection
from .population import Draw, background, draw
from .response import Response, acis_response
from .shapes import photon_spectrum

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Simulated:
    """One simulated detection.

    Parameters
    ----------
    detection : dict
        Columns of ``/detection``.
    value, error : ndarray, shape (n_bins,), float32
        The spectrum in the recipe's quantity and its 1 sigma error.
    observation : Observation
        The counts drawn and the response they were drawn with.
    truth : dict
        What was drawn: columns of ``/truth``.
    truth_value : ndarray, shape (n_bins,), float32
        The spectrum without noise and without background, in the recipe's quantity.
    events : EventList
        The same counts as events, with times.
    """

    detection: dict[str, Any]
    value: NDArray[np.float32]
    error: NDArray[np.float32]
    observation: Observation
    truth: dict[str, Any]
    truth_value: NDArray[np.float32]
    events: EventList


def simulate(
    n: int, seed: int, recipe: Recipe, responses: Sequence[Response] | None = None
) -> Iterator[Simulated]:
    """Simulate detections 0 to n - 1.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        Row i is drawn from ``SeedSequence([seed, i])``, its events from ``SeedSequence([seed, i, 1])``: it
        depends neither on `n` nor on other rows.
    recipe : Recipe
        What the spectra are put through.
    responses : sequence of Response, optional
        Take each row's response from these (see ``responses.read_responses``), not the ACIS-like one;
        the off-axis angle then sets the aperture and its background only.

    Yields
    ------
    Simulated
        One detection, of a source of its own.
    """
    for row in range(n):
        yield simulate_row(row, seed, recipe, responses)


def simulate_row(
    row: int, seed: int, recipe: Recipe, responses: Sequence[Response] | None = None
) -> Simulated:
    """Simulate one detection; see :func:`simulate`."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, row]))
    d = draw(rng)
    if responses:
        response = responses[int(d.pick * len(responses))]
        expected_background = background(d, response)
    else:
        response = acis_response(d.chip, d.epoch, d.theta)
        expected_background = background(d)
    expected, photon_flux = expected_counts(d, response)

    counts = rng.poisson(expected + expected_background)
    beside = rng.poisson(expected_background * d.ratio)
    label = f"simulated {seed}:{row}"
    return assemble(
        d,
        counts,
        beside,
        expected,
        expected_background,
        response,
        photon_flux,
        recipe,
        label,
        event_generator(seed, row),
    )


def event_generator(seed: int, row: int) -> np.random.Generator:
    """Return the random numbers of a row's events: others than its spectrum's, which they leave as it is."""
    return np.random.default_rng(np.random.SeedSequence([seed, row, 1]))


def assemble(
    d: Draw,
    counts: NDArray[Any],
    beside: NDArray[Any],
    expected: Array,
    expected_background: Array,
    response: Response,
    photon_flux: Array,
    recipe: Recipe,
    label: str,
    rng: np.random.Generator,
    kind: str = "",
    population: str = "",
    var_prob: float = math.nan,
) -> Simulated:
    """Put counts that were drawn through the recipe and gather what is stored.

    Parameters
    ----------
    d : Draw
        What was drawn for the detection.
    counts, beside : ndarray, shape (n,)
        Counts by channel in the source and in the background region.
    expected, expected_background : ndarray, shape (n,), float64
        Expected counts by channel of the source and of the background in the aperture.
    response : Response
        Channels and effective area.
    photon_flux : ndarray, shape (3,), float64
        Photons cm^-2 s^-1 in the bands s, m and h, absorbed.
    recipe : Recipe
        Quantity and grid.
    label : str
        What stands for the file, and for the source where it has no name.
    rng : Generator
        Of the events.
    kind, population : str
        Class and sub-population of the source, empty where it has none: how it may vary.
    var_prob : float
        What the catalog says of its variability, NaN: nothing.
    """
    r = response.redistribution
    observation = Observation(
        counts=counts.astype(np.float64),
        exposure=d.exposure,
        energy_lo=r.channel_lo,
        energy_hi=r.channel_hi,
        background=beside.astype(np.float64),
        scale=1 / d.ratio,
        area_lo=r.energy_lo,
        area_hi=r.energy_hi,
        area=response.area,
    )
    value, error = preprocess(observation, recipe)
    inside = (r.channel_lo >= BROAD[0]) & (r.channel_hi <= BROAD[1])
    both = expected + expected_background
    source_fraction = np.divide(expected, both, out=np.zeros_like(both), where=both > 0)
    drawn = draw_detection(
        counts,
        source_fraction,
        r.channel_lo,
        r.channel_hi,
        d.exposure,
        d.epoch,
        rng,
        kind,
        population,
        var_prob,
    )
    light = {
        "light_curve": drawn.shape.kind,
        "amplitude": drawn.shape.amplitude,
        "period": drawn.shape.period,
    }
    return Simulated(
        detection=_detection(d, observation, label) | drawn.columns,
        value=value,
        error=error,
        observation=observation,
        truth=_truth(d, response, photon_flux, float(expected_background[inside].sum())) | light,
        truth_value=noise_free(expected, d.exposure, response, recipe),
        events=drawn.events,
    )


def expected_counts(d: Draw, response: Response) -> tuple[Array, Array]:
    """Fold the shape through the response and scale it to the counts drawn.

    Returns
    -------
    counts : ndarray, shape (n,), float64
        Expected source counts by channel; ``d.counts`` in the channels wholly inside 0.5-7.0 keV.
    photon_flux : ndarray, shape (3,), float64
        Photons cm^-2 s^-1 in the bands s, m and h, absorbed.
    """
    r = response.redistribution
    density = photon_spectrum(
        r.energy_lo, r.energy_hi, d.shape, nh=d.nh, gamma=d.gamma, kt=d.kt, abundance=d.abundance
    )
    photons = density * (r.energy_hi - r.energy_lo)
    folded = r.fold(photons * response.area) * d.exposure
    inside = (r.channel_lo >= BROAD[0]) & (r.channel_hi <= BROAD[1])
    factor = d.counts / folded[inside].sum()
    energy = (r.energy_lo + r.energy_hi) / 2
    flux = [photons[(energy >= lo) & (energy < hi)].sum() for lo, hi in BANDS.values()]
    return folded * factor, np.array(flux) * factor


def noise_free(expected: Array, exposure: float, response: Response, recipe: Recipe) -> NDArray[np.float32]:
    """Put expected counts on the grid, channel by channel, without grouping.

    Parameters
    ----------
    expected : ndarray, shape (n,), float64
        Expected source counts by channel.
    exposure : float
        s.
    response : Response
        Channels and, for flux density, effective area.
    recipe : Recipe
        Quantity and grid.

    Returns
    -------
    ndarray, shape (n_bins,), float32
        In the recipe's unit.
    """
    r = response.redistribution
    density = expected / (exposure * (r.channel_hi - r.channel_lo))
    if recipe.quantity == "flux":
        # cumulative area, interpolated at the channel edges: the mean over each channel
        edges = np.append(r.energy_lo, r.energy_hi[-1])
        integral = np.concatenate([[0.0], np.cumsum(response.area * (r.energy_hi - r.energy_lo))])
        area = (np.interp(r.channel_hi, edges, integral) - np.interp(r.channel_lo, edges, integral)) / (
            r.channel_hi - r.channel_lo
        )
        density = np.where(area > 0, density / np.where(area > 0, area, 1.0), 0.0)
    value, _ = resample(Grouped(r.channel_lo, r.channel_hi, density, np.zeros_like(density)), recipe)
    return value


def _detection(d: Draw, observation: Observation, source_id: str) -> dict[str, Any]:
    source, _, net = band_counts(observation)
    return {
        "file": source_id,
        "source_id": source_id,
        "obs_id": "simulated",
        "ra": d.ra,
        "dec": d.dec,
        "theta": d.theta,
        "exposure": d.exposure,
        "counts": source,
        "background_counts": source - net,
        "net_counts": net,
        "has_background": True,
        "has_arf": True,
        "has_rmf": True,
        "class": d.shape,
    }


def _truth(d: Draw, response: Response, photon_flux: Array, background_counts: float) -> dict[str, Any]:
    return {
        "shape": d.shape,
        "nh": d.nh,
        "gamma": d.gamma,
        "kt": d.kt,
        "abundance": d.abundance,
        "photon_flux": float(photon_flux.sum()),
        "photflux_s": float(photon_flux[0]),
        "photflux_m": float(photon_flux[1]),
        "photflux_h": float(photon_flux[2]),
        "net_counts": d.counts,
        "background_counts": background_counts,
        "backscal_ratio": d.ratio,
        "epoch": d.epoch,
        "response": response.name,
    }
