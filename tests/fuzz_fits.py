"""Mutated FITS files through ``ingest``: no crash, no hang, no memory bomb, and the fates always add up.

What the plain reader takes on itself must be what astropy reads. ``python tests/fuzz_fits.py [MUTANTS
[SEED]]`` runs 2,000; the suite runs a few. Files are made here, and taken from the real ones where
CHANDRA_EMBED_DATA names them. A mutant that breaks a promise is kept and named.
"""

import faulthandler
import gzip
import os
import re
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import ogip
from against_astropy import compare
from chandra_embed.inference.catalog.ingest import ingest
from chandra_embed.inference.catalog.reasons import REASONS
from chandra_embed.inference.catalog.store import SPECTRA, open_store
from chandra_embed.inference.recipe import Recipe
from event_fits import write_events, write_lightcurve, write_region

LONGEST = 5.0  # s of processor time for one mutant; other programs may be running
GROWTH = 600 << 20  # bytes of memory
STEM = "acisf00123_000N021_r0043"
Files = dict[str, bytes]
# fmt: off
KEYWORDS = (
    "SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "TFIELDS", "TFORM1",
    "TFORM2", "TTYPE1", "TTYPE2", "TLMIN1", "TSCAL2", "TZERO2", "TNULL2", "TDIM2", "EXTNAME", "HDUCLAS1",
    "HDUCLAS2", "EXPOSURE", "BACKSCAL", "AREASCAL", "TELESCOP", "INSTRUME", "OBS_ID", "OBI_NUM",
    "REGIONID", "RA", "DEC", "RA_PNT", "BACKFILE", "RESPFILE", "ANCRFILE", "POISSERR", "DETCHANS",
    "CHANTYPE", "TIMEDEL", "DTCOR", "CCD_ID", "END",
)
VALUES = (
    "0", "1", "-1", "2", "3", "8", "7", "32", "1000000000000", "99999999999999999999", "1E12", "1.0",
    "-1.5", "0.0", "NaN", "1E400", "-1E400", "1E-320", "T", "F", "''", "'none'", "'x'", "'1J'", "'2J'",
    "'999999999J'", "'PJ(9)'", "'1024J'", "'QD'", "'TOTAL'", "'BKG'", "'XMM'", "'HRC'", "'PHA'",
    "'../../etc/passwd'", "'.'", "'/'", "'unclosed", "", "'a''b'",
    "'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", "(1,2)", "= =", "\u0000",
    "\u00ff\u00fe", "'\u00e9'",
)
# fmt: on


def groups(folder: Path) -> list[Files]:
    """Files that go together, by name; the first is what is mutated most."""
    make = folder / "make"
    pha3, named = f"{STEM}_pha3.fits", {"RESPFILE": "a.rmf", "ANCRFILE": "a.arf"}
    ogip.write_pha(make / pha3, ogip.counts(1), ogip.counts(2), **named)
    ogip.write_pha(make / "b.pi", ogip.counts(3), BACKFILE="b_bg.pi")
    ogip.write_pha(make / "b_bg.pi", ogip.counts(4))
    ogip.write_arf(make / "a.arf")
    ogip.write_rmf(make / "a.rmf")
    write_events(make / f"{STEM}_regevt3.fits")
    write_lightcurve(make / f"{STEM}b_lc3.fits", [0.1, 0.2, 0.1])
    write_region(make / f"{STEM}_reg3.fits", [("circle", 4000, 4100, 6, 0)])
    made = {path.name: path.read_bytes() for path in make.iterdir()}
    shutil.rmtree(make)

    def some(*names: str) -> Files:
        return {name: made[name] for name in names}

    found = [
        some(pha3, "a.arf", "a.rmf"),
        some("b.pi", "b_bg.pi"),
        {f"{pha3}.gz": gzip.compress(made[pha3], 1)} | some("a.arf", "a.rmf"),
        some(f"{STEM}_regevt3.fits", f"{STEM}_reg3.fits"),
        some(f"{STEM}b_lc3.fits", pha3),
        some(pha3, f"{STEM}_regevt3.fits", f"{STEM}b_lc3.fits"),
    ]
    real = os.environ.get("CHANDRA_EMBED_DATA", "")
    for name in (
        ("spectra/csc_04938_r0043", "spectra/csc_01575_r0043", "spectra/g21.5-0.9_01838") if real else ()
    ):
        paths = sorted((Path(real) / name).iterdir(), key=lambda path: ("pha3" not in path.name, path.name))
        found.append({path.name: path.read_bytes() for path in paths if path.stat().st_size < 1 << 20})
    return found


