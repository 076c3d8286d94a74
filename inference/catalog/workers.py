"""The readers of ingest: this process, and beside it as many more as are asked for.

A worker is this program started anew, which reads what it is told on its standard input and leaves the
answer in the journal. Its work depends on nothing but the task, so who did which makes no difference; it
ends when its input does, that is with the process that started it.
"""

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from ..errors import ChandraEmbedError
from ..stopping import Stop
from ..threads import VARIABLE
from . import journal
from .reading import read

logger = logging.getLogger("chandra_embed")


def perform(text: str, folder: Path) -> Path:
    """Read the inputs of one task, where the journal does not hold the answer; return where it is kept.

    Raises
    ------
    OSError
        The answer cannot be written.
    """
    path = journal.place(folder, text)
    if not (path.exists() and journal.is_whole(path)):
        jobs, recipe, regions = journal.asked(text)
        journal.save(path, [read(job, recipe, regions) for job in jobs])
    return path


def perform_all(
    tasks: Sequence[str], folder: Path, workers: int, stop: Stop, done: Callable[[int], None]
) -> list[Path]:
    """Perform tasks, in no certain order; return where the answers are kept, in the order of the tasks.

    Parameters
    ----------
    tasks : sequence of str
        What :func:`journal.task` wrote.
    folder : Path
        The journal.
    workers : int
        How many processes work, this one included.
    stop : Stop
        Where it is set, tasks that are begun are finished and no other is begun.
    done : callable
        Called with the number of each task that is done.

    Returns
    -------
    list of Path
        Fewer than there are tasks where it was stopped.

    Raises
    ------
    OSError
        An answer cannot be written.
    ChandraEmbedError
        A worker was killed.
    """
    left: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(tasks)):
        left.put(number)
    crew = _Crew(tasks, folder, left, stop)
    helpers = [threading.Thread(target=crew.help, daemon=True) for _ in range(min(workers, len(tasks)) - 1)]
    for helper in helpers:
        helper.start()
    try:
        while not stop and not crew.failures and (mine := _next(left)) is not None:
            perform(tasks[mine], folder)
            crew.finished.put(mine)
            _tell(crew.finished, done)
    except Exception as error:
        crew.failures.append(error)
    except BaseException:  # a second Ctrl-C: the helpers are not waited for
        crew.failures.append(ChandraEmbedError("stopped"))
        raise
    finally:
        crew.dismiss()
    for helper in helpers:
        while helper.is_alive():
            helper.join(0.05)
            _tell(crew.finished, done)
    _tell(crew.finished, done)
    if crew.failures:
        raise crew.failures[0]
    return [journal.place(folder, text) for text in tasks]


class _Crew:
    """The workers beside this process, one in each thread that calls :meth:`help`.

    A worker takes a second to start, and tasks wait for none: those that are not ready when no task is left
    are not waited for.
    """

    def __init__(
        self, tasks: Sequence[str], folder: Path, left: "queue.SimpleQueue[int]", stop: Stop
    ) -> None:
        self.tasks, self.folder, self.left, self.stop = tasks, folder, left, stop
        self.failures: list[Exception] = []
        self.finished: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._starting: list[subprocess.Popen[bytes]] = []
        self._guard = threading.Lock()
        self._dismissed = threading.Event()

    def dismiss(self) -> None:
        """Say that no task is left to be begun."""
        with self._guard:
            self._dismissed.set()
            for worker in self._starting:
                worker.kill()

    def help(self) -> None:
        """Start a worker, have it do tasks until none is left, and end it."""
        try:
            with self._guard:
                if self._dismissed.is_set():
                    return
                worker = _start(self.folder)
                self._starting.append(worker)
            with worker:
                ready = _answer(worker)
                with self._guard:
                    self._starting.remove(worker)
                if not ready and self._dismissed.is_set():
                    return
                while not (self.stop or self.failures) and (number := _next(self.left)) is not None:
                    _have_done(worker, self.tasks[number])
                    self.finished.put(number)
                worker.kill()  # it waits for a task, and has none half done
        except Exception as error:
            self.failures.append(error)


def _next(left: "queue.SimpleQueue[int]") -> int | None:
    try:
        return left.get_nowait()
    except queue.Empty:
        return None


def _tell(finished: "queue.SimpleQueue[int]", done: Callable[[int], None]) -> None:
    while (number := _next(finished)) is not None:
        done(number)


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    environment = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", VARIABLE), "1")
    environment["PYTHONPATH"] = os.pathsep.join(one for one in sys.path if one)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.workers", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        # Ctrl-C is for the process that asks, which lets the chunk be finished
        process_group=None if sys.platform == "win32" else 0,
    )


def _answer(worker: "subprocess.Popen[bytes]") -> bytes:
    assert worker.stdout is not None
    return worker.stdout.readline()


def _have_done(worker: "subprocess.Popen[bytes]", text: str) -> None:
    """Give a worker a task and wait for its answer."""
    assert worker.stdin is not None
    try:
        worker.stdin.write(text.encode() + b"\n")
        worker.stdin.flush()
        answer = _answer(worker)
    except BrokenPipeError:
        answer = b""
    if not answer:
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.close()
        code = worker.wait()
        raise ChandraEmbedError(
            f"a reading process ended ({signal.Signals(-code).name if code < 0 else f'exit code {code}'}): "
            "out of memory? run the same command again to go on, with --jobs 1"
        )
    said: Any = json.loads(answer)
    if "errno" in said:
        raise OSError(said["errno"], said["text"])
    if "error" in said:
        raise ChandraEmbedError(said["error"])


def main(folder: Path, tasks: IO[bytes], answers: IO[bytes]) -> None:
    """Perform the tasks that come, one a line, until no more do; answer each with a line of JSON.

    A first line says that the worker is ready: what is slow to load is loaded.
    """
    from ..kernels import resample  # noqa: F401

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    answers.write(b"{}\n")
    answers.flush()
    for line in tasks:
        answer: dict[str, Any] = {}
        try:
            perform(line.decode().strip(), folder)
        except OSError as error:
            answer = {"errno": error.errno, "text": error.strerror or str(error)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:  # the process that started it was killed
        os._exit(1)
