import dataclasses

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.report.figures import Overview, overview, project, save


def made_up(n=200, d=8, m=4, t=3, *, simulated=True, seed=0):
    """Data for a picture: n detections, m spectra, t thresholds."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    anomaly = rng.uniform(size=n)
    anomaly[::5] = np.nan
    return Overview(
        embedding=(x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32),
        groups=rng.choice(["AGN", "LMXB", ""], n),
        group_label="class",
        anomaly=anomaly,
        thresholds=np.array([0.5, 0.7, 0.9])[:t],
        degree=rng.integers(0, max(n, 1), (t, n)),
        energy_edges=Recipe().energy_edges(),
        spectra=rng.gamma(1, 1e-4, (m, 400)).astype(np.float32),
        reconstructions=rng.gamma(1, 1e-4, (m, 400)).astype(np.float32),
        captions=[f"row {i}" for i in range(m)],
        unit="rate density",
        simulated=simulated,
    )


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


@pytest.mark.parametrize(("n", "d"), [(50, 8), (50, 2), (3, 8), (50, 64)])
def test_the_projection_is_the_principal_components(n, d):
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(n, d)) * np.linspace(3, 1, d) + 5).astype(np.float32)
    found, explained = project(x)
    centred = x.astype(np.float64) - x.astype(np.float64).mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    expected = u[:, :2] * s[:2]
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-6)
    np.testing.assert_allclose(explained, s[:2] ** 2 / (s**2).sum(), atol=1e-9)


def test_the_projection_does_not_turn_over_with_the_order_of_rows():
    x = made_up().embedding
    np.testing.assert_allclose(project(x[::-1])[0][::-1], project(x)[0], atol=1e-9)


@pytest.mark.parametrize(("n", "d"), [(0, 8), (1, 8), (5, 1), (2, 2)])
def test_few_rows_and_columns_are_projected(n, d):
    x = np.ones((n, d), np.float32)
    coordinates, explained = project(x)
    assert coordinates.shape == (n, 2)
    np.testing.assert_array_equal(explained, 0)


def test_every_panel_says_that_it_is_simulated():
    found = titles(overview(made_up()))
    assert len(found) == 4
    assert all(title.startswith("Simulated: ") for title in found)
    assert not any("imulated" in title for title in titles(overview(made_up(simulated=False))))


def test_the_panels_show_what_they_are_given():
    data = made_up()
    groups, anomaly, *rest = overview(data).axes
    shown = {text.get_text() for text in groups.get_legend().get_texts()}
    assert shown == {
        f"{name or 'not known'} ({(data.groups == name).sum():,})" for name in ("", "AGN", "LMXB")
    }
    assert sum(len(points.get_offsets()) for points in groups.collections) == len(data.groups)
    scored = np.isfinite(data.anomaly).sum()
    assert [len(points.get_offsets()) for points in anomaly.collections] == [
        len(data.anomaly) - scored,
        scored,
    ]
    strips = [axes for axes in rest if axes.texts]
    assert [axes.texts[0].get_text() for axes in strips] == list(data.captions)
    np.testing.assert_array_equal(strips[2].lines[0].get_ydata(), data.reconstructions[2])
    degrees = next(axes for axes in rest if axes.get_xlabel().startswith("degree"))
    assert len(degrees.lines) == 3


def test_axes_tell_the_explained_variance():
    data = made_up()
    _, explained = project(data.embedding)
    left = overview(data).axes[0]
    assert f"{explained[0]:.0%}" in left.get_xlabel()
    assert f"{explained[1]:.0%}" in left.get_ylabel()


# a picture takes half a second: one change for each panel at once
@pytest.mark.parametrize(
    "change", [{}, {"n": 0, "m": 0, "t": 0}, {"n": 1, "m": 1, "d": 64}, {"d": 1, "m": 0}]
)
def test_pictures_of_few_data_are_drawn_without_a_warning(change):
    figure = overview(made_up(**change))
    figure.draw_without_rendering()
    assert len(titles(figure)) == 4


@pytest.mark.parametrize(
    "change",
    [
        {
            "groups": np.array([f"class {i % 20}" for i in range(200)]),
            "anomaly": np.full(200, np.nan),
            "degree": np.zeros((3, 200), np.int64),
            "spectra": np.zeros((4, 400), np.float32),
            "reconstructions": np.zeros((4, 400), np.float32),
        },
        {"embedding": np.ones((200, 8), np.float32), "degree": np.full((3, 200), 199)},
    ],
)
def test_degenerate_data_are_drawn_without_a_warning(change):
    figure = overview(dataclasses.replace(made_up(), **change))
    figure.draw_without_rendering()
    assert len(titles(figure)) == 4


def test_pictures_are_saved_by_extension_and_the_pdf_carries_no_date(tmp_path):
    figure = overview(made_up(n=30))
    save(figure, [tmp_path / "a.pdf", tmp_path / "a.png"], "title")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "a.pdf").read_bytes()[:4] == b"%PDF"
    assert b"CreationDate" not in (tmp_path / "a.pdf").read_bytes()


def test_drawing_leaves_pyplot_alone():
    import subprocess
    import sys

    code = (
        "import sys; import chandra_embed.inference.report.figures, matplotlib.figure; "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
