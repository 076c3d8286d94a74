"""Every reason for quarantine: an input that meets it, and the line that a user sees."""

import gzip
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chandra_embed.inference
import h5py
import numpy as np
import ogip
import pytest
from astropy.io import fits
from chandra_embed.inference.catalog import file_bytes
from chandra_embed.inference.catalog.ingest import ingest
from chandra_embed.inference.catalog.reasons import REASONS
from chandra_embed.inference.catalog.regions import parse_region
from chandra_embed.inference.recipe import Recipe
from event_fits import events, write_events, write_lightcurve, write_region

Make = Callable[[Path], object]
COUNTS = ogip.counts(1)
STEM = "acisf00123_000N021_r0043"
REGEVT3 = f"{STEM}_regevt3.fits"


def pha(counts: Any = COUNTS, **header: Any) -> Make:
    return lambda folder: ogip.write_pha(folder / "a.pi", counts, **header)


def evt2(columns: Any = None, **header: Any) -> Make:
    return lambda folder: write_events(folder / "a_evt2.fits", columns, **header)


def lc3(**header: Any) -> Make:
    return lambda folder: write_lightcurve(folder / "a_lc3.fits", [0.1], **header)


def text(name: str) -> Make:
    return lambda folder: (folder / name).write_text("no FITS file")


def both(first: Make, second: Make) -> Make:
    return lambda folder: (first(folder), second(folder))


def bytes_of(change: Callable[[bytes], bytes], name: str = "a.pi") -> Make:
    def make(folder: Path) -> None:
        raw = ogip.write_pha(folder / "a.pi", COUNTS).read_bytes()
        (folder / "a.pi").unlink()
        (folder / name).write_bytes(change(raw))

    return make


packed = gzip.compress


def rows(value: str) -> Callable[[bytes], bytes]:
    return lambda raw: raw.replace(b"NAXIS2  =                 1024", f"NAXIS2  = {value:>20}".encode())


def one(value: float) -> Any:
    return np.where(np.arange(1024) == 500, value, 1.0)


def without(name: str) -> dict[str, Any]:
    return {key: values for key, values in events().items() if key != name}


def arf(low: float = 0.3, **header: Any) -> Make:
    def make(folder: Path) -> None:
        path = ogip.write_arf(folder / "a.arf")
        with fits.open(path, mode="update") as file:
            file[1].header.update(header)
            for name in ("ENERG_LO", "ENERG_HI"):
                file[1].data[name] += low - 0.3

    return make


def archive(folder: Path) -> None:
    with tarfile.open(folder / "a.tar", "w") as made:
        made.addfile(tarfile.TarInfo("b.tar"))


def collection(n: int) -> Make:
    def make(folder: Path) -> None:
        with h5py.File(folder / "c.h5", "w") as file:
            for name, value in (("ene_lo", 0.6), ("ene_hi", 1.0), ("flux", 1.0), ("flux_err", 0.1)):
                file.create_dataset(f"spectrum_{name}", (n, 1), "f8", chunks=(1, 1), fillvalue=value)

    return make


def bomb(folder: Path) -> None:
    images = [fits.ImageHDU(np.zeros(600_000, np.uint8)) for _ in range(4)]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(folder / "a")
    (folder / "a.pi.gz").write_bytes(gzip.compress((folder / "a").read_bytes()))
    (folder / "a").unlink()


def twice(folder: Path) -> None:
    for name in ("a.pi", "b.pi"):
        ogip.write_pha(folder / name, COUNTS)


