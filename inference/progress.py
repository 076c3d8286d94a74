"""Progress of long work on stderr: how many, how fast, how long still."""

import sys
import time
from types import TracebackType
from typing import Self


class Progress:
    """Count rows and say now and then how it goes.

    Parameters
    ----------
    total : int
        How many there will be.
    label : str
        What is done and to what, such as ``"embed"``.
    unit : str
        What is counted.
    every : float
        Seconds between two lines (a terminal gets one line, written over).
    """

    def __init__(self, total: int, label: str, *, unit: str = "rows", every: float = 2.0) -> None:
        self.total, self.label, self.unit = total, label, unit
        self._tty = sys.stderr.isatty()
        self._every = every if self._tty else max(every, 10.0)
        self._start = self._last = time.monotonic()
        self._first = self._done = 0
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def start_at(self, done: int) -> None:
        """Begin at `done`: rows that an earlier run finished do not count in the rate."""
        self._first = self._done = done

    def update(self, n: int) -> None:
        """Add `n` finished rows."""
        self._done += n
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            self._show(now)

    def _show(self, now: float) -> None:
        elapsed = max(now - self._start, 1e-9)
        rate = (self._done - self._first) / elapsed
        left = (self.total - self._done) / rate if rate > 0 else float("inf")
        text = (
            f"{self.label}: {self._done:,} of {self.total:,} {self.unit}, {rate:,.0f}/s, {left:,.0f} s left"
        )
        sys.stderr.write(f"\r\033[K{text}" if self._tty else f"{text}\n")
        sys.stderr.flush()
        self._shown = True

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and self._tty:
            sys.stderr.write("\n")
