"""Runs that are killed, stopped or without room go on where they were, to the same bytes."""

import os
import resource
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import ogip
import pytest
from chandra_embed.inference.catalog import settle
from chandra_embed.inference.catalog.ingest import ingest
from chandra_embed.inference.catalog.lock import writing
from chandra_embed.inference.errors import ChandraEmbedError, StoreError
from chandra_embed.inference.recipe import Recipe
from event_fits import write_events, write_lightcurve


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight spectra, two of them with what is read in a second round, and two that cannot be used."""
    folder = tmp_path_factory.mktemp("settle") / "in"
    for i in range(8):
        ogip.write_pha(folder / f"{i}.pi", ogip.counts(i), ogip.counts(i + 100), OBS_ID=str(i))
    write_events(folder / "1_evt2.fits", OBS_ID="1")
    write_lightcurve(folder / "2_lc3.fits", [0.1, 0.2], OBS_ID="2")
    ogip.write_pha(folder / "source.pi", ogip.counts(50), OBS_ID="9")
    ogip.write_pha(folder / "back.pi", ogip.counts(51), OBS_ID="9")
    (folder / "5.pi").write_text("broken")
    (folder / "6_evt2.fits").write_text("broken")
    return folder


def contents(path: Path) -> dict[str, object]:
    found: dict[str, object] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            data = item[...]
            found[name] = data.tolist() if data.dtype.kind == "O" else (str(data.dtype), data.tobytes())

    with h5py.File(path) as file:
        assert file.attrs["complete"]
        file.visititems(visit)
        found["input_sha256"] = file.attrs["input_sha256"]
    return found


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, object]:
    output = folder.parent / "whole.h5"
    summary = ingest([folder], output, Recipe(), jobs=1)
    assert (summary.given, summary.used, summary.companions, summary.quarantined) == (13, 8, 3, 2)
    return contents(output)


def run(folder: Path, output: Path, at: int = 0, number: int = 0, room: int = 0) -> tuple[int, str]:
    """Ingest in a process of its own, in chunks of three; return its exit status and what it said.

    As the file of that number is renamed a signal comes; with `room` no file can be longer.
    """
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # threads of BLAS: Python 3.12 warns of every fork beside threads
        child = os.fork()
    if not child:
        try:
            _ingest_under(folder, output, at, number, room)
        except ChandraEmbedError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        text = said.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def _ingest_under(folder: Path, output: Path, at: int, number: int, room: int) -> None:
    if room:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    settle.CHUNK = 3
    replace, calls = os.replace, list[object]()

    def replaced(*names: Path) -> None:
        calls.append(names)
        if len(calls) == at:
            os.kill(os.getpid(), number)
        replace(*names)

    os.replace = replaced  # type: ignore[assignment]
    ingest([folder], output, Recipe(), jobs=1)


def test_killed_at_every_stage(folder: Path, expected: dict[str, object], tmp_path: Path) -> None:
    """In the first look, in the second round, and when all is written but for the last renaming."""
    output, parts = tmp_path / "s.h5", tmp_path / "s.h5.parts"
    kept = []
    for at in (3, 3, 2, 2, 2):
        assert run(folder, output, at, signal.SIGKILL) == (-signal.SIGKILL, "")
        assert not output.exists()
        kept.append(len(list(parts.glob("*.read"))))
    assert kept == [2, 4, 5, 6, 7]
    assert (parts / "s.h5").exists()
    summary = ingest([folder], output, Recipe(), jobs=1)
    assert summary.used == 8
    assert contents(output) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["s.h5"]


def test_stopped_by_a_signal_it_says_how_to_go_on(
    folder: Path, expected: dict[str, object], tmp_path: Path
) -> None:
    _, said = run(folder, tmp_path / "s.h5", 2, signal.SIGTERM)
    assert said.endswith("s.h5: stopped by SIGTERM after 6 of 13 files; run the same command again to go on")
    assert run(folder, tmp_path / "s.h5") == (0, "")
    assert contents(tmp_path / "s.h5") == expected


@pytest.mark.parametrize("room", [20_000, 150_000])
def test_without_room_it_says_so_and_goes_on_later(
    folder: Path, expected: dict[str, object], tmp_path: Path, room: int
) -> None:
    """No room for the journal, and room for that but not for the file."""
    _, said = run(folder, tmp_path / "s.h5", room=room)
    assert "s.h5: no room on the disk (File too large); make room and run the same command again" in said
    assert bool(list((tmp_path / "s.h5.parts").glob("*.read"))) is (room > 100_000)
    ingest([folder], tmp_path / "s.h5", Recipe(), jobs=1)
    assert contents(tmp_path / "s.h5") == expected


def test_any_number_of_processes_gives_the_same_file(
    folder: Path, expected: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "CHUNK", 2)
    ingest([folder], tmp_path / "s.h5", Recipe(), jobs=2)
    assert contents(tmp_path / "s.h5") == expected


def test_what_changed_since_is_read_again(folder: Path, tmp_path: Path) -> None:
    """Neither another recipe nor another file of the same name takes what an earlier run has read."""
    output = tmp_path / "s.h5"
    for _ in range(2):
        run(folder, output, 4, signal.SIGKILL)
    ingest([folder], output, Recipe(group_min=9), jobs=1)
    ingest([folder], tmp_path / "fresh.h5", Recipe(group_min=9), jobs=1)
    assert contents(output) == contents(tmp_path / "fresh.h5")


def test_a_second_writer_is_refused(folder: Path, tmp_path: Path) -> None:
    code = "import sys\nfrom chandra_embed.inference.cli.main import main\nsys.exit(main())"
    command = [sys.executable, "-c", code, "ingest", str(folder), "-o", str(tmp_path / "s.h5")]
    with writing(tmp_path / "s.h5"):
        second = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert second.returncode == 1
    assert f"process {os.getpid()} on " in second.stderr
    assert "is writing it; wait" in second.stderr
    assert not (tmp_path / "s.h5").exists()


def test_the_journal_is_no_input_and_goes_where_nothing_was_read(folder: Path, tmp_path: Path) -> None:
    for i in range(2):
        ogip.write_pha(tmp_path / f"{i}.pi", ogip.counts(i))
    assert ingest([tmp_path], tmp_path / "s.h5", Recipe(), jobs=1).given == 2
    with pytest.raises(ChandraEmbedError, match="no such file"):
        ingest([tmp_path / "nowhere"], tmp_path / "t.h5", Recipe())
    with pytest.raises(StoreError, match="there is no folder"):
        ingest([tmp_path], tmp_path / "no" / "t.h5", Recipe())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.pi", "1.pi", "s.h5"]


def test_quarantine_is_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    (tmp_path / "a.pi").write_text("broken")
    ogip.write_pha(tmp_path / "b.pi", np.zeros(1024, np.int32))
    (tmp_path / "c.pi").write_text("broken")
    summary = ingest([tmp_path], tmp_path / "s.h5", Recipe(), jobs=1)
    assert [path for path, _ in summary.quarantine] == ["a.pi", "b.pi", "c.pi"]


def test_room_is_looked_for_before_the_file_is_begun(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(StoreError, match=r"no room on the disk \(0 MB needed, 0 MB free\)"):
        ingest([folder], tmp_path / "s.h5", Recipe(), jobs=1)
