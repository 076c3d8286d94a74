"""Physics of the eight classes: draws, given values, and spectra that are spectra whatever is drawn."""

import math
from itertools import pairwise

import numpy as np
import pytest
from chandra_embed.inference.simulate import components, shapes
from chandra_embed.inference.simulate.class_ranges import MIXTURE, POPULATIONS
from chandra_embed.inference.simulate.classes import (
    CLASSES,
    GAMMA_LIMITS,
    IRON,
    KT_LIMITS,
    NH_LIMITS,
    Physics,
    draw_physics,
)

EDGES = np.linspace(0.25, 10.75, 701)
LO, HI = EDGES[:-1], EDGES[1:]
CENTRE, WIDTH = (LO + HI) / 2, HI - LO


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def unit(density: np.ndarray) -> np.ndarray:
    band = (CENTRE >= 0.5) & (CENTRE < 7.0)
    return density / (density * WIDTH)[band].sum()


# draws


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("kind", [*CLASSES, ""])
def test_every_draw_is_a_spectrum(kind: str, spread: float) -> None:
    r = rng(1)
    band = (CENTRE > 0.5) & (CENTRE < 7.0)
    for _ in range(300):
        p = draw_physics(kind, r, spread)
        density = p.photon_density(LO, HI)
        assert density.shape == (700,)
        assert density.dtype == np.float64
        assert np.isfinite(density).all()
        assert (density >= 0).all()
        assert density[band].sum() > 1e-12


ODD = [-math.inf, -1e6, -2.0, 0.0, 0.02, 0.3, 1.8, 9.0, 900.0, math.inf, math.nan]


@pytest.mark.parametrize("kind", CLASSES)
def test_odd_given_values_still_make_spectra(kind: str) -> None:
    r = rng(2)
    for spread in (0.0, 1.0, 4.0):
        for gamma in ODD:
            for nh in ODD:
                p = draw_physics(kind, r, spread, gamma=gamma, nh=nh, kt=ODD[r.integers(len(ODD))])
                density = p.photon_density(LO, HI)
                assert np.isfinite(density).all()
                assert (density >= 0).all()
                assert density.sum() > 0


def test_a_draw_has_what_its_shape_has() -> None:
    r = rng(3)
    seen = set()
    for kind in CLASSES:
        for _ in range(300):
            p = draw_physics(kind, r)
            assert p.kind == kind
            seen.add((kind, p.population))
            first, _, second = p.shape.partition("+")
            assert math.isfinite(p.nh)
            assert math.isfinite(p.gamma) == ("powerlaw" in (first, second))
            assert math.isfinite(p.kt) == (first != "powerlaw")
            assert math.isfinite(p.kt2) == (second in ("thermal", "blackbody"))
            assert math.isfinite(p.abundance) == ("thermal" in (first, second))
            assert math.isfinite(p.share) == bool(second)
            assert math.isfinite(p.covering) == math.isfinite(p.nh_inner)
            assert math.isfinite(p.redshift) == (kind == "AGN")
    assert seen == {(kind, p.name) for kind, ps in POPULATIONS.items() for p in ps}


def test_parts_have_the_shares_of_the_table() -> None:
    r = rng(4)
    names = [draw_physics("LMXB", r).population for _ in range(4000)]
    for p in POPULATIONS["LMXB"]:
        assert names.count(p.name) / 4000 == pytest.approx(p.weight, abs=4 * 0.5 / math.sqrt(4000))
    kinds = [draw_physics("", r).kind for _ in range(4000)]
    for kind, n in MIXTURE.items():
        assert kinds.count(kind) / 4000 == pytest.approx(n / 2080, abs=4 * 0.5 / math.sqrt(4000))


@pytest.mark.parametrize("kind", CLASSES)
def test_spread_zero_is_one_model_at_the_centre(kind: str) -> None:
    a, b = (draw_physics(kind, rng(seed), 0.0) for seed in (5, 6))
    assert repr(a) == repr(b)
    commonest = max(POPULATIONS[kind], key=lambda p: p.weight)
    assert a.population == commonest.name
    assert a.nh == pytest.approx(commonest.nh.centre)


