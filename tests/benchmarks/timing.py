"""Timing in turns, and the tables that come of it; what all benchmarks share."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from statistics import median
from typing import Any

ABSENT = "not installed"
# seconds between two calls: threads of the last contender may wait for work, spinning, for milliseconds
PAUSE = 0.05


@dataclass(frozen=True)
class Settings:
    """`quick`: tiny sizes, to try the program; `large`: embed and network at larger sizes too."""

    quick: bool = False
    large: bool = False


@dataclass
class Section:
    """One table of the results; `faults` are disagreements that no rounding explains."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """Return heading, text and table."""
        lines = [f"## {self.title}", "", self.text, ""]
        if self.rows:
            lines += [_line(self.columns), _line(["---"] * len(self.columns)), *map(_line, self.rows), ""]
        return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


@dataclass(frozen=True)
class Timed:
    """What a contender's first call gave, and the seconds of the later ones."""

    result: Any
    seconds: list[float]


def alternate(
    label: str, contenders: Mapping[str, Callable[[], Any] | None], rounds: int
) -> dict[str, Timed | None]:
    """Call every contender once unmeasured, then all in turn, `rounds` times: A B C A B C ...

    A contender that is None is not installed, and stays None.
    """
    present = {name: call for name, call in contenders.items() if call is not None}
    found: dict[str, Timed | None] = dict.fromkeys(contenders)
    for name, call in present.items():
        say(f"{label}: {name}, not timed")
        found[name] = Timed(call(), [])
    for turn in range(rounds):
        say(f"{label}: round {turn + 1} of {rounds}")
        for name, call in present.items():
            time.sleep(PAUSE)
            start = time.perf_counter()
            call()
            found[name].seconds.append(time.perf_counter() - start)
    return found


def compare(
    section: Section,
    timed: Mapping[str, Timed | None],
    work: float,
    agreement: Callable[[str, Any], str],
    before: tuple[str, ...] = (),
) -> None:
    """Add a row for each contender, the first of them ours.

    The cells are `before`, the name, median seconds, `work` per second, time over ours (the median over
    rounds, with the least and the largest) and what `agreement` says of name and result.
    """
    ours = next(iter(timed.values())).seconds
    for name, one in timed.items():
        if one is None:
            section.rows.append((*before, name, ABSENT, "", "", ""))
            continue
        ratios = [theirs / own for theirs, own in zip(one.seconds, ours, strict=True)]
        ratio = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        if one.seconds is ours:
            ratio = "1"
        middle = median(one.seconds)
        rate = work / middle
        cells = (f"{middle:.3g}", f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}", ratio)
        section.rows.append((*before, name, *cells, agreement(name, one.result)))


def optional(name: str) -> Any | None:
    """Import a peer; None where it is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != name.split(".")[0]:
            raise
        return None


def say(text: str) -> None:
    """Tell on stderr how far it is."""
    print(text, file=sys.stderr, flush=True)
