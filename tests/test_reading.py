"""Reading one input: what a first look gives, and that nothing is raised."""

from pathlib import Path

import numpy as np
import ogip
import pytest
from chandra_embed.inference.catalog.fits import Companions
from chandra_embed.inference.catalog.inputs import Given
from chandra_embed.inference.catalog.reading import Job, read
from chandra_embed.inference.catalog.regions import parse_region
from chandra_embed.inference.recipe import Recipe
from event_fits import write_events, write_lightcurve


def test_a_first_look_gives_the_row_that_a_spectrum_would_make(tmp_path: Path) -> None:
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), ogip.counts(2))
    first = read(Job(Given(path, "a.pi"), first=True), Recipe(), {})
    again = read(Job(Given(path, "a.pi")), Recipe(), {})
    assert first.look is not None
    assert first.identity is not None
    assert (again.look, again.identity) == (None, None)
    for a, b in zip(first.rows[0].entry, again.rows[0].entry, strict=True):
        np.testing.assert_equal(a, b)
    assert first.rows[0].files[0] == first.rows[0].files[1]  # the background is in the same file


def test_a_first_look_reads_no_events_and_makes_no_row_of_a_background(tmp_path: Path) -> None:
    events = Given(write_events(tmp_path / "a_evt2.fits"), "a", "events")
    found = read(Job(events, first=True), Recipe(), {})
    assert (found.rows, found.problem) == ([], None)
    assert found.identity is not None
    back = Given(ogip.write_pha(tmp_path / "back.pi", ogip.counts(1)), "back.pi")
    found = read(Job(back, first=True), Recipe(), {})
    assert found.rows == []
    assert found.look is not None
    assert found.look.heading is not None


def test_parts_that_cannot_be_read_leave_the_row(tmp_path: Path) -> None:
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1))
    curve = Given(write_lightcurve(tmp_path / "a_lc3.fits", [0.1, 0.2]), "lc", "lightcurve")
    found = read(Job(Given(path, "a.pi"), parts=(Given(tmp_path / "no", "x", "events"), curve)), Recipe(), {})
    assert list(found.parts) == [0]
    assert found.parts[0].reason == "unreadable"
    assert found.rows[0].entry.lightcurve is not None


def test_regions_each_with_their_row_or_reason(tmp_path: Path) -> None:
    events = Given(write_events(tmp_path / "a_evt2.fits"), "a", "events")
    regions = {text: parse_region(text) for text in ("1,1,1", "4000,4100,6")}
    found = read(Job(events), Recipe(), regions)
    assert [(name, number, why[:9]) for name, number, why in found.regions] == [
        ("1,1,1", -1, "no-counts"),
        ("4000,4100,6", 0, ""),
    ]
    found = read(Job(events), Recipe(), {"1,1,1": regions["1,1,1"]})
    assert (found.rows, found.problem.reason if found.problem else "") == ([], "no-counts")


@pytest.mark.parametrize(
    ("reason", "header"),
    [
        ("bad-value", {"OBI_NUM": 10**12}),
        ("not-finite", {"EXPOSURE": 1e-320}),
        ("name-too-long", {"DATE-OBS": "x" * 40}),
    ],
)
def test_what_the_file_would_not_hold(tmp_path: Path, reason: str, header: dict[str, object]) -> None:
    path = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), **header)
    found = read(Job(Given(path, "a.pi"), Companions(), first=True), Recipe(), {})
    assert found.problem is not None
    assert found.problem.reason == reason
    assert found.rows == []
