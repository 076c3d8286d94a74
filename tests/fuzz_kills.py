"""Kill ingest, embed and score with SIGKILL at random moments, until each ends with the bytes it must have.

A program of its own: each run of a command is a fork, which spares it the imports; so nothing here may start
a thread. `python tests/fuzz_kills.py [KILLS [SEED]]`, by default 100 and 0, prints what happened as JSON and
exits 1 where bytes differ; the suite does a few.
"""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import ogip
from chandra_embed.inference import embed, embedded_chunks, score  # noqa: F401  what every fork would import
from chandra_embed.inference.cli.embed import embed as embed_command
from chandra_embed.inference.cli.ingest import ingest as ingest_command
from chandra_embed.inference.cli.score import score as score_command
from small import write_spectra

FILES, ROWS = 80, 2000
# of all kills, how many fall on each command
SHARE = {"ingest": 0.3, "embed": 0.4, "score": 0.3}
LIMIT = 120.0  # seconds that no run may take


def main(folder: Path, kills: int = 100, seed: int = 0) -> int:
    """Run the three commands, each killed its share of times, and compare with runs that were not."""
    rng = np.random.default_rng(seed)
    embedded_chunks.CHUNK = 64  # more moments to be killed at
    inputs = folder / "in"
    for i in range(FILES):
        ogip.write_pha(
            inputs / f"acisf{i:05d}_001N001_r0001_pha3.fits", ogip.counts(i), ogip.counts(i + FILES)
        )
    spectra, embedded = write_spectra(folder / "big.h5", ROWS), folder / "embeddings.h5"
    report: dict[str, Any] = {"seed": seed}
    for name, command, make in (
        ("ingest", ingest_command, lambda at: [inputs, "-o", at / "spectra.h5"]),
        ("embed", embed_command, lambda at: [spectra, "-o", at / "spectra.h5", "--device", "cpu"]),
        ("score", score_command, lambda at: [shutil.copy(embedded, at / "spectra.h5")]),
    ):
        share = round(kills * SHARE[name]) if name != "score" else kills - report["kills"]
        report[name] = _try(folder, name, command, make, share, rng)
        report["kills"] = report.get("kills", 0) + report[name]["kills"]
        if name == "embed":
            shutil.copy(folder / "embed-whole" / "spectra.h5", embedded)
    print(json.dumps(report))
    return 0 if all(report[name]["same"] for name in SHARE) else 1


def _try(
    folder: Path,
    name: str,
    command: Any,
    make: Callable[[Path], Sequence[Any]],
    kills: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Run a command whole, then killed `kills` times in all, and compare what came of it."""
    first, whole, at = (folder / f"{name}-{which}" for which in ("first", "whole", "killed"))
    for each in (first, whole, at):
        each.mkdir()
    for each in (first, whole):  # the first may compile kernels: only the second tells how long it takes
        arguments = [str(argument) for argument in make(each)]
        _, seconds = _run(command, arguments, folder / f"{name}.log", None)
    expected = _datasets(whole / "spectra.h5")
    arguments = [str(argument) for argument in make(at)]
    before = _datasets(at / "spectra.h5") if name == "score" else {}
    found: dict[str, Any] = {
        "kills": 0,
        "ended": 0,
        "same": True,
        "seconds": round(seconds, 2),
        "rows_done": [],
    }
    while found["kills"] < kills:
        killed, _ = _run(command, arguments, folder / f"{name}.log", rng.uniform(0, seconds))
        found["kills"] += killed
        if name == "score":
            # what was there before is never harmed, and only whole scores are ever added
            now = _datasets(at / "spectra.h5")
            found["same"] &= before.items() <= now.items() and now.items() <= expected.items()
        complete = False
        if name != "score" and (at / "spectra.h5").exists():
            with h5py.File(at / "spectra.h5") as file:
                complete = bool(file.attrs["complete"])
                found["rows_done"] += [int(file.attrs["rows_done"])] if name == "embed" else []
        if not killed or complete:  # it was faster than the kill: begin again
            found["ended"] += 1
            found["same"] &= _datasets(at / "spectra.h5") == expected
            shutil.rmtree(at)
            at.mkdir()
            make(at)
    _run(command, arguments, folder / f"{name}.log", None)
    found["same"] &= _datasets(at / "spectra.h5") == expected
    found["left"] = sorted(each.name for each in at.iterdir() if each.name != "spectra.h5")
    return found


def _run(command: Any, arguments: list[str], log: Path, kill_after: float | None) -> tuple[bool, float]:
    """Run a command in a fork, killed after some seconds where they are given; say whether it was, and when.

    Raises
    ------
    RuntimeError
        It failed, or took longer than LIMIT.
    """
    began = time.monotonic()
    child = os.fork()
    if not child:
        _be(command, arguments, log)
    try:
        while not (done := os.waitpid(child, os.WNOHANG))[0]:
            elapsed = time.monotonic() - began
            if kill_after is not None and elapsed >= kill_after:
                os.kill(child, signal.SIGKILL)
                done = os.waitpid(child, 0)
                break
            if elapsed > LIMIT:
                raise RuntimeError(f"{arguments}: not done after {LIMIT:.0f} s")
            time.sleep(0.001)
    finally:
        _end_group(child)
    killed = os.WIFSIGNALED(done[1])
    if not killed and os.waitstatus_to_exitcode(done[1]):
        raise RuntimeError(f"{arguments}: {log.read_text()[-2000:]}")
    return killed, time.monotonic() - began


def _be(command: Any, arguments: list[str], log: Path) -> None:
    """Be the command, with its output in a file, and exit."""
    os.setpgid(0, 0)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(handle, standard)
    sys.argv = ["chandra-embed", *arguments]
    code = 1
    try:
        command.main(arguments, standalone_mode=True)
    except SystemExit as error:
        code = int(error.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(code)


def _end_group(child: int) -> None:
    """Kill what a killed run left running of its own helpers."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:  # a group of zombies alone
        return


def _datasets(path: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Return type, shape and bytes of every dataset of a file by its path; text of any length as text."""
    found: dict[str, tuple[str, tuple[int, ...], bytes]] = {}

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            data = item[...]
            content = repr(data.tolist()).encode() if data.dtype.kind == "O" else data.tobytes()
            found[name] = (str(item.dtype), item.shape, content)

    with h5py.File(path) as file:
        file.visititems(add)
    return found


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        sys.exit(main(Path(scratch), *map(int, sys.argv[1:])))