def test_a_small_spread_is_near_zero_spread_and_never_empty() -> None:
    for kind in CLASSES:
        centre = draw_physics(kind, rng(), 0.0)
        for seed in range(20):
            p = draw_physics(kind, rng(seed), 1e-4)
            assert p.population == centre.population
            assert p.nh == pytest.approx(centre.nh, rel=1e-2)


@pytest.mark.parametrize("kind", CLASSES)
def test_spread_widens_the_class(kind: str) -> None:
    def width(spread: float) -> float:
        r = rng(7)
        hardness = []
        for _ in range(400):
            density = draw_physics(kind, r, spread).photon_density(LO, HI)
            soft = density[(CENTRE > 0.5) & (CENTRE < 1.5)].sum()
            hard = density[(CENTRE > 1.5) & (CENTRE < 7.0)].sum()
            hardness.append((hard - soft) / (hard + soft))
        return float(np.std(hardness))

    widths = [width(s) for s in (0.0, 0.25, 1.0)]
    assert widths[0] < 1e-12
    assert all(b > a for a, b in pairwise(widths))


def test_draws_stay_in_step_whatever_is_asked() -> None:
    follow = []
    for kind, spread, given in (
        ("AGN", 1.0, {}),
        ("NS", 0.0, {"nh": 1.0}),
        ("", 4.0, {"gamma": 1.0, "kt": 0.2}),
    ):
        r = rng(8)
        draw_physics(kind, r, spread, **given)
        follow.append(r.random())
    assert len(set(follow)) == 1


def test_draws_repeat() -> None:
    assert repr(draw_physics("", rng(9))) == repr(draw_physics("", rng(9)))
    assert repr(draw_physics("", rng(9))) != repr(draw_physics("", rng(10)))


def test_classes_overlap() -> None:
    """Of every two classes, a good part of one lies where the other has sources too (hardness plane)."""
    r = rng(10)
    planes = {}
    for kind in CLASSES:
        points = []
        for _ in range(600):
            density = draw_physics(kind, r).photon_density(LO, HI)
            s, m, h = (
                density[(lo < CENTRE) & (hi > CENTRE)].sum()
                for lo, hi in ((0.5, 1.2), (1.2, 2.0), (2.0, 7.0))
            )
            points.append(((m - s) / (m + s), (h - m) / (h + m)))
        planes[kind], *_ = np.histogram2d(*np.array(points).T, bins=8, range=[[-1, 1], [-1, 1]])
    for a in CLASSES:
        others = sum(planes[b] for b in CLASSES if b != a)
        assert planes[a][others >= 30].sum() / 600 > 0.6


# given values


def test_given_values_are_taken_where_they_have_a_meaning() -> None:
    r = rng(11)
    for _ in range(200):
        p = draw_physics("AGN", r, gamma=1.93, nh=0.7, kt=0.3)
        assert (p.gamma, p.nh) == (1.93, 0.7)
        assert math.isnan(p.nh_inner)
        assert p.population != "Compton-thick"  # its range does not hold that index
        star = draw_physics("LM-STAR", r, gamma=1.93, nh=0.02, kt=5.0)
        assert math.isnan(star.gamma)
        assert star.nh == 0.02
        assert star.kt < 2.0
        ns = draw_physics("NS", r, gamma=1.93, kt=0.2)
        if ns.shape.startswith("blackbody"):
            assert ns.kt == 0.2
            assert ns.gamma != 1.93
            assert ns.population != "cooling"
        else:
            assert ns.gamma == 1.93
            assert math.isnan(ns.kt)


@pytest.mark.parametrize(
    ("gamma", "nh", "want"),
    [
        (-2.0, 0.0, (GAMMA_LIMITS[0], NH_LIMITS[0])),
        (9.0, 1e4, (GAMMA_LIMITS[1], NH_LIMITS[1])),
        (0.0, 0.5, (0.0, 0.5)),
    ],
)
def test_odd_given_values_are_clipped(gamma: float, nh: float, want: tuple[float, float]) -> None:
    p = draw_physics("AGN", rng(), gamma=gamma, nh=nh)
    assert (p.gamma, p.nh) == want


def test_a_given_temperature_is_clipped() -> None:
    kts = [
        p.kt for p in (draw_physics("NS", rng(i), gamma=5.0, kt=40.0) for i in range(40)) if p.shape[0] == "b"
    ]
    assert set(kts) == {KT_LIMITS[1]}


