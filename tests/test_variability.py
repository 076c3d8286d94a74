"""Gregory-Loredo, KS and Kuiper: against slow twins, on constant sources, flares, gaps and real headers."""

import itertools
import math
from pathlib import Path

import naive
import numpy as np
import pytest
from chandra_embed.inference import variability
from chandra_embed.inference.event_list import EventList
from chandra_embed.inference.kernels.gregory_loredo import (
    cell_light_curve,
    cell_log_odds,
    even_log_odds,
    event_light_curve,
    event_log_odds,
)
from chandra_embed.inference.simulate.events import draw_events
from chandra_embed.inference.simulate.lightcurves import LightCurveShape
from chandra_embed.inference.variability import (
    LiveTime,
    gregory_loredo,
    gregory_loredo_binned,
    kolmogorov_smirnov,
    kuiper,
    phases,
    probability_of_phases,
    variability_columns,
)

ADVERSARIAL = {
    "empty": np.empty(0),
    "one": np.array([0.4]),
    "both ends": np.array([0.0, 0.0, 1.0, 1.0]),
    "all at once": np.full(30, 1 / 3),
    "on the edges of bins": np.sort(np.concatenate([np.arange(m) / m for m in range(2, 12)])),
    "uniform": np.sort(np.random.default_rng(0).random(211)),
    "many": np.sort(np.random.default_rng(1).random(1500)),
}


def made(time: np.ndarray, gti: list[list[float]], energy: float = 1.0) -> EventList:
    time = np.sort(np.asarray(time, np.float64))
    return EventList(time, np.full(len(time), energy, np.float32), np.array(gti, np.float64), 0.0)


def simulated(n: int, exposure: float, shape: LightCurveShape, rng: np.random.Generator) -> EventList:
    one = np.ones(1)
    return draw_events(np.array([n]), one, one, 2 * one, exposure, shape, rng)


@pytest.mark.kernel
@pytest.mark.parametrize("phase", ADVERSARIAL.values(), ids=ADVERSARIAL)
def test_event_odds_are_those_of_the_twin(phase: np.ndarray) -> None:
    bins = np.array([2, 3, 5, 7, 16, 41])
    np.testing.assert_allclose(event_log_odds(phase, bins), naive.gregory_loredo(phase, bins), atol=1e-8)


@pytest.mark.kernel
@pytest.mark.parametrize("cells", [41, 48, 120])
@pytest.mark.parametrize("n", [0, 1, 900])
def test_even_cells_are_cells_of_one_live_time(cells: int, n: int) -> None:
    """Bins of ceil and of middle differ by a cell at most; with whole multiples they are the same."""
    counts = np.random.default_rng(n).multinomial(n, np.full(cells, 1 / cells))
    bins = np.array([m for m in range(2, 42) if cells % m == 0])
    live = np.full(cells, 1 / cells)
    want = naive.gregory_loredo_cells(counts, live, bins)
    np.testing.assert_allclose(even_log_odds(counts, bins), want, atol=1e-8)


@pytest.mark.kernel
def test_even_cells_of_no_multiple() -> None:
    """Each count's bin and its length, by hand."""
    counts = np.array([3, 0, 2, 5, 1])
    want = []
    for cuts in ([0, 3, 5], [0, 2, 4, 5], [0, 2, 3, 4, 5]):
        held = [int(counts[a:b].sum()) for a, b in itertools.pairwise(cuts)]
        m, n = len(held), 11
        total = math.lgamma(m) - math.lgamma(n + m)
        for k, (a, b) in zip(held, itertools.pairwise(cuts), strict=True):
            total += math.lgamma(k + 1) - k * math.log((b - a) / 5)
        want.append(total)
    np.testing.assert_allclose(even_log_odds(counts, np.array([2, 3, 4])), want, atol=1e-10)


@pytest.mark.kernel
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cells_are_those_of_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(3.0, 23) * rng.integers(0, 2, 23) + (0.25 if seed == 2 else 0.0)
    live = rng.random(23) ** 3
    live /= live.sum()
    want = naive.gregory_loredo_cells(counts.tolist(), live.tolist(), range(2, 24))
    np.testing.assert_allclose(cell_log_odds(counts.astype(np.float64), live, 23), want, atol=1e-8)


