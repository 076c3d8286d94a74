"""Event lists put one after the other: the same lists again, and the faults that lists would have."""

import numpy as np
import pytest
from chandra_embed.inference.event_block import EventBlock
from event_rows import draw_lists

LISTS = [None, *draw_lists(5), None, None, *draw_lists(4, seed=1), None]


def test_rows_are_the_lists():
    block = EventBlock.of(LISTS)
    assert len(block) == len(LISTS)
    for i, one in enumerate(LISTS):
        row = block.rows(i, i + 1)
        assert len(row) == 1
        assert row.time.tolist() == ([] if one is None else one.time.tolist())
        assert row.energy.tolist() == ([] if one is None else one.energy.tolist())
        assert row.livetime()[0] == (0.0 if one is None else one.livetime)
    assert block.fault() is None
    assert len(block.rows(3, 99)) == len(LISTS) - 3


def test_no_rows_at_all():
    block = EventBlock.of([])
    assert len(block) == 0
    assert block.livetime().shape == (0,)
    assert block.fault() is None
    assert EventBlock.of([None, None]).fault() is None


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda b: b.time.__setitem__(b.offset[4], 1e9), "times must ascend"),
        (lambda b: b.time.__setitem__(b.offset[5] - 1, np.nan), "times must ascend"),
        (lambda b: b.gti.__setitem__((b.gti_offset[4], 1), np.nan), "good time intervals must"),
        (lambda b: b.gti.__setitem__((b.gti_offset[4], 1), -1.0), "good time intervals must ascend"),
        (lambda b: b.gti.__setitem__(b.gti_offset[4], 0.0), "good time intervals must hold some time"),
    ],
)
def test_the_first_row_at_fault_is_named(spoil, match):
    block = EventBlock.of(LISTS)
    spoil(block)
    row, why = block.fault()
    assert row == 4
    assert why.startswith(match)
    assert block.rows(0, 4).fault() is None
    assert block.rows(5, 12).fault() is None
