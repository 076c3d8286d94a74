"""Files for other programs, read back with networkx, csv and pyarrow."""

import csv
import sys

import networkx
import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.network.graph import from_edges
from chandra_embed.inference.network.graph_formats import (
    EDGE_COLUMNS,
    write_edges_csv,
    write_edges_parquet,
    write_gexf,
    write_graphml,
)

NAMES = ['2CXO J1 <&> "x"', "", "Sgr\x00 A*, é\x1b", "plain"]
FACTS = {"threshold": "0.5", "data": "simulated <all>"}


@pytest.fixture
def graph():
    return from_edges(4, [0, 0, 2], [1, 2, 3], [0.5, 0.123456789, 1.0])


@pytest.fixture
def nodes():
    return {
        "label": np.array(NAMES),
        "obsid": np.array([1, -1, 300, 4], np.int32),
        "coreness": np.array([1.0, np.nan, 0.5, np.inf], np.float64),
        "core": np.array([True, False, False, True]),
        "class & type": np.array(["YSO", "", "AGN", "YSO"], object),
    }


CLEAN = ['2CXO J1 <&> "x"', "", "Sgr A*, é", "plain"]


def check_nodes(found, key):
    assert [found.nodes[key(i)].get("class & type") for i in range(4)] == ["YSO", None, "AGN", "YSO"]
    assert [found.nodes[key(i)]["obsid"] for i in range(4)] == [1, -1, 300, 4]
    assert [found.nodes[key(i)].get("coreness") for i in range(4)] == [1.0, None, 0.5, None]
    assert [found.nodes[key(i)]["core"] for i in range(4)] == [True, False, False, True]
    edges = {(key(0), key(1)): 0.5, (key(0), key(2)): 0.1234568, (key(2), key(3)): 1.0}
    assert {tuple(sorted(edge)): weight for *edge, weight in found.edges(data="weight")} == edges
    assert not found.is_directed()
    assert not found.is_multigraph()


def test_graphml(tmp_path, graph, nodes):
    write_graphml(tmp_path / "g.graphml", graph, nodes, FACTS)
    found = networkx.read_graphml(tmp_path / "g.graphml")
    check_nodes(found, "n{}".format)
    assert [found.nodes[f"n{i}"].get("label", "") for i in range(4)] == CLEAN
    assert found.graph["data"] == "simulated <all>"
    assert found.graph["threshold"] == "0.5"


def test_gexf(tmp_path, graph, nodes):
    write_gexf(tmp_path / "g.gexf", graph, nodes, FACTS)
    found = networkx.read_gexf(tmp_path / "g.gexf")
    check_nodes(found, str)
    assert [found.nodes[str(i)]["label"] for i in range(4)] == [CLEAN[0], "1", CLEAN[2], "plain"]
    assert "data: simulated &lt;all&gt;" in (tmp_path / "g.gexf").read_text(encoding="utf-8")


def test_no_edges_no_nodes_no_attributes(tmp_path):
    for n in (0, 2):
        empty = from_edges(n, [], [])
        write_graphml(tmp_path / "g.graphml", empty, {})
        write_gexf(tmp_path / "g.gexf", empty, {})
        write_edges_csv(tmp_path / "e.csv", empty, ["a"] * n)
        assert len(networkx.read_graphml(tmp_path / "g.graphml")) == n
        assert len(networkx.read_gexf(tmp_path / "g.gexf")) == n
        assert (tmp_path / "e.csv").read_text() == ",".join(EDGE_COLUMNS) + "\n"


def test_the_table_of_edges(tmp_path, graph):
    write_edges_csv(tmp_path / "e.csv", graph, NAMES)
    with (tmp_path / "e.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["source"], row["target"]) for row in rows] == [("0", "1"), ("0", "2"), ("2", "3")]
    assert [row["source_name"] for row in rows] == [CLEAN[0], CLEAN[0], CLEAN[2]]
    assert [float(row["similarity"]) for row in rows] == [0.5, 0.1234568, 1.0]


def test_the_same_table_as_parquet(tmp_path, graph):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_edges_parquet(tmp_path / "e.parquet", graph, NAMES)
    found = parquet.read_table(tmp_path / "e.parquet").to_pydict()
    assert tuple(found) == EDGE_COLUMNS
    assert found["target"] == [1, 2, 3]
    assert found["target_name"] == [CLEAN[1], CLEAN[2], CLEAN[3]]
    assert found["similarity"] == [0.5, pytest.approx(0.123456789), 1.0]


def test_without_pyarrow_the_extra_is_named(tmp_path, graph, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ChandraEmbedError, match=r"Parquet needs pyarrow.*chandra-embed\[parquet\]"):
        write_edges_parquet(tmp_path / "e.parquet", graph, NAMES)


def test_an_attribute_of_another_length_is_refused(tmp_path, graph):
    with pytest.raises(ValueError, match=r"degree has shape \(3,\)"):
        write_graphml(tmp_path / "g.graphml", graph, {"degree": np.arange(3)})
    with pytest.raises(ValueError, match="type complex128"):
        write_gexf(tmp_path / "g.gexf", graph, {"degree": np.zeros(4, complex)})
