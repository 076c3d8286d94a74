"""XMM-Newton spectra on an ACIS-like area: photon fluxes stay, the area changes."""

import numpy as np
import pytest
from astropy.io import fits
from chandra_embed.inference.errors import Quarantined
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.simulate.response import acis_response
from chandra_embed.training.evaluation.xmm_pn import object_names, pn_files, read_pn

EXPOSURE, AREA, FLUX = 1000.0, 50.0, 1.0  # photons cm^-2 s^-1 keV^-1


def write(folder, name, counts, **header):
    columns = [
        fits.Column("CHANNEL", "I", array=np.arange(4096)),
        fits.Column("COUNTS", "J", array=counts),
    ]
    hdu = fits.BinTableHDU.from_columns(columns, name="SPECTRUM")
    hdu.header.update(header)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(folder / name)
    return folder / name


@pytest.fixture
def source(tmp_path):
    lo = np.linspace(0.05, 15.04, 1500)
    columns = [
        fits.Column(name, "E", array=values)
        for name, values in (("ENERG_LO", lo), ("ENERG_HI", lo + 0.01), ("SPECRESP", np.full(1500, AREA)))
    ]
    arf = fits.BinTableHDU.from_columns(columns, name="SPECRESP")
    fits.HDUList([fits.PrimaryHDU(), arf]).writeto(tmp_path / "aSRCARF0001.FTZ")
    write(tmp_path, "aBGSPEC0001.FTZ", np.full(4096, 40), EXPOSURE=2 * EXPOSURE, BACKSCAL=400.0)
    header = {"EXPOSURE": EXPOSURE, "BACKSCAL": 100.0}
    header |= {"BACKFILE": "aBGSPEC0001.FTZ", "ANCRFILE": "aSRCARF0001.FTZ"}
    # 250 of the source and 40 x 100 / 400 x 1 / 2 = 5 of the background in each channel
    return write(tmp_path, "aSRSPEC0001.FTZ", np.full(4096, 255), **header)


def test_rates_are_photon_fluxes_times_the_acis_like_area(source):
    net, value = read_pn(source, Recipe())
    assert net == pytest.approx(250 * 1300)  # channels of 5 eV in 0.5-7.0 keV
    acis = acis_response("BI", 5.0, 0.0)
    r = acis.redistribution
    edges = Recipe().energy_edges()
    area = np.interp(np.sqrt(edges[1:] * edges[:-1]), (r.energy_lo + r.energy_hi) / 2, acis.area)
    np.testing.assert_allclose(value, FLUX * area, rtol=0.07)  # 5 eV channels against a stepped curve
    assert np.median(np.abs(value / (FLUX * area) - 1)) < 0.005


def test_flux_needs_no_other_area(source):
    _, value = read_pn(source, Recipe(quantity="flux"))
    np.testing.assert_allclose(value, FLUX, rtol=1e-4)


def test_what_lacks_its_background_is_set_aside(source):
    source.with_name("aBGSPEC0001.FTZ").unlink()
    with pytest.raises(Quarantined, match=r"aBGSPEC0001\.FTZ is not there"):
        read_pn(source, Recipe())


def test_sources_and_their_names(source):
    folder = source.parent
    assert pn_files(folder) == [source]
    assert object_names(folder) == {}
    (folder / "index.csv").write_text("object,pha\nNGC 1,aSRSPEC0001.FTZ\n")
    assert object_names(folder) == {"aSRSPEC0001.FTZ": "NGC 1"}
    assert pn_files(folder / "nothing") == []


@pytest.mark.real
def test_real_spectra_are_read(chandra_data):
    folder = chandra_data / "other_missions" / "xmm_pn"
    paths = pn_files(folder)
    assert len(paths) == 25
    names = object_names(folder)
    for path in paths[:3]:
        net, value = read_pn(path, Recipe())
        assert net > 100
        assert np.isfinite(value).all()
        assert np.ptp(value) > 0
        assert names[path.name]
