"""What ingest has read so far, kept in a folder beside the output until the output is whole.

Every chunk of inputs is one file, named by the SHA-256 of what was asked: the versions, the recipe, the
regions, and of each input its name, size, time of change and what goes with it. It is written under another
name and renamed, so it is there whole or not at all; whoever finds it there need not read those inputs again.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Quarantined
from ..event_list import EventList
from ..recipe import Recipe, recipe_from_json
from .entry import Channels, Entry
from .fits import Companions
from .inputs import Given, Heading, Look
from .joins import Identity
from .lightcurves import LightCurve
from .reading import Job, Reading, Ready
from .regions import Region, Shape

FORMAT = "chandra-embed/read-1"


def task(jobs: Sequence[Job], recipe: Recipe, regions: dict[str, Region], versions: str) -> str:
    """Return as JSON what a chunk of inputs is asked for; equal text, equal answer.

    Parameters
    ----------
    jobs : sequence of Job
        The inputs, in order.
    recipe, regions, versions
        What else the answer depends on.
    """
    files = sorted({str(one.path) for job in jobs for one in (job.given, *job.parts)})
    return json.dumps(
        {
            "format": FORMAT,
            "versions": versions,
            "recipe": recipe.to_json(),
            "regions": [[name, asdict(region)] for name, region in regions.items()],
            "jobs": [_job_out(job) for job in jobs],
            "files": [[path, *status(path)] for path in files],
        },
        sort_keys=True,
        separators=(",", ":"),
    )


def status(path: str) -> tuple[int, int]:
    """Return size and time of change (ns) of a file, -1 where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def place(folder: Path, text: str) -> Path:
    """Return where the answer to a task is kept."""
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()}.read"


def asked(text: str) -> tuple[list[Job], Recipe, dict[str, Region]]:
    """Return what :func:`task` wrote."""
    said = json.loads(text)
    regions = {}
    for name, region in said["regions"]:
        regions[name] = Region(region["text"], tuple(_shape(shape) for shape in region["shapes"]))
    return [_job_in(job) for job in said["jobs"]], recipe_from_json(said["recipe"]), regions


def _shape(said: dict[str, Any]) -> Shape:
    points = tuple((float(x), float(y)) for x, y in said["points"])
    return Shape(**{**said, "points": points, "sizes": tuple(said["sizes"])})


def _given_out(one: Given) -> list[str]:
    return [str(one.path), one.label, one.kind]


def _given_in(said: list[str]) -> Given:
    return Given(Path(said[0]), said[1], said[2])


def _job_out(job: Job) -> dict[str, Any]:
    named = job.companions
    return {
        "given": _given_out(job.given),
        "companions": [str(path) if path else "" for path in (named.background, named.arf, named.rmf)],
        "parts": [_given_out(part) for part in job.parts],
        "rows": job.rows,
        "first": job.first,
    }


def _job_in(said: dict[str, Any]) -> Job:
    return Job(
        given=_given_in(said["given"]),
        companions=Companions(*(Path(path) if path else None for path in said["companions"])),
        parts=tuple(_given_in(part) for part in said["parts"]),
        rows=(said["rows"][0], said["rows"][1]) if said["rows"] else None,
        first=said["first"],
    )


