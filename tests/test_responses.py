"""ARF, RMF and EBOUNDS: read as written, refused when they cannot be right."""

from pathlib import Path

import numpy as np
import ogip
import pytest
from astropy.io import fits
from chandra_embed.inference.catalog.responses import nominal_ebounds, read_arf, read_ebounds, read_rmf
from chandra_embed.inference.errors import Quarantined


def test_arf(tmp_path: Path) -> None:
    arf = read_arf(ogip.write_arf(tmp_path / "a.arf", 321.0))
    assert (arf.area == 321.0).all()
    assert arf.energ_lo[0] == pytest.approx(0.3)


@pytest.mark.parametrize("first", [0, 1])
def test_rmf_counts_channels_from_its_tlmin(tmp_path: Path, first: int) -> None:
    rmf = read_rmf(ogip.write_rmf(tmp_path / f"{first}.rmf", first=first))
    np.testing.assert_array_equal(rmf.matrix.sum(axis=1), 1.0)
    peak = rmf.matrix.argmax(axis=1)
    middle = (rmf.energ_lo + rmf.energ_hi) / 2
    assert (rmf.ebounds.lo[peak] <= middle + 1e-6).all()
    assert (rmf.ebounds.hi[peak] >= middle - 1e-6).all()


def test_ebounds_come_in_ascending_energy(tmp_path: Path) -> None:
    path = ogip.write_rmf(tmp_path / "a.rmf")
    with fits.open(path, mode="update") as file:
        data = file["EBOUNDS"].data
        for name in data.names:
            data[name] = data[name][::-1].copy()
    bounds = read_ebounds(path)
    assert (np.diff(bounds.lo) > 0).all()
    assert bounds.channel[0] == 1


def test_matrix_columns_follow_the_energies(tmp_path: Path) -> None:
    ascending = read_rmf(ogip.write_rmf(tmp_path / "a.rmf"))
    path = ogip.write_rmf(tmp_path / "b.rmf")
    with fits.open(path, mode="update") as file:
        bounds, matrix = file["EBOUNDS"].data, file["MATRIX"].data
        for name in ("E_MIN", "E_MAX"):
            bounds[name] = bounds[name][::-1].copy()
        matrix["F_CHAN"] = ogip.N + 1 - matrix["F_CHAN"]
    descending = read_rmf(path)
    np.testing.assert_array_equal(descending.matrix, ascending.matrix)
    np.testing.assert_array_equal(descending.ebounds.lo, ascending.ebounds.lo)


def test_nominal_grid() -> None:
    bounds = nominal_ebounds(1, 1024)
    assert bounds.lo[0] == 0.0
    assert bounds.hi[-1] == pytest.approx(14.9504)


@pytest.mark.parametrize(("column", "value"), [("SPECRESP", np.nan), ("SPECRESP", -1.0), ("ENERG_LO", 99.0)])
def test_impossible_arf(tmp_path: Path, column: str, value: float) -> None:
    path = ogip.write_arf(tmp_path / f"{column}{value}.arf")
    with fits.open(path, mode="update") as file:
        file[1].data[column][5] = value
    with pytest.raises(Quarantined, match="bad-response"):
        read_arf(path)


def test_groups_outside_the_channels(tmp_path: Path) -> None:
    path = ogip.write_rmf(tmp_path / "a.rmf")
    with fits.open(path, mode="update") as file:
        file["MATRIX"].data["F_CHAN"][3] = 2000
    with pytest.raises(Quarantined, match="row 3"):
        read_rmf(path)


def test_an_arf_is_no_rmf(tmp_path: Path) -> None:
    with pytest.raises(Quarantined, match="bad-response"):
        read_ebounds(ogip.write_arf(tmp_path / "a.arf"))


@pytest.mark.real
def test_real_responses(chandra_data: Path) -> None:
    folder = chandra_data / "spectra" / "csc_07867_r0002"
    rmf = read_rmf(folder / "acisf07867_000N001_r0002_rmf3.fits.gz")
    arf = read_arf(folder / "acisf07867_000N001_r0002_arf3.fits")
    assert rmf.matrix.shape == (900, 1024)
    assert len(arf.area) == 900
    assert arf.area.max() == pytest.approx(719.3, abs=0.1)
    np.testing.assert_allclose(rmf.matrix.sum(axis=1), 1.0, atol=0.02)
