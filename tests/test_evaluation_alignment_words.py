"""True words in place of a text: what they are, how they are scored, and that brightness would help."""

from dataclasses import replace

import numpy as np
import pytest
from chandra_embed.training.evaluation.alignment_recall import readable
from chandra_embed.training.evaluation.alignment_words import STATED, score_ranks, word_rows, word_score
from made_pairs import made_pairs

pytestmark = pytest.mark.usefixtures("few_draws")


def with_truth(pairs, seed=0):
    """Add a truth in which the flux alone follows the data, and the other physics is drawn."""
    rng, n = np.random.default_rng(seed), len(pairs)
    hidden = pairs.spectra.latent @ rng.normal(size=pairs.spectra.latent.shape[1])
    flux = 10 ** (hidden / hidden.std() - 5)
    truth = {
        "shape": np.where(rng.random(n) < 0.5, "powerlaw", "thermal"),
        "population": rng.choice(["one", "two"], n),
        "nh": 10 ** rng.normal(-0.5, 0.5, n),
        "nh_total": 10 ** rng.normal(-0.3, 0.5, n),
        "gamma": rng.normal(1.8, 0.4, n),
        "kt": 10 ** rng.normal(0, 0.3, n),
        "kt2": np.full(n, np.nan),
        "light_curve": rng.choice(["constant", "flare"], n),
        "photon_flux": flux,
        **{f"photflux_{band}": flux * rng.uniform(0.1, 1, n) for band in "smh"},
    }
    return replace(pairs, spectra=replace(pairs.spectra, truth=truth))


@pytest.fixture(scope="module")
def pairs():
    return with_truth(made_pairs(500, rows=2))


@pytest.fixture(scope="module")
def rows(pairs):
    return word_rows(readable(pairs), pairs, 0)


def of(rows, words, direction="both->words"):
    (found,) = [row for row in rows if (row["words"], row["direction"]) == (words, direction)]
    return found


def test_what_the_data_know_is_found_by_words_and_the_rest_is_not(rows):
    stated, bright = of(rows, STATED), of(rows, f"{STATED}, flux in 8 grades")
    assert bright["recall_5pct_low95"] > stated["recall_5pct_high95"]
    assert of(rows, f"{STATED}, hardness in 8 grades")["recall_5pct"] < bright["recall_5pct"]
    for row in rows:
        assert row["n"] % 100 == 0
        assert row["null_recall_1pct"] == 0.01
        assert row["recall_1pct"] <= row["recall_5pct"] <= row["recall_10pct"]
        assert row["recall_1pct"] <= row["perfect_1pct"] <= 1
        assert row["data"] == "simulated spectra, semi-simulated texts"


def test_more_words_tell_more_apart(rows):
    told = [row["descriptions"] for row in rows if row["direction"] == "both->words"]
    assert told[:5] == sorted(told[:5])
    assert told[0] == 4  # classes
    perfect = of(rows, "class")
    assert perfect["perfect_1pct"] == pytest.approx(4 / 100, abs=0.01)


def test_what_is_not_trained_on_decides_nothing_of_the_words(pairs, rows):
    parts = {name: (pairs.part == name) for name in ("train", "validation", "test")}
    left = pairs.take(~parts["train"])
    assert word_rows(readable(left), left.take(left.part == "test"), 0) == []
    swapped = replace(pairs, text=np.where(parts["train"][:, None], -pairs.text, pairs.text))
    again = word_rows(readable(swapped), swapped, 0)
    assert [row["recall_1pct"] for row in again] == [row["recall_1pct"] for row in rows]


def test_without_events_spectra_stand_alone_and_without_truth_nothing():
    alone = with_truth(made_pairs(500, events=False))
    found = word_rows(readable(alone), alone, 0)
    assert {row["direction"] for row in found} == {"spectrum->words", "words->spectrum"}
    bare = made_pairs(500)
    assert word_rows(readable(bare), bare, 0) == []
    few = with_truth(made_pairs(120))
    assert word_rows(readable(few), few, 0) == []


def test_a_word_scores_by_how_much_more_probable_it_becomes():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4000, 1))
    words = np.where(rng.random(4000) < 1 / (1 + np.exp(-2 * x[:, 0])), "soft", "hard")
    of_test, asked = np.array([[0.0], [2.0]]), np.array(["soft", "new"])
    found = word_score(x, words, of_test, asked)
    share = (words == "soft").mean()
    expected = np.log([0.5 / share, 1 / (1 + np.exp(-4.0)) / share])
    np.testing.assert_allclose(found[:, 0], expected, atol=0.08)
    np.testing.assert_array_equal(found[:, 1], 0)
    assert not word_score(x, np.full(4000, "soft"), of_test, asked).any()


def test_ranks_of_a_matrix():
    ranks = score_ranks(np.array([[1.0, 2, 0], [3, 3, 3], [0, 1, 2]]))
    assert ranks.above.tolist() == [1, 0, 0]
    assert ranks.tied.tolist() == [1, 3, 1]
