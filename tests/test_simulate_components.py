"""Components on a cached grid: the same as the slow formulas of ``shapes``, on any grid."""

import numpy as np
import pytest
from chandra_embed.inference.simulate import shapes
from chandra_embed.inference.simulate.components import add_line, component, grid, partial_absorption

EDGES = np.linspace(0.25, 10.75, 701)
LO, HI = EDGES[:-1], EDGES[1:]
CENTRE, WIDTH = (LO + HI) / 2, HI - LO


def unit(density: np.ndarray) -> np.ndarray:
    band = (CENTRE >= 0.5) & (CENTRE < 7.0)
    return density / (density * WIDTH)[band].sum()


@pytest.mark.parametrize("kt", [0.03, 0.3, 2.0, 80.0])
@pytest.mark.parametrize("abundance", [0.0, 1.0])
def test_fast_thermal_is_the_slow_one(kt: float, abundance: float) -> None:
    want = unit(shapes.thermal(LO, HI, kt, abundance))
    np.testing.assert_allclose(component(grid(LO, HI), "thermal", 0.0, kt, abundance), want, rtol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 37, 700])
def test_fast_thermal_on_odd_grids(n: int) -> None:
    edges = np.geomspace(0.6, 6.9, n + 1)
    lo, hi = edges[:-1], edges[1:]
    want = shapes.thermal(lo, hi, 1.0, 0.5)
    inside = ((lo + hi) / 2 >= 0.5) & ((lo + hi) / 2 < 7.0)
    want /= (want * (hi - lo))[inside].sum()
    np.testing.assert_allclose(component(grid(lo, hi), "thermal", 0.0, 1.0, 0.5), want, rtol=1e-6)


def test_power_law_and_blackbody_are_those_of_shapes() -> None:
    g = grid(LO, HI)
    np.testing.assert_allclose(component(g, "powerlaw", 2.3, 0, 0), unit(shapes.powerlaw(CENTRE, 2.3)))
    np.testing.assert_allclose(component(g, "blackbody", 0, 0.4, 0), unit(shapes.blackbody(CENTRE, 0.4)))
    with pytest.raises(ValueError, match="'disk': give one of powerlaw"):
        component(g, "disk", 1.0, 1.0, 1.0)


def test_a_component_off_the_band_is_scaled_over_what_there_is() -> None:
    edges = np.linspace(8.0, 9.0, 11)
    density = component(grid(edges[:-1], edges[1:]), "powerlaw", 2.0, 0, 0)
    assert (density * np.diff(edges)).sum() == pytest.approx(1.0)


def test_grid_is_kept_by_contents_and_cannot_be_changed() -> None:
    assert grid(LO, HI) is grid(LO.copy(), HI.copy())
    assert grid(LO + 0.01, HI + 0.01) is not grid(LO, HI)
    with pytest.raises(ValueError, match="read-only"):
        grid(LO, HI).energy[0] = 1.0


def test_grids_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        grid(np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match="shape"):
        grid(LO, HI[1:])
    with pytest.raises(ValueError, match="ascend"):
        grid(LO[::-1], HI[::-1])
    with pytest.raises(ValueError, match="ascend"):
        grid(np.array([1.0, np.nan, 2.0]), np.array([1.5, 2.0, 3.0]))
    with pytest.raises(ValueError, match="cross-section begins"):
        grid(np.array([0.0, 0.05]), np.array([0.05, 0.2]))


@pytest.mark.parametrize("redshift", [0.0, 0.5, 5.0, 9.0])
def test_partial_absorption_is_its_formula(redshift: float) -> None:
    want = 0.7 * np.exp(-3e22 * shapes.cross_section(CENTRE * (1 + redshift))) + 0.3
    got = partial_absorption(grid(LO, HI), 3.0, 0.7, redshift)
    # the table is within 0.1 %, but at an absorption edge a bin may fall on the other side
    assert np.mean(np.abs(got / want - 1) < 2e-3) > 0.99
    np.testing.assert_allclose(got, want, rtol=0.25)
    full = partial_absorption(grid(LO, HI), 3.0, 1.0, 0.0)
    np.testing.assert_allclose(full, shapes.absorption(CENTRE, 3.0))
    np.testing.assert_allclose(partial_absorption(grid(LO, HI), 3.0, 0.0, redshift), 1.0)


@pytest.mark.parametrize("bins", [700, 100, 9])
def test_line_has_its_equivalent_width_on_any_grid(bins: int) -> None:
    edges = np.linspace(0.25, 10.75, bins + 1)
    g = grid(edges[:-1], edges[1:])
    continuum = shapes.powerlaw(g.energy, 1.7)
    density = continuum.copy()
    add_line(g, density, 6.4, 0.05, 0.15)
    excess = (density - continuum) * g.width
    at = np.searchsorted(edges, 6.4) - 1
    assert excess.sum() == pytest.approx(0.15 * continuum[at])
    mean = (excess * g.energy).sum() / excess.sum()
    assert mean == pytest.approx(6.4, abs=max(0.001, g.width[0] / 2))


def test_line_at_and_beyond_the_ends_of_the_grid() -> None:
    g = grid(LO, HI)
    for energy, part in ((0.25, 0.5), (10.75 - 1e-9, 0.5), (0.2, 0.0), (10.75, 0.0), (40.0, 0.0)):
        density = np.ones(700)
        add_line(g, density, energy, 0.05, 0.2)
        assert ((density - 1) * WIDTH).sum() == pytest.approx(0.2 * part, abs=1e-6)
