import numpy as np
import pytest
from chandra_embed.inference.sky import separation


def test_separations_are_those_of_astropy():
    from astropy import units
    from astropy.coordinates import SkyCoord

    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, 50), np.degrees(np.arcsin(rng.uniform(-1, 1, 50)))
    ra[:3], dec[:3] = (10.0, 10.0, 190.0), (20.0, 20.0 + 1e-4, -20.0)  # itself, 0.36 arcsec off, opposite
    found = separation(ra, dec, 10.0, 20.0)
    sky = SkyCoord(ra * units.deg, dec * units.deg)
    expected = sky.separation(SkyCoord(10 * units.deg, 20 * units.deg)).arcsec
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-3)
    assert found[0] == 0
    assert found[1] == pytest.approx(0.36, rel=1e-6)


def test_unknown_positions_have_no_separation():
    assert np.isnan(separation([np.nan, 1.0], [0.0, np.nan], 0.0, 0.0)).all()
    assert np.isnan(separation([1.0], [1.0], np.nan, 0.0)).all()
    assert separation([], [], 0.0, 0.0).shape == (0,)
