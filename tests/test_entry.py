"""Rows as they are written: single precision, one scale, and nothing that a column does not hold."""

import numpy as np
import pytest
from chandra_embed.inference.catalog.entry import entry
from chandra_embed.inference.errors import Quarantined
from chandra_embed.inference.preprocess import Observation

ZERO = np.zeros(400, np.float32)
EDGES = np.arange(5) * 0.5


def observation(**more: object) -> Observation:
    return Observation(np.arange(4.0), 100.0, EDGES[:-1], EDGES[1:], **more)


def test_a_scale_by_channel_is_folded_into_the_background() -> None:
    scale = np.array([0.1, 0.2, 0.3, 0.4])
    made = entry({"file": "a"}, ZERO, ZERO, observation(background=np.full(4, 8.0), scale=scale)).channels
    assert made is not None
    assert made.scale == pytest.approx(0.25)
    np.testing.assert_allclose(made.background * made.scale, 8.0 * scale, rtol=1e-6)
    assert made.source.dtype == made.background.dtype == np.float32


def test_without_a_background_or_counts() -> None:
    made = entry({"file": "a"}, ZERO, ZERO, observation()).channels
    assert made is not None
    assert made.background is None
    assert np.isnan(made.scale)
    assert entry({"file": "a"}, ZERO, ZERO, None).channels is None


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("obi", 2**31, "bad-value"),
        ("pileup_flag", -129, "bad-value"),
        ("date_obs", "x" * 33, "name-too-long"),
        ("name", "é" * 17, "name-too-long"),
    ],
)
def test_what_a_column_does_not_hold(column: str, value: object, reason: str) -> None:
    with pytest.raises(Quarantined, match=column) as caught:
        entry({"file": "a", column: value}, ZERO, ZERO, None)
    assert caught.value.reason == reason
