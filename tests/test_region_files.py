"""Region files: FITS and text, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.catalog.regions import parse_region
from chandra_embed.inference.errors import ChandraEmbedError
from event_fits import write_region

X, Y = np.random.default_rng(0).uniform(90, 110, (2, 3000))
CIRCLE = np.hypot(X - 100, Y - 100) <= 6


def fits(tmp_path: Path, *rows: tuple[object, ...], component: object = None) -> np.ndarray:
    return parse_region(str(write_region(tmp_path / "r_reg3.fits", list(rows), component))).contains(X, Y)


def text(tmp_path: Path, content: str) -> np.ndarray:
    (tmp_path / "r.reg").write_text(content)
    return parse_region(str(tmp_path / "r.reg")).contains(X, Y)


def test_rows_are_united_and_names_with_an_exclamation_mark_cut_out(tmp_path: Path) -> None:
    found = fits(
        tmp_path, ("Circle", 100, 100, 6, 0), ("!CIRCLE", 100, 100, 2, 0), ("ellipse", 108, 108, (2, 1), 30)
    )
    ring = CIRCLE & ~(np.hypot(X - 100, Y - 100) <= 2)
    assert (found & ring).sum() == ring.sum()
    assert 0 < (found & ~ring).sum() < 50


def test_rows_of_one_component_are_intersected(tmp_path: Path) -> None:
    rows = (("circle", 100, 100, 6, 0), ("box", 103, 100, (6, 40), 0))
    np.testing.assert_array_equal(fits(tmp_path, *rows, component=[1, 1]), CIRCLE & (np.abs(X - 103) <= 3))
    np.testing.assert_array_equal(fits(tmp_path, *rows, component=[1, 2]), CIRCLE | (np.abs(X - 103) <= 3))


def test_a_polygon_in_fits_is_padded(tmp_path: Path) -> None:
    corners = ("polygon", (95, 105, 105, 95, 95), (95, 95, 105, 105, 95), 0, 0)
    found = fits(tmp_path, corners, ("circle", 80, 80, 1, 0))
    np.testing.assert_array_equal(found, (X > 95) & (X < 105) & (Y > 95) & (Y < 105))


@pytest.mark.parametrize(
    "content",
    [
        "circle(100,100,6)",
        "# Region file format: DS9 version 4.1\nglobal color=green\nphysical\ncircle(100,100,6) # text={a}\n",
        "# CIAO\n+circle(100, 100, 6)\n",
        "physical;circle(100,100,6);circle(100,100,1)",
        "ELLIPSE(100,100,6,6,20)",
    ],
)
def test_text_of_ds9_and_ciao(tmp_path: Path, content: str) -> None:
    np.testing.assert_array_equal(text(tmp_path, content), CIRCLE)


def test_text_that_cuts_out_and_other_shapes(tmp_path: Path) -> None:
    found = text(tmp_path, "circle(100,100,6)\n-rotbox(100,100,4,100,0)\nannulus(100,100,8,9)")
    d = np.hypot(X - 100, Y - 100)
    np.testing.assert_array_equal(found, (CIRCLE | ((d >= 8) & (d <= 9))) & ~(np.abs(X - 100) <= 2))
    box = text(tmp_path, "polygon(95,95,105,95,105,105,95,105)")
    np.testing.assert_array_equal(box, (X > 95) & (X < 105) & (Y > 95) & (Y < 105))


@pytest.mark.parametrize(
    ("content", "size"),
    [('fk5\ncircle(10:00:00,+02:00:00,4")', 4 / 3600), ("circle(150,2,0.1')", 0.1 / 60),
     ("icrs\ncircle(150,2,0.01)", 0.01)],
)  # fmt: skip
def test_text_in_sky_coordinates(tmp_path: Path, content: str, size: float) -> None:
    (tmp_path / "r.reg").write_text(content)
    region = parse_region(str(tmp_path / "r.reg"))
    assert region.text == "r.reg"
    assert region.shapes[0].sky
    assert region.shapes[0].sizes == pytest.approx((size,))
    assert region.centre(None) == (150.0, 2.0)


@pytest.mark.parametrize(
    "content",
    ["", "# nothing\n", "image\ncircle(1,2,3)", "pie(1,2,3,4)", "circle(1,2)", "circle(1,2,3,4,5)", "hello",
     'physical\ncircle(1,2,3")', "-circle(1,2,3)", "polygon(1,2,3,4)", "polygon(1,2,3)", "circle(1,2,-3)"],
)  # fmt: skip
def test_text_that_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(ChandraEmbedError, match=r"r\.reg"):
        text(tmp_path, content)


def test_fits_that_is_refused(tmp_path: Path) -> None:
    for row in (
        ("pie", 1, 2, 3, 0),
        ("circle", 1, 2, -3, 0),
        ("ellipse", 1, 2, 3, 0),
        ("!circle", 1, 2, 3, 0),
    ):
        with pytest.raises(ChandraEmbedError, match="r_reg3"):
            fits(tmp_path, row)
    (tmp_path / "torn.fits").write_bytes((tmp_path / "r_reg3.fits").read_bytes()[:3000])
    (tmp_path / "no.fits").write_bytes(b"SIMPLE  = and nothing")
    (tmp_path / "bytes.reg").write_bytes(b"\xff\xfe\x00")
    for name in ("torn.fits", "no.fits", "bytes.reg"):
        with pytest.raises(ChandraEmbedError, match=name):
            parse_region(str(tmp_path / name))
