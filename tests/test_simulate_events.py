"""Simulated events: exactly the counts drawn, in good time, by the light curve and near the catalog."""

import math

import numpy as np
import pytest
from chandra_embed.inference.event_list import EventList
from chandra_embed.inference.simulate import events as simulated
from chandra_embed.inference.simulate.events import draw_detection, draw_events, draw_intervals
from chandra_embed.inference.simulate.lightcurves import LightCurveShape
from chandra_embed.inference.variability import (
    gregory_loredo,
    kolmogorov_smirnov,
    kuiper,
    variability_columns,
)

LO = np.arange(1024) * 0.0146
HI = LO + 0.0146
FLARE = LightCurveShape("flare", 20.0, math.nan, 1e4, 1.5e3)
KINDS = [
    LightCurveShape(),
    FLARE,
    LightCurveShape("dip", 0.9, math.nan, 1e4, 8e3),
    LightCurveShape("eclipse", 0.98, 1e6, 0.0, 9e5),  # eclipsed all the time
    LightCurveShape("periodic", 0.95, 9.0, 0.0),
]


def drawn(n: int, fraction: float, shape: LightCurveShape, seed: int = 0) -> EventList:
    counts = np.random.default_rng([seed, 1]).multinomial(n, np.full(1024, 1 / 1024))
    return draw_events(counts, np.full(1024, fraction), LO, HI, 2e4, shape, np.random.default_rng(seed))


@pytest.mark.parametrize("shape", KINDS, ids=lambda s: s.kind)
@pytest.mark.parametrize("n", [0, 1, 3000])
def test_counts_come_back_exactly(shape: LightCurveShape, n: int) -> None:
    counts = np.random.default_rng([0, 1]).multinomial(n, np.full(1024, 1 / 1024))
    events = drawn(n, 0.7, shape)
    assert events.energy.dtype == np.float32
    channel = np.searchsorted(LO, events.energy.astype(np.float64), side="right") - 1
    np.testing.assert_array_equal(np.bincount(channel, minlength=1024), counts)
    assert (events.energy.astype(np.float64) < HI[channel]).all()


def test_energies_at_the_edges_of_channels_stay_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    class Edge:
        def __init__(self, u: float) -> None:
            self.u = u

        def random(self, size: tuple[int, int]) -> np.ndarray:
            return np.full(size, self.u)

    for u in (0.0, 1 - 2**-53):
        energy, _ = simulated._energies(np.ones(1024, int), np.ones(1024), LO, HI, Edge(u))
        inside = energy.astype(np.float64)
        assert ((inside >= LO) & (inside < HI)).all()


def test_good_time_is_the_exposure_in_one_to_five_pieces() -> None:
    rng = np.random.default_rng(2)
    pieces = np.zeros(6, int)
    for exposure in 10 ** rng.uniform(3, 5.3, 600):
        gti = draw_intervals(exposure, rng)
        pieces[len(gti)] += 1
        assert gti[0, 0] == 0
        assert (np.diff(gti.ravel()) > 0).all()
        assert (gti[:, 1] - gti[:, 0]).sum() == pytest.approx(exposure, rel=1e-12)
        assert (gti[:, 1] - gti[:, 0]).min() >= 0.0199 * exposure
    assert pieces[0] == 0
    assert (pieces[1:] > 0).all()
    assert pieces[1] / 600 == pytest.approx(0.68, abs=0.07)


@pytest.mark.parametrize("shape", KINDS, ids=lambda s: s.kind)
def test_times_lie_in_good_time(shape: LightCurveShape) -> None:
    for seed in range(30):
        events = drawn(40, 0.8, shape, seed)
        assert (np.diff(events.time) >= 0).all()
        k = np.searchsorted(events.gti[:, 0], events.time, side="right") - 1
        assert (events.time <= events.gti[k, 1]).all()


def test_source_events_follow_the_shape_and_background_does_not() -> None:
    counts = np.zeros(1024, int)
    counts[100], counts[400] = 20000, 20000
    fraction = np.where(np.arange(1024) < 200, 1.0, 0.0)
    gti = np.array([[0.0, 8e3], [9e3, 2e4]])
    events = draw_events(counts, fraction, LO, HI, 1.9e4, FLARE, np.random.default_rng(3), gti)
    grid = np.linspace(0, 2e4, 40001)
    good = (grid < 8e3) | (grid >= 9e3)
    window = (9.5e3, 1.3e4)
    for soft in (True, False):
        time = events.time[(events.energy < 3.0) == soft]
        rate = (FLARE.rate(grid) if soft else np.ones(len(grid))) * good
        share = rate[(grid >= window[0]) & (grid < window[1])].sum() / rate.sum()
        got = ((time >= window[0]) & (time < window[1])).mean()
        assert got == pytest.approx(share, abs=4 * math.sqrt(share / 20000))


def test_fast_pulses_are_there() -> None:
    events = drawn(4000, 1.0, KINDS[4])
    phase = 2 * np.pi * events.time / 9.0
    assert np.hypot(np.cos(phase).mean(), np.sin(phase).mean()) == pytest.approx(0.95 / 2, abs=0.04)


@pytest.mark.parametrize("kind", [("AGN", "type 1"), ("YSO", "flaring"), ("", "")])
def test_the_catalogs_side_is_mostly_met(kind: tuple[str, str]) -> None:
    counts = np.zeros(1024, int)
    counts[60:300] = 1
    right = {0.95: 0, 0.3: 0}
    for var_prob in right:
        for seed in range(25):
            made = draw_detection(
                counts,
                np.full(1024, 0.9),
                LO,
                HI,
                3e4,
                10.0,
                np.random.default_rng([seed, 4]),
                *kind,
                var_prob,
            )
            right[var_prob] += (made.columns["var_prob_b"] > 0.9) == (var_prob > 0.9)
            assert made.columns == variability_columns(made.events)
    assert right[0.3] >= 24
    assert right[0.95] >= 18


def test_columns_are_measured_and_missing_with_few_counts() -> None:
    counts = np.zeros(1024, int)
    counts[100] = 4
    made = draw_detection(counts, np.ones(1024), LO, HI, 1e4, 0.5, np.random.default_rng(5), var_prob=0.97)
    assert all(math.isnan(value) for value in made.columns.values())
    assert made.events.zero == pytest.approx(1.5 * 365.25 * 86400)
    counts[100] = 50
    made = draw_detection(counts, np.ones(1024), LO, HI, 1e4, 0.5, np.random.default_rng(5))
    v = gregory_loredo(made.events)
    assert made.columns == {
        "var_prob_b": v.probability,
        "var_index_b": float(v.index),
        "ks_prob_b": kolmogorov_smirnov(made.events),
        "kp_prob_b": kuiper(made.events),
    }
