"""Clusters over seeds: what a record keeps of one run, and what is said of several."""

from dataclasses import replace

import numpy as np
import pytest
from chandra_embed.inference.recipe import Recipe
from chandra_embed.training.evaluation.cluster_seeds import scores_of, seed_rows, table
from evaluation import made_record

NAN = float("nan")


def row(latents, value, ahead=NAN, classes=8, chosen=True):
    lead = dict(zip(("ahead", "ahead_low", "ahead_high"), (ahead, ahead - 0.01, ahead + 0.01), strict=True))
    return {
        "classes": classes, "latents": latents, "chosen": chosen, "balanced_accuracy": value,
        "low": value - 0.01, "high": value + 0.01, "low95": value - 0.02, "high95": value + 0.02,
        **lead, "ahead_low95": ahead - 0.02, "ahead_high95": ahead + 0.02,
    }  # fmt: skip


def kept(seed, value, ahead, recipe="rate", denoise=0.5):
    figures = scores_of([row("autoencoder", value), row("pca", value - ahead, ahead)])
    scores = {name: vars(interval) for name, interval in figures.items()}
    made = made_record(f"{recipe}-{seed}", seed=seed, recipe=Recipe(quantity=recipe).fingerprint)
    return replace(made, scores=scores, training={**made.training, "denoise": denoise})


def test_a_record_keeps_the_chosen_methods_and_the_lead():
    rows = [row("autoencoder", 0.4), row("autoencoder", 0.5, chosen=False), row("bands", 0.7, -0.1, 2)]
    found = scores_of(rows)
    assert list(found) == ["clusters-8-autoencoder", "clusters-2-bands", "clusters-2-ahead-of-bands"]
    assert found["clusters-8-autoencoder"].value == 0.4
    assert found["clusters-2-ahead-of-bands"].low95 == pytest.approx(-0.12)


def test_seeds_of_one_recipe_and_setting_are_averaged():
    rate = [
        kept(seed, value, lead) for seed, value, lead in ((0, 0.30, 0.05), (1, 0.36, 0.01), (2, 0.33, 0.03))
    ]
    few = [kept(seed, 0.4, 0.1, "flux") for seed in (0, 1)]
    other = [kept(seed, 0.2, 0.0, denoise=1.0) for seed in (0, 1, 2)]
    rows = seed_rows([*few, *other, *rate, made_record("without")])
    assert [(r["recipe"], r["denoise"], r["latents"]) for r in rows] == [
        ("rate", 0.5, "autoencoder"), ("rate", 0.5, "pca"), ("rate", 1.0, "autoencoder"),
        ("rate", 1.0, "pca"),
    ]  # fmt: skip
    ours, pca = rows[:2]
    assert ours["seeds"] == 3
    assert ours["balanced_accuracy"] == pytest.approx(0.33)
    assert (ours["least"], ours["most"]) == (0.30, 0.36)
    assert np.isnan(ours["ahead"])
    assert pca["ahead"] == pytest.approx(0.03)
    assert pca["ahead_in"] == 2  # 0.01 - 0.02 is below 0
    assert "0.330 (3)" in table(rows)
    assert "+0.030, clear in 2" in table(rows)


def test_without_records_of_clusters_nothing_is_said():
    assert seed_rows([made_record("one")]) == []
    assert table([]) == ""
