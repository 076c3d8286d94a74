import naive
import numpy as np
import pytest
from chandra_embed.inference.network import isolated
from chandra_embed.inference.network.isolated import most_isolated
from chandra_embed.inference.network.select import FLAGS, HARDNESS
from unit_rows import hard_rows, random_rows


def columns(n):
    rng = np.random.default_rng(1)
    found = {
        "name": np.array([f"2CXO J{i}" for i in range(n)]),
        "file": np.array([f"f{i}" for i in range(n)]),
        "obsid": np.arange(n),
        "class": rng.choice(["AGN", ""], n),
        "net_counts": rng.uniform(0, 9, n),
    }
    return found | {name: rng.uniform(-1, 1, n) for name in HARDNESS} | {name: np.zeros(n) for name in FLAGS}


def slow(x, tau, source, listed):
    """Every node by degree, then by the similarity of its nearest neighbour, then by row."""
    s = naive.similarities(x, x)
    n = len(x)
    other = [
        [j for j in range(n) if j != i and (source is None or not source[i] or source[i] != source[j])]
        for i in range(n)
    ]
    degree = np.array([sum(s[i, j] >= tau for j in other[i]) for i in range(n)], np.int64)
    strength = np.array([sum(s[i, j] for j in other[i] if s[i, j] >= tau) for i in range(n)], np.float64)
    nearest = [max(other[i], key=lambda j: (s[i, j], -j)) if other[i] else -1 for i in range(n)]
    value = [np.float32(s[i, j]) if j >= 0 else np.float32(-9) for i, j in enumerate(nearest)]
    order = sorted(range(n), key=lambda i: (degree[i], value[i], i))[:listed]
    return degree, strength, [(i, int(degree[i]), nearest[i]) for i in order]


@pytest.mark.parametrize("source", [None, np.arange(60) // 4, np.zeros(60, np.int64), np.ones(60, np.int64)])
@pytest.mark.parametrize("tau", [-2.0, 0.3, 0.9, 2.0])
def test_the_order_is_by_degree_then_by_the_nearest_neighbour(source, tau):
    x = hard_rows(60, 16, 3) if tau == 0.9 else random_rows(60, 8, 3)
    degree, strength, expected = slow(x, tau, source, 12)
    found = most_isolated(x, degree, strength, source, columns(60), np.arange(60) + 100, listed=12)
    assert [(row["row"] - 100, row["degree"]) for row in found] == [each[:2] for each in expected]
    assert [row["rank"] for row in found] == list(range(1, 13))
    nearest = [row["nearest_row"] - 100 if row["nearest_row"] >= 0 else -1 for row in found]
    assert nearest == [each[2] for each in expected]


def test_a_row_says_what_the_detection_is():
    x = random_rows(6, 8, 1)
    known = columns(6)
    known["pileup_flag"][:] = 1
    known["conf_flag"][:] = -1
    known["name"][:] = ""
    row = most_isolated(x, np.zeros(6, np.int64), np.zeros(6), None, known, np.arange(6), listed=1)[0]
    node = row["row"]
    assert row["flags"] == "pileup"
    assert row["nearest_name"] == f"f{row['nearest_row']}"
    assert all(row[name] == known[name][node] for name in (*HARDNESS, "obsid", "class", "net_counts"))


def test_fewer_nodes_than_wanted_are_all_listed():
    found = most_isolated(
        random_rows(3, 8), np.zeros(3, np.int64), np.zeros(3), None, columns(3), np.arange(3)
    )
    assert len(found) == 3


def test_of_too_many_ties_the_lower_rows_are_looked_at(monkeypatch):
    monkeypatch.setattr(isolated, "TIED", 5)
    none = np.zeros(40, np.int64)
    found = most_isolated(random_rows(40, 8), none, none * 1.0, None, columns(40), np.arange(40), listed=3)
    assert all(row["row"] < 5 for row in found)
