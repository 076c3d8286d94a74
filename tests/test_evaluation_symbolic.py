import sys

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation.expression import evaluate
from chandra_embed.training.evaluation.symbolic import Expression, _to_node, r2, search

pyoperon = pytest.importorskip("pyoperon")
NAMES = ("z1", "z2", "z3")


def planted(n=300, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, 3)) * [1.0, 5.0, 0.1]
    return x, 1.5 * np.tanh(0.8 * x[:, 0]) - 0.3 * x[:, 1] + 2.0


def test_a_planted_formula_is_found_on_other_rows():
    x, y = planted()
    front = search(x, y, NAMES, evaluations=20_000)
    other, truth = planted(seed=1)
    assert r2(truth, front[-1](other)) > 0.999
    assert front[-1].complexity <= 20


def test_the_front_rises_from_the_mean_to_the_longest():
    x, y = planted()
    front = search(x, y, NAMES, evaluations=20_000)
    assert front[0].complexity == 1
    assert float(front[0].text) == pytest.approx(y.mean(), rel=1e-3)
    nodes = [each.complexity for each in front]
    scores = [r2(y, each(x)) for each in front]
    assert nodes == sorted(set(nodes))
    assert (np.diff(scores) > 0).all()


def test_what_is_said_of_a_formula_is_that_of_its_text():
    x, y = planted()
    for each in search(x, y, NAMES, evaluations=5_000):
        again = Expression(each.text, NAMES)
        assert np.array_equal(again(x), each(x))
        digits = [word for word in each.text.replace("(", " ").replace("*", " ").split() if word[0].isdigit()]
        assert all(len(word.split("e")[0].replace(".", "").lstrip("0")) <= 4 for word in digits)


def test_the_same_seed_gives_the_same_formulae():
    x, y = planted()
    y = y + np.random.default_rng(2).normal(size=len(y))
    texts = [[each.text for each in search(x, y, NAMES, seed, evaluations=5_000)] for seed in (3, 3, 4)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_a_limit_of_nodes_holds():
    x, y = planted()
    assert max(each.complexity for each in search(x, y, NAMES, max_nodes=7, evaluations=5_000)) <= 7


def test_trees_are_taken_over_as_operon_evaluates_them():
    from pyoperon.sklearn import SymbolicRegressor

    x, y = planted()
    regressor = SymbolicRegressor(
        allowed_symbols="add,sub,mul,tanh,square,constant,variable",
        objectives=["r2", "length"],
        max_evaluations=5_000,
        population_size=200,
        max_length=15,
        optimizer_iterations=3,
        random_state=1,
    ).fit(x, y)
    from chandra_embed.training.evaluation.expression import Node

    variables = {key: Node(NAMES[i]) for i, key in enumerate(regressor.variables_)}
    columns = {name: x[:, i] for i, name in enumerate(NAMES)}
    assert len(regressor.pareto_front_) > 3
    for entry in regressor.pareto_front_:
        ours = evaluate(_to_node(entry["tree"], variables), columns)
        theirs = regressor.evaluate_model(entry["tree"], x)
        assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-3)  # Operon computes in float32


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows_and_constants_give_at_least_the_mean(n):
    front = search(np.zeros((n, 3)), np.full(n, 2.5), NAMES, evaluations=1_000)
    assert [each.text for each in front] == ["2.5"]
    x = np.arange(3.0 * n).reshape(n, 3)
    found = search(x, x[:, 0] ** 2, NAMES, evaluations=1_000)
    assert found[0].complexity == 1
    assert np.isfinite(found[-1](x)).all()


def test_a_constant_variable_does_no_harm():
    x, y = planted()
    x[:, 2] = 7.0
    assert r2(y, search(x, y, NAMES, evaluations=5_000)[-1](x)) > 0.9


def test_more_rows_than_are_looked_at():
    x, y = planted(2500)
    front = search(x, y, NAMES, evaluations=5_000)
    assert front[0](x).shape == (2500,)
    assert r2(y, front[-1](x)) > 0.9


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.zeros((4, 3)), np.zeros(5)),
        (np.zeros((4, 2)), np.zeros(4)),
        (np.zeros((0, 3)), np.zeros(0)),
        (np.zeros(3), np.zeros(3)),
        (np.full((4, 3), np.nan), np.zeros(4)),
        (np.zeros((4, 3)), np.array([0, 1, np.inf, 2])),
    ],
)
def test_what_does_not_fit_is_refused(x, y):
    with pytest.raises(ValueError, match=r"shape|not finite"):
        search(x, y, NAMES)


def test_without_the_extra_the_mend_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyoperon.sklearn", None)
    with pytest.raises(ChandraEmbedError, match=r"chandra-embed\[symbolic\]"):
        search(*planted(20), NAMES)


def test_r2():
    y = np.array([1.0, 2.0, 4.0])
    assert r2(y, y) == 1.0
    assert r2(y, np.full(3, y.mean())) == 0.0
    assert r2(y, -y) < 0
    assert r2(y, [1.0, 2.0, np.inf]) == -np.inf
    assert np.isnan(r2([3.0, 3.0], [3.0, 3.0]))
    assert np.isnan(r2([], []))
