"""The ACIS-like response: areas, contamination, vignetting, redistribution, folding."""

import numpy as np
import pytest
from chandra_embed.inference.simulate import response

CHIPS = response.CHIPS


def area_at(energy: float, chip: str = "BI", epoch: float = 1.0, theta: float = 0.0) -> float:
    r = response.acis_response(chip, epoch, theta)
    return float(np.interp(energy, (r.redistribution.energy_lo + r.redistribution.energy_hi) / 2, r.area))


def dense(r: response.Redistribution) -> np.ndarray:
    """Unpack entry by entry, shape (channels, energies)."""
    matrix = np.zeros((len(r.channel_lo), len(r.energy_lo)))
    ends = np.append(r.start[1:], len(r.weight))
    for channel, begin, end in zip(r.filled, r.start, ends, strict=True):
        for i in range(begin, end):
            matrix[channel, r.energy[i]] = r.weight[i]
    return matrix


def test_peak_area_is_that_of_acis() -> None:
    assert 650 < area_at(1.5) < 800
    assert 500 < area_at(1.5, "FI") < 700
    assert area_at(2.2) < 0.65 * area_at(1.95)  # iridium M edge
    assert area_at(8.0) < 0.15 * area_at(4.0)
    assert area_at(0.4, "FI") < 0.2 * area_at(0.4, "BI")


@pytest.mark.parametrize("chip", CHIPS)
def test_contamination_takes_soft_area_with_time(chip: str) -> None:
    soft = [area_at(0.6, chip, epoch) for epoch in (1.0, 6.0, 12.0, 18.0, 23.0)]
    assert (np.diff(soft) < 0).all()
    assert soft[-1] < 0.1 * soft[0]
    assert area_at(4.0, chip, 23.0) > 0.9 * area_at(4.0, chip, 1.0)
    assert area_at(0.6, chip, 40.0) == area_at(0.6, chip, 26.0)  # not known later: stays


def test_contamination_has_edges_of_carbon_oxygen_fluorine() -> None:
    for edge in (0.284, 0.532, 0.687):
        below, above = response.contamination(np.array([edge - 1e-6, edge + 1e-6]), 10.0)
        assert above < 0.99 * below
    assert (response.contamination(np.array([0.3, 1.0]), 0.0) == 1.0).all()


def test_vignetting_falls_with_angle_faster_at_high_energy() -> None:
    energy = np.array([1.5, 6.4])
    assert (response.vignetting(energy, 0.0) == 1.0).all()
    soft, hard = response.vignetting(energy, 10.0)
    assert soft == pytest.approx(0.85, abs=0.03)
    assert hard == pytest.approx(0.65, abs=0.03)
    assert area_at(1.5, theta=10.0) == pytest.approx(soft * area_at(1.5), rel=1e-3)


@pytest.mark.parametrize("chip", CHIPS)
def test_redistribution_conserves_events(chip: str) -> None:
    r = response.redistribution(chip)
    np.testing.assert_allclose(np.bincount(r.energy, r.weight, minlength=len(r.energy_lo)), 1.0, rtol=1e-12)
    events = np.random.default_rng(1).random(len(r.energy_lo))
    assert r.fold(events).sum() == pytest.approx(events.sum(), rel=1e-12)


@pytest.mark.parametrize("chip", CHIPS)
def test_fold_is_the_matrix_product(chip: str) -> None:
    r = response.redistribution(chip)
    events = np.random.default_rng(2).random(len(r.energy_lo))
    np.testing.assert_allclose(r.fold(events), dense(r) @ events, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("chip", "energy", "lo", "hi"),
    [("FI", 1.49, 0.06, 0.11), ("FI", 5.9, 0.12, 0.20), ("BI", 1.49, 0.09, 0.13), ("BI", 5.9, 0.13, 0.18)],
)
def test_energy_resolution_is_that_of_acis(chip: str, energy: float, lo: float, hi: float) -> None:
    assert lo < response.fwhm(np.array([energy]), chip)[0] < hi
    r = response.redistribution(chip)
    events = np.zeros(len(r.energy_lo))
    events[np.searchsorted(r.energy_hi, energy)] = 1.0
    counts = r.fold(events)
    above = np.flatnonzero(counts > counts.max() / 2)
    assert lo - 0.015 < (above[-1] - above[0] + 1) * response.CHANNEL_WIDTH < hi + 0.015
    assert abs(r.channel_lo[counts.argmax()] - energy) < 0.03


def test_escape_peak_stands_1_74_kev_below() -> None:
    r = response.redistribution("FI")
    events = np.zeros(len(r.energy_lo))
    events[np.searchsorted(r.energy_hi, 5.0)] = 1.0
    counts = r.fold(events)
    below = r.channel_hi < 4.0
    peak = r.channel_lo[np.argmax(np.where(below, counts, 0))]
    assert peak == pytest.approx(5.0 - 1.74, abs=0.03)
    assert 0.003 < counts[below].sum() < 0.02


def test_from_matrix_keeps_empty_channels_and_energies() -> None:
    edges = np.arange(4.0)
    matrix = np.array([[0.0, 0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0]])
    channels = np.arange(6.0)
    r = response.from_matrix(edges[:-1], edges[1:], channels[:-1], channels[1:], matrix)
    np.testing.assert_array_equal(r.fold(np.array([2.0, 7.0, 3.0])), [0.0, 1.0, 0.0, 4.0, 0.0])


def test_unknown_chip_is_refused() -> None:
    with pytest.raises(ValueError, match="'S3': give one of FI, BI"):
        response.acis_response("S3", 1.0, 0.0)
