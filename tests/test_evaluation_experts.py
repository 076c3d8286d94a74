import itertools

import numpy as np
import pytest
from chandra_embed.training.evaluation.experts import (
    Rowsets,
    components,
    fit_expert,
    mix,
    mixture_weights,
)

rng = np.random.default_rng(0)
N = 300
ROWS = Rowsets(np.arange(150), np.arange(150, 200), np.arange(200, N))


def test_components_are_those_of_the_training_rows_alone():
    block = rng.normal(size=(N, 6)) * [5, 3, 2, 1, 0.5, 0.1]
    changed = block.copy()
    changed[150:] += 100
    found, again = components([block], ROWS.train), components([changed], ROWS.train)
    assert set(found) == {"columns", "blocks"}
    for scaling, x in found.items():
        assert x.shape == (N, 6)
        np.testing.assert_allclose(x[:150], again[scaling][:150])
        # uncorrelated, of falling variance
        covariance = np.cov(x[:150].T)
        np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-12)
        assert (np.diff(np.diag(covariance)) <= 1e-12).all()
    assert found["columns"][:150].var(axis=0).sum() == pytest.approx(6)
    assert found["blocks"][:150].var(axis=0).sum() == pytest.approx(1)


def test_blocks_weigh_the_same_and_keep_their_own_scale():
    small, large = rng.normal(size=(N, 2)) * [1, 0.01], 1000 * rng.normal(size=(N, 2))
    x = components([small, large], ROWS.train)["blocks"]
    assert x[:150].var(axis=0).sum() == pytest.approx(2)
    first = np.abs([np.corrcoef(x[:150, i], small[:150, 0])[0, 1] for i in range(4)])
    assert first.max() > 0.7


def test_constant_columns_are_left_out_and_few_are_kept():
    block = np.column_stack([rng.normal(size=N), np.full(N, 3.0), rng.normal(size=N)])
    assert components([block], ROWS.train)["columns"].shape == (N, 2)
    assert components([block], ROWS.train, most=1)["blocks"].shape == (N, 1)
    with pytest.raises(ValueError, match="no column varies"):
        components([np.ones((N, 4))], ROWS.train)


def test_a_row_without_a_value_stays_one():
    block = rng.normal(size=(N, 3))
    block[299] = np.nan
    x = components([block], ROWS.train)["columns"]
    assert np.isnan(x[299]).all()
    assert np.isfinite(x[:299]).all()


def test_the_three_nearest_are_those_of_a_slow_twin():
    block, y = rng.normal(size=(N, 2)), rng.normal(size=N)
    x = components([block], ROWS.train)
    found = fit_expert("data", x, y, ROWS, "k-NN")
    assert found.name == "data, k-NN"
    of = x[found.settings["scaling"]][:, : found.settings["dimensions"]]
    for i, row in enumerate(ROWS.test):
        distance = [float(((of[row] - of[j]) ** 2).sum()) for j in ROWS.train]
        near = ROWS.train[np.argsort(distance)[:3]]
        assert found.test[i] == pytest.approx(y[near].mean())
    assert found.error == pytest.approx(np.abs(y[ROWS.validation] - found.validation).mean())


def test_ridge_finds_a_line_and_shrinks_where_there_is_none():
    block = rng.normal(size=(N, 4))
    x = components([block], ROWS.train)
    y = 3 + block @ [1.0, -2.0, 0.0, 0.5]
    found = fit_expert("text", x, y, ROWS, "ridge")
    np.testing.assert_allclose(found.test, y[ROWS.test], atol=1e-4)
    assert found.settings["dimensions"] == 4
    assert found.settings["penalty"] < 1e-3
    # by hand: penalised normal equations of centred columns
    d, penalty = found.settings["dimensions"], found.settings["penalty"]
    of = x[found.settings["scaling"]][:, :d]
    mean, level = of[:150].mean(axis=0), y[:150].mean()
    gram = (of[:150] - mean).T @ (of[:150] - mean)
    right = (of[:150] - mean).T @ (y[:150] - level)
    weights = np.linalg.inv(gram + penalty * np.trace(gram) / d * np.eye(d)) @ right
    np.testing.assert_allclose(found.test, (of[ROWS.test] - mean) @ weights + level)
    noise = fit_expert("text", x, rng.normal(size=N), ROWS, "ridge")
    assert noise.test.std() < 0.5


def test_only_validation_chooses():
    block, y = rng.normal(size=(N, 4)), rng.normal(size=N)
    other = y.copy()
    other[ROWS.test] = 99
    x = components([block], ROWS.train)
    for regressor in ("k-NN", "ridge"):
        a, b = (fit_expert("data", x, of, ROWS, regressor) for of in (y, other))
        assert a.settings == b.settings
        np.testing.assert_array_equal(a.test, b.test)


def test_weights_are_the_best_of_a_fine_grid():
    y = rng.normal(size=40)
    guesses = np.column_stack([y + 0.8 * rng.normal(size=40), y + 0.5 * rng.normal(size=40), np.zeros(40)])
    found = mixture_weights(guesses, y)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)
    error = np.abs(y - guesses @ found).mean()
    steps = np.arange(51) / 50
    grid = [
        np.abs(y - guesses @ [a, b, 1 - a - b]).mean()
        for a, b in itertools.product(steps, steps)
        if a + b <= 1 + 1e-9
    ]
    assert error <= min(grid) + 1e-9
    assert error > min(grid) - 0.02


def test_the_only_good_expert_takes_all_and_equal_ones_are_shared_somehow():
    y = rng.normal(size=60)
    np.testing.assert_allclose(mixture_weights(np.column_stack([y, y + 1]), y), [1, 0], atol=1e-9)
    assert mixture_weights(np.column_stack([y, y]), y).sum() == pytest.approx(1)
    assert mixture_weights(y[:, None] + 1, y).tolist() == [1]


def test_a_mixture_is_never_worse_on_validation_than_its_best_expert():
    block, y = rng.normal(size=(N, 4)), rng.normal(size=N)
    y += block[:, 0]
    x = components([block], ROWS.train)
    experts = [fit_expert("data", x, y, ROWS, regressor) for regressor in ("k-NN", "ridge")]
    test, weights = mix(experts, y, ROWS)
    mixed = sum(weights[e.name] * e.validation for e in experts)
    assert np.abs(y[ROWS.validation] - mixed).mean() <= min(e.error for e in experts) + 1e-9
    np.testing.assert_allclose(test, sum(weights[e.name] * e.test for e in experts))
