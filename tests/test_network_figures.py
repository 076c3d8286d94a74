import dataclasses

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chandra_embed.inference.report.figures import save
from chandra_embed.inference.report.network_drawing import draw_networks
from chandra_embed.inference.report.network_figures import draw_adjacency, draw_degrees
from chandra_embed.inference.report.network_layout import sample_nodes
from chandra_embed.inference.report.network_sky import draw_sky
from network_pictures import made_up, texts

DRAWINGS = (draw_networks, draw_degrees, draw_adjacency, draw_sky)


@pytest.mark.parametrize("draw", DRAWINGS)
def test_every_picture_says_what_it_is_of_and_that_it_is_simulated(draw):
    head = draw(*made_up()).get_suptitle()
    assert head.startswith("Simulated: ")
    assert "80 detections: spectrum, var_prob_b > 0.9" in head.replace("\n", " ")
    assert not any("imulated" in text for text in texts(draw(*made_up(simulated=False))))


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("change", [{"n": 2, "t": 1}, {"n": 30, "t": 4}, {"n": 30, "t": 1, "classes": ("",)}])
def test_networks_of_every_size_are_drawn_without_a_warning(draw, change):
    draw(*made_up(**change)).draw_without_rendering()


NOTHING, ALL = np.zeros(80, np.int64), np.full(80, 79)


@pytest.mark.parametrize(
    ("draw", "change"),
    [
        (draw_degrees, {"degree": NOTHING, "edge_density": 0.0}),
        (draw_degrees, {"degree": ALL, "edge_density": 1.0}),
        (draw_networks, {"is_core": NOTHING > 0, "coreness": NOTHING * 0.0}),
        (draw_networks, {"is_core": ALL > 0, "coreness": ALL / 79, "tau": -2.0}),
        (draw_networks, {"tau": 2.0}),
        (draw_adjacency, {"tau": 2.0, "is_core": NOTHING > 0, "coreness": NOTHING * 0.0}),
        (draw_adjacency, {"tau": -2.0}),
        (draw_sky, {"isolated": np.zeros(0, np.int64)}),
    ],
)
def test_degenerate_networks_are_drawn_without_a_warning(draw, change):
    data, drawn = made_up(t=1)
    draw(data, [dataclasses.replace(drawn[0], **change)]).draw_without_rendering()


@pytest.mark.parametrize("draw", DRAWINGS)
def test_an_uninformative_threshold_is_called_so(draw):
    assert any("uninformative" in text for text in texts(draw(*made_up(informative=False))))
    assert not any("uninformative" in text for text in texts(draw(*made_up())))


def test_samples_of_nodes_and_edges_are_said():
    data, drawn = made_up()
    few = dataclasses.replace(data, nodes=sample_nodes(data.nodes.x, None, most=30))
    for draw in (draw_networks, draw_adjacency):
        assert "random sample of 30 of 80 detections" in draw(few, drawn).get_suptitle().replace("\n", " ")
    shown = texts(draw_networks(*made_up(n=400, t=1)))
    assert any("5,000 of " in text and "edges drawn, at random" in text for text in shown)


def test_pictures_are_saved_as_png_and_pdf(tmp_path):
    save(draw_degrees(*made_up()), [tmp_path / "a.png", tmp_path / "a.pdf"], "degrees")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "a.pdf").read_bytes()[:4] == b"%PDF"
