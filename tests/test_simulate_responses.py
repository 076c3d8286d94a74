"""Folders of ARF and RMF files: pairing, other grids, what cannot serve."""

import logging
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.simulate.responses import find_pairs, read_responses
from chandra_embed.inference.simulate.spectra import simulate

CHANNELS = 1024


def write_arf(path: Path, lo: np.ndarray, hi: np.ndarray, area: np.ndarray) -> None:
    columns = [
        fits.Column(name, "E", array=values)
        for name, values in (("ENERG_LO", lo), ("ENERG_HI", hi), ("SPECRESP", area))
    ]
    hdu = fits.BinTableHDU.from_columns(columns, name="SPECRESP")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


def write_rmf(path: Path, lo: np.ndarray, hi: np.ndarray, channels: int = CHANNELS) -> None:
    """Write an RMF that puts each energy into the channel it falls in."""
    edges = 0.0146 * np.arange(channels + 1)
    k = len(lo)
    channel = np.searchsorted(edges, (lo + hi) / 2)  # counted from 1
    matrix = fits.BinTableHDU.from_columns(
        [
            fits.Column("ENERG_LO", "E", array=lo),
            fits.Column("ENERG_HI", "E", array=hi),
            fits.Column("N_GRP", "I", array=np.ones(k)),
            fits.Column("F_CHAN", "I", array=channel),
            fits.Column("N_CHAN", "I", array=np.ones(k)),
            fits.Column("MATRIX", "E", array=np.ones(k)),
        ],
        name="MATRIX",
    )
    matrix.header["TLMIN4"] = 1
    bounds = fits.BinTableHDU.from_columns(
        [
            fits.Column("CHANNEL", "I", array=np.arange(1, channels + 1)),
            fits.Column("E_MIN", "E", array=edges[:-1]),
            fits.Column("E_MAX", "E", array=edges[1:]),
        ],
        name="EBOUNDS",
    )
    fits.HDUList([fits.PrimaryHDU(), matrix, bounds]).writeto(path)


def grid(n: int, lo: float = 0.3, hi: float = 9.3) -> tuple[np.ndarray, np.ndarray]:
    edges = np.linspace(lo, hi, n + 1)
    return edges[:-1], edges[1:]


def test_files_pair_by_stem_then_by_being_the_only_ones(tmp_path: Path) -> None:
    names = [
        "a/x_arf3.fits.gz", "a/x_rmf3.fits", "a/y.arf", "a/y.rmf.gz",
        "b/one.warf", "b/other.wrmf.gz",
        "c/arf2278.fits", "c/rmf2278.fits",
        "d/p.arf", "d/q.arf", "d/r.rmf",
        "e/notes.txt", "e/z_pha3.fits",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    pairs, unpaired = find_pairs(tmp_path)
    assert [(str(a.relative_to(tmp_path)), str(r.relative_to(tmp_path))) for a, r in pairs] == [
        ("a/x_arf3.fits.gz", "a/x_rmf3.fits"),
        ("a/y.arf", "a/y.rmf.gz"),
        ("b/one.warf", "b/other.wrmf.gz"),
        ("c/arf2278.fits", "c/rmf2278.fits"),
    ]
    assert [str(path.relative_to(tmp_path)) for path in unpaired] == ["d/p.arf", "d/q.arf", "d/r.rmf"]


def test_a_pair_is_read_and_folded(tmp_path: Path) -> None:
    lo, hi = grid(900)
    write_arf(tmp_path / "s.arf", lo, hi, np.full(900, 400.0))
    write_rmf(tmp_path / "s.rmf", lo, hi)
    (found,) = read_responses(tmp_path)
    assert found.name == "s.arf"
    counts = found.redistribution.fold(found.area * 0.01)
    assert counts.sum() == pytest.approx(900 * 400 * 0.01)
    assert (counts[found.redistribution.channel_hi < 0.29] == 0).all()


def test_an_arf_on_another_grid_is_interpolated(tmp_path: Path) -> None:
    lo, hi = grid(450)
    write_arf(tmp_path / "s.arf", lo, hi, 100 * (lo + hi) / 2)
    rmf_lo, rmf_hi = grid(800, 0.4, 8.4)
    write_rmf(tmp_path / "s.rmf", rmf_lo, rmf_hi)
    (found,) = read_responses(tmp_path)
    np.testing.assert_allclose(found.area, 100 * (rmf_lo + rmf_hi) / 2, rtol=1e-4)


def test_what_cannot_serve_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lo, hi = grid(300)
    area = np.full(300, 100.0)
    for stem, values, channels in (
        ("good", area, CHANNELS),
        ("zero", area * 0, CHANNELS),
        ("pn", area, 4096),
    ):
        write_arf(tmp_path / f"{stem}.arf", lo, hi, values)
        write_rmf(tmp_path / f"{stem}.rmf", lo, hi, channels)
    write_arf(tmp_path / "alone.arf", lo, hi, area)
    (tmp_path / "broken.arf").write_bytes(b"no FITS")
    write_rmf(tmp_path / "broken.rmf", lo, hi)
    with caplog.at_level(logging.WARNING, "chandra_embed"):
        found = read_responses(tmp_path)
    assert [r.name for r in found] == ["good.arf"]
    for text in ("alone.arf: no partner", "zero.arf: no effective area", "4096 channels", "broken.arf"):
        assert text in caplog.text


def test_a_folder_without_pairs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ChandraEmbedError, match="no ARF and RMF that pair"):
        read_responses(tmp_path)


@pytest.mark.real
def test_real_catalog_responses_make_spectra(chandra_data: Path) -> None:
    (found,) = read_responses(chandra_data / "spectra" / "csc_07867_r0002")
    assert 600 < found.area.max() < 800
    r = found.redistribution
    sums = np.bincount(r.energy, r.weight, minlength=len(r.energy_lo))
    np.testing.assert_allclose(sums, 1.0, atol=0.02)
    for s in simulate(5, 0, Recipe(quantity="flux"), [found]):
        assert np.isfinite(s.value).all()
        assert s.detection["net_counts"] > 0