def mutate(raw: bytes, rng: np.random.Generator) -> bytes:
    """Return the bytes with one to three mutations; what is packed is unpacked for most of them."""
    packed = raw.startswith(b"\x1f\x8b")
    if packed and rng.random() < 0.8:
        return gzip.compress(mutate(gzip.decompress(raw), rng), 1)
    for _ in range(int(rng.integers(1, 4))):
        raw = MUTATIONS[rng.integers(len(MUTATIONS))](bytearray(raw), rng)
    return raw


def _cards(raw: bytes) -> list[int]:
    """Where cards begin, as far as it can be told."""
    return [at for at in range(0, len(raw) - 79, 80) if re.match(rb"[A-Z0-9_-]+ *(= |$)", raw[at : at + 10])]


def _a_card(raw: bytes, rng: np.random.Generator) -> int:
    cards = _cards(raw)
    return int(rng.choice(cards)) if cards else 0


def value_of_card(raw: bytearray, rng: np.random.Generator) -> bytes:
    """Give one of the keywords that matter another value."""
    wanted = [at for at in _cards(raw) if raw[at : at + 8].decode().strip() in KEYWORDS]
    at = int(rng.choice(wanted)) if wanted else 0
    value = str(rng.choice(VALUES)).rjust(int(rng.choice([0, 20]))).encode("latin-1", "replace")[:70]
    raw[at + 10 : at + 80] = value.ljust(70)
    return bytes(raw)


def bytes_of_card(raw: bytearray, rng: np.random.Generator) -> bytes:
    """Overwrite some bytes of a card."""
    at = _a_card(raw, rng) + int(rng.integers(80))
    raw[at : at + 1] = bytes([rng.integers(256)])
    return bytes(raw)


def without_card(raw: bytearray, rng: np.random.Generator) -> bytes:
    """Blank a card, or write one over the next."""
    at = _a_card(raw, rng)
    if rng.random() < 0.5:
        raw[at : at + 80] = b" " * 80
    else:
        raw[at + 80 : at + 160] = raw[at : at + 80]
    return bytes(raw)


def bytes_anywhere(raw: bytearray, rng: np.random.Generator) -> bytes:
    """Overwrite bytes here and there."""
    for at in rng.integers(0, max(len(raw), 1), int(rng.integers(1, 30))):
        raw[at : at + 1] = bytes([rng.integers(256)])
    return bytes(raw)


