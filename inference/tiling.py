"""Tiles of a matrix product, shared out to threads with BLAS held to one thread each."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .threads import thread_count

# 512 x 512 float32 stay in a core's own cache
TILE = 512
Floats = NDArray[np.float32]
Task = TypeVar("Task")
Result = TypeVar("Result")


def multiply(a: Floats, b: Floats, buffer: Floats) -> Floats:
    """Return ``a @ b.T`` in the front of `buffer`."""
    out = buffer[: len(a) * len(b)].reshape(len(a), len(b))
    return np.dot(a, b.T, out=out)


def one_at_a_time(report: Callable[[int], None] | None) -> Callable[[int], None]:
    """Return `report` behind a lock, so that it need not know of threads."""
    lock = threading.Lock()

    def call(n: int) -> None:
        if report is not None:
            with lock:
                report(n)

    return call


def in_threads(work: Callable[[Iterator[Task]], Result], tasks: Iterable[Task], most: int) -> list[Result]:
    """Run `work` in several threads, each on its share of `tasks`, BLAS held to one thread each.

    Parameters
    ----------
    work : callable
        Takes an iterator over tasks; what the threads return is listed.
    tasks : iterable
        Handed out one by one, to whoever is free.
    most : int
        Threads that could be of use.
    """
    from threadpoolctl import threadpool_limits

    lock, source, stop = threading.Lock(), iter(tasks), threading.Event()

    def take() -> Iterator[Task]:
        while not stop.is_set():
            with lock:
                try:
                    task = next(source)
                except StopIteration:
                    return
            yield task

    threads = max(1, min(thread_count(), most))
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(work, take()) for _ in range(threads)]
        try:
            return [future.result() for future in futures]
        finally:
            stop.set()
