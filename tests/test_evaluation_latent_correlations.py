import numpy as np
from chandra_embed.training.evaluation.latent_correlations import associations, spearman


def test_rank_correlations_are_those_of_scipy():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 4, (50, 3)).astype(float), rng.integers(0, 5, 50).astype(float)
    expected = [spearmanr(x[:, i], y).statistic for i in range(3)]
    assert np.allclose(spearman(x, y), expected)
    x[:, 1] = 2.0
    assert spearman(x, y)[1] == 0.0
    assert (spearman(x, np.ones(50)) == 0).all()


def test_mutual_information_finds_what_rank_correlation_cannot():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 2))
    known = {"square": np.append(x[:-1, 0] ** 2, np.nan)}
    rows = associations(x, known)
    assert [(row["latent"], row["n"]) for row in rows] == [("z1", 399), ("z2", 399)]
    assert abs(rows[0]["rho"]) < 0.2
    assert rows[0]["mutual_information"] > 0.5 > rows[1]["mutual_information"] + 0.3
