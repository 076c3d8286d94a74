"""Tables and JSON lines for the terminal."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Lay out a table: numbers flush right, text flush left, NaN and None as ``-``.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : sequence of sequence
        Cells: text, whole numbers, or floats, shown to four digits.
    """
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(head), *cells]) for i in range(len(head))]
    right = [any(not isinstance(row[i], str) for row in rows) for i in range(len(head))]
    lines = []
    for line in [list(head), *cells]:
        padded = [
            text.rjust(width) if flush else text.ljust(width)
            for text, width, flush in zip(line, widths, right, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def json_line(facts: Mapping[str, Any]) -> str:
    """Return one line of JSON; NumPy scalars become numbers, NaN and infinities null."""
    return json.dumps(_plain(facts), allow_nan=False)


def _text(value: Any) -> str:
    value = _plain(value)
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _plain(value: Any) -> Any:
    """Reduce a value to what JSON knows."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
