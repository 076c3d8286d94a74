"""Reading spectra into one file, against plain astropy loops over the same files."""

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
    n, rounds = (8, 2) if settings.quick else (1000, 5)
    text = (
        f"{n} small simulated OGIP spectra of 1,024 channels, each with its background as second extension; "
        f"then the same with an ARF and an RMF each, of bytes of its own; {rounds} rounds, files in the page "
        "cache. Ours decides what every file is, groups, rebins, measures hardness ratios and writes "
        "`spectra.h5`. The loop of the same columns opens the files and reads COUNTS twice, CHANNEL, "
        "SPECRESP with its energies and EBOUNDS; the loop of whole files reads every column of every "
        "extension, the matrix among them."
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

    def ours(jobs: int) -> int:
        output = folder / "spectra.h5"
        ingest([folder / "in"], output, Recipe(), jobs=jobs)
        with h5py.File(output) as file:
            return int(file["counts/source"][...].sum())

    label = "with ARF and RMF" if responses else "spectrum and background"
    contenders = {
        "chandra_embed ingest --jobs 2": lambda: ours(2),
        "chandra_embed ingest --jobs 1": lambda: ours(1),
        "astropy loop, the same columns": lambda: sum(_same(path, responses) for path in paths),
        "astropy loop, whole files": lambda: sum(_whole(path, responses) for path in paths),
    }
    timed = alternate(f"ingest, {label}", contenders, rounds)
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
            "ANCRFILE": write_arf(folder / f"{i}.arf", 500.0 + i / 8).name,
            "RESPFILE": write_rmf(folder / f"{i}.rmf", offset=i * 1e-9).name,
        }
    return write_pha(folder / f"{i}_pha3.fits", counts(i), counts(i + 1_000_000), OBS_ID=str(i), **more)


def _same(path: Path, responses: bool) -> int:
    """Read the extensions and columns that ingest reads."""
    with fits.open(path) as file:
        source = file["SPECTRUM", 1]
        total = int(np.sum(source.data["COUNTS"]))
        np.sum(source.data["CHANNEL"])
        np.sum(file["SPECTRUM", 2].data["COUNTS"])
        names: dict[str, Any] = {key: source.header[key] for key in ("ANCRFILE", "RESPFILE", "EXPOSURE")}
    if responses:
        with fits.open(path.parent / names["ANCRFILE"]) as file:
            for column in ("ENERG_LO", "ENERG_HI", "SPECRESP"):
                np.sum(file["SPECRESP"].data[column])
        with fits.open(path.parent / names["RESPFILE"]) as file:
            for column in ("CHANNEL", "E_MIN", "E_MAX"):
                np.sum(file["EBOUNDS"].data[column])
    return total


def _whole(path: Path, responses: bool) -> int:
    """Read every column of every extension."""
    total, paths = 0, [path]
    if responses:
        header = fits.getheader(path, 1)
        paths += [path.parent / header["ANCRFILE"], path.parent / header["RESPFILE"]]
    for each in paths:
        with fits.open(each) as file:
            for hdu in file[1:]:
                for name in hdu.columns.names:
                    read = int(np.sum(hdu.data[name]))
                    if name == "COUNTS" and hdu.ver == 1:
                        total += read
    return total
