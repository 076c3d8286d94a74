"""Events and light curves in spectra.h5: what goes in comes out, row by row."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.event_table import has_events, read_block, read_events, spans
from chandra_embed.inference.catalog.lightcurves import LightCurve
from chandra_embed.inference.catalog.spectra_file import CHUNK, SpectraWriter
from chandra_embed.inference.errors import StoreError
from chandra_embed.inference.event_list import EventList
from chandra_embed.inference.recipe import Recipe

ONE = np.ones(400, np.float32)


def events(i: int) -> EventList | None:
    """None, an empty list, or a list of i events with i % 3 + 1 intervals."""
    if i % 4 == 3:
        return None
    n = 0 if i % 5 == 0 else i
    rng = np.random.default_rng(i)
    gti = 100.0 * np.arange(i % 3 + 1)[:, None] + [0.0, 50.0]
    zero = np.nan if i % 2 else 1e8 + i
    return EventList(np.sort(rng.uniform(0, 50, n)), rng.uniform(0.3, 8, n).astype(np.float32), gti, zero)


def write(path: Path, n: int) -> Path:
    with SpectraWriter(path, Recipe(), {}) as writer:
        for i in range(n):
            writer.append({"file": f"{i}"}, ONE, ONE, None, events(i))
        writer.close()
    return path


@pytest.mark.parametrize("n", [0, 1, 4, CHUNK, CHUNK + 3])
def test_events_come_back(tmp_path: Path, n: int) -> None:
    with store.open_store(write(tmp_path / "s.h5", n), store.SPECTRA) as file:
        assert file["event/offset"].shape == file["event/gti_offset"].shape == (n + 1,)
        assert has_events(file) == (n > 0)
        for start, stop in ((0, n), (0, n // 2), (n // 2, n), (n, n)):
            found = read_events(file, start, stop)
            assert len(found) == stop - start
            for i, one in enumerate(found, start):
                expected = events(i)
                if expected is None or one is None:
                    assert one is expected
                    continue
                np.testing.assert_array_equal(one.time, expected.time)
                np.testing.assert_array_equal(one.energy, expected.energy)
                np.testing.assert_array_equal(one.gti, expected.gti)
                np.testing.assert_equal(one.zero, expected.zero)
            block = read_block(file, start, stop)
            assert [len(block.rows(i, i + 1).time) for i in range(len(block))] == [
                0 if one is None else len(one) for one in found
            ]


def test_spans_are_whole_steps_of_few_events(tmp_path: Path) -> None:
    with store.open_store(write(tmp_path / "s.h5", 50), store.SPECTRA) as file:
        ends = file["event/offset"][...]
        for start, stop, step, most in ((0, 50, 4, 100), (3, 49, 7, 1), (0, 50, 4, 10**6), (5, 5, 4, 1)):
            found = list(spans(file, start, stop, step, most))
            assert [row for span in found for row in span] == list(range(start, stop))
            for span in found:
                assert (span.start - start) % step == 0
                assert len(span) <= step or ends[span.stop] - ends[span.start] <= most
    with h5py.File(tmp_path / "s.h5", "r+") as file:
        del file["event"]
        assert list(spans(file, 2, 9, 3, 1)) == [range(2, 9)]
        assert len(read_block(file, 0, 3)) == 3


def test_dtypes_units_and_no_events(tmp_path: Path) -> None:
    with SpectraWriter(tmp_path / "s.h5", Recipe(), {}) as writer:
        writer.append({"file": "a"}, ONE, ONE, None)
        writer.close()
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert not has_events(file)
        assert read_events(file, 0, 1) == [None]
        assert np.isnan(file["event/zero"][0])
        types = {name: file["event"][name].dtype.str for name in file["event"]}
        assert types == dict.fromkeys(("time", "gti_start", "gti_stop", "zero"), "<f8") | {
            "energy": "<f4",
            "offset": "<i8",
            "gti_offset": "<i8",
        }
        assert {file["lightcurve"][name].dtype.str for name in ("offset",)} == {"<i8"}
        assert list(file["lightcurve/offset"]) == [0, 0]


def test_light_curves_go_in(tmp_path: Path) -> None:
    curve = LightCurve(np.arange(3.0), np.ones(3), np.array([4.0, 0, 9]), np.array([1, 0, 0.5]), 0.9, 6.0)
    with SpectraWriter(tmp_path / "s.h5", Recipe(), {}) as writer:
        writer.append({"file": "a"}, ONE, ONE, None)
        writer.append({"file": "b"}, ONE, ONE, None, None, curve)
        writer.append({"file": "c"}, ONE, ONE, None, None, curve)
        writer.close()
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        group = file["lightcurve"]
        assert list(group["offset"]) == [0, 0, 3, 6]
        np.testing.assert_array_equal(group["counts"], [4, 0, 9, 4, 0, 9])
        np.testing.assert_array_equal(group["rate_error"], [2, np.nan, 6, 2, np.nan, 6])
        np.testing.assert_array_equal(group["prob"], [np.nan, 0.9, 0.9])
        np.testing.assert_array_equal(group["index"], [np.nan, 6, 6])


def test_a_file_from_before_events_has_none(tmp_path: Path) -> None:
    path = write(tmp_path / "s.h5", 3)
    with h5py.File(path, "r+") as file:
        del file["event"]
    with store.open_store(path, store.SPECTRA) as file:
        assert not has_events(file)
        assert read_events(file, 0, 3) == [None] * 3


def test_what_is_out_of_range_or_broken_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "s.h5", 3)
    with h5py.File(path, "r+") as file:
        for rows in ((0, 4), (-1, 2), (2, 1)):
            with pytest.raises(ValueError, match="of a file of 3"):
                read_events(file, *rows)
        file["event/time"][1] = 1e9
        for read in (read_events, read_block):
            with pytest.raises(StoreError, match="row 2 of /event: times must ascend; ingest the file again"):
                read(file, 0, 3)
        file["event/offset"][:] = [0, 1, 0, 1]
        with pytest.raises(StoreError, match="row 2 of /event/offset goes back; ingest the file again"):
            read_events(file, 0, 3)
