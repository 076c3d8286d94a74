"""Reading processes: the same bytes from any, and an error where one cannot go on."""

import os
import shutil
import signal
import threading
from pathlib import Path

import ogip
import pytest
from chandra_embed.inference.catalog import journal, workers
from chandra_embed.inference.catalog.inputs import Given
from chandra_embed.inference.catalog.reading import Job
from chandra_embed.inference.catalog.workers import perform_all
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.stopping import Stop


@pytest.fixture
def tasks(tmp_path: Path) -> list[str]:
    made = []
    for i in range(6):
        path = ogip.write_pha(tmp_path / "in" / f"{i}.pi", ogip.counts(i), ANCRFILE="a.arf")
        made.append(journal.task([Job(Given(path, path.name), first=True)], Recipe(), {}, "v"))
    ogip.write_arf(tmp_path / "in" / "a.arf")
    return made


def test_any_number_of_processes_gives_the_same_bytes(tasks: list[str], tmp_path: Path) -> None:
    answers = []
    for n in (1, 2):
        folder, done = tmp_path / str(n), list[int]()
        folder.mkdir()
        paths = perform_all(tasks, folder, n, Stop(), done.append)
        assert [path.parent for path in paths] == [folder] * 6
        assert sorted(done) == list(range(6))
        answers.append([path.read_bytes() for path in paths])
    assert answers[0] == answers[1]


def test_what_is_there_is_not_read_again(tasks: list[str], tmp_path: Path) -> None:
    before = [path.stat().st_ino for path in perform_all(tasks[:3], tmp_path, 1, Stop(), lambda _: None)]
    after = [path.stat().st_ino for path in perform_all(tasks, tmp_path, 1, Stop(), lambda _: None)]
    assert after[:3] == before


def test_asked_to_stop_nothing_more_is_begun(tasks: list[str], tmp_path: Path) -> None:
    stop, done = Stop(), list[int]()

    def stop_after_two(number: int) -> None:
        done.append(number)
        if len(done) == 2:
            stop.signal = "SIGTERM"

    paths = perform_all(tasks, tmp_path, 1, stop, stop_after_two)
    assert done == [0, 1]
    assert [path.exists() for path in paths] == [True] * 2 + [False] * 4


def test_a_disk_that_refuses_is_said(tasks: list[str], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        perform_all(tasks, tmp_path / "gone", 1, Stop(), lambda _: None)


def test_a_worker_through_signals_a_refusing_disk_and_its_death(tasks: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    with workers._start(folder) as worker:
        assert workers._answer(worker) == b"{}\n"
        workers._have_done(worker, tasks[0])
        for number in (signal.SIGTERM, signal.SIGINT):  # the process that started it decides
            os.kill(worker.pid, number)
        workers._have_done(worker, tasks[1])
        assert len(list(folder.glob("*.read"))) == 2
        shutil.rmtree(folder)
        with pytest.raises(FileNotFoundError):
            workers._have_done(worker, tasks[2])
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        with pytest.raises(ChandraEmbedError, match=r"ended \(SIGKILL\).*run the same command again"):
            workers._have_done(worker, tasks[3])


def test_a_worker_that_is_not_ready_in_time_is_not_waited_for(tasks: list[str], tmp_path: Path) -> None:
    perform_all(tasks, tmp_path, 1, Stop(), lambda _: None)
    before = set(threading.enumerate())
    perform_all(tasks, tmp_path, 3, Stop(), lambda _: None)  # all is there: done before any can start
    assert set(threading.enumerate()) == before
