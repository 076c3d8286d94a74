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
from .events import SimulatedEvents, draw_detection
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


@dataclass(frozen=True)
class Drawn:
    """Counts of one detection, and what they were drawn from.

    Parameters
    ----------
    d : Draw
        What was drawn for the detection.
    counts, beside : ndarray, shape (n,), int
        Counts by channel in the source and in the background region.
    expected, behind : ndarray, shape (n,), float64
        Expected counts by channel of the source and of the background in the aperture.
    response : Response
        Channels and effective area.
    photon_flux : ndarray, shape (3,), float64
        Photons cm^-2 s^-1 in the bands s, m and h, absorbed.
    label : str
        What stands for the file, and for the source where it has no name.
    """

    d: Draw
    counts: NDArray[Any]
    beside: NDArray[Any]
    expected: Array
    behind: Array
    response: Response
    photon_flux: Array
    label: str

    @property
    def observation(self) -> Observation:
        """The counts as ingest would read them, with background and effective area."""
        r = self.response.redistribution
        return Observation(
            counts=self.counts.astype(np.float64),
            exposure=self.d.exposure,
            energy_lo=r.channel_lo,
            energy_hi=r.channel_hi,
            background=self.beside.astype(np.float64),
            scale=1 / self.d.ratio,
            area_lo=r.energy_lo,
            area_hi=r.energy_hi,
            area=self.response.area,
        )

    @property
    def source_fraction(self) -> Array:
        """Share of the source in the counts expected in each channel, shape (n,), float64."""
        both = self.expected + self.behind
        return np.divide(self.expected, both, out=np.zeros_like(both), where=both > 0)

    def events(
        self,
        rng: np.random.Generator,
        kind: str = "",
        population: str = "",
        var_prob: float = math.nan,
    ) -> SimulatedEvents:
        """Draw the events of these counts.

        Parameters
        ----------
        rng : Generator
            Random numbers.
        kind, population : str
            Class and sub-population of the source, empty where it has none: how it may vary.
        var_prob : float
            What the catalog says of its variability, NaN: nothing.
        """
        r, d = self.response.redistribution, self.d
        return draw_detection(
            self.counts,
            self.source_fraction,
            r.channel_lo,
            r.channel_hi,
            d.exposure,
            d.epoch,
            rng,
            kind,
            population,
            var_prob,
        )


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
    drawn = Drawn(d, counts, beside, expected, expected_background, response, photon_flux, label)
    return assemble(drawn, drawn.events(event_generator(seed, row)), recipe)


def event_generator(seed: int, row: int) -> np.random.Generator:
    """Return the random numbers of a row's events: others than its spectrum's, which they leave as it is."""
    return np.random.default_rng(np.random.SeedSequence([seed, row, 1]))


def assemble(drawn: Drawn, events: SimulatedEvents, recipe: Recipe) -> Simulated:
    """Put counts that were drawn through the recipe and gather what is stored.

    Parameters
    ----------
    drawn : Drawn
        Counts and what they were drawn from.
    events : SimulatedEvents
        Events of these counts, and how the source varied.
    recipe : Recipe
        Quantity and grid.
    """
    d, shape, observation = drawn.d, events.shape, drawn.observation
    value, error = preprocess(observation, recipe)
    light = {"light_curve": shape.kind, "amplitude": shape.amplitude, "period": shape.period}
    return Simulated(
        detection=_detection(d, observation, drawn.label) | events.columns,
        value=value,
        error=error,
        observation=observation,
        truth=_truth(drawn) | light,
        truth_value=noise_free(drawn.expected, d.exposure, drawn.response, recipe),
        events=events.events,
    )


def expected_counts(d: Draw, response: Response) -> tuple[Array, Array]:
    """Fold the shape of a draw through the response; see :func:`fold_density`."""
    r = response.redistribution
    density = photon_spectrum(
        r.energy_lo, r.energy_hi, d.shape, nh=d.nh, gamma=d.gamma, kt=d.kt, abundance=d.abundance
    )
    return fold_density(density, d, response)


def fold_density(density: Array, d: Draw, response: Response) -> tuple[Array, Array]:
    """Fold a spectrum through the response and scale it to the counts drawn.

    Parameters
    ----------
    density : ndarray, shape (m,), float64
        Photons keV^-1 at the energies of the response, up to a factor.
    d : Draw
        Exposure and counts.
    response : Response
        Channels and effective area.

    Returns
    -------
    counts : ndarray, shape (n,), float64
        Expected source counts by channel; ``d.counts`` in the channels wholly inside 0.5-7.0 keV.
    photon_flux : ndarray, shape (3,), float64
        Photons cm^-2 s^-1 in the bands s, m and h, absorbed.
    """
    r = response.redistribution
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


def _truth(drawn: Drawn) -> dict[str, Any]:
    d, flux, r = drawn.d, drawn.photon_flux, drawn.response.redistribution
    inside = (r.channel_lo >= BROAD[0]) & (r.channel_hi <= BROAD[1])
    return {
        "shape": d.shape,
        "nh": d.nh,
        "gamma": d.gamma,
        "kt": d.kt,
        "abundance": d.abundance,
        "photon_flux": float(flux.sum()),
        "photflux_s": float(flux[0]),
        "photflux_m": float(flux[1]),
        "photflux_h": float(flux[2]),
        "net_counts": d.counts,
        "background_counts": float(drawn.behind[inside].sum()),
        "backscal_ratio": d.ratio,
        "epoch": d.epoch,
        "response": drawn.response.name,
    }
