import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chandra_embed.inference.recipe import Recipe
from chandra_embed.training.evaluation.figures import by_counts_figure, real_figure, sweep_figure
from chandra_embed.training.evaluation.sample import Sample


def counts_rows(truth=True):
    rows = []
    for i, model in enumerate(("spectrum-8 1.0.0", "PCA-8", "input")):
        for j, label in enumerate(("all", "40 - 100", ">= 1000")):
            x = 0.0 if model == "input" else 0.05 + 0.01 * i + 0.001 * j
            t = 0.02 * (i + 1) if truth else np.nan
            row = {"model": model, "net_counts": label, "mae": x, "truth_mae": t}
            row |= {f"{n}_{e}": v for n, v in (("mae", x), ("truth_mae", t)) for e in ("low", "high")}
            rows.append(row)
    return rows


def made_sample(n, simulated=False):
    rng = np.random.default_rng(0)
    value = rng.uniform(size=(n, 400)).astype(np.float32)
    latent = np.zeros((n, 8), np.float32)
    detection = {"net_counts": np.arange(n) * 1000.0, "source_id": np.array([f"s{i}" for i in range(n)])}
    seen = np.zeros(n, bool)
    return Sample(
        value,
        latent,
        value,
        value * 0.5,
        latent,
        value,
        seen,
        simulated,
        detection,
        {},
        None,
        "m 1",
        Recipe(),
        (),
        latent,
        "0" * 64,
    )


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_error_by_counts_has_a_panel_for_the_truth():
    figure = by_counts_figure(counts_rows(), True)
    assert titles(figure) == ["Simulated: against the input", "Simulated: against the noise-free truth"]
    legends = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes]
    # against itself the input has no error, and no line
    assert legends == [["spectrum-8 1.0.0", "PCA-8"], ["spectrum-8 1.0.0", "PCA-8", "input (as measured)"]]
    line = figure.axes[0].containers[1].lines[0]
    np.testing.assert_allclose(line.get_ydata(), [0.061, 0.062])
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["40 - 100", ">= 1000"]


def test_without_a_truth_there_is_one_panel():
    figure = by_counts_figure(counts_rows(truth=False), False)
    assert titles(figure) == ["against the input"]
    figure.draw_without_rendering()


@pytest.mark.parametrize("n", [1, 3, 5, 12])
def test_every_spectrum_has_its_own_panels(n):
    sample = made_sample(n)
    figure = real_figure(sample, [f"file {i}" for i in range(20)])
    figure.draw_without_rendering()
    assert len(figure.axes) == 2 * n
    assert titles(figure)[::2] == [f"file {i}, {1000 * i:,} net counts" for i in range(n)]
    upper, lower = figure.axes[-2:]
    np.testing.assert_array_equal(upper.lines[0].get_ydata(), sample.reconstruction[-1])
    np.testing.assert_array_equal(upper.patches[0].get_data().values, sample.normalised[-1])
    np.testing.assert_array_equal(
        lower.patches[0].get_data().values, sample.normalised[-1] - sample.reconstruction[-1]
    )


def test_simulated_spectra_are_called_so():
    assert real_figure(made_sample(1), ["a"]).get_suptitle().startswith("Real spectra, m 1")
    assert real_figure(made_sample(1, True), ["a"]).get_suptitle().startswith("Simulated spectra")


def test_the_sweep_shows_every_setting_and_seed():
    rows = [
        {"setting": s, "hyper_parameter": h, "ratio": r, "ratio_low": r - 0.01, "ratio_high": r + 0.02}
        for s, h, r in (("default", "", 1.0), ("depth 1", "depth", 1.1), ("depth 4", "depth", 0.9))
    ]
    figure = sweep_figure(rows, [0.99, 1.01], True)
    (axes,) = figure.axes
    figure.draw_without_rendering()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["default", "depth 1", "depth 4"]
    assert axes.get_title(loc="left").startswith("Simulated: ")
    shown = np.concatenate([container.lines[0].get_xdata() for container in axes.containers])
    np.testing.assert_allclose(shown, [1.0, 1.1, 0.9])
    assert any(list(line.get_xdata()) == [0.99, 1.01] for line in axes.lines)
    assert sweep_figure(rows, [1.0], False).axes[0].get_title(loc="left").startswith("one setting")
