import pytest

pytest.importorskip("matplotlib")

from chandra_embed.inference.report.network_drawing import draw_networks
from matplotlib.collections import PathCollection
from network_pictures import made_up, texts


def test_many_classes_and_thresholds_are_drawn_without_a_warning():
    many = made_up(t=7, classes=tuple(f"class {i}" for i in range(12)))
    figure = draw_networks(*many)
    figure.draw_without_rendering()
    assert any(text.startswith("other classes (") for text in texts(figure))


def test_core_periphery_and_classes_are_counted_in_the_picture():
    data, drawn = made_up()
    shown = " ".join(texts(draw_networks(data, drawn)))
    for each in drawn:
        assert f"core {each.is_core.sum()}   periphery {80 - each.is_core.sum()}" in shown
    assert f"YSO ({(data.classes == 'YSO').sum()})" in shown
    assert f"class not known ({(data.classes == '').sum()})" in shown


def test_every_node_is_drawn_once():
    figure = draw_networks(*made_up(t=1))
    points = [each for each in figure.axes[0].collections if isinstance(each, PathCollection)]
    assert sum(len(each.get_offsets()) for each in points) == 80
