"""Photon spectra of the simulator: cross-section, Gaunt factor, the four shapes."""

import numpy as np
import pytest
from chandra_embed.inference.simulate import shapes
from scipy.special import k0

EDGES = np.linspace(0.25, 10.75, 701)
LO, HI = EDGES[:-1], EDGES[1:]
CENTRE = (LO + HI) / 2
PARAMETERS = {"nh": 0.1, "gamma": 1.8, "kt": 1.0, "abundance": 0.5}


@pytest.mark.parametrize(
    ("energy", "barn"),
    # sigma in 1e-24 cm^2, from the printed polynomials by hand; 242 at 1 keV is what everybody quotes
    [
        (0.2, 8642.0),
        (0.5, 735.6),
        (0.55, 944.897),
        (1.0, 242.2),
        (2.0, 43.0125),
        (5.0, 3.5252),
        (8.0, 1.71133),
    ],
)
def test_cross_section_has_published_values(energy: float, barn: float) -> None:
    assert shapes.cross_section(np.array([energy]))[0] * 1e24 == pytest.approx(barn, rel=1e-4)


def test_cross_section_steps_up_at_edges_and_falls_between() -> None:
    for edge, jump in ((0.532, 1.5), (1.84, 1.1), (7.111, 1.2)):
        below, above = shapes.cross_section(np.array([edge - 1e-6, edge + 1e-6]))
        assert above > jump * below
    for lo, hi in ((0.54, 0.70), (0.87, 1.30), (1.85, 2.46), (4.04, 7.1)):
        assert (np.diff(shapes.cross_section(np.linspace(lo, hi, 100))) < 0).all()


def test_cross_section_is_refused_below_its_table_and_continued_above() -> None:
    with pytest.raises(ValueError, match=r"0\.02 keV"):
        shapes.cross_section(np.array([0.02, 1.0]))
    at, beyond = shapes.cross_section(np.array([10.0, 11.0]))
    assert 0 < beyond < at
    assert shapes.cross_section(np.zeros(0)).size == 0


def test_absorption_is_exp_of_column_times_cross_section() -> None:
    energy = np.array([0.3, 1.0, 5.0])
    np.testing.assert_allclose(shapes.absorption(energy, 0.7), np.exp(-0.7e22 * shapes.cross_section(energy)))
    assert (shapes.absorption(energy, 0.0) == 1.0).all()


def test_gaunt_is_the_born_formula() -> None:
    x = np.geomspace(1e-3, 100, 400)
    with np.errstate(under="ignore"):
        want = np.sqrt(3) / np.pi * np.exp(x / 2) * k0(x / 2)
    np.testing.assert_allclose(shapes.gaunt(x), want, rtol=3e-6)


def test_powerlaw_is_one_at_one_kev() -> None:
    np.testing.assert_allclose(shapes.powerlaw(np.array([0.5, 1.0, 2.0]), 2.0), [4.0, 1.0, 0.25])


def test_blackbody_peaks_where_photons_do_and_stays_finite_when_cold() -> None:
    density = shapes.blackbody(CENTRE, 1.0)
    assert CENTRE[density.argmax()] == pytest.approx(1.5936, abs=0.02)  # (x - 2) e^x + 2 = 0
    cold = shapes.blackbody(CENTRE, 0.005)
    assert np.isfinite(cold).all()
    assert (cold >= 0).all()


def test_thermal_lines_add_photons_where_they_belong() -> None:
    bare = shapes.thermal(LO, HI, 5.0, 0.0)
    np.testing.assert_array_equal(bare, shapes.bremsstrahlung(CENTRE, 5.0))
    excess = shapes.thermal(LO, HI, 5.0, 0.3) - bare
    iron = (CENTRE > 6.6) & (CENTRE < 6.8)
    width = (excess * (HI - LO))[iron].sum() / bare[iron].mean()
    assert width == pytest.approx(0.3 * 0.8, rel=0.03)  # equivalent width, keV, near the peak of Fe XXV
    assert (excess[(CENTRE > 5.0) & (CENTRE < 6.5)] == 0).all()


def test_thermal_lines_follow_temperature() -> None:
    def share(kt: float, lo: float, hi: float) -> float:
        excess = shapes.thermal(LO, HI, kt, 1.0) / shapes.bremsstrahlung(CENTRE, kt) - 1
        return float(excess[(lo < CENTRE) & (hi > CENTRE)].max())

    assert share(0.3, 0.6, 0.7) > 20 * share(3.0, 0.6, 0.7)  # oxygen
    assert share(5.0, 6.6, 6.8) > 20 * share(0.8, 6.6, 6.8)  # iron K


def test_thermal_on_a_narrow_grid_keeps_only_lines_inside() -> None:
    edges = np.linspace(2.0, 3.0, 50)
    density = shapes.thermal(edges[:-1], edges[1:], 1.4, 1.0)
    inside = [line for line in shapes.LINES if 2.0 <= line.energy < 3.0]
    base = shapes.bremsstrahlung((edges[:-1] + edges[1:]) / 2, 1.4)
    assert (density > base * 1.0001).sum() == len(inside)


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_every_shape_is_positive_and_absorbed(shape: str) -> None:
    thin = shapes.photon_spectrum(LO, HI, shape, **PARAMETERS)
    thick = shapes.photon_spectrum(LO, HI, shape, **{**PARAMETERS, "nh": 3.0})
    assert thin.shape == LO.shape
    assert np.isfinite(thin).all()
    assert (thin > 0).all()
    assert (thick < thin).all()
    assert thick[CENTRE < 1].sum() / thick.sum() < 0.1 * thin[CENTRE < 1].sum() / thin.sum()


def test_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="'disk': give one of powerlaw"):
        shapes.photon_spectrum(LO, HI, "disk", **PARAMETERS)
