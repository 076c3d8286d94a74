import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.where import Where

COLUMNS = {
    "net_counts": np.array([1.0, 200.0, np.nan, 50.0]),
    "class": np.array(["AGN", "", "LMXB", "a  b"]),
    "obsid": np.array([-1, 3, 4, 5], np.int32),
    "degree_0.5": np.array([1, 2, 3, 4]),
    "has_arf": np.array([True, False, True, True]),
}


def rows(text):
    return np.flatnonzero(Where(text, COLUMNS)(COLUMNS, 4)).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net_counts > 10", [1, 3]),
        ("10 < net_counts <= 50", [3]),
        ("200 >= net_counts >= 50 > obsid", [1, 3]),
        ('class == "AGN"', [0]),
        ("class != 'AGN'", [1, 2, 3]),
        ('class == ""', [1]),
        ('class == "a  b"', [3]),
        ('class in ("AGN", "LMXB")', [0, 2]),
        ('class not in ["AGN", "LMXB"]', [1, 3]),
        ('class == "class"', []),
        ('class < "B"', [0, 1]),
        ("obsid in (3, 5, 3.5)", [1, 3]),
        ("obsid in ()", []),
        ("obsid == -1", [0]),
        ("-obsid > +0", [0]),
        ("degree_0.5 >= 3", [2, 3]),
        ("degree_0.5 * 2 == obsid + 2 - 1", [1]),
        ("obsid % 2 == 1 and not obsid // 2 == 2", [0, 1]),
        ("has_arf", [0, 2, 3]),
        ("not has_arf or has_arf == False", [1]),
        ("(obsid > 3) == has_arf", [1, 2, 3]),
        ("has_arf and (obsid == 4 or net_counts < 2)", [0, 2]),
        ("1 < 2", [0, 1, 2, 3]),
        ("net_counts / 0 > 1", [0, 1, 3]),
        ("9 ** 9 ** 9 ** 9 > net_counts", [0, 1, 3]),
        ("1" + "0" * 400 + " > obsid", [0, 1, 2, 3]),
        ("obsid\n>\n3", [2, 3]),
    ],
)
def test_conditions(text, expected):
    assert rows(text) == expected


@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "==", "!="])
def test_a_comparison_with_nan_is_false(op):
    assert 2 not in rows(f"net_counts {op} 5")
    assert 2 not in rows(f"net_counts {op} net_counts")


def test_membership_of_nan_is_false_both_ways():
    assert 2 not in rows("net_counts in (1, 200)")
    assert 2 not in rows("net_counts not in (1, 200)")


def test_not_turns_a_false_comparison_round():
    assert rows("not net_counts > 10") == [0, 2]


def test_names_are_those_read():
    assert Where("class == 'x' or 1 < degree_0.5 < degree_0.5", COLUMNS).names == ["class", "degree_0.5"]


def test_no_rows_are_legal():
    empty = {name: values[:0] for name, values in COLUMNS.items()}
    assert Where("obsid > 3 and class == 'x'", empty)(empty, 0).shape == (0,)
    assert Where("1 < 2", empty)(empty, 0).shape == (0,)


@pytest.mark.parametrize(
    ("text", "part", "reason"),
    [
        ("netcounts > 1", "netcounts", "near ones: net_counts"),
        ("obsid > 1 and clas == 'x'", "clas", "near ones: class"),
        ("degree_0.7 > 1", "degree_0.7", "near ones: degree_0.5"),
        ("zzz == 1", "zzz", "there are net_counts, class, obsid"),
        ("None == obsid", "None", "no column"),
        ("obsid.real > 1", "obsid.real", "no column"),
        ("class", "class", "is no condition"),
        ("has_arf and 3", "3", "is no condition"),
        ("class > 3", "class > 3", "compares text with a number"),
        ("class in (1, 2)", "class in (1, 2)", "compares text with a number"),
        ("class + 1 == 2", "class", "no arithmetic"),
        ("abs(obsid) > 3", "abs(obsid)", "is not allowed"),
        ("__import__('os').system('true')", "__import__('os').system('true')", "is not allowed"),
        ("(obsid).real > 3", "(obsid).real", "is not allowed"),
        ("obsid[0] > 1", "obsid[0]", "is not allowed"),
        ("obsid & 3", "obsid & 3", "is not allowed"),
        ("~has_arf", "~has_arf", "is not allowed"),
        ("f'{obsid}' == class", "f'{obsid}'", "is not allowed"),
        ("obsid == {1, 2}", "{1, 2}", "is not allowed"),
        ("obsid in 3", "3", "must be a list of values"),
        ("(1, 2) == obsid", "(1, 2)", "only after 'in'"),
        ("1j > obsid", "1j", "neither a number nor text"),
        ("b'AGN' == class", "b'AGN'", "neither a number nor text"),
        ("obsid > > 3", "> 3", "cannot be read"),
        ("obsid is 3", "is 3", "cannot be read"),
        ("class ! 3", "! 3", "cannot be read"),
        ("lambda: 1", ": 1", "cannot be read"),
        ("obsid = 3", "= 3", "write == to compare"),
        ("", "the end", "cannot be read"),
        ("obsid == 'a", "'a", "cannot be read"),
    ],
)
def test_errors_quote_the_offending_part(text, part, reason):
    with pytest.raises(ChandraEmbedError) as caught:
        rows(text)
    message = str(caught.value)
    assert "\n" not in message
    assert repr(part) in message.removeprefix(f"--where {text!r}")
    assert reason in message


@pytest.mark.parametrize(
    "text", ["not " * 9000 + "has_arf", "+".join("1" * 9000) + " > 1", "(" * 9000, "\x00"]
)
def test_what_would_overwhelm_the_parser_is_refused(text):
    with pytest.raises(ChandraEmbedError, match="cannot be read"):
        rows(text)


@pytest.mark.parametrize("depth", range(100, 1000, 50))
def test_deep_conditions_are_met_or_refused(depth):
    text = "not " * depth + "has_arf"
    try:
        found = rows(text)
    except ChandraEmbedError:
        with pytest.raises(ChandraEmbedError, match="write it shorter"):
            rows(text)
    else:
        assert found == [0, 2, 3]
