"""A safe expression over columns, such as ``net_counts > 100 and class == "AGN"``.

The text is parsed by Python's own parser and walked over a short list of allowed nodes; nothing is ever
evaluated as Python. A comparison with NaN is False, and its ``not`` True; missing whole numbers are -1
and compare as such.
"""

import ast
import keyword
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ChandraEmbedError

Array = NDArray[Any]
_COMPARE: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_ARITHMETIC: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.remainder,
    ast.Pow: np.power,
}
LISTED = 20
_WORDS = {"and", "or", "not", "in", "True", "False"}
# a string, a number, or a word that may hold dots, as the column degree_0.5 does
_TOKEN = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\d[\w.]*)|([^\W\d][\w.]*)""")


class Where:
    """A condition on the columns of a table.

    Parameters
    ----------
    text : str
        Comparisons (also chained), ``and``, ``or``, ``not``, ``in`` with a tuple, arithmetic, numbers,
        strings and column names.
    columns : collection of str
        The columns there are.

    Attributes
    ----------
    names : list of str
        The columns that the condition reads, each once.

    Raises
    ------
    ChandraEmbedError
        The text is no such condition; the offending part is quoted, and near column names are listed.
    """

    def __init__(self, text: str, columns: Collection[str]) -> None:
        self.text, self.names = text, list[str]()
        self._known = columns
        self._renamed: dict[str, str] = {}
        self._source = _TOKEN.sub(self._rename, text.replace("\n", " ")).strip()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the parser, on escapes such as "\d"
                self._tree = ast.parse(self._source, mode="eval").body
            self._check(self._tree)
        except SyntaxError as error:
            near = self._source[max((error.offset or 1) - 1, 0) :] or "the end"
            hint = "; write == to compare" if near.startswith("=") else ""
            raise ChandraEmbedError(
                f"--where {text!r}: cannot be read at {self._shown(near)!r}{hint}"
            ) from error
        except (RecursionError, MemoryError, ValueError) as error:
            raise self._too_deep(error) from error

    def __call__(self, columns: Mapping[str, Array], n: int) -> NDArray[np.bool_]:
        """Return which rows meet the condition.

        Parameters
        ----------
        columns : mapping of str to ndarray, shape (n,)
            At least those of :attr:`names`; numbers, booleans or str.
        n : int
            Rows of the table.

        Returns
        -------
        ndarray, shape (n,), bool

        Raises
        ------
        ChandraEmbedError
            Text meets a number, or a part that should be a condition is none.
        """
        try:
            with np.errstate(all="ignore"):
                found = self._truth(self._tree, columns)
        except RecursionError as error:
            raise self._too_deep(error) from error
        return np.broadcast_to(found, (n,)).copy()

    def _too_deep(self, error: Exception) -> ChandraEmbedError:
        return ChandraEmbedError(f"--where {self.text[:60]!r}: cannot be read ({error}); write it shorter")

    def _rename(self, match: re.Match[str]) -> str:
        """Replace names that Python would misread (``class``, ``degree_0.5``) by ones it reads."""
        word = match.group(3)
        if word is None or word in _WORDS or (word.isidentifier() and not keyword.iskeyword(word)):
            return match.group()
        stand_in = f"_{len(self._renamed)}_" + re.sub(r"\W", "_", word)
        self._renamed[stand_in] = word
        return stand_in

    def _shown(self, source: str) -> str:
        for stand_in, word in self._renamed.items():
            source = source.replace(stand_in, word)
        return source

    def _fail(self, node: ast.AST, reason: str) -> ChandraEmbedError:
        part = self._shown(ast.get_source_segment(self._source, node) or self._source)
        return ChandraEmbedError(f"--where {self.text!r}: {part!r} {reason}")

    def _check(self, node: ast.expr) -> None:
        """Walk the tree; anything but the allowed nodes is refused."""
        if isinstance(node, ast.Name):
            name = self._renamed.get(node.id, node.id)
            if name not in self._known:
                raise self._fail(node, f"is no column; {near_names(name, self._known)}")
            if name not in self.names:
                self.names.append(name)
        elif isinstance(node, ast.Constant):
            if not isinstance(node.value, bool | int | float | str):
                raise self._fail(node, "is neither a number nor text")
        elif isinstance(node, ast.Tuple | ast.List):
            raise self._fail(node, "can stand only after 'in'")
        elif isinstance(node, ast.Compare):
            self._check_compare(node)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                self._check(value)
        elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Invert):
            self._check(node.operand)
        elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            self._check(node.left)
            self._check(node.right)
        else:
            raise self._fail(
                node, "is not allowed: comparisons, and, or, not, in, arithmetic, columns, values"
            )

    def _check_compare(self, node: ast.Compare) -> None:
        self._check(node.left)
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                if not isinstance(right, ast.Tuple | ast.List):
                    raise self._fail(right, "must be a list of values, as in ('AGN', 'LMXB')")
                for item in right.elts:
                    self._check(item)
            else:
                self._check(right)

    def _truth(self, node: ast.expr, columns: Mapping[str, Array]) -> Any:
        """Evaluate a part that must be a condition."""
        if isinstance(node, ast.BoolOp):
            parts = [self._truth(value, columns) for value in node.values]
            return (np.logical_and if isinstance(node.op, ast.And) else np.logical_or).reduce(
                np.broadcast_arrays(*parts)
            )
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return np.logical_not(self._truth(node.operand, columns))
        if isinstance(node, ast.Compare):
            return self._compare(node, columns)
        value = self._value(node, columns)
        if value.dtype.kind != "b":
            raise self._fail(node, "is no condition: compare it with something")
        return value

    def _compare(self, node: ast.Compare, columns: Mapping[str, Array]) -> Any:
        """Evaluate a comparison, chained or not, or a membership."""
        found: Any = np.True_
        left_node = node.left
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(right_node, ast.Tuple | ast.List):
                member: Any = np.False_
                for item in right_node.elts:
                    member = member | self._pair(node, left_node, item, np.equal, columns)
                part = member if isinstance(op, ast.In) else ~member & _known(self._value(left_node, columns))
            else:
                part = self._pair(node, left_node, right_node, _COMPARE[type(op)], columns)
            found = found & part
            left_node = right_node
        return found

    def _pair(
        self,
        whole: ast.Compare,
        left: ast.expr,
        right: ast.expr,
        compare: Callable[..., Any],
        columns: Mapping[str, Array],
    ) -> Any:
        a, b = self._value(left, columns), self._value(right, columns)
        if (a.dtype.kind == "U") != (b.dtype.kind == "U"):
            raise self._fail(whole, "compares text with a number")
        return compare(a, b) & _known(a) & _known(b)

    def _value(self, node: ast.expr, columns: Mapping[str, Array]) -> Array:
        """Evaluate a part that is a number, a text or a condition."""
        if isinstance(node, ast.Name):
            return np.asarray(columns[self._renamed.get(node.id, node.id)])
        if isinstance(node, ast.Constant):
            return np.asarray(_constant(node.value))
        if isinstance(node, ast.BinOp):
            left, right = self._number(node.left, columns), self._number(node.right, columns)
            return np.asarray(_ARITHMETIC[type(node.op)](left, right))
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            value = self._number(node.operand, columns)
            return -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.Tuple | ast.List):
            raise self._fail(node, "cannot be compared further")
        return np.asarray(self._truth(node, columns))

    def _number(self, node: ast.expr, columns: Mapping[str, Array]) -> Array:
        value = self._value(node, columns)
        if value.dtype.kind == "U":
            raise self._fail(node, "is text: there is no arithmetic with it")
        return value.astype(np.float64)


def near_names(name: str, known: Collection[str]) -> str:
    """Return what to say of a column name that is not known: those like it, or all."""
    near = get_close_matches(name, known, n=4, cutoff=0.5)
    return f"near ones: {', '.join(near)}" if near else f"there are {_few(known)}"


def _few(names: Collection[str]) -> str:
    """List names; of many the first, and how many more there are."""
    told = list(names)[:LISTED]
    return ", ".join(told) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def _constant(value: Any) -> Any:
    """Return a constant; whole numbers beyond int64 as floats."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    return value


def _known(value: Array) -> Any:
    """Where a value is not NaN."""
    return ~np.isnan(value) if value.dtype.kind == "f" else np.True_
