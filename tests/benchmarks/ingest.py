"""Reading spectra into one file, against a plain astropy loop over the same files."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
from astropy.io import fits
from chandra_embed.inference.catalog.ingest import ingest
from chandra_embed.inference.recipe import Recipe
from ogip import counts, write_arf, write_pha, write_rmf
from timing import Section, Settings, alternate, compare, say


def run(settings: Settings) -> list[Section]:
    n, rounds = (8, 2) if settings.quick else (200, 5)
    text = (
        f"{n} small simulated OGIP spectra of 1,024 channels, each with its background as second extension; "
        f"then the same with an ARF and an RMF each; {rounds} rounds, files in the page cache. Ours decides "
        "what every file is, groups, rebins and writes `spectra.h5`; the loop only opens the files and reads "
        "COUNTS (and SPECRESP, MATRIX and E_MIN)."
    )
    section = Section(
        "Ingest", text, ("files", "contender", "seconds", "spectra/s", "time / ours", "counts read")
    )
    for responses in (False, True):
        with TemporaryDirectory() as folder:
            _add_rows(section, Path(folder), n, rounds, responses)
    return [section]


def _add_rows(section: Section, folder: Path, n: int, rounds: int, responses: bool) -> None:
    say(f"ingest: writing {n} spectra")
    paths = [_write(folder / "in", i, responses) for i in range(n)]

    def ours() -> int:
        output = folder / "spectra.h5"
        ingest([folder / "in"], output, Recipe())
        with h5py.File(output) as file:
            return int(file["counts/source"][...].sum())

    def loop() -> int:
        return sum(_read(path, responses) for path in paths)

    label = "with ARF and RMF" if responses else "spectrum and background"
    timed = alternate(f"ingest, {label}", {"chandra_embed ingest": ours, "astropy loop": loop}, rounds)
    totals = {one.result for one in timed.values()}
    if len(totals) > 1:
        section.faults.append(f"{section.title}, {label}: counts read are {totals}")
    compare(section, timed, n, lambda name, total: f"{total:,}", before=(label,))


def _write(folder: Path, i: int, responses: bool) -> Path:
    """Write one spectrum, of an ObsID of its own."""
    folder.mkdir(exist_ok=True)
    more = {}
    if responses:
        more = {
            "ANCRFILE": write_arf(folder / f"{i}.arf").name,
            "RESPFILE": write_rmf(folder / f"{i}.rmf").name,
        }
    return write_pha(folder / f"{i}_pha3.fits", counts(i), counts(i + 1_000_000), OBS_ID=str(i), **more)


def _read(path: Path, responses: bool) -> int:
    with fits.open(path) as file:
        total = int(np.sum(file["SPECTRUM", 1].data["COUNTS"]))
        np.sum(file["SPECTRUM", 2].data["COUNTS"])
        names: dict[str, Any] = dict(file["SPECTRUM", 1].header)
    if responses:
        with fits.open(path.parent / names["ANCRFILE"]) as file:
            np.sum(file["SPECRESP"].data["SPECRESP"])
        with fits.open(path.parent / names["RESPFILE"]) as file:
            np.sum(file["MATRIX"].data["MATRIX"])
            np.sum(file["EBOUNDS"].data["E_MIN"])
    return total
