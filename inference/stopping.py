"""SIGTERM and Ctrl-C: what is begun is finished, and nothing more is begun."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether, and by what, a run was asked to stop.

    `signal` is the signal's name, ``""`` while none has come.
    """

    def __init__(self) -> None:
        self.signal = ""

    def __bool__(self) -> bool:
        return bool(self.signal)


@contextmanager
def stopping() -> Iterator[Stop]:
    """Note SIGTERM and Ctrl-C while the block runs, instead of breaking off; a second one breaks off.

    Signals can be caught in the main thread alone; in another nothing is changed.

    Yields
    ------
    Stop
        To be looked at between one chunk of work and the next.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(number: int, frame: FrameType | None) -> None:
        if stop:
            raise KeyboardInterrupt
        stop.signal = signal.Signals(number).name

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
