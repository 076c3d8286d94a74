"""Enrichment of planted sources among the lowest degrees, against counting by hand."""

import naive
import numpy as np
import pytest
from chandra_embed.training.evaluation.planted import Planted
from chandra_embed.training.evaluation.rare_degrees import (
    ALL_KINDS,
    THRESHOLDS,
    degree_rows,
    degree_text,
    lowest_of,
)
from unit_rows import random_rows

KINDS = ("far", "near")


def planted(normals=600, each=20, far=True, seed=0):
    """Normal rows about one direction; the far ones lie apart from them and from each other."""
    rng = np.random.default_rng(seed)
    x = random_rows(normals + 2 * each, 24, seed, shift=1.0)
    if far:
        x[normals : normals + each] = random_rows(each, 24, seed + 1)
    kind = np.array([""] * normals + ["far"] * each + ["near"] * each)
    n = len(kind)
    source = np.array([f"s{i}" for i in range(n)])
    counts = 40 + 400 * rng.random(n)
    return Planted({"spectrum": x}, rng.random(n), counts, rng.random((n, 3)), kind, source, {"file": "x"})


def by(rows, **wanted):
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_what_lies_apart_is_enriched_and_the_rest_is_not():
    sample = planted(each=3)
    rows = degree_rows(sample)
    assert {row["threshold"] for row in rows} == set(THRESHOLDS)
    (far,) = by(rows, kind="far", ranked="all rows", threshold=0.5)
    assert (far["n"], far["found"]) == (3, 3)
    assert far["enrichment"] == pytest.approx(1 / far["lowest_share"])
    assert far["low95"] > 1
    assert by(rows, kind="near", ranked="all rows", threshold=0.5)[0]["found"] == 0
    for row in rows:
        assert row["low95"] <= row["low"] <= row["enrichment"] <= row["high"] <= row["high95"]


def test_counts_are_those_of_plain_degrees():
    sample = planted(normals=150, each=15)
    degree = naive.degree(sample.embedding["spectrum"], THRESHOLDS)
    for threshold, own in zip(THRESHOLDS, degree, strict=True):
        last = np.sort(own)[1]  # the second of 180 rows: 1 % rounded up
        for kind in (ALL_KINDS, *KINDS):
            mask = sample.kind != "" if kind == ALL_KINDS else sample.kind == kind
            (row,) = by(degree_rows(sample), kind=kind, ranked="all rows", threshold=threshold)
            assert row["found"] == (own[mask] <= last).sum()
            assert row["lowest_share"] == (own <= last).mean()
            assert row["edge_density"] == pytest.approx(own.sum() / 180 / 179)


def test_detections_of_a_source_are_no_neighbours():
    sample = planted(normals=150, each=15)
    sample.source_id[:100] = "one"
    (row,) = by(degree_rows(sample), kind=ALL_KINDS, ranked="all rows", threshold=0.5)
    value = naive.similarities(*[sample.embedding["spectrum"]] * 2) >= 0.5
    value[:100, :100] = False
    np.fill_diagonal(value, False)
    assert row["edge_density"] == pytest.approx(value.sum() / (180 * 179 - 100 * 99))


def test_the_lowest_hold_ties_and_are_of_each_group():
    degree = np.array([0, 0, 5, 6, 0, 9, 7, 8])
    group = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    assert lowest_of(degree, 0.25, np.zeros(8, int)).tolist() == [
        True,
        True,
        *[False] * 2,
        True,
        *[False] * 3,
    ]
    assert lowest_of(degree, 0.25, group).tolist() == [True, True, False, False, True, False, False, False]


def test_which_threshold_isolates_best_is_said():
    rows = degree_rows(planted(each=3))
    best = by(rows, kind=ALL_KINDS, ranked="all rows", isolates_best=True)
    assert len(best) == 1
    assert best[0]["enrichment"] == max(
        row["enrichment"] for row in by(rows, kind=ALL_KINDS, ranked="all rows")
    )
    text = degree_text(rows)
    assert text.startswith("Rare sources among the lowest 1% of degrees, simulated spectra")
    assert f"spectrum: {best[0]['threshold']:g} isolates best" in text
    nothing = degree_rows(planted(far=False, each=1, normals=900))
    if not any(row["found"] for row in nothing):
        assert "spectrum: no threshold isolates any" in degree_text(nothing)
    assert not any(row["isolates_best"] for row in nothing if row["found"] == 0)
