"""What a run found, and what is made of it: rows of tables, graphs, pictures, the group in the file."""

import h5py
import numpy as np
import pytest
from chandra_embed.inference.network import graphs, group, pictures, tables
from chandra_embed.inference.network.nulls import NullTest
from chandra_embed.inference.network.pairs import same_source_pairs
from chandra_embed.inference.network.result import Asked, labels
from chandra_embed.inference.network.run import run_network
from chandra_embed.inference.network.with_edges import gather
from network_file import ROWS, write_cloudy


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("result")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "find_spec", lambda name: None)
        return run_network(write_cloudy(folder / "e.h5"), folder / "net", Asked(n_null=0, where="row > 4"))


@pytest.mark.parametrize(
    ("taus", "expected"),
    [((0.5, 0.7), ["0.5", "0.7"]), ((0.7, 0.70000001), ["0.7", "0.70000001"]), ((1.0, 2.0), ["1", "2"])],
)
def test_thresholds_have_short_names_of_their_own(taus, expected):
    assert labels(taus) == expected


def test_a_p_value_is_that_of_its_null(found):
    level = found.levels[0]
    kept, level.nulls = (
        level.nulls,
        [
            NullTest.without("degree", "gain", "no edges"),
            NullTest.of("density", "correlation", 0.5, np.array([0.1, 0.5, 0.2])),
            NullTest.of("embedding", "edges", 0.5, np.zeros(3)),
        ],
    )
    assert (level.p("density"), level.reason("density")) == (0.5, "")
    assert (level.p("degree"), level.reason("degree")) == (None, "no edges")
    rows = tables.null_rows(found)[:3]
    assert [row["null"] for row in rows] == ["degree", "density", "embedding"]
    level.nulls = kept


def test_every_node_has_a_row_with_what_it_is(found):
    rows = tables.node_rows(found)
    assert [row["row"] for row in rows] == list(range(5, ROWS))
    assert {"name", "obsid", "class", "ra", "dec", "hard_hs", "pileup_flag", "degree_0.5"} <= set(rows[0])
    at = [row["component_0.9"] for row in rows]
    assert set(at) <= {row["row"] for row in rows}


def test_degrees_are_counted_in_full(found):
    rows = [row for row in tables.degree_rows(found) if row["tau"] == 0.7]
    assert sum(row["degree"] * row["detections"] for row in rows) == 2 * found.levels[1].level.edges


def test_large_graphs_are_written_as_edges_alone(found, tmp_path, monkeypatch):
    level = found.levels[0]
    graph = gather(found.selection.x, level.level, same_source_pairs(found.selection.columns["source_id"]))
    monkeypatch.setattr(graphs, "MOST_DRAWN", graph.edge_count - 1)
    monkeypatch.setattr(graphs, "find_spec", lambda name: None)
    notes = graphs.write_graphs(found, level, graph, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["edges-0.5.csv"]
    assert "pyarrow is not installed" in notes[0]
    assert notes[1].startswith(f"at 0.5: no GraphML and GEXF of {graph.edge_count:,} edges")


def test_the_group_replaces_its_own_and_leaves_the_others(found):
    with h5py.File(found.path, "r+") as file:
        file["score/anomaly"] = np.zeros(ROWS)
        file["network/old"] = 1
    group.write_group(found.path, found.selection, [each.level for each in found.levels[:1]], {"seed": 5})
    with h5py.File(found.path) as file:
        assert set(file["network"]) == {name for name, *_ in group.DATASETS}
        assert file["network/degree"].shape == (1, ROWS)
        assert file["network"].attrs["seed"] == 5
        assert "score/anomaly" in file
        taken = sum(data.dtype.itemsize * data.size for data in file["network"].values())
    assert taken == group.room(ROWS, 1)
