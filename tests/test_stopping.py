"""Signals are noted, not obeyed at once; a second one is."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from chandra_embed.inference.stopping import stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_noted_and_a_second_breaks_off(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stopping() as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
        assert stop.signal == number.name
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_other_threads_cannot_catch_signals() -> None:
    def run() -> str:
        with stopping() as stop:
            return stop.signal

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run).result() == ""