class _Arrays:
    """Arrays one after the other in one run of bytes; equal ones stand there once."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._at = 0
        self._places: dict[tuple[str, bytes], list[Any]] = {}

    def put(self, array: NDArray[Any] | None) -> list[Any] | None:
        """Add an array; return what :func:`_take` finds it by."""
        if array is None:
            return None
        held = np.ascontiguousarray(array)
        raw = held.tobytes()
        key = f"{held.dtype.str}{held.shape}", raw
        if key not in self._places:
            self._places[key] = [held.dtype.str, list(held.shape), self._at]
            self.parts.append(raw)
            self._at += len(raw)
        return self._places[key]


def _take(said: list[Any] | None, data: bytes) -> Any:
    if said is None:
        return None
    dtype, shape, at = said
    return np.frombuffer(data, np.dtype(dtype), int(np.prod(shape)), at).reshape(shape)


def _plain(value: Any) -> Any:
    """NumPy's scalars as Python's."""
    return value.item()


def save(path: Path, readings: Sequence[Reading]) -> None:
    """Write readings to a file, whole or not at all.

    Raises
    ------
    OSError
        The disk refuses.
    """
    arrays = _Arrays()
    looks = json.dumps([_look_out(one) for one in readings], default=_plain).encode()
    rows = json.dumps([_rows_out(one, arrays) for one in readings], default=_plain).encode()
    blob = b"".join(arrays.parts)
    head = json.dumps([FORMAT, len(looks), len(rows), len(blob)]).encode()
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open(draft, "wb") as file:
            file.write(head.ljust(99) + b"\n" + looks + rows + blob)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def is_whole(path: Path) -> bool:
    """Whether readings stand there as written, of files that have not changed since.

    A power cut may leave a renamed file without its bytes.
    """
    try:
        said, _ = _open(path, rows=True)
    except (OSError, ValueError):
        return False
    return all(status(name) == tuple(was) for one in said for name, *was in one["files"])


def _open(path: Path, *, rows: bool) -> tuple[list[Any], bytes]:
    """Return what was written of looks, or of rows with their arrays."""
    with open(path, "rb") as file:
        head = json.loads(file.read(100))
        if head[0] != FORMAT or path.stat().st_size != 100 + sum(head[1:]):
            raise ValueError(f"{path} is not whole")
        if not rows:
            return json.loads(file.read(head[1])), b""
        file.seek(100 + head[1])
        return json.loads(file.read(head[2])), file.read()


def looks(path: Path) -> Iterator[Reading]:
    """Yield the readings of a file without their rows."""
    for said in _open(path, rows=False)[0]:
        yield Reading(
            look=_look_in(said["look"]),
            identity=Identity(*said["identity"]) if said["identity"] else None,
            problem=_problem_in(said["problem"]),
            parts={int(number): Quarantined(*why) for number, why in said["parts"].items()},
        )


def readings(path: Path) -> list[Reading]:
    """Return the readings of a file, rows included."""
    said, data = _open(path, rows=True)
    found = list(looks(path))
    for one, rows in zip(found, said, strict=True):
        one.rows = [_row_in(row, data) for row in rows["rows"]]
        one.regions = [(name, row, reason) for name, row, reason in rows["regions"]]
        one.aside = [(label, reason) for label, reason in rows["aside"]]
    return found


def _problem_out(problem: Quarantined | None) -> list[str] | None:
    return [problem.reason, problem.detail] if problem else None


def _problem_in(said: list[str] | None) -> Quarantined | None:
    return Quarantined(*said) if said else None


def _look_out(one: Reading) -> dict[str, Any]:
    look, told = one.look, None
    if look is not None:
        heading = None if look.heading is None else dict(vars(look.heading))
        if heading and heading["backfile"]:
            heading["backfile"] = str(heading["backfile"])
        told = [str(look.backfile) if look.backfile else None, heading, _problem_out(look.problem)]
    return {
        "look": told,
        "identity": list(vars(one.identity).values()) if one.identity else None,
        "problem": _problem_out(one.problem),
        "parts": {number: _problem_out(why) for number, why in one.parts.items()},
    }


def _look_in(said: list[Any] | None) -> Look | None:
    if said is None:
        return None
    backfile, heading, problem = said
    if heading:
        heading["backfile"] = Path(heading["backfile"]) if heading["backfile"] else None
    return Look(
        Path(backfile) if backfile else None, Heading(**heading) if heading else None, _problem_in(problem)
    )


def _rows_out(one: Reading, arrays: _Arrays) -> dict[str, Any]:
    read = {path for row in one.rows for path, _ in row.files if path}
    return {
        "rows": [_row_out(row, arrays) for row in one.rows],
        "regions": one.regions,
        "aside": one.aside,
        "files": [[path, *status(path)] for path in sorted(read)],
    }


def _row_out(row: Ready, arrays: _Arrays) -> dict[str, Any]:
    one, put = row.entry, arrays.put
    channels, events, curve = one.channels, one.events, one.lightcurve
    said: dict[str, Any] = {"detection": one.detection, "spectrum": [put(one.value), put(one.error)]}
    said |= {"channels": None, "events": None, "lightcurve": None, "files": row.files, "notes": row.notes}
    if channels is not None:
        counts = put(channels.source), put(channels.background)
        said["channels"] = [*counts, channels.scale, put(channels.lo), put(channels.hi)]
    if events is not None:
        said["events"] = [put(events.time), put(events.energy), put(events.gti), events.zero]
    if curve is not None:
        bins = map(put, (curve.start, curve.width, curve.counts, curve.fraction))
        said["lightcurve"] = [*bins, curve.prob, curve.index, put(curve.error)]
    return said


def _row_in(said: dict[str, Any], data: bytes) -> Ready:
    value, error = (_take(one, data) for one in said["spectrum"])
    channels, events, curve = said["channels"], said["events"], said["lightcurve"]
    if channels:
        source, background, scale, lo, hi = channels
        channels = Channels(
            _take(source, data), _take(background, data), scale, _take(lo, data), _take(hi, data)
        )
    if events:
        time, energy, gti = (_take(one, data) for one in events[:3])
        events = EventList(time, energy, gti, events[3])
    if curve:
        start, width, counts, fraction = (_take(one, data) for one in curve[:4])
        curve = LightCurve(start, width, counts, fraction, curve[4], curve[5], _take(curve[6], data))
    entry = Entry(said["detection"], value, error, channels, events, curve)
    files = tuple((path, sha256) for path, sha256 in said["files"])
    return Ready(entry, files, tuple(said["notes"]))