@pytest.mark.kernel
@pytest.mark.parametrize("name", ["empty", "one", "both ends", "all at once", "on the edges of bins"])
def test_light_curve_is_that_of_the_twin(name: str) -> None:
    phase = ADVERSARIAL[name]
    weight = np.random.default_rng(3).dirichlet(np.ones(12))
    mean, sigma = event_light_curve(phase, weight)
    want_mean, want_sigma = naive.gregory_loredo_light_curve(phase, weight)
    np.testing.assert_allclose(mean, want_mean, rtol=1e-9)
    np.testing.assert_allclose(sigma, want_sigma, rtol=1e-6)


@pytest.mark.kernel
def test_light_curve_of_cells_is_that_of_events() -> None:
    """With cells as fine as the points of the light curve, events in their middles give the same."""
    rng = np.random.default_rng(4)
    counts = rng.poisson(1.5, 30).astype(np.float64)
    weight = np.zeros(9)
    weight[[0, 1, 3, 8]] = 0.1, 0.4, 0.2, 0.3  # 2, 3, 5, 10 bins: whole cells
    phase = np.repeat((np.arange(30) + 0.5) / 30, counts.astype(int))
    for got, want in zip(
        cell_light_curve(counts, np.full(30, 1 / 30), weight), event_light_curve(phase, weight), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=1e-9)


def test_phase_is_live_time_gone_by() -> None:
    gti = [[0.0, 10.0], [15.0, 25.0], [40.0, 41.0]]
    time = [0.0, 3.5, 10.0, 12.0, 15.0, 22.0, 25.0, 40.5, 41.0, 50.0]
    events = made(np.array(time), gti)
    inside = [t for t in time if any(a <= t <= b for a, b in gti)]
    phase, total = phases(events)
    assert total == 21.0
    np.testing.assert_allclose(phase, naive.live_phase(inside, gti, [0.0, 50.0], [1.0]), atol=1e-12)

    live = LiveTime(np.array([1.0, 5.0, 20.0, 30.0]), np.array([0.5, 0.0, 0.25]))
    phase, total = phases(events, live)
    watched = [3.5, 22.0, 25.0]
    assert total == pytest.approx(0.5 * 4 + 0.25 * 5)
    np.testing.assert_allclose(phase, naive.live_phase(watched, gti, live.edges, live.fraction), atol=1e-12)


def test_nothing_live_is_an_error() -> None:
    with pytest.raises(ValueError, match="no good time is live"):
        gregory_loredo(made(np.array([1.0]), [[0, 2]]), live=LiveTime(np.array([5.0, 6.0]), np.array([1.0])))


