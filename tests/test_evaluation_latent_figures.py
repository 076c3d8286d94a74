import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chandra_embed.training.evaluation.latent_figures import (
    draw_associations,
    draw_nuisances,
    draw_regressions,
)


def scores(value):
    return {"r2": value, "r2_low": value - 0.05, "r2_high": value + 0.05, "r2_null": -3.0}


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


def regressions():
    rows = [
        {"sources": s, "quantity": q, **scores(0.4), "r2_linear": 0.3, "r2_bands": -np.inf}
        for s in ("AGN", "all")
        for q in ("gamma", "log_nh")
    ]
    fronts = [
        {
            "sources": row["sources"],
            "quantity": row["quantity"],
            "complexity": c,
            "r2": c / 20,
            "chosen": c > 3,
        }
        for row in rows
        for c in (1, 5)
    ]
    return rows, fronts


@pytest.mark.parametrize("simulated", [True, False])
def test_every_group_has_its_panels_and_simulated_is_said(simulated):
    found = titles(draw_regressions(*regressions(), simulated))
    assert len(found) == 4
    assert all(text.startswith("Simulated") == simulated for text in found)


def test_what_is_off_the_axis_stays_on_its_edge():
    axes = draw_regressions(*regressions(), True).axes[0]
    low, high = axes.get_xlim()
    for line in axes.lines:
        if line.get_label() in ("shuffled", "formula of the band ratios"):
            assert (low < line.get_xdata()).all()
            assert (line.get_xdata() < high).all()


@pytest.mark.parametrize(("latents", "numbers"), [(8, 16), (64, 0)])
def test_heat_maps_print_numbers_where_there_is_room(latents, numbers):
    matrix = [
        {
            "sources": "AGN",
            "quantity": q,
            "latent": f"z{i}",
            "rho": 0.9 - 0.2 * i / latents,
            "mutual_information": 0.1,
        }
        for q in ("gamma", "theta")
        for i in range(latents)
    ]
    figure = draw_associations(matrix, True)
    assert [len(axes.texts) for axes in figure.axes[:2]] == [numbers, numbers]
    assert all(text.startswith("Simulated") for text in titles(figure))


def test_each_model_has_its_points():
    rows = [
        {"recipe": r, "model": "m 1.0", "quantity": q, **scores(0.2)}
        for r in ("rate", "flux")
        for q in ("year", "theta")
    ]
    axes = draw_nuisances(rows, True).axes[0]
    labels = axes.get_legend_handles_labels()[1]
    assert labels.count("the same, shuffled") == 2
    assert "flux density, m 1.0" in labels
    assert axes.get_title(loc="left").startswith("Simulated")