FLUX, OTHER_GROUPS = Recipe(quantity="flux"), Recipe(group_min=9)
# reason, the rest of the line, what is made; and where they are not the usual ones: what is given, the recipe
CASES: list[tuple[Any, ...]] = [
    ("absurd-counts", "a channel holds 1e+30 counts", pha(one(1e30))),
    ("arf-too-short", "the ARF covers 5.3-16 keV", both(arf(5.3), pha(ANCRFILE="a.arf")), "", FLUX),
    ("bad-archive", "it can be read no further (after 0 bytes", text("a.tar")),
    ("bad-background", "b.bg: not-fits: ", both(text("b.bg"), pha(BACKFILE="b.bg"))),
    ("bad-channels", "4096 channels; ACIS PI has at most 1024", pha(np.ones(4096, np.int32))),
    ("bad-header", "NAXIS2 is no whole number", bytes_of(rows("1024.5"))),
    ("bad-header", "a negative size (NAXIS [8, -1]", bytes_of(rows("-1"))),
    ("bad-member", "an archive within an archive; unpack it first", archive),
    ("bad-region", "", both(text(f"{STEM}_reg3.fits"), lambda f: write_events(f / REGEVT3))),
    ("bad-response", "a.arf: not-fits", both(text("a.arf"), pha(ANCRFILE="a.arf"))),
    ("bad-response", "no extension named EBOUNDS", both(arf(), pha(RESPFILE="a.arf"))),
    ("bad-scaling", "BACKSCAL is not a positive number", pha(backscal=0.0)),
    ("bad-value", "obi is 1000000000000", pha(OBI_NUM=10**12)),
    ("damaged-gzip", "it cannot be unpacked", bytes_of(lambda raw: packed(raw)[:20] + bytes(99), "a.pi.gz")),
    ("duplicate", "same counts as a.pi", twice),
    ("empty-file", "the file holds no bytes", lambda f: (f / "a.pi").touch()),
    ("grating", "a dispersed grating spectrum", pha(bin_lo=np.ones(1024), bin_hi=np.ones(1024))),
    ("hrc", "the HRC records no usable energies", pha(INSTRUME="HRC-I")),
    ("hrc", "the HRC records no usable energies", evt2(INSTRUME="HRC-I")),
    ("name-too-long", "date_obs has more than 32 bytes", pha(**{"DATE-OBS": "x" * 40})),
    ("negative-counts", "1 channels hold negative counts", pha(one(-3.0))),
    ("net-spectrum", "the background is taken off already", pha(HDUCLAS2="NET")),
    ("no-arf", "flux density needs an effective area: name it with --responses", pha(), "", FLUX),
    ("no-counts", "no source counts in 0.5-8.0 keV", pha(np.zeros(1024, np.int32))),
    ("no-energy", "extension EVENTS has neither ENERGY nor PI", evt2(without("energy"))),
    ("no-events", "no extension named EVENTS", lambda f: ogip.write_arf(f / "a_evt2.fits"), "a_evt2.fits"),
    ("no-exposure", "EXPOSURE is 0.0", pha(EXPOSURE=0.0)),
    ("no-exposure", "EXPOSURE is missing", pha(EXPOSURE=None)),
    ("no-gti", "no extension GTI with good time intervals", evt2(gti=None)),
    ("no-lightcurve", "no extension named LIGHTCURVE", lambda f: ogip.write_arf(f / "a_lc3.fits")),
    ("no-rmf", "512 channels, whose energies need an RMF", pha(ogip.counts(1, n=512))),
    ("no-spectrum", "no extension named SPECTRUM", lambda f: ogip.write_arf(f / "a.pi")),
    ("no-wcs", "the region is in sky coordinates", evt2(without("y")), "", Recipe(), '10,20,4"'),
    ("not-a-file", "a folder, a pipe or a device", lambda f: os.mkfifo(f / "a.pi"), "a.pi"),
    ("not-broad", "the light curve of band hard", lc3(BAND="hard")),
    ("not-chandra", "TELESCOP XMM, INSTRUME EPN", pha(TELESCOP="XMM", INSTRUME="EPN")),
    ("not-finite", "1 channels are NaN or infinite", pha(one(np.nan))),
    ("not-finite", "the spectrum is beyond single precision", pha(EXPOSURE=1e-320)),
    ("not-fits", "it does not begin as FITS does (SIMPLE)", text("a.pi")),
    ("not-ours", "spectrum_ene_lo declares 8,000,000,000,000 bytes", collection(10**12)),
    ("not-ours", "an HDF5 file without the columns", lambda f: h5py.File(f / "d.h5", "w").close(), "d.h5"),
    ("not-pi", "CHANTYPE is PHA; only PI channels have known energies", pha(CHANTYPE="PHA")),
    ("orphan-background", "a background that no source names", pha(HDUCLAS2="BKG")),
    (
        "orphan-region",
        "no event file of this detection is given",
        lambda f: write_region(f / "a_reg3.fits", [("circle", 1, 1, 1, 0)]),
        "a_reg3.fits",
    ),
    ("other-recipe", "the collection is grouped to 5 counts, not 9", collection(1), "", OTHER_GROUPS),
    (
        "response-mismatch",
        "a.arf is of SWIFT XRT",
        both(arf(TELESCOP="SWIFT", INSTRUME="XRT"), pha(ANCRFILE="a.arf")),
    ),
    (
        "response-mismatch",
        "a.rmf: channels differ from the spectrum's",
        both(lambda f: ogip.write_rmf(f / "a.rmf", n=100), pha(RESPFILE="a.rmf")),
    ),
    ("too-large", "it unpacks to more than", bomb),
    ("trailing-bytes", "what follows extension 1 is no FITS", bytes_of(lambda raw: raw + b"x" * 99)),
    ("truncated", "extension 1 declares 8,192 bytes of data", bytes_of(lambda raw: raw[:-2880])),
    ("truncated", "extension 1 declares 7,999,999,999,992 bytes", bytes_of(rows("999999999999"))),
    ("truncated", "the gzip file ends before its end", bytes_of(lambda raw: packed(raw)[:500], "a.pi.gz")),
    ("type-2", "a PHA type II file", pha(HDUCLAS4="TYPE:II")),
    ("unreadable", "No such file or directory", lambda f: (f / "a.pi").symlink_to("nowhere")),
    ("unreadable", "Too many levels of symbolic links", lambda f: (f / "a.pi").symlink_to("a.pi")),
    ("unreadable", "neither a COUNTS nor a RATE column", pha(counts_column="OTHER")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}"[:60])
def test_the_line(case: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reason, rest, make, given, recipe, region = (*case, *("", Recipe(), "")[len(case) - 3 :])
    if reason == "too-large":
        monkeypatch.setattr(file_bytes, "SMALL", 1000)
    folder = tmp_path / "in"
    folder.mkdir()
    make(folder)
    wanted = [parse_region(region)] if region else []
    summary = ingest([folder / given], tmp_path / "s.h5", recipe, regions=wanted, jobs=1)
    assert summary.used + summary.companions + summary.quarantined == summary.given
    lines = [line for _, line in summary.quarantine]
    assert any(line.startswith(f"{reason}: {rest}") for line in lines), lines
    assert not any("\n" in line for line in lines)


def test_a_name_with_a_newline_stays_on_its_line(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "two\nlines.pi").write_text("x")
    ((path, _),) = ingest([tmp_path / "in"], tmp_path / "s.h5", Recipe(), jobs=1).quarantine
    assert path == "two\\nlines.pi"


def test_every_reason_in_the_code_has_a_name_and_a_case() -> None:
    code = [path.read_text("utf-8") for path in Path(chandra_embed.inference.__file__).parent.rglob("*.py")]
    used = {name for text in code for name in re.findall(r'\bQuarantined\(\s*"([^"]+)"', text)}
    assert used == set(REASONS)
    assert {case[0] for case in CASES} == set(REASONS)
