"""What has been read is kept as it was read, and only what is whole and unchanged is believed."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ogip
import pytest
from chandra_embed.inference.catalog import journal
from chandra_embed.inference.catalog.fits import Companions
from chandra_embed.inference.catalog.inputs import Given
from chandra_embed.inference.catalog.reading import Job, Reading, read
from chandra_embed.inference.catalog.regions import Region, parse_region
from chandra_embed.inference.errors import Quarantined
from chandra_embed.inference.recipe import Recipe
from event_fits import write_events, write_lightcurve


def same(a: Any, b: Any) -> bool:
    """Whether two trees of dataclasses, tuples and arrays hold the same."""
    if is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Quarantined):
        return (a.reason, a.detail) == (b.reason, b.detail)
    return bool(a == b) or (a != a and b != b)


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    a = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), ogip.counts(2), ANCRFILE="a.arf", BACKFILE="b.pi")
    ogip.write_arf(tmp_path / "a.arf")
    b = ogip.write_pha(tmp_path / "b.pi", ogip.counts(3))
    events = Given(write_events(tmp_path / "a_evt2.fits"), "a_evt2.fits", "events")
    curve = Given(write_lightcurve(tmp_path / "a_lc3.fits", [0.1, 0.2]), "a_lc3.fits", "lightcurve")
    (tmp_path / "bad\n\udce9.pi").write_text("broken")
    torn = Given(tmp_path / "torn_evt2.fits", "torn", "events")
    return [
        Job(Given(a, "a.pi"), first=True),
        Job(Given(a, "a.pi"), Companions(background=b), parts=(events, curve, torn)),
        Job(Given(tmp_path / "bad\n\udce9.pi", "bad"), first=True),
        Job(events),
        Job(curve),
        Job(events, first=True),
    ]


REGIONS = {"r": parse_region("4000,4100,6"), "far (2)": parse_region("1,1,1")}


def test_tasks_say_what_was_asked(jobs: list[Job]) -> None:
    recipe = Recipe(quantity="flux", group_min=3)
    sky = Region("ds9", parse_region('10,20,4"').shapes)
    regions = {**REGIONS, "sky": sky}
    assert journal.asked(journal.task(jobs, recipe, regions, "v")) == (jobs, recipe, regions)


def test_another_question_has_another_place(jobs: list[Job], tmp_path: Path) -> None:
    def place(*more: Any) -> Path:
        return journal.place(tmp_path, journal.task(*more))

    first = place(jobs, Recipe(), {}, "v")
    assert first == place(jobs, Recipe(), {}, "v")
    assert first.parent == tmp_path
    others = {place(jobs, Recipe(group_min=6), {}, "v"), place(jobs, Recipe(), REGIONS, "v")}
    others |= {place(jobs, Recipe(), {}, "w"), place(jobs[1:], Recipe(), {}, "v")}
    jobs[0].given.path.write_bytes(b"changed")
    others.add(place(jobs, Recipe(), {}, "v"))
    assert len(others | {first}) == 6


def test_readings_come_back_as_they_were(jobs: list[Job], tmp_path: Path) -> None:
    made = [read(job, Recipe(), {}) for job in jobs] + [read(jobs[3], Recipe(), REGIONS)]
    assert [len(one.rows) for one in made] == [1, 1, 0, 1, 1, 0, 1]
    assert made[1].parts[2].reason == "unreadable"
    assert made[-1].regions[1][1] == -1
    path = tmp_path / "x.read"
    journal.save(path, made)
    assert list(tmp_path.glob("x.read*")) == [path]
    back = journal.readings(path)
    assert len(back) == len(made)
    for one, other in zip(made, back, strict=True):
        assert same(one, other)
    for one, other in zip(made, journal.looks(path), strict=True):
        assert same(Reading(one.look, one.identity, problem=one.problem, parts=one.parts), other)


def test_what_is_not_whole_or_has_changed_is_not_believed(jobs: list[Job], tmp_path: Path) -> None:
    path = tmp_path / "x.read"
    journal.save(path, [read(jobs[0], Recipe(), {})])
    assert journal.is_whole(path)
    raw = path.read_bytes()
    for damaged in (raw[:-1], raw[:50], b"", raw + b"x", b"x" * len(raw)):
        path.write_bytes(damaged)
        assert not journal.is_whole(path)
    path.write_bytes(raw)
    assert journal.is_whole(path)
    ogip.write_arf(tmp_path / "a.arf", 77.0)  # the spectrum names it
    assert not journal.is_whole(path)
    assert not journal.is_whole(tmp_path / "none.read")
