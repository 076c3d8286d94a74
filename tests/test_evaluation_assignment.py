import naive
import numpy as np
import pytest
from chandra_embed.training.evaluation import assignment
from chandra_embed.training.evaluation.tables import source_draws


def random_case(seed, most=4):
    """Few classes, fewer or more clusters than classes, noise, some classes or clusters empty."""
    rng = np.random.default_rng(seed)
    k, m, n = int(rng.integers(1, most + 1)), int(rng.integers(1, most + 2)), int(rng.integers(1, 40))
    true = rng.integers(0, k, n)
    cluster = rng.integers(-1, m, n)
    return true, cluster, k


@pytest.mark.parametrize("seed", range(30))
def test_balanced_accuracy_is_the_best_of_all_permutations(seed):
    true, cluster, k = random_case(seed)
    assert assignment.balanced_accuracy(true, cluster, k) == pytest.approx(
        naive.balanced_accuracy(true, cluster), abs=1e-12
    )


def test_ties_do_not_matter():
    # both clusters split both classes in halves: each assignment gives one half
    true, cluster = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert assignment.balanced_accuracy(true, cluster, 2) == 0.5
    assert sorted(assignment.assign(np.full((2, 2), 0.5))) == [0, 1]


def test_rare_classes_count_as_much_as_common_ones():
    # by number of rows cluster 0 would be the common class's
    true = np.array([0] * 90 + [1] * 2)
    cluster = np.array([0] * 50 + [1] * 40 + [0] * 2)
    counts, members = assignment.contingency(true, cluster, 2)
    assert counts.tolist() == [[50, 40], [2, 0]]
    assert members.tolist() == [90, 2]
    assert assignment.assign(assignment.shares(counts, members)).tolist() == [1, 0]
    assert assignment.balanced_accuracy(true, cluster, 2) == pytest.approx((40 / 90 + 1) / 2)


def test_a_class_without_members_does_not_count():
    true, cluster = np.array([0, 0, 2, 2]), np.array([1, 1, 0, 0])
    assert assignment.balanced_accuracy(true, cluster, 3) == 1.0
    assert np.isnan(assignment.ordered_shares(true, cluster, 3)[1]).all()


def test_noise_and_clusters_without_a_class_are_errors():
    true = np.array([0, 0, 0, 0, 1, 1])
    cluster = np.array([0, 0, 2, -1, 1, -1])
    assert assignment.balanced_accuracy(true, cluster, 2) == 0.5
    assert assignment.ordered_shares(true, cluster, 2).tolist() == [[0.5, 0, 0.5], [0, 0.5, 0.5]]


def test_all_noise_is_zero_and_no_rows_is_nan():
    assert assignment.balanced_accuracy(np.array([0, 1]), np.array([-1, -1]), 2) == 0.0
    assert np.isnan(assignment.balanced_accuracy(np.zeros(0, int), np.zeros(0, int), 2))


def test_a_class_may_go_without_a_cluster():
    share = np.array([[0.9], [0.2], [0.95]])
    assert assignment.assign(share).tolist() == [-1, -1, 0]


@pytest.mark.parametrize(
    ("true", "cluster", "says"),
    [
        ([0, 1], [0], "one of each"),
        ([0, 2], [0, 0], "from 0 to 1"),
        ([-1, 0], [0, 0], "from 0 to 1"),
        ([0, 1], [-2, 0], "-1 for none"),
    ],
)
def test_bad_numbers_are_refused(true, cluster, says):
    with pytest.raises(ValueError, match=says):
        assignment.contingency(np.array(true), np.array(cluster), 2)


@pytest.mark.parametrize("seed", range(8))
def test_bootstrap_draws_are_those_of_whole_sources(seed):
    true, cluster, k = random_case(seed, most=2 + seed % 2)
    source = np.array([f"s{i // 3}" for i in range(len(true))])
    index, weights = assignment.source_weights(source, 20, seed)
    found = assignment.bootstrap_accuracy(true, cluster, k, index, weights)
    guess = np.where(cluster < 0, 0, cluster)
    recall = assignment.bootstrap_recall(true, guess, k, index, weights)
    for i, rows in enumerate(source_draws(source, 20, seed)):
        assert found[i] == pytest.approx(naive.balanced_accuracy(true[rows], cluster[rows]), abs=1e-6)
        assert recall[i] == pytest.approx(naive.mean_recall(true[rows], guess[rows]), abs=1e-6)


def test_weights_count_the_drawn_sources():
    source = np.array(["b", "a", "b", "c", "a", "d"])
    index, weights = assignment.source_weights(source, 50, 7)
    assert index.tolist() == [1, 0, 1, 2, 0, 3]
    rng = np.random.default_rng(7)
    drawn = [rng.integers(4, size=4).tolist() for _ in range(50)]
    assert weights.tolist() == [[row.count(i) for i in range(4)] for row in drawn]
    rows = np.array([np.bincount(each, minlength=6) for each in source_draws(source, 50, 7)])
    np.testing.assert_array_equal(rows, weights[:, index])


def test_chance_is_above_one_over_k_and_near_it_for_many_rows():
    rng = np.random.default_rng(0)
    few, many = np.repeat(np.arange(8), 10), np.repeat(np.arange(8), 2000)
    for true, low, high in ((few, 0.2, 0.35), (many, 0.125, 0.15)):
        clusters = rng.integers(0, 8, (2, len(true)))
        found = assignment.chance(true, clusters, 8, np.arange(len(true)), 20)
        assert low < found < high


def test_chance_shuffles_whole_sources():
    # one cluster a source, two sources: however they are shuffled, the assignment finds them again
    true, index = np.repeat([0, 1], 5), np.repeat([0, 1], 5)
    assert assignment.chance(true, true[None], 2, index, 10) == 1.0
    assert assignment.chance(true, true[None], 2, np.arange(10), 50) < 0.9
