"""Reading spectra into one file, against plain astropy loops over the same files."""

from functools import lru_cache
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

MARK = b"MARK0000"


def run(settings: Settings) -> list[Section]:
    n, rounds = (8, 2) if settings.quick else (1000, 5)
    text = (
        f"{n} small simulated OGIP spectra of 1,024 channels, each with its background as second extension; "
        f"then {n // 2} with an ARF and an RMF each, of bytes of its own and the RMF of the size that the "
        f"catalog's have (900 energies, variable length); {rounds} rounds, files in the page cache. Ours "
        "decides what every file is, groups, rebins, measures hardness ratios and writes `spectra.h5`. The "
        "loop of the same columns opens the files and reads COUNTS twice, CHANNEL, the ARF and EBOUNDS; the "
        "loop of whole files reads every column of every extension."
    )
    section = Section(
        "Ingest", text, ("files", "contender", "seconds", "spectra/s", "time / ours", "counts read")
    )
    for number, responses in ((n, False), (n // 2, True)):
        with TemporaryDirectory() as folder:
            _add_rows(section, Path(folder), number, rounds, responses)
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
        more = {"ANCRFILE": write_arf(folder / f"{i}.arf", 500.0 + i / 8).name, "RESPFILE": f"{i}.rmf"}
        (folder / f"{i}.rmf").write_bytes(_rmf(folder.parent).replace(MARK, f"{i:0{len(MARK)}}".encode()))
    return write_pha(folder / f"{i}_pha3.fits", counts(i), counts(i + 1_000_000), OBS_ID=str(i), **more)


@lru_cache(maxsize=1)
def _rmf(folder: Path) -> bytes:
    """An RMF of 900 energies, 200 channels each, with :data:`MARK` in its header."""
    with fits.open(write_rmf(folder / "small.rmf")) as file:
        edges, rows = np.linspace(0.3, 9.3, 901), np.full((900, 200), 0.005, np.float32)
        columns = {"ENERG_LO": ("E", edges[:-1]), "ENERG_HI": ("E", edges[1:]), "N_GRP": ("I", np.ones(900))}
        columns |= {"F_CHAN": ("PI()", [np.ones(1, np.int16)] * 900)}
        columns |= {"N_CHAN": ("PI()", [np.full(1, 200, np.int16)] * 900), "MATRIX": ("PE()", list(rows))}
        made = [fits.Column(name, form, array=_vectors(values)) for name, (form, values) in columns.items()]
        matrix = fits.BinTableHDU.from_columns(made, name="MATRIX")
        matrix.header["CONTENT"] = MARK.decode()
        whole = fits.HDUList([file[0], matrix, file["EBOUNDS"]])
        whole.writeto(folder / "large.rmf", overwrite=True)
    return (folder / "large.rmf").read_bytes()


def _vectors(values: Any) -> Any:
    """A list of vectors as the object array that variable-length columns take."""
    if not isinstance(values, list):
        return values
    made = np.empty(len(values), object)
    made[:] = values
    return made


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
                    read = hdu.data[name]
                    if name == "COUNTS" and hdu.ver == 1:
                        total += int(np.sum(read))
                    elif read.dtype == object:
                        sum(len(row) for row in read)
    return total
