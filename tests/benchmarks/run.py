"""Time this package beside its peers, in turns on the same data; print tables and write RESULTS.md.

Each subject runs in a process of its own, so that no library meets the threads of another.
"""

import argparse
import os
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the makers of test data

from machine import facts, give_threads
from timing import Section, Settings, say

# what a subject is called, and its module
SUBJECTS = {
    "degree": "degrees",
    "neighbours": "neighbors",
    "pairs": "pairs",
    "forest": "forest",
    "memory": "memory",
    "projection": "projection",
    "gpu": "gpu",
    "network": "network",
    "embed": "embed",
    "ingest": "ingest",
}
RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Benchmarks

Written by `make bench`, that is `python tests/benchmarks/run.py`; repeat it for the figures of your machine.
Names of subjects (`run.py degree neighbours`) run these alone and replace their part of this file; `--large`
adds larger sizes to embed and network.

Contenders are called in turns, A B C A B C ..., in one process, on the same data, after one call of each that
is not timed. Seconds are medians over the rounds. "time / ours" is the ratio of two calls of the same round,
its median, least and largest: above 1, ours is faster.
"""
MARK = re.compile(r"^<!-- (\w+) -->$", re.MULTILINE)


def run_subject(module: str, settings: Settings) -> list[Section]:
    """Run one subject, in this process."""
    sections: list[Section] = import_module(module).run(settings)
    return sections


def read_parts(text: str) -> dict[str, str]:
    """Return the parts of a file of results by subject."""
    pieces = MARK.split(text)[1:]
    return dict(zip(pieces[::2], (piece.strip() for piece in pieces[1::2]), strict=True))


def write_parts(parts: dict[str, str]) -> str:
    """Return a file of results; machine first, subjects in the order of :data:`SUBJECTS`."""
    blocks = [f"<!-- {name} -->\n\n{parts[name]}\n" for name in ("machine", *SUBJECTS) if name in parts]
    return "\n".join([HEAD, *blocks])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("subjects", nargs="*", help=f"any of {', '.join(SUBJECTS)}; without one, all")
    parser.add_argument("--large", action="store_true", help="embed and network at larger sizes too")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to try the program; writes nothing")
    given = parser.parse_args()
    if unknown := set(given.subjects) - set(SUBJECTS):
        parser.error(f"{', '.join(sorted(unknown))}: give any of {', '.join(SUBJECTS)}")
    settings, begun, faults = Settings(quick=given.quick, large=given.large), time.monotonic(), []
    give_threads()
    parts = read_parts(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    parts["machine"] = _in_process(facts, _load())[0].markdown()
    for name in given.subjects or SUBJECTS:
        load, start = _load(), time.monotonic()
        if load and load[0] > 0.3:
            say(f"the load average is {load[0]:.2f}: where other programs run, the figures will be off")
        sections = _in_process(run_subject, SUBJECTS[name], settings)
        when = f"*{datetime.now(UTC):%Y-%m-%d}, {time.monotonic() - start:.0f} s, load average before: "
        when += (f"{load[0]:.2f}" if load else "unknown") + "*\n"
        parts[name] = "\n".join([when, *(section.markdown() for section in sections)])
        faults += [fault for section in sections for fault in section.faults]
        print(parts[name], flush=True)
        if not settings.quick:
            RESULTS.write_text(write_parts(parts), encoding="utf-8")
    say(f"{time.monotonic() - begun:.0f} s in all" + ("; QUICK: figures mean nothing" * settings.quick))
    for fault in faults:
        say(f"DISAGREES: {fault}")
    return int(bool(faults))


def _load() -> tuple[float, ...]:
    return os.getloadavg() if hasattr(os, "getloadavg") else ()


def _in_process(call, *arguments) -> list[Section]:
    """Call a function in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = pool.submit(call, *arguments).result()
    return found if isinstance(found, list) else [found]


if __name__ == "__main__":
    sys.exit(main())