def test_what_is_not_a_number_is_not_given() -> None:
    for odd in (math.nan, math.inf, -math.inf):
        assert repr(draw_physics("AGN", rng(12), gamma=odd, nh=odd, kt=odd)) == repr(
            draw_physics("AGN", rng(12))
        )


@pytest.mark.parametrize("spread", [-0.1, math.nan, math.inf])
def test_odd_spreads_are_refused(spread: float) -> None:
    with pytest.raises(ValueError, match="spread"):
        draw_physics("AGN", rng(), spread)


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValueError, match="'QSO': give one of AGN, CV"):
        draw_physics("QSO", rng())


# spectra


def test_density_is_its_formula() -> None:
    p = Physics(
        "AGN", "made", "powerlaw+blackbody", nh=0.05, gamma=1.8, kt2=0.15, share=0.1,
        nh_inner=4.0, covering=0.9, redshift=0.5, line=0.2,
    )  # fmt: skip
    # 4e22 at z = 0.5 through the table of cross-sections: compare with the formula away from the edges
    inner = 0.9 * np.exp(-4e22 * shapes.cross_section(CENTRE * 1.5)) + 0.1
    want = 0.9 * unit(shapes.powerlaw(CENTRE, 1.8)) * inner + 0.1 * unit(shapes.blackbody(CENTRE, 0.1))
    want *= shapes.absorption(CENTRE, 0.05)
    off_line = np.abs(CENTRE - IRON / 1.5) > 0.2
    got = p.photon_density(LO, HI)
    assert np.mean(np.abs(got / want - 1)[off_line] < 2e-3) > 0.99
    excess = ((got - want) * WIDTH)[~off_line].sum()
    at = np.searchsorted(EDGES, IRON / 1.5) - 1
    assert excess == pytest.approx(0.2 / 1.5 * want[at], rel=0.02)


def test_thermal_density_is_its_formula() -> None:
    p = Physics("YSO", "made", "thermal+thermal", nh=0.8, kt=0.8, kt2=3.0, abundance=0.3, share=0.6)
    want = 0.4 * unit(shapes.thermal(LO, HI, 0.8, 0.3)) + 0.6 * unit(shapes.thermal(LO, HI, 3.0, 0.3))
    np.testing.assert_allclose(p.photon_density(LO, HI), want * shapes.absorption(CENTRE, 0.8), rtol=1e-5)


def test_density_does_not_change_what_is_kept() -> None:
    p = draw_physics("AGN", rng(13))
    first = p.photon_density(LO, HI)
    for kind in CLASSES:
        draw_physics(kind, rng(13)).photon_density(LO, HI)
    np.testing.assert_array_equal(p.photon_density(LO, HI), first)
    assert components.grid(LO, HI).energy == pytest.approx(CENTRE)


@pytest.mark.parametrize("n", [1, 3, 250, 1070])
def test_density_on_other_grids(n: int) -> None:
    edges = np.geomspace(0.3, 9.3, n + 1)
    r = rng(14)
    for kind in CLASSES:
        for _ in range(20):
            density = draw_physics(kind, r).photon_density(edges[:-1], edges[1:])
            assert density.shape == (n,)
            assert np.isfinite(density).all()
            assert density.sum() > 0


def test_the_total_column_counts_the_inner_one_as_if_here():
    here = Physics("AGN", "type 2", "powerlaw", nh=0.1, gamma=1.8, nh_inner=2.0, covering=1.0, redshift=1.0)
    assert here.nh_total == pytest.approx(0.1 + 2.0 / 2**2.6)
    assert Physics("AGN", "type 1", "powerlaw", nh=0.1, gamma=1.8).nh_total == 0.1
    # the same column at redshift 0 absorbs about as much at 2 keV
    lo = np.linspace(1.5, 3.0, 40)
    hi = lo + (lo[1] - lo[0])
    there = Physics("AGN", "type 2", "powerlaw", nh=here.nh_total, gamma=1.8)
    bare = Physics("AGN", "type 2", "powerlaw", nh=0.0, gamma=1.8).photon_density(lo, hi)
    first, second = (p.photon_density(lo, hi) / bare for p in (here, there))
    assert np.abs(np.log(first / second)).max() < 0.25 * np.abs(np.log(first)).max()
