"""Event lists: what is refused, and good time without its gaps."""

import numpy as np
import pytest
from chandra_embed.inference.event_list import EventList


def events(time: list[float], gti: list[list[float]]) -> EventList:
    return EventList(np.array(time), np.linspace(0.5, 7, len(time), dtype=np.float32), np.array(gti))


def test_elapsed_time_leaves_the_gaps_out() -> None:
    e = events([1, 10, 20, 25, 40], [[0, 10], [20, 30], [35, 40]])
    assert e.livetime == 25
    np.testing.assert_array_equal(e.elapsed(), [1, 10, 10, 15, 25])


def test_an_event_in_a_gap_counts_as_at_its_start() -> None:
    np.testing.assert_array_equal(events([-1, 12, 99], [[0, 10], [20, 30]]).elapsed(), [0, 10, 20])


def test_no_events_are_legal() -> None:
    e = events([], [[0, 10]])
    assert len(e) == 0
    assert e.elapsed().shape == (0,)


def test_a_band_holds_its_lower_edge_only() -> None:
    e = EventList(np.arange(3.0), np.array([0.5, 1.2, 2.0], np.float32), np.array([[0, 3.0]]))
    np.testing.assert_array_equal(e.band(0.5, 2.0).energy, np.array([0.5, 1.2], np.float32))


@pytest.mark.parametrize(
    ("time", "gti"),
    [([2, 1], [[0, 3]]), ([1], [[3, 0]]), ([1], [[0, 2], [1, 3]]), ([1], [[1, 1]]), ([1], [])],
)
def test_what_is_out_of_order_is_refused(time: list[float], gti: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"times|intervals"):
        events(time, gti)
