import numpy as np
import pytest
from chandra_embed.training.evaluation import cluster_figures as figures

pytest.importorskip("matplotlib")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def row(latents, classes, accuracy, **more):
    return {
        "latents": latents,
        "classes": classes,
        "chosen": True,
        "balanced_accuracy": accuracy,
        "low": accuracy - 0.02,
        "high": accuracy + 0.02,
        "low95": accuracy - 0.04,
        "high95": accuracy + 0.04,
        "chance": 0.18,
        "ceiling": accuracy + 0.1,
        **more,
    }


def test_the_matrix_shows_its_numbers_and_says_simulated():
    share = np.array([[0.7, 0.3, 0.0], [0.25, 0.75, 0.0]])
    figure = figures.draw_matrix(share, ("AGN", "compact"), (500, 40), "Simulated: k-means")
    axes = figure.axes[0]
    assert texts(axes) == ["0.70", "0.30", "0.25", "0.75"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["AGN (500)", "compact (40)"]
    assert axes.get_title(loc="left") == "Simulated: k-means"


def test_rows_in_no_cluster_get_a_column_and_empty_classes_no_numbers():
    share = np.array([[0.7, 0.1, 0.2], [np.nan] * 3])
    axes = figures.draw_matrix(share, ("AGN", "NS"), (10, 0), "").axes[0]
    assert texts(axes) == ["0.70", "0.10", "0.20"]
    assert axes.get_xticklabels()[-1].get_text() == "none"


@pytest.mark.parametrize("simulated", [True, False])
def test_bars(simulated):
    rows = [row(name, k, 0.3 + 0.1 * i) for k in (8, 2) for i, name in enumerate(figures.LATENTS)]
    rows.append({**rows[0], "chosen": False, "balanced_accuracy": 0.99})
    figure = figures.draw_accuracy(rows, simulated)
    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert [round(bar.get_height(), 9) for bar in axes.patches] == [0.3, 0.4, 0.5]
        assert axes.get_title(loc="left").startswith("Simulated: ") == simulated


def test_the_curve_is_drawn_in_the_order_of_the_spread(tmp_path):
    rows = [row("autoencoder", 8, 0.5 - 0.1 * s, spread=s, forest=0.6) for s in (2.0, 0.0, 1.0)]
    figure = figures.draw_spread(rows)
    (axes,) = figure.axes
    curves = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert [list(line.get_xdata()) for line in curves] == [[0, 1, 2]] * 3
    assert list(curves[0].get_ydata()) == [0.5, 0.4, 0.3]
    assert axes.get_title(loc="left").startswith("Simulated: ")
    figure.savefig(tmp_path / "spread.png")
