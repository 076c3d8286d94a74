"""Embeddings shuffled across sources: what is kept, what goes, and what counts as more than chance."""

import numpy as np
import pytest
from chandra_embed.inference.network import embedding_null as module
from chandra_embed.inference.network.embedding_null import (
    STATISTICS,
    embedding_null,
    embedding_tests,
    sources_of,
)
from chandra_embed.inference.network.pairs import same_source_pairs
from unit_rows import random_rows


def test_every_dimension_keeps_its_values_but_for_the_length():
    x = random_rows(200, 5)
    found = embedding_null(x, None, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert found.dtype == np.float32
    # ratios of two dimensions are of two rows each: undo the length by the first dimension
    rng = np.random.default_rng(0)
    shuffled = np.stack([x[rng.permutation(200), column] for column in range(5)], axis=1).astype(np.float64)
    np.testing.assert_allclose(found, shuffled / np.linalg.norm(shuffled, axis=1)[:, None], atol=1e-6)


def test_detections_of_a_source_stay_together():
    source = np.array([1, 2, 1, 3, 1, 2, 0, 0])
    rows = np.arange(1, 9, dtype=np.float64)[:, None] * np.ones(3)
    found = embedding_null(rows.astype(np.float32), source, np.random.default_rng(3))
    raw = found / found.min(axis=1, keepdims=True)
    members = {1: [0, 2, 4], 2: [1, 5], 3: [3], 4: [6], 5: [7]}
    rng = np.random.default_rng(3)
    wanted = np.empty((8, 3))
    for column in range(3):
        index = sources_of(8, source)
        giver = rng.permutation(5)
        at = {number: [i for i in range(8) if index[i] == number] for number in range(5)}
        for number, own in at.items():
            for place, row in enumerate(own):
                other = at[int(giver[number])]
                wanted[row, column] = rows[other[place % len(other)], 0]
    np.testing.assert_allclose(raw, wanted / wanted.min(axis=1, keepdims=True), rtol=1e-5)
    assert sorted(map(len, members.values())) == sorted(map(len, at.values()))


def test_a_row_of_nothing_keeps_its_own():
    x = np.eye(3, dtype=np.float32)
    for seed in range(10):
        found = embedding_null(x, None, np.random.default_rng(seed))
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_sources_are_numbered_and_the_unknown_are_their_own():
    assert len(set(sources_of(4, None).tolist())) == 4
    found = sources_of(5, np.array([7, 0, 7, 0, 2]))
    assert found[0] == found[2]
    assert len(set(found.tolist())) == 4


def test_clusters_are_more_than_chance_and_noise_is_not():
    rng = np.random.default_rng(0)
    centre = random_rows(6, 32, seed=1)
    x = centre[rng.integers(6, size=120)] + 0.05 * rng.normal(size=(120, 32))
    clustered = (x / np.linalg.norm(x, axis=1)[:, None]).astype(np.float32)
    tests = embedding_tests(clustered, np.array([0.5, 0.9]), n_null=39)
    assert [[test.statistic for test in row] for row in tests] == [list(STATISTICS)] * 2
    assert all(test.null == "embedding" for row in tests for test in row)
    assert tests[0][0].p == tests[1][0].p == 1 / 40
    noise = embedding_tests(random_rows(120, 32, seed=2), np.array([0.2]), n_null=39)
    assert noise[0][0].p > 0.025


def test_excluded_pairs_have_no_edge_and_do_not_count():
    x = np.repeat(random_rows(20, 8), 2, axis=0)
    source = np.repeat(np.arange(1, 21), 2)
    pairs = same_source_pairs(source)
    told = []
    with_source = embedding_tests(x, np.array([0.999]), source, excluded=pairs, n_null=5, on_null=told.append)
    assert with_source[0][0].observed == 0
    assert sum(told) == 5
    without = embedding_tests(x, np.array([0.999]), n_null=5)
    assert without[0][0].observed == pytest.approx(20 / 780)
    assert without[0][2].observed == 0
    assert with_source[0][2].observed == 1


def test_too_many_rows_are_said(monkeypatch):
    monkeypatch.setattr(module, "MAX_PAIRS", 45 * 60)
    assert embedding_tests(random_rows(10, 4), np.array([0.5]))[0][0].n_null == 60
    monkeypatch.setattr(module, "MAX_PAIRS", 45 * 30)
    found = embedding_tests(random_rows(10, 4), np.array([0.5]))[0][0]
    assert (found.p, found.reason) == (None, "10 nodes, too many")
    none = embedding_tests(random_rows(10, 4), np.array([0.5]), n_null=0)[0][0]
    assert none.reason == "no shuffled embeddings were asked for"
