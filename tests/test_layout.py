"""Tables and JSON lines of the terminal."""

import json

import numpy as np
from chandra_embed.inference.cli.layout import json_line, table


def test_numbers_stand_right_and_text_left():
    shown = table(
        ["name", "n", "value"], [["a", 5, 0.123456], ["long name", 12345, np.nan], ["b", None, 1234.5]]
    )
    assert shown.splitlines() == [
        "name           n   value",
        "a              5  0.1235",
        "long name  12345       -",
        "b              -   1,234",
    ]


def test_a_table_of_no_rows_is_its_head():
    assert table(["a", "b"], []) == "a  b"


def test_json_has_no_nan():
    line = json_line(
        {"a": np.float32(0.5), "b": [np.nan, np.inf, 1], "c": {"d": np.int64(3)}, "e": np.str_("x")}
    )
    assert json.loads(line) == {"a": 0.5, "b": [None, None, 1], "c": {"d": 3}, "e": "x"}
