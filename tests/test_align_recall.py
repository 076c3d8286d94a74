import numpy as np
import pytest

pytest.importorskip("torch")

from chandra_embed.training.align_data import Part
from chandra_embed.training.align_recall import (
    ROWS,
    fit_bag_of_words,
    mean_recall,
    one_row_a_source,
    retrieval_rows,
    spread,
)

pytestmark = pytest.mark.train


def test_no_source_stands_twice_and_all_are_drawn_from():
    source = np.array([f"s{i % 30}" for i in range(90)])
    mask = np.arange(90) % 7 > 0
    draws = list(one_row_a_source(source, mask))
    assert len(draws) > 1
    seen = set()
    for rows in draws:
        assert mask[rows].all()
        assert len(set(source[rows])) == len(rows) == len(set(source[mask]))
        seen |= set(rows.tolist())
    assert len(seen) > 60  # not the first row of each
    assert [d.tolist() for d in one_row_a_source(source, mask)] == [d.tolist() for d in draws]


def test_many_sources_are_drawn_once_and_few_enough():
    source = np.array([f"s{i}" for i in range(3 * ROWS)])
    (rows,) = one_row_a_source(source, np.ones(len(source), bool))
    assert len(rows) == ROWS
    assert rows[-1] > 2 * ROWS


def unit(rng, n, d=8):
    x = rng.normal(size=(n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def test_recall_of_the_same_rows_and_of_chance():
    rng = np.random.default_rng(0)
    x, source = unit(rng, 1000), np.array([f"s{i}" for i in range(1000)])
    everything = np.ones(1000, bool)
    assert mean_recall(x, x, source, everything) == 1
    assert mean_recall(x, unit(rng, 1000), source, everything) == pytest.approx(0.01, abs=0.01)


def test_another_row_of_the_same_source_is_not_in_the_way():
    rng = np.random.default_rng(1)
    x = np.repeat(unit(rng, 100), 4, axis=0)  # four equal rows a source would tie
    source = np.repeat([f"s{i}" for i in range(100)], 4)
    assert mean_recall(x, x, source, np.ones(400, bool)) == 1


def test_rows_without_events_do_not_count():
    rng = np.random.default_rng(2)
    x = unit(rng, 300)
    event = x.copy()
    event[::3] = np.nan
    part = Part({"event": event, "text": x, "spectrum": x}, np.array([f"s{i}" for i in range(300)]))
    found = retrieval_rows({"event": event, "text": x, "spectrum": x}, part, [("event", "text")])
    assert [row["direction"] for row in found] == ["event->text", "text->event"]
    assert [(row["n"], row["recall_1pct"], row["median_rank"]) for row in found] == [(200, 1, 1)] * 2


def part_of(rng, n, weights, noise):
    text = rng.normal(size=(n, 6)).astype(np.float32)
    latent = (text @ weights + 5 + noise * rng.normal(size=(n, 4))).astype(np.float32)
    return Part({"spectrum": latent, "text": text}, np.array([f"s{i}" for i in range(n)]))


def test_the_bag_of_words_finds_a_linear_map():
    rng = np.random.default_rng(3)
    weights = rng.normal(size=(6, 4)) * [1, 10, 0.1, 1]
    train, validation = part_of(rng, 400, weights, 0.01), part_of(rng, 200, weights, 0.01)
    bag = fit_bag_of_words(train, validation, "spectrum")
    np.testing.assert_allclose(bag.weights, weights, atol=0.05)
    np.testing.assert_allclose(bag.mean, train.rows["spectrum"].mean(axis=0), rtol=1e-5)
    z = bag.unit(validation.rows["spectrum"])
    predicted = bag.unit(bag.predict(validation.rows["text"]))
    assert mean_recall(z, predicted, validation.source_id, np.ones(200, bool)) > 0.9


def test_a_constant_column_has_spread_one():
    rows = np.ones((5, 2)) * [3.0, 0.0]
    assert spread(rows).tolist() == [1, 1]
    rows[0] += 1
    assert spread(rows).tolist() == pytest.approx([0.4, 0.4])
