"""The network command and what it writes: tables, pictures, graphs, and the group in the file."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

import h5py
import naive
import networkx
import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chandra_embed.inference.catalog import tables
from chandra_embed.inference.errors import ChandraEmbedError, StoreError
from chandra_embed.inference.network import pictures
from chandra_embed.inference.network.result import Asked
from chandra_embed.inference.network.run import run_network
from chandra_embed.inference.network.tables import result
from embeddings_file import write_embeddings
from network_file import LONERS, ROWS, write_cloudy

ASKED = Asked(where="row < 88", thresholds=(0.6, 0.9), densities=(0.2,), n_null=9, seed=3)
FEW = {"seed": 0, "most": 60}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """One run: its folder, its file, what it found, and the file as it was before."""
    folder = tmp_path_factory.mktemp("network")
    path = write_cloudy(folder / "embeddings.h5")
    before = path.read_bytes()
    with pytest.MonkeyPatch.context() as patch:  # more nodes than are drawn
        patch.setattr("chandra_embed.inference.report.network_layout.sample_nodes.__kwdefaults__", FEW)
        return folder / "net", path, run_network(path, folder / "net", ASKED), before


@pytest.fixture
def unpictured(monkeypatch):
    """Pictures take longest, and are as if matplotlib were not there."""
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)


def rows_of(folder, name):
    with open(folder / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def graph_at(path, tau):
    """The graph of the first 88 rows, by plain loops."""
    with h5py.File(path) as file:
        x, source = file["embedding"][:88], file["detection/source_id"][:88]
    s = naive.similarities(x, x)
    graph = networkx.Graph()
    graph.add_nodes_from(range(88))
    graph.add_edges_from(
        (i, j) for i in range(88) for j in range(i) if s[i, j] >= tau and source[i] != source[j]
    )
    return graph


def test_network_json_holds_exactly_what_it_promises(done):
    folder, path, *_ = done
    found = json.loads((folder / "network.json").read_text())
    assert list(found) == ["n", "modality", "where", "thresholds", "classes"]
    assert (found["n"], found["modality"], found["where"]) == (88, "spectrum", "row < 88")
    names = ["tau", "edge_density", "core_size", "periphery_size", "p_density", "p_degree"]
    names += ["p_cloud", "informative"]
    for each, tau in zip(found["thresholds"], (0.6, 0.9, None), strict=True):
        assert list(each) == names
        assert each["core_size"] + each["periphery_size"] == 88
        assert each["informative"] is True
        graph = graph_at(path, each["tau"])
        assert each["edge_density"] == graph.number_of_edges() / (88 * 87 / 2 - 10)
        assert tau is None or each["tau"] == tau
        assert all(each[p] is None or each[p] in [k / 10 for k in range(1, 11)] for p in names[4:7])
    assert abs(found["thresholds"][2]["edge_density"] - 0.2) < 0.001
    assert {each["class"] for each in found["classes"]} == {"AGN", "YSO", "not known"}
    for tau in (0.6, 0.9):
        assert sum(each["n"] for each in found["classes"] if each["tau"] == tau) == 88


def test_every_file_that_is_named_is_there_and_no_other(done):
    folder = done[0]
    about = json.loads((folder / "about.json").read_text())
    assert sorted(path.name for path in folder.iterdir()) == about["files"]
    expected = {f"{name}.{kind}" for name in pictures.PICTURES for kind in ("png", "pdf")}
    expected |= {"network.json", "about.json", "thresholds.csv", "classes.csv", "isolated.csv", "nodes.csv"}
    expected |= {"degrees.csv", "nulls.csv", "subsamples.csv", "robustness.csv"}
    expected |= {f"graph-{tau}.{kind}" for tau in ("0.6", "0.9") for kind in ("graphml", "gexf")}
    assert expected <= set(about["files"])
    assert about["seed"] == 3
    assert about["simulated"] is True
    assert about["notes"] == [
        "pictures of the network and its adjacency: random sample of 60 of 88 detections"
    ]
    assert about["thresholds"][2]["how"].startswith("edge density 0.2, exact quantile")
    assert "numpy" in about["versions"]


def test_the_group_holds_what_was_found_and_nothing_of_other_rows(done):
    _, path, found, before = done
    with h5py.File(path) as file:
        group = file["network"]
        assert set(group) == {"degree", "strength", "coreness", "is_core", "component"}
        for i, each in enumerate(found.levels):
            graph = graph_at(path, each.level.tau)
            degree = group["degree"][i]
            assert degree[:88].tolist() == [graph.degree[k] for k in range(88)]
            assert degree[88:].tolist() == [-1, -1]
            assert np.isnan(group["strength"][i, 88:]).all()
            assert np.isnan(group["coreness"][i, 88:]).all()
            assert group["coreness"][i, :88].max() == 1
            assert group["is_core"][i, :88].sum() == each.level.core.size
            assert group["is_core"][i, 88:].tolist() == [-1, -1]
            lowest = {k: min(part) for part in networkx.connected_components(graph) for k in part}
            assert group["component"][i].tolist() == [lowest[k] for k in range(88)] + [-1, -1]
            assert group["degree"].attrs["thresholds"][i] == each.level.tau
        assert group.attrs["where"] == "row < 88"
        assert all({"unit", "description"} <= set(data.attrs) for data in group.values())
        table = tables.build_table(file, columns=["network_degree_0.6", "network_is_core_0.9"])
        assert np.array_equal(table["network_degree_0.6"], group["degree"][0])
        core = tables.select(file, "network_is_core_0.9 == 1")
        assert np.array_equal(core, group["is_core"][1] == 1)
    copy = path.with_name("before.h5")
    copy.write_bytes(before)
    with h5py.File(path) as file, h5py.File(copy) as old:
        assert set(file) - {"network"} == set(old)
        assert np.array_equal(file["embedding"][...], old["embedding"][...])


def test_the_tables_agree_with_the_graph(done):
    folder, path, *_ = done
    nodes = rows_of(folder, "nodes")
    assert [int(row["row"]) for row in nodes] == list(range(88))
    graph = graph_at(path, 0.9)
    assert [int(row["degree_0.9"]) for row in nodes] == [graph.degree[k] for k in range(88)]
    number = networkx.core_number(graph)
    assert [int(row["core_number_0.9"]) for row in nodes] == [number[k] for k in range(88)]
    threshold = rows_of(folder, "thresholds")[1]
    assert float(threshold["transitivity"]) == pytest.approx(networkx.transitivity(graph), rel=1e-12)
    assert int(threshold["edges"]) == graph.number_of_edges()
    at = [row for row in rows_of(folder, "degrees") if float(row["tau"]) == 0.9]
    assert sum(int(row["detections"]) for row in at) == 88
    assert float(at[-1]["share_at_most"]) == 1
    assert {row["null"] for row in rows_of(folder, "nulls")} == {"density", "degree", "embedding", "cloud"}
    assert {row["first"] for row in rows_of(folder, "robustness")} >= {"degree 0.6", "k-NN distance"}


def test_the_loners_lead_the_list_of_the_isolated(done):
    rows = [row for row in rows_of(done[0], "isolated") if float(row["tau"]) == 0.6]
    assert {int(row["row"]) for row in rows[:2]} == set(LONERS)
    assert {row["flags"] for row in rows[:2]} == {"pileup conf", ""}
    wanted = {
        "name",
        "obsid",
        "hard_hs",
        "hard_hm",
        "hard_ms",
        "class",
        "degree",
        "nearest_name",
        "similarity",
    }
    assert wanted <= set(rows[0])


def test_the_graphs_open_in_networkx(done):
    folder, path, found, _ = done
    for each in found.levels:
        graph = graph_at(path, each.level.tau)
        read = networkx.read_graphml(folder / f"graph-{each.label}.graphml")
        assert read.number_of_edges() == graph.number_of_edges()
        assert read.graph["data"] == "simulated"
        assert networkx.read_gexf(folder / f"graph-{each.label}.gexf").number_of_nodes() == 88
        ElementTree.parse(folder / f"graph-{each.label}.gexf")
        edges = rows_of(folder, f"edges-{each.label}")
        assert {(int(row["source"]), int(row["target"])) for row in edges} == {
            tuple(sorted(edge)) for edge in graph.edges
        }


def test_the_same_seed_gives_the_same_tables(done, unpictured, tmp_path):
    folder, path, *_ = done
    run_network(path, tmp_path / "again", ASKED)
    for name in (
        "network.json",
        "nodes.csv",
        "nulls.csv",
        "subsamples.csv",
        "robustness.csv",
        "isolated.csv",
    ):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_all_detections_join_sources_too(unpictured, tmp_path):
    path = write_cloudy(tmp_path / "e.h5")
    apart = run_network(path, tmp_path / "a", Asked(thresholds=(0.6,), n_null=0))
    joined = run_network(path, tmp_path / "b", Asked(thresholds=(0.6,), n_null=0, all_detections=True))
    assert apart.same_source == joined.same_source == 10
    assert joined.levels[0].level.pairs == ROWS * (ROWS - 1) // 2 == apart.levels[0].level.pairs + 10
    assert joined.levels[0].level.edges > apart.levels[0].level.edges
    assert result(joined)["thresholds"][0]["p_density"] is None


def test_two_nodes_of_one_source_are_a_network_without_pairs(unpictured, tmp_path):
    path = write_embeddings(tmp_path / "e.h5", 2, per_source=2)
    found = run_network(path, tmp_path / "net", Asked(n_null=3))
    assert [each.level.edge_density for each in found.levels] == [0.0, 0.0, 0.0]
    assert not any(each.level.informative for each in found.levels)
    assert json.loads((tmp_path / "net" / "network.json").read_text())["thresholds"][0]["p_degree"] is None


def test_too_many_edges_are_said(unpictured, tmp_path, monkeypatch):
    monkeypatch.setattr("chandra_embed.inference.network.with_edges.MAX_EDGES", 100)
    found = run_network(
        write_cloudy(tmp_path / "e.h5"), tmp_path / "net", Asked(thresholds=(0.6, 0.999), n_null=0)
    )
    assert found.levels[0].edges is None
    assert "edges, more than" in found.levels[0].reason("degree")
    assert any(note.startswith("at 0.6:") for note in found.notes)
    assert not (tmp_path / "net" / "edges-0.6.csv").exists()
    assert found.levels[1].edges is not None
    rows = rows_of(tmp_path / "net", "nodes")
    assert "core_number_0.999" in rows[0]
    assert "core_number_0.6" not in rows[0]


def test_what_is_in_the_way_or_not_there_is_refused_before_the_work(done, tmp_path):
    folder, path, *_ = done
    with pytest.raises(StoreError, match="give --overwrite"):
        run_network(path, folder, ASKED)
    with pytest.raises(ChandraEmbedError, match="no embedding of 'radio'"):
        run_network(path, tmp_path / "net", Asked(modality="radio"))
    assert not (tmp_path / "net").exists()


def test_without_matplotlib_there_are_no_pictures_and_it_is_said(unpictured, tmp_path):
    found = run_network(write_cloudy(tmp_path / "e.h5"), tmp_path / "net", Asked(n_null=0))
    assert any("no pictures: matplotlib is not installed" in note for note in found.notes)
    assert not list((tmp_path / "net").glob("*.png"))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_run_harms_nothing(unpictured, tmp_path):
    path = write_cloudy(tmp_path / "e.h5")
    run_network(path, tmp_path / "net", Asked(n_null=0))
    before, listed = path.read_bytes(), sorted(each.name for each in (tmp_path / "net").iterdir())
    code = (
        "import sys, pathlib; from chandra_embed.inference.network.run import run_network, Asked; "
        "print('go', flush=True); p = pathlib.Path(sys.argv[1]); "
        "run_network(p / 'e.h5', p / 'net', Asked(n_null=3000), overwrite=True)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(1.0)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    assert path.read_bytes() == before
    assert sorted(each.name for each in (tmp_path / "net").iterdir()) == listed
    run_network(path, tmp_path / "net", Asked(n_null=0), overwrite=True)
    assert {each.name for each in tmp_path.iterdir()} == {"e.h5", "net"}
