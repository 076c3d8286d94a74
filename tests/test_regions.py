"""Regions: which pixels they hold, and what they may look like."""

import math

import numpy as np
import pytest
from astropy.wcs import WCS
from chandra_embed.inference.catalog.regions import Region, Shape, Wcs, parse_region
from chandra_embed.inference.errors import ChandraEmbedError, Quarantined

PLANE = Wcs((4096.5, 4096.5), (336.45, 65.587), (-0.492 / 3600, 0.492 / 3600))
X, Y = np.random.default_rng(0).uniform(-10, 10, (2, 4000))


def shape(kind: str, *sizes: float, angle: float = 0.0, **more: object) -> Shape:
    return Shape(kind, ((1.0, -2.0),), sizes, angle, **more)


def inside(one: Shape, x: float, y: float) -> bool:
    """A slow, obvious twin, one point at a time."""
    dx, dy = x - 1, y + 2
    a = math.radians(one.angle)
    u, v = dx * math.cos(a) + dy * math.sin(a), -dx * math.sin(a) + dy * math.cos(a)
    s = one.sizes
    return {
        "circle": lambda: math.hypot(dx, dy) <= s[0],
        "annulus": lambda: s[0] <= math.hypot(dx, dy) <= s[1],
        "ellipse": lambda: (u / s[0]) ** 2 + (v / s[1]) ** 2 <= 1,
        "box": lambda: abs(u) <= s[0] / 2 and abs(v) <= s[1] / 2,
    }[one.kind]()


@pytest.mark.parametrize(
    "one",
    [
        shape("circle", 3.0),
        shape("annulus", 2.0, 5.0),
        shape("annulus", 0.0, 5.0),
        shape("ellipse", 6.0, 2.0, angle=30.0),
        shape("box", 8.0, 3.0, angle=-50.0),
    ],
    ids=lambda one: one.kind,
)
def test_shapes_hold_what_they_should(one: Shape) -> None:
    found = Region("r", (one,)).contains(X, Y)
    np.testing.assert_array_equal(found, [inside(one, x, y) for x, y in zip(X, Y, strict=True)])
    assert 0 < found.sum() < X.size


def test_a_polygon_holds_what_the_box_of_its_corners_does() -> None:
    corners = ((-3.0, -1.0), (5.0, -1.0), (5.0, 4.0), (-3.0, 4.0))
    found = Shape("polygon", corners).inside(X, Y, None)
    np.testing.assert_array_equal(found, (X > -3) & (X < 5) & (Y > -1) & (Y < 4))
    notched = Shape("polygon", (*corners[:3], (0.0, 0.0), corners[3])).inside(X, Y, None)
    assert 0 < notched.sum() < found.sum()


def test_the_rim_belongs_and_nan_lies_nowhere() -> None:
    region = parse_region("0,0,3")
    np.testing.assert_array_equal(
        region.contains([3.0, 0, 0, np.nan, np.inf], [0.0, 3, 3.001, 0, 0]), [True, True, False, False, False]
    )
    assert region.contains(np.zeros(0), np.zeros(0)).shape == (0,)


def test_components_are_united_and_what_is_cut_out_is_not_in() -> None:
    big, cut = shape("circle", 5.0), shape("circle", 2.0, exclude=True)
    far = Shape("circle", ((-8.0, 8.0),), (1.0,), component=1)
    found = Region("r", (big, cut, far)).contains(X, Y)
    ring = (np.hypot(X - 1, Y + 2) <= 5) & ~(np.hypot(X - 1, Y + 2) <= 2)
    np.testing.assert_array_equal(found, ring | (np.hypot(X + 8, Y - 8) <= 1))


def test_the_projection_is_astropys() -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crpix, wcs.wcs.crval, wcs.wcs.cdelt = PLANE.crpix, PLANE.crval, PLANE.cdelt
    for ra, dec in ((336.45, 65.587), (336.6, 65.6), (335.9, 65.4), (359.9, 70.0), (0.1, 70.0)):
        x, y = wcs.wcs_world2pix(ra, dec, 1)
        np.testing.assert_allclose(PLANE.to_pixel(ra, dec), (x, y), rtol=0, atol=1e-6)
        np.testing.assert_allclose(PLANE.to_sky(float(x), float(y)), (ra, dec), rtol=0, atol=1e-9)
    assert np.isnan(PLANE.to_pixel(156.45, -65.0)).all()


def test_sky_and_pixels_name_one_circle() -> None:
    x, y = PLANE.to_pixel(336.5, 65.6)
    pixels, sky = parse_region(f"{x},{y},10"), parse_region('336.5,65.6,4.92"')
    px, py = x + 2 * X, y + 2 * Y
    np.testing.assert_array_equal(pixels.contains(px, py, PLANE), sky.contains(px, py, PLANE))
    np.testing.assert_allclose(pixels.centre(PLANE), (336.5, 65.6))
    assert sky.centre(None) == (336.5, 65.6)
    assert np.isnan(pixels.centre(None)).all()
    with pytest.raises(Quarantined, match="no-wcs"):
        sky.contains(px, py)


@pytest.mark.parametrize(
    ("text", "centre", "size"),
    [
        ("4000.5, 4100,8", (4000.5, 4100.0), 8.0),
        ('22:25:52.6,+65:35:35,4"', (336.4691666667, 65.5930555556), 4 / 3600),
        ("150.5,-0:30:00,0.5'", (150.5, -0.5), 0.5 / 60),
        ("1:00:00,-65,4arcsec", (15.0, -65.0), 4 / 3600),
        ("1e1,1,2E-1'", (10.0, 1.0), 0.2 / 60),
    ],
)
def test_what_a_region_may_look_like(text: str, centre: tuple[float, float], size: float) -> None:
    (one,) = parse_region(text).shapes
    np.testing.assert_allclose(one.points[0], centre)
    assert one.sizes == pytest.approx((size,))
    assert one.sky == (size < 0.1)


@pytest.mark.parametrize(
    "text",
    ["1,2", "a,b,c", "1,2,-3", "1,2,0", "1,2,nan", "1,2,3 parsec", "22:25:52,+65:35:35,4", '1,95,4"',
     '1:70:0,5,4"', '400,5,4"', "", "no/such.reg", "1,inf,3"],
)  # fmt: skip
def test_what_it_may_not(text: str) -> None:
    with pytest.raises(ChandraEmbedError, match=r"^region ") as caught:
        parse_region(text)
    assert "\n" not in str(caught.value)
