import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from chandra_embed.inference.catalog.lock import writing
from chandra_embed.inference.errors import StoreError

HOLD = """
import os, sys, time
from pathlib import Path
from chandra_embed.inference.catalog.lock import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that writes out.h5."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out.h5")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_refused_with_the_first_named(holder, tmp_path):
    path = tmp_path / "out.h5"
    with (
        pytest.raises(StoreError, match=rf"out\.h5: process {holder.pid} on \S+ is writing it; wait"),
        writing(path),
    ):
        pytest.fail("let in")
    with writing(tmp_path / "other.h5"):
        pass


def test_a_killed_process_leaves_nothing_that_blocks(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert [p.name for p in tmp_path.iterdir()] == [".out.h5.lock"]
    with writing(tmp_path / "out.h5"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_link_is_the_file_it_leads_to(holder, tmp_path):
    (tmp_path / "link.h5").symlink_to(tmp_path / "out.h5")
    with pytest.raises(StoreError, match=r"link\.h5: process"), writing(tmp_path / "link.h5"):
        pytest.fail("let in")


def test_a_block_within_a_block_is_let_through_but_not_another_thread(tmp_path):
    path = tmp_path / "out.h5"

    def other():
        with writing(path):
            pass

    with ThreadPoolExecutor(1) as pool, writing(path):
        with writing(tmp_path / "." / "out.h5"):
            pass
        with pytest.raises(StoreError, match=rf"process {os.getpid()} on "):
            pool.submit(other).result()
    other()


def test_an_error_lets_go(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyError), writing(tmp_path / "out.h5"):
            raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_child_that_outlives_its_killed_parent_does_not_hold_the_lock(tmp_path):
    script = HOLD.replace('print("held", flush=True)', 'os.fork(), os.write(1, b"held\\n")')
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "out.h5")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert [process.stdout.readline() for _ in range(2)] == ["held\n"] * 2
        with pytest.raises(StoreError, match=f"process {process.pid} "), writing(tmp_path / "out.h5"):
            pytest.fail("let in")
        process.kill()
        process.wait()
        with writing(tmp_path / "out.h5"):
            pass
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_writers_in_a_hurry_are_never_in_together(tmp_path):
    """The lock file is removed and made again all the time: nobody may lock one that is gone."""
    path, inside, most, refused = tmp_path / "out.h5", [0], [0], [0]
    guard = threading.Lock()

    def hurry():
        for _ in range(300):
            try:
                with writing(path):
                    with guard:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                    with guard:
                        inside[0] -= 1
            except StoreError:
                refused[0] += 1

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(hurry) for _ in range(4)]:
            done.result()
    assert most[0] == 1
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_and_one_that_may_not_be_written(tmp_path):
    with (
        pytest.raises(StoreError, match=r"there is no folder .*no; make it first"),
        writing(tmp_path / "no" / "out.h5"),
    ):
        pytest.fail("let in")
    (tmp_path / ".out.h5.lock").mkdir()
    with (
        pytest.raises(StoreError, match=r"out\.h5: cannot be written, .*\.lock cannot be made \("),
        writing(tmp_path / "out.h5"),
    ):
        pytest.fail("let in")