def values_of_data(raw: bytearray, rng: np.random.Generator) -> bytes:
    """Fill a stretch with NaN, infinity, huge or negative numbers, or zeros."""
    at = 2880 + 4 * int(rng.integers(max(1, (len(raw) - 2880) // 4)))
    word = [b"\x7f\xc0\0\0", b"\x7f\x80\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0"][
        rng.integers(5)
    ]
    n = 4 * int(rng.integers(1, 400))
    raw[at : at + n] = (word * n)[: len(raw[at : at + n])]
    return bytes(raw)


def cut(raw: bytearray, rng: np.random.Generator) -> bytes:
    """Cut the file short."""
    return bytes(raw[: int(rng.integers(len(raw) + 1))])


def longer(raw: bytearray, rng: np.random.Generator) -> bytes:
    """Add bytes at the end."""
    more = [
        bytes(2880),
        rng.bytes(int(rng.integers(1, 5000))),
        b"XTENSION= 'BINTABLE'".ljust(2880),
        bytes(raw[:2880]),
    ]
    return bytes(raw) + more[rng.integers(4)]


def blocks(raw: bytearray, rng: np.random.Generator) -> bytes:
    """Take a block out, or put one in twice."""
    at = 2880 * int(rng.integers(len(raw) // 2880 + 1))
    if rng.random() < 0.5:
        del raw[at : at + 2880]
    else:
        raw[at:at] = raw[at : at + 2880]
    return bytes(raw)


def bomb(raw: bytearray, rng: np.random.Generator) -> bytes:
    """Pack the file with a gigabyte's worth of nothing behind it, if not so much."""
    return gzip.compress(bytes(raw) + bytes(int(rng.integers(1, 40)) << 20), 1)


MUTATIONS: list[Callable[[bytearray, np.random.Generator], bytes]] = [
    *[value_of_card] * 8,
    *[bytes_of_card] * 3,
    *[values_of_data] * 4,
    *[bytes_anywhere] * 2,
    without_card,
    cut,
    longer,
    blocks,
]


def lay_out(files: Files, folder: Path, rng: np.random.Generator) -> str:
    """Write the files of a group, one of them mutated; return what was done."""
    names = list(files)
    target = names[0] if rng.random() < 0.7 else str(rng.choice(names))
    kind = rng.random()
    for name, raw in files.items():
        path = folder / name
        if name != target:
            path.write_bytes(raw)
        elif kind < 0.9:
            path.write_bytes(mutate(raw, rng))
        elif kind < 0.92:
            path.write_bytes(bomb(bytearray(raw), rng))
        elif kind < 0.94:
            path.touch()
        elif kind < 0.96:
            path.symlink_to(path.name if rng.random() < 0.5 else "nowhere")
        elif kind < 0.98:
            (folder / name.replace("r", "\n", 1)).write_bytes(raw)
        else:
            path.mkdir()
    return target


def run(mutants: int, seed: int, folder: Path) -> Counter[str]:
    """Ingest mutants one after the other; return how often each outcome was.

    Raises
    ------
    AssertionError
        A promise was broken; the mutant lies in the folder of its number.
    """
    outcomes: Counter[str] = Counter()
    all_groups = groups(folder)
    for number in range(mutants):
        rng = np.random.default_rng([seed, number])
        place = folder / f"mutant-{seed}-{number}"
        (place / "in").mkdir(parents=True)
        lay_out(all_groups[rng.integers(len(all_groups))], place / "in", rng)
        outcomes["read by the plain reader"] += sum(compare(path) for path in (place / "in").iterdir())
        recipe = Recipe(quantity=str(rng.choice(["rate", "rate", "rate", "flux"])))
        begun = time.process_time()
        faulthandler.dump_traceback_later(600, exit=True)  # one that waits for ever
        try:
            summary = ingest([place / "in"], place / "s.h5", recipe, jobs=1)
        except Exception as error:
            raise AssertionError(f"{place}: {type(error).__name__}: {error}") from error
        took = time.process_time() - begun
        assert took < LONGEST, f"{place}: {took:.1f} s"
        assert summary.used + summary.companions + summary.quarantined == summary.given, place
        for _, why in summary.quarantine:
            reason = why.split(":")[0]
            assert reason in REASONS, f"{place}: {why}"
            assert "MemoryError" not in why, f"{place}: {why}"
            outcomes[reason] += 1
        with open_store(place / "s.h5", SPECTRA) as file:
            assert np.isfinite(file["spectrum/value"][...]).all(), place
            assert np.isfinite(file["spectrum/error"][...]).all(), place
        outcomes["used"] += summary.used
        outcomes["companion"] += summary.companions
        outcomes["given"] += summary.given
        shutil.rmtree(place)
    faulthandler.cancel_dump_traceback_later()
    return outcomes


def main(mutants: int, seed: int) -> int:
    """Run, tell the outcomes, and fail where memory grew."""
    faulthandler.enable()
    warnings.simplefilter("error")
    folder = Path(tempfile.mkdtemp(prefix="fuzz-fits-"))
    run(20, seed + 1, folder)  # what is loaded but once
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    outcomes = run(mutants, seed, folder)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    for name, times in outcomes.most_common():
        print(f"{times:7,} {name}")
    print(f"{mutants:,} mutants in {time.monotonic() - begun:.0f} s, memory grew by {grown >> 20} MiB")
    shutil.rmtree(folder)
    return int(grown > GROWTH)


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    sys.exit(main(*(numbers + [2000, 0][len(numbers) :])))
