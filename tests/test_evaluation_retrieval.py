import numpy as np
import pytest
from chandra_embed.training.evaluation.retrieval import (
    Ranks,
    bag_of_words,
    class_ranks,
    more_recall,
    one_each,
    places,
    rank_pairs,
    recall_columns,
    unit_rows,
)
from naive import average_rank, recall_over_orders

rng = np.random.default_rng(0)
NAMES = np.array([f"source {i}" for i in range(200)])


def pairs(n=200, d=6, noise=0.5):
    x = rng.normal(size=(n, d))
    return x, x + noise * rng.normal(size=(n, d))


@pytest.mark.parametrize("n", [1, 2, 57, 1100])
def test_ranks_are_those_of_the_slow_twin(n):
    a, b = pairs(n)
    b[n // 2] = b[0]  # a tie
    if n > 2:
        b[n // 3] *= 1e-3  # length does not matter
    found = rank_pairs(a.astype(np.float32), b.astype(np.float32))
    cosines = unit_rows(a.astype(np.float32)) @ unit_rows(b.astype(np.float32)).T
    for i in {0, n // 3, n // 2, n - 1}:
        # equal rows are equal in thought, whatever a matrix product rounds them to
        row = cosines[i].copy()
        row[n // 2] = row[0]
        assert found.rank[i] == average_rank(row, i)


def test_all_equal_targets_are_one_tie():
    found = rank_pairs(rng.normal(size=(30, 4)), np.ones((30, 4)))
    assert (found.above == 0).all()
    assert (found.tied == 30).all()
    assert (found.rank == 15.5).all()
    np.testing.assert_allclose(found.recall(0.1), 0.1)


def test_a_row_of_zeros_is_like_no_other():
    target = np.eye(4)
    target[2] = 0
    found = rank_pairs(np.eye(4), target)
    assert found.rank.tolist() == [1, 1, 2.5, 1]


def test_bad_rows_are_named():
    x = np.eye(3)
    x[1, 0] = np.nan
    with pytest.raises(ValueError, match="row 1 of the queries"):
        rank_pairs(x, np.eye(3))
    with pytest.raises(ValueError, match="row 1 of the targets"):
        rank_pairs(np.eye(3), x)
    for a, b in ((np.eye(3), np.eye(4)), (np.zeros((0, 2)), np.zeros((0, 2))), (np.ones(3), np.ones(3))):
        with pytest.raises(ValueError, match="n at least 1"):
            rank_pairs(a, b)


@pytest.mark.parametrize(("above", "tied"), [(0, 1), (0, 5), (3, 4), (1, 1), (2, 8), (9, 1)])
def test_recall_is_the_mean_over_the_orders_of_ties(above, tied):
    ranks = Ranks(np.full(10, above), np.full(10, tied))
    for share in (0.01, 0.1, 0.25, 0.5, 1.0):
        assert ranks.recall(share)[0] == pytest.approx(recall_over_orders(above, tied, places(10, share)))


def test_places_are_whole():
    assert [places(n, 0.01) for n in (1, 99, 100, 1000, 1037)] == [1, 1, 1, 10, 10]
    assert [places(n, 0.05) for n in (100, 1100)] == [5, 55]
    assert places(700, 0.07) == 49  # 0.07 * 700 is below 49 in floating point


def test_the_class_oracle_is_the_expected_recall_of_a_random_order_within_the_class():
    kind = np.repeat(["a", "b", "c", ""], [50, 30, 3, 17])
    found = class_ranks(kind).recall(0.1)
    expected = np.repeat([10 / 50, 10 / 30, 1.0, 10 / 100], [50, 30, 3, 17])
    np.testing.assert_allclose(found, expected)
    draws = [np.argsort(rng.random(50))[0] < 10 for _ in range(4000)]
    assert np.mean(draws) == pytest.approx(found[0], abs=0.02)
    np.testing.assert_allclose(class_ranks(np.full(40, "")).recall(0.1), 0.1)


def test_one_row_a_source_and_a_whole_number_of_hundreds():
    source = np.repeat([f"s{i}" for i in range(340)], 3)
    usable = np.arange(1020) % 3 < 2
    usable[source == "s7"] = False
    chosen = one_each(source, usable, seed=1)
    assert len(chosen) == 300
    assert len(set(source[chosen])) == 300
    assert usable[chosen].all()
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, one_each(source, usable, seed=1))
    assert set(one_each(source, usable, seed=2)) != set(chosen)
    assert 0.3 < (chosen % 3 == 1).mean() < 0.7
    assert len(one_each(source[:30], usable[:30])) == 9
    assert len(one_each(source, np.zeros(1020, bool))) == 0


def test_columns_of_chance_and_of_perfect_pairs():
    x = rng.normal(size=(200, 5))
    best = recall_columns(rank_pairs(x, x), NAMES)
    assert (best["recall_1pct"], best["recall_1pct_low95"], best["median_rank"]) == (1, 1, 1)
    assert (best["n"], best["null_recall_1pct"]) == (200, 0.01)
    none = recall_columns(rank_pairs(x, rng.normal(size=(200, 5))), NAMES)
    assert none["recall_10pct_low95"] < 0.1 < none["recall_10pct_high95"]
    assert none["recall_1pct"] <= none["recall_5pct"] <= none["recall_10pct"]
    assert none["median_rank_low95"] < 100 < none["median_rank_high95"]


def test_a_difference_of_recalls_is_paired():
    a, b = pairs()
    good, bad = rank_pairs(a, b), rank_pairs(a, b[::-1])
    found = more_recall(good, bad, 0.05, NAMES)
    assert found.value == pytest.approx(good.recall(0.05).mean() - bad.recall(0.05).mean())
    assert found.low95 > 0
    same = more_recall(good, good, 0.05, NAMES)
    assert (same.value, same.low95, same.high95) == (0, 0, 0)


def test_bag_of_words_predicts_what_a_linear_map_can():
    vector, weights = rng.normal(size=(200, 7)), rng.normal(size=(7, 4))
    latent = vector @ weights + 5
    arrays = {"weights": weights, "intercept": np.full(4, 5.0)}
    arrays |= {"mean": latent.mean(axis=0), "scale": latent.std(axis=0)}
    predicted, own = bag_of_words(vector, latent, arrays)
    np.testing.assert_allclose(predicted, own, atol=1e-12)
    np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(own.std(axis=0), 1)
    assert (rank_pairs(own, predicted).rank == 1).all()