@pytest.mark.parametrize(
    ("edges", "fraction", "why"),
    [
        ([0.0, 1.0], [1.0, 1.0], "one more edge"),
        ([0.0, 0.0], [1.0], "ascend"),
        ([0.0, 1.0], [1.2], "between 0"),
    ],
)
def test_bad_live_fraction(edges: list[float], fraction: list[float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        LiveTime(np.array(edges), np.array(fraction))


def test_constant_sources_are_seldom_called_variable() -> None:
    """At most 2 % over the counts and exposures that detections have, gaps or none; measured 1.5 %."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(600):
        n, exposure = int(10 ** rng.uniform(1, 2.8)), 10 ** rng.uniform(3.8, 4.9)
        found.append(gregory_loredo(simulated(n, exposure, LightCurveShape(), rng)))
    p = np.array([v.probability for v in found])
    assert (p > 0.9).mean() <= 0.02
    assert (p > 0.5).mean() < 0.4
    assert all((v.index >= 6) == (v.probability >= 0.9) for v in found)
    assert all((v.index == 0) == (v.probability <= 0.5) for v in found)


def test_fivefold_flares_are_found() -> None:
    """Peaks of five times the quiet rate, e-folding a tenth to a third of the exposure, 100-1,000 counts."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(200):
        shape = LightCurveShape(
            "flare", 5.0, math.nan, 5e4 * rng.uniform(0.1, 0.8), 5e4 * rng.uniform(0.1, 1 / 3)
        )
        n = int(10 ** rng.uniform(2, 3))
        found.append(gregory_loredo(simulated(n, 5e4, shape, rng)).probability)
    assert (np.array(found) > 0.9).mean() >= 0.9


@pytest.mark.parametrize("parts", [(0.5, 0.5), (0.05, 0.9, 0.05), (0.2,) * 5])
def test_gaps_alone_are_no_variability(parts: tuple[float, ...]) -> None:
    """A constant source behind gaps as long as the exposure; at most the share of those without gaps."""
    rng = np.random.default_rng(7)
    stop = np.cumsum(np.array(parts) * 3e4 + 6e3 * np.arange(len(parts)))
    gti = np.column_stack([stop - np.array(parts) * 3e4, stop])
    found, in_clock_time = [], []
    for _ in range(200):
        gone = 3e4 * rng.random(80)
        before = np.concatenate([[0.0], np.cumsum(np.array(parts) * 3e4)])
        k = np.searchsorted(before, gone, side="right") - 1
        time = gti[k, 0] + gone - before[k]
        found.append(gregory_loredo(made(time, gti.tolist())).probability)
        in_clock_time.append(gregory_loredo(made(time, [[0.0, float(stop[-1])]])).probability)
    assert (np.array(found) > 0.9).mean() <= 0.04
    assert (np.array(in_clock_time) > 0.9).mean() > 5 * (np.array(found) > 0.9).mean()


def test_dead_area_alone_is_no_variability() -> None:
    """A source that dithers over a chip edge looks variable unless the live fraction is given."""
    rng = np.random.default_rng(8)
    edges = np.linspace(0, 4e4, 161)
    fraction = 0.55 + 0.45 * np.cos(2 * np.pi * edges[:-1] / 20e3)
    live = LiveTime(edges, fraction)
    with_live, without = [], []
    for _ in range(100):
        time = 4e4 * rng.random(500)
        cell = np.minimum((time / 250).astype(int), 159)
        events = made(time[rng.random(500) < fraction[cell]], [[0.0, 4e4]])
        with_live.append(gregory_loredo(events, live=live).probability)
        without.append(gregory_loredo(events).probability)
    assert (np.array(with_live) > 0.9).mean() <= 0.04
    assert (np.array(without) > 0.9).mean() >= 0.95


def test_many_events_are_counted_in_cells_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells shift an event by less than 1/8 of the shortest bin; both ways agree about what is variable."""
    rng = np.random.default_rng(9)
    direct, cells = [], []
    for _ in range(40):
        x = np.sort(np.concatenate([rng.random(500), 0.3 + 0.05 * rng.random(rng.integers(0, 40))]))
        monkeypatch.setattr(variability, "_MANY", 1000)
        direct.append(probability_of_phases(x, 2e4))
        monkeypatch.setattr(variability, "_MANY", 0)
        cells.append(probability_of_phases(x, 2e4))
    assert np.median(np.abs(np.subtract(direct, cells))) < 0.01
    assert ((np.array(direct) > 0.9) == (np.array(cells) > 0.9)).mean() >= 0.95


def test_the_quick_look_is_near() -> None:
    rng = np.random.default_rng(10)
    off = []
    for _ in range(60):
        x = np.sort(np.concatenate([rng.random(rng.integers(5, 300)), 0.6 + 0.1 * rng.random(5)]))
        off.append(probability_of_phases(x, 6e4, quick=True) - probability_of_phases(x, 6e4))
    assert np.median(np.abs(off)) < 0.03
    x = np.sort(rng.random(50))  # so few bins that all are tried
    assert probability_of_phases(x, 1000.0, quick=True) == probability_of_phases(x, 1000.0)


def test_no_events_say_nothing() -> None:
    v = gregory_loredo(made(np.empty(0), [[0, 1e4]]))
    assert (v.odds, v.probability, v.index) == (0.0, 0.5, 0)
    assert math.isnan(kolmogorov_smirnov(made(np.empty(0), [[0, 1e4]])))
    assert math.isnan(kuiper(made(np.empty(0), [[0, 1e4]])))


@pytest.mark.parametrize(
    ("odds", "steady", "index"),
    [
        (-0.1, False, 0),
        (0.0, True, 0),
        (0.1, True, 1),
        (0.1, False, 3),
        (0.2, False, 4),
        (0.5, True, 2),
        (0.5, False, 5),
        (0.96, True, 6),
        (1.99, False, 6),
        (2.0, False, 7),
        (3.99, True, 7),
        (4.0, False, 8),
        (10.0, False, 9),
        (29.9, False, 9),
        (400.0, False, 10),
    ],
)
def test_index_is_that_of_the_catalog(odds: float, steady: bool, index: int) -> None:
    v = variability._variability(odds * math.log(10), 2, steady)
    assert v.index == index
    assert v.odds == pytest.approx(odds)


@pytest.mark.parametrize("n", [5, 40, 300])
def test_ks_and_kuiper(n: int) -> None:
    from scipy.stats import kstest

    rng = np.random.default_rng(n)
    for power in (1.0, 1.15):
        x = np.sort(rng.random(n) ** power)
        events = made(1e4 * x, [[0.0, 1e4]])
        above, below = naive.uniform_distance(x)
        got_above, got_below = variability._distances(x)
        assert (got_above, got_below) == (pytest.approx(above), pytest.approx(below))
        assert kolmogorov_smirnov(events) == pytest.approx(1 - kstest(x, "uniform").pvalue, abs=0.03)
    ks, kp = (
        np.array([test(made(1e4 * rng.random(n), [[0.0, 1e4]])) for _ in range(400)])
        for test in (kolmogorov_smirnov, kuiper)
    )
    for p in (ks, kp):  # 1 - p of constant sources is uniform
        assert 0.05 < (p > 0.9).mean() < 0.16
        assert 0.4 < (p > 0.5).mean() < 0.6


def test_ks_and_kuiper_find_trends_and_bunches() -> None:
    rng = np.random.default_rng(12)
    assert kolmogorov_smirnov(made(1e4 * rng.random(300) ** 1.6, [[0, 1e4]])) > 0.99
    assert kuiper(made(5e3 + 2e3 * rng.random(60), [[0, 1e4]])) > 0.999
    even = made(np.arange(0.5, 100) * 100, [[0, 1e4]])
    assert kolmogorov_smirnov(even) == kuiper(even) == 0.0


def test_columns_are_of_the_broad_band() -> None:
    rng = np.random.default_rng(13)
    flare = np.sort(5e3 + 500 * rng.random(60))
    assert variability_columns(made(flare, [[0, 2e4]]))["var_prob_b"] > 0.99
    assert variability_columns(made(flare, [[0, 2e4]]))["var_index_b"] >= 7
    for events in (made(flare, [[0, 2e4]], energy=8.0), made(flare[:4], [[0, 2e4]])):
        assert all(math.isnan(value) for value in variability_columns(events).values())


def test_binned_light_curve() -> None:
    rng = np.random.default_rng(14)
    fraction = np.where(np.arange(60) % 7 == 3, 0.0, rng.uniform(0.2, 1.0, 60))
    constant = rng.poisson(20 * fraction).astype(float)
    assert gregory_loredo_binned(constant, 500.0, fraction).probability < 0.5
    # the same counts without their dead time look variable
    assert gregory_loredo_binned(constant, 500.0, np.ones(60)).probability > 0.99
    flare = constant.copy()
    flare[20:24] += 40 * fraction[20:24]
    assert gregory_loredo_binned(flare, np.full(60, 500.0), fraction).index >= 8


@pytest.mark.parametrize(
    ("counts", "fraction"),
    [([1.0, -1.0], [1.0, 1.0]), ([1.0, np.nan], [1.0, 1.0]), ([1.0, 2.0], [1.0, 0.0]), ([1.0, 2.0], [1.0])],
)
def test_bad_light_curves(counts: list[float], fraction: list[float]) -> None:
    with pytest.raises(ValueError, match=r"light curve needs|give one of each"):
        gregory_loredo_binned(np.array(counts), np.full(len(fraction), 10.0), np.array(fraction))


@pytest.mark.real
@pytest.mark.parametrize(("obsid", "counts"), [("00512", (149, 177)), ("15209", (12, 27))])
def test_odds_of_real_light_curves(chandra_data: Path, obsid: str, counts: tuple[int, int]) -> None:
    """Where the catalog kept two bins only, its light curve gives their counts back, and so its odds.

    The catalog's light curve is 1 - P of the constant rate and P of (n_j + 1) / (N + 2).
    """
    from astropy.io import fits

    (path,) = (chandra_data / "lightcurves").glob(f"*/acisf{obsid}_*lc3.fits*")
    with fits.open(path) as file:
        header, rate = file[1].header, file[1].data["COUNT_RATE"]
    assert header["MMAX"] == 2
    share = (rate[0] / (rate[0] + rate[-1]) - 0.5) / header["PROB"] + 0.5
    first = share * (header["TOTCTS"] + 2) - 1
    assert (first, header["TOTCTS"]) == (pytest.approx(counts[0], abs=0.2), sum(counts))
    phase = np.repeat([0.25, 0.75], counts)
    log_odds = event_log_odds(phase, np.array([2]))[0]
    assert log_odds / math.log(10) == pytest.approx(header["ODDS"], abs=0.01)
    v = variability._variability(float(log_odds), 2, steady=True)
    assert v.probability == pytest.approx(header["PROB"], abs=0.005)
    assert v.index == header["VARINDEX"]
