"""Symbolic regression: short formulae of latents, found by genetic programming (Operon, Burlacu et al. 2020).

A search gives a Pareto front: for each number of nodes the best formula found, as printed.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...inference.errors import ChandraEmbedError
from .expression import NUMBER, Node, count, evaluate, number, parse, simplify, to_text, without_constant

Array = NDArray[np.float64]
MAX_NODES = 20
# a weighted variable is one node to Operon and three in print: so many give formulae around MAX_NODES
LENGTH = 14
POPULATION = 1000
RESTARTS = 2
EVALUATIONS = 60_000  # formulae tried by each restart
MAX_ROWS = 1000  # rows the search looks at
SECONDS = 60  # of one restart: a guard, far above what it takes
SYMBOLS = "add,sub,mul,tanh,square,constant,variable"
_logger = logging.getLogger("chandra_embed")


@dataclass(frozen=True)
class Expression:
    """A formula as printed, with constants of four significant digits.

    Parameters
    ----------
    text : str
        Such as ``1.2*z1 - tanh(0.3*z2) + 0.71``.
    names : tuple of str
        The variables, in the order of the columns it is called with.
    """

    text: str
    names: tuple[str, ...]

    @cached_property
    def tree(self) -> Node:
        """The formula, read from its text."""
        return parse(self.text, self.names)

    @property
    def complexity(self) -> int:
        """Nodes of the printed formula."""
        return count(self.tree)

    def __call__(self, x: ArrayLike) -> Array:
        """Evaluate the printed formula.

        Parameters
        ----------
        x : array_like, shape (n, number of names)
            One column a variable.

        Returns
        -------
        ndarray, shape (n,), float64
            Not finite where the formula overflows.
        """
        rows = np.asarray(x, np.float64)
        columns = {name: rows[:, i] for i, name in enumerate(self.names)}
        return np.broadcast_to(evaluate(self.tree, columns), len(rows)).copy()


def search(
    x: ArrayLike,
    y: ArrayLike,
    names: Sequence[str],
    seed: int = 0,
    *,
    max_nodes: int = MAX_NODES,
    evaluations: int = EVALUATIONS,
) -> list[Expression]:
    """Search formulae y = f(x) and return the best of every length.

    One thread; the same input, seed and versions give the same formulae, unless the guard of a minute for
    each restart stops the search, which is then logged.

    Parameters
    ----------
    x : array_like, shape (n, k)
        Variables; of more than 1,000 rows the search looks at 1,000 drawn by `seed`.
    y : array_like, shape (n,)
        What is to be expressed.
    names : sequence of str, length k
        What the variables are called.
    seed : int
        Random seed, at least 0.
    max_nodes : int
        Nodes of the longest formula, as printed.
    evaluations : int
        Formulae tried by each of two restarts.

    Returns
    -------
    list of Expression
        From the shortest (the mean of y) to the longest; each is better on the rows searched than all
        shorter ones.

    Raises
    ------
    ChandraEmbedError
        The extra ``symbolic`` is not installed.
    ValueError
        Shapes do not fit, there is no row, or a value is not finite.
    """
    rows, target = _checked(x, y, names)
    pool = [number(float(target.mean()))]
    chosen = np.random.default_rng([seed, len(target)]).permutation(len(target))[:MAX_ROWS]
    rows, target = rows[chosen], target[chosen]
    if len(target) > 2 and np.ptp(target) > 0:
        # Operon weighs every variable, so that a scale costs no node
        scale = rows.std(axis=0)
        scale[~(scale > 0)] = 1.0
        for restart in range(RESTARTS):
            for tree in _evolve(rows / scale, target, names, scale, [seed, restart], evaluations):
                pool += [simplify(tree), without_constant(tree)]
    return _front(pool, rows, target, tuple(names), max_nodes)


def r2(y: ArrayLike, prediction: ArrayLike) -> float:
    """Return 1 - sum (y - prediction)^2 / sum (y - mean y)^2; NaN for a constant y, -inf where not finite."""
    truth, guess = np.asarray(y, np.float64), np.asarray(prediction, np.float64)
    total = float(((truth - truth.mean()) ** 2).sum()) if truth.size else 0.0
    if not total > 0:
        return float("nan")
    with np.errstate(all="ignore"):
        left = float(((truth - guess) ** 2).sum())
    return 1.0 - left / total if np.isfinite(left) else float("-inf")


def _checked(x: ArrayLike, y: ArrayLike, names: Sequence[str]) -> tuple[Array, Array]:
    rows, target = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if rows.ndim != 2 or target.shape != rows.shape[:1] or rows.shape[1] != len(names) or not target.size:
        raise ValueError(
            f"x has shape {rows.shape}, y {target.shape}, and there are {len(names)} names: "
            "give (n, k), (n,) and k names, n at least 1"
        )
    bad = ~(np.isfinite(rows).all(axis=1) & np.isfinite(target))
    if bad.any():
        raise ValueError(f"row {int(np.argmax(bad))} of x or y is not finite")
    return rows, target


def _evolve(
    x: Array, y: Array, names: Sequence[str], scale: Array, seed: list[int], evaluations: int
) -> list[Node]:
    """Run one genetic search and return its front as formulae of the unscaled variables."""
    try:
        from pyoperon.sklearn import SymbolicRegressor
    except ImportError as error:
        raise ChandraEmbedError(
            "symbolic regression needs the extra symbolic: pip install 'chandra-embed[symbolic]'"
        ) from error
    regressor = SymbolicRegressor(
        allowed_symbols=SYMBOLS,
        objectives=["r2", "length"],
        max_length=LENGTH,
        population_size=POPULATION,
        generations=evaluations,  # the evaluations end the search
        max_evaluations=evaluations,
        optimizer_iterations=3,
        max_time=SECONDS,
        n_threads=1,
        random_state=int(np.random.SeedSequence(seed).generate_state(1)[0]),
    )
    start = time.monotonic()
    regressor.fit(x, y)
    if time.monotonic() - start >= SECONDS:
        _logger.warning("symbolic regression stopped after %d s: another run may find another", SECONDS)
    # Operon knows its variables by hash, in the order of the columns
    variables = {
        key: Node("*", (number(1.0 / scale[i]), Node(names[i]))) for i, key in enumerate(regressor.variables_)
    }
    return [_to_node(entry["tree"], variables) for entry in regressor.pareto_front_]


def _to_node(tree: Any, variables: dict[int, Node]) -> Node:
    """Take over one of Operon's trees, which are in postfix order, the first operand last."""
    from pyoperon import NodeType

    operators = {NodeType.Add: "+", NodeType.Sub: "-", NodeType.Mul: "*"}
    functions = {NodeType.Tanh: "tanh", NodeType.Square: "square"}
    stack: list[Node] = []
    for node in tree.Nodes:
        if node.IsVariable:
            stack.append(Node("*", (number(node.Value), variables[node.HashValue])))
        elif node.Type == NodeType.Constant:
            stack.append(number(node.Value))
        elif node.Type in functions:
            stack.append(Node(functions[node.Type], (stack.pop(),)))
        else:
            first, second = stack.pop(), stack.pop()
            stack.append(Node(operators[node.Type], (first, second)))
    return stack.pop()


def _front(
    pool: Sequence[Node], x: Array, y: Array, names: tuple[str, ...], max_nodes: int
) -> list[Expression]:
    """Keep, of formulae as printed, those better than all shorter ones; ties: the text that sorts first."""
    texts = {to_text(tree) for tree in pool if _finite_constants(tree)}
    found = [e for e in (Expression(text, names) for text in sorted(texts)) if e.complexity <= max_nodes]
    scored = sorted(((e.complexity, -_score(y, e(x)), e.text, e) for e in found), key=lambda s: s[:3])
    front: list[Expression] = []
    best = np.inf
    for _, loss, _, expression in scored:
        if loss < best or not front:
            front.append(expression)
            best = min(best, loss)
    return front


def _score(y: Array, prediction: Array) -> float:
    """R^2, with 0 for a constant target."""
    value = r2(y, prediction)
    return 0.0 if np.isnan(value) else value


def _finite_constants(node: Node) -> bool:
    """Whether every constant of a formula can be printed."""
    if node.what == NUMBER and not np.isfinite(node.value):
        return False
    return all(_finite_constants(argument) for argument in node.args)
