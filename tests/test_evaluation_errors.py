import numpy as np
import pytest
from chandra_embed.training.evaluation import errors
from chandra_embed.training.evaluation.errors import all_errors, normalised_truth, row_errors


@pytest.fixture
def spectra():
    rng = np.random.default_rng(0)
    truth = rng.gamma(2, 1e-5, (37, 50)).astype(np.float32)
    value = (truth + rng.normal(0, 1e-5, truth.shape)).astype(np.float32)
    low, high = value.min(axis=1, keepdims=True), value.max(axis=1, keepdims=True)
    return value, truth, (value - low) / (high - low)


def test_row_errors_are_means_over_bins(spectra, monkeypatch):
    monkeypatch.setattr(errors, "BLOCK", 10)  # 37 is no multiple
    value, truth, _ = spectra
    slow = [
        sum(abs(float(x) - float(y)) for x, y in zip(a, b, strict=True)) / 50
        for a, b in zip(value, truth, strict=True)
    ]
    np.testing.assert_allclose(row_errors(value, truth), slow, rtol=1e-6)
    np.testing.assert_allclose(row_errors(value, truth[3]), np.abs(value - truth[3]).mean(axis=1), rtol=1e-5)
    assert row_errors(value[:0], truth[:0]).shape == (0,)


def test_the_truth_is_on_the_scale_of_its_noisy_spectrum(spectra):
    value, truth, normalised = spectra
    np.testing.assert_allclose(normalised_truth(value, value), normalised, atol=1e-6)
    found = normalised_truth(value, truth)
    # the same step in the spectrum is the same step in normalised units, wherever the truth lies
    scale = value.max(axis=1) - value.min(axis=1)
    np.testing.assert_allclose(found - normalised, (truth - value) / scale[:, None], atol=1e-5)
    assert normalised_truth(value, truth * 100).max() > 1


def test_the_input_has_no_error_to_itself_and_one_to_the_truth(spectra):
    value, truth, normalised = spectra
    perfect = normalised_truth(value, truth)
    found = all_errors(value, normalised, truth, {"same": normalised, "smooth": perfect})
    assert list(found) == ["same", "smooth", "input"]
    assert not found["input"]["mae"].any()
    np.testing.assert_array_equal(found["input"]["truth_mae"], found["smooth"]["mae"])
    np.testing.assert_array_equal(found["same"]["truth_mae"], found["input"]["truth_mae"])
    assert not found["smooth"]["truth_mae"].any()
    assert (found["input"]["truth_mae"] > 0).all()
    assert set(all_errors(value, normalised, None, {})["input"]) == {"mae"}
