import dataclasses

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chandra_embed.inference.report.network_sky import draw_sky
from network_pictures import made_up, texts


def test_the_isolated_are_named_beside_the_sky_and_east_is_left():
    data, drawn = made_up()
    figure = draw_sky(data, drawn)
    shown = " ".join(texts(figure))
    assert all(data.names[row] in shown for row in drawn[-1].isolated)
    points = figure.axes[0].collections[0].get_offsets()
    expected = -np.radians((data.ra + 180) % 360 - 180)
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(expected))


def test_detections_without_a_position_are_counted():
    data, drawn = made_up()
    ra = data.ra.copy()
    ra[:3] = np.nan
    figure = draw_sky(dataclasses.replace(data, ra=ra), drawn)
    assert "3 without a position" in figure.get_suptitle()


def test_numbers_of_detections_close_together_stand_as_one():
    data, drawn = made_up(t=1)
    here = dataclasses.replace(data, ra=np.full(80, 10.0), dec=np.full(80, -5.0))
    assert "1, 2, 3, 4, 5" in texts(draw_sky(here, drawn))


def test_the_highest_informative_threshold_is_the_one_that_is_numbered():
    data, drawn = made_up()
    drawn[-1] = dataclasses.replace(drawn[-1], informative=False)
    shown = " ".join(texts(draw_sky(data, drawn)))
    assert f"most isolated at ≥ {drawn[1].tau:.4g}:" in shown
