"""Graphs written byte by byte, against the onnx package and as ONNX Runtime runs them."""

import numpy as np
import pytest
from chandra_embed.inference import runtime
from chandra_embed.inference.gpu_graphs import degree_graph, forest_graph, nearest_graph
from chandra_embed.inference.onnx_writer import IR_VERSION, OPSET, Graph
from chandra_embed.models.registry import NEWEST_IR, NEWEST_OPSET


def graphs():
    return [
        degree_graph(300, 64, 3, diagonal=True),
        degree_graph(2, 1, 1, diagonal=False),
        nearest_graph(16, 8, 5),
        forest_graph(64, 8, 200, 256),
    ]


@pytest.mark.train
@pytest.mark.parametrize("graph", graphs())
def test_the_onnx_package_reads_what_was_written(graph):
    onnx = pytest.importorskip("onnx")
    onnx.checker.check_model(onnx.load_from_string(graph), full_check=True)


def test_the_oldest_onnx_runtime_takes_the_versions():
    assert OPSET <= NEWEST_OPSET
    assert IR_VERSION <= NEWEST_IR


def test_a_graph_runs_with_constants_and_attributes():
    graph = Graph()
    shifted = graph.node("Add", "a", graph.scalar(300))
    graph.node("ReduceSum", shifted, graph.constant([1]), outputs=("sum",), keepdims=0)
    model = graph.model({"a": ("int64", (2, 3))}, {"sum": ("int64", 1)})
    session, _ = runtime.open_session(model, "cpu")
    a = np.arange(6, dtype=np.int64).reshape(2, 3)
    assert session.run(None, {"a": a})[0].tolist() == (a + 300).sum(axis=1).tolist()


def test_the_same_graph_is_the_same_bytes():
    assert graphs() == graphs()
