"""Time this package beside its peers, in turns on the same data; print tables and write RESULTS.md.

Each subject runs in a process of its own, so that no library meets the threads of another.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the makers of test data

from machine import facts, give_threads
from timing import Section, Settings, say

SUBJECTS = ("degrees", "memory", "network", "neighbors", "forest", "catalog", "embed", "ingest")
RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Benchmarks

Written by `make bench`, that is `python tests/benchmarks/run.py`; repeat it for the figures of your machine
(`--large` adds n = 100,000, for the network 130,000). Contenders are called in turns, A B C A B C ..., in one
process, on the same data, after one call of each that is not timed. Seconds are medians over the rounds.
"time / ours" is the ratio of two calls of the same round, its median, least and largest: above 1, ours is
faster.
"""
QUICK = "**QUICK RUN: sizes are tiny and nothing is written; the figures mean nothing.**\n"


def run_subject(name: str, settings: Settings) -> list[Section]:
    """Run one subject, in this process."""
    sections: list[Section] = import_module(name).run(settings)
    return sections


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="degrees and memory at n = 100,000 too")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to try the program; writes nothing")
    settings = Settings(**vars(parser.parse_args()))
    begun, load = time.monotonic(), os.getloadavg() if hasattr(os, "getloadavg") else ()
    if load and load[0] > 0.3:
        say(f"the load average is {load[0]:.2f}: other programs are running, the figures will be off")
    give_threads()
    sections = _in_process(facts, load)
    for name in SUBJECTS:
        sections += _in_process(run_subject, name, settings)
    faults = [fault for section in sections for fault in section.faults]
    text = "\n".join([HEAD, *([QUICK] if settings.quick else ()), *(s.markdown() for s in sections)])
    print(text)
    say(f"{time.monotonic() - begun:.0f} s in all")
    for fault in faults:
        say(f"DISAGREES: {fault}")
    if faults or settings.quick:
        return int(bool(faults))
    RESULTS.write_text(text, encoding="utf-8")
    say(f"{RESULTS.name} written")
    return 0


def _in_process(call, *arguments) -> list[Section]:
    """Call a function in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = pool.submit(call, *arguments).result()
    return found if isinstance(found, list) else [found]


if __name__ == "__main__":
    sys.exit(main())
