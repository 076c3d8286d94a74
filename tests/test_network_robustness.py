"""Agreement of rankings, ties among them, and distances to other sources."""

import itertools

import naive
import numpy as np
import pytest
from chandra_embed.inference.network.robustness import other_source_distance, rank_agreement
from scipy.stats import spearmanr
from unit_rows import hard_rows, random_rows


def test_spearman_and_overlap_of_plain_rankings():
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    b = a + rng.normal(size=200)
    (row,) = rank_agreement({"a": a, "b": b})
    assert row["spearman"] == pytest.approx(spearmanr(a, b).statistic)
    top = [set(np.argsort(-each)[:10].tolist()) for each in (a, b)]
    assert row["overlap"] == pytest.approx(len(top[0] & top[1]) / 10)
    assert (row["n"], row["by_chance"]) == (200, 0.05)


def test_ties_are_decided_in_all_ways():
    a, b = np.array([3, 2, 2, 2, 0, 0]), np.array([1, 5, 5, 0, 0, 0])

    def ways(score):
        above = [i for i in range(6) if (score > score[i]).sum() < 3]
        return [
            set(chosen)
            for chosen in itertools.combinations(above, 3)
            if all(i in chosen for i in range(6) if (score >= score[i]).sum() <= 3)
        ]

    wanted = np.mean([len(x & y) / 3 for x in ways(a) for y in ways(b)])
    assert rank_agreement({"a": a, "b": b}, 0.5)[0]["overlap"] == pytest.approx(wanted)


def test_every_two_rankings_and_what_is_missing():
    rows = rank_agreement({"a": [1.0, 2, 3, np.nan], "b": [1.0, 2, 3, 4], "c": [3.0, 2, 1, 0]}, 0.3)
    assert [(row["first"], row["second"]) for row in rows] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [row["n"] for row in rows] == [3, 3, 4]
    assert [row["spearman"] for row in rows] == pytest.approx([1, -1, -1])
    (flat,) = rank_agreement({"a": np.ones(5), "b": np.arange(5)}, 0.4)
    assert np.isnan(flat["spearman"])
    assert flat["overlap"] == pytest.approx(0.4)
    (none,) = rank_agreement({"a": [], "b": []})
    assert none["n"] == 0
    assert np.isnan(none["overlap"])
    with pytest.raises(ValueError, match="scores of a, b are of different lengths"):
        rank_agreement({"a": [1], "b": [1, 2]})
    with pytest.raises(ValueError, match="share=0: give a number above 0"):
        rank_agreement({"a": [1]}, 0)


@pytest.mark.parametrize("k", [1, 3])
def test_distance_is_to_the_kth_of_other_sources(k):
    x = hard_rows(60)
    source = np.random.default_rng(0).integers(0, 9, 60)
    found, value = other_source_distance(x, source, k), naive.similarities(x, x)
    for i in range(60):
        others = [value[i, j] for j in range(60) if j != i and (source[j] != source[i] or source[i] == 0)]
        assert found[i] == max(1 - sorted(others, reverse=True)[k - 1], 0)
    plain = other_source_distance(x, None, k)
    assert np.all(plain <= found)


def test_few_others():
    x = random_rows(4, 3)
    assert np.isnan(other_source_distance(x, np.array([1, 1, 1, 1]))).all()
    assert np.isnan(other_source_distance(x[:1], None)).all()
    value = naive.similarities(x, x)
    found = other_source_distance(x, np.array([1, 1, 1, 2]), k=10)
    np.testing.assert_allclose(found[:3], 1 - value[:3, 3], atol=1e-12)
    assert found[3] == pytest.approx(1 - value[3, :3].min())
    with pytest.raises(ValueError, match="k=0: give at least 1"):
        other_source_distance(x, None, 0)
