"""The graphs that ONNX Runtime runs on a GPU for scoring: fixed shapes, nothing rounded but the products."""

from .onnx_writer import Graph

# columns beside those of a row: see with_guards in gpu.py
GUARDS = 2


def degree_graph(tile: int, d: int, thresholds: int, diagonal: bool) -> bytes:
    """Return a graph that counts the pairs of one tile and lists those it cannot decide.

    Inputs: ``left`` and ``right`` float32 (tile, d + 2), rows with their guards; ``low`` and ``high``
    float32 (thresholds, 1, 1), what a value must be below, or reach, to be decided; where `diagonal`,
    ``keep`` bool (tile, tile), the pairs that count.
    Outputs: ``of_rows`` and ``of_columns`` float32 (thresholds, tile), the pairs that surely reach a
    threshold, whole numbers; ``pairs`` int64 (2, m) and ``values`` float32 (m,), the undecided.
    """
    graph = Graph()
    value = _product(graph)
    inputs = _tiles(tile, d)
    limits = ("float32", (thresholds, 1, 1))
    inputs |= {"low": limits, "high": limits}
    reached = graph.node("GreaterOrEqual", value, "high")
    possible = graph.node("GreaterOrEqual", value, "low")
    if diagonal:
        inputs["keep"] = ("bool", (tile, tile))
        reached, possible = (graph.node("And", each, "keep") for each in (reached, possible))
    reached, possible = (graph.node("Cast", each, to=1) for each in (reached, possible))
    first, second, third = (graph.constant([axis]) for axis in range(3))
    graph.node("ReduceSum", reached, third, outputs=("of_rows",), keepdims=0)
    graph.node("ReduceSum", reached, second, outputs=("of_columns",), keepdims=0)
    more = graph.node("ReduceSum", graph.node("Sub", possible, reached), first, keepdims=0)
    graph.node("NonZero", graph.node("Cast", more, to=9), outputs=("pairs",))
    graph.node("GatherND", value, graph.node("Transpose", "pairs", perm=(1, 0)), outputs=("values",))
    outputs = {"of_rows": ("float32", 2), "of_columns": ("float32", 2)}
    return graph.model(inputs, {**outputs, "pairs": ("int64", 2), "values": ("float32", 1)})


def nearest_graph(tile: int, d: int, many: int) -> bytes:
    """Return a graph that lists the largest products of each row of a tile.

    Inputs: ``left`` and ``right`` float32 (tile, d + 2). Outputs: ``values`` float32 (tile, many), falling,
    and ``places`` int64 (tile, many), the rows of ``right``.
    """
    graph = Graph()
    value = _product(graph)
    graph.node("TopK", value, graph.constant([many]), outputs=("values", "places"), axis=1)
    return graph.model(_tiles(tile, d), {"values": ("float32", 2), "places": ("int64", 2)})


def forest_graph(rows: int, d: int, trees: int, leaves: int) -> bytes:
    """Return a graph that walks rows down trees that are filled up to one depth.

    Inputs: ``x`` float32 (rows, d); ``feature`` int64 and ``threshold`` float32, (trees * (leaves - 1),),
    level after level of each tree; ``first`` int64 (1, trees), the first node of each. Output: ``leaf``
    int64 (rows, trees), the place in the last level.
    """
    graph = Graph()
    two = graph.scalar(2)
    place = graph.node("Mul", "first", graph.scalar(0))
    width = 1
    while width < leaves:
        node = graph.node("Add", graph.node("Add", "first", place), graph.scalar(width - 1))
        if width == 1:  # the same node for all rows: one column of the tree's for each of them
            node = graph.node("Expand", node, graph.constant([rows, trees]))
        value = graph.node("GatherElements", "x", graph.node("Gather", "feature", node), axis=1)
        right = graph.node(
            "Cast", graph.node("Greater", value, graph.node("Gather", "threshold", node)), to=7
        )
        place = graph.node("Add", graph.node("Mul", place, two), right)
        width *= 2
    graph.node("Expand", place, graph.constant([rows, trees]), outputs=("leaf",))
    nodes = trees * (leaves - 1)
    inputs = {"x": ("float32", (rows, d)), "feature": ("int64", (nodes,)), "threshold": ("float32", (nodes,))}
    return graph.model({**inputs, "first": ("int64", (1, trees))}, {"leaf": ("int64", 2)})


def _product(graph: Graph) -> str:
    """Add the products of all rows of ``left`` with all of ``right``."""
    return graph.node("MatMul", "left", graph.node("Transpose", "right", perm=(1, 0)))


def _tiles(tile: int, d: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    return dict.fromkeys(("left", "right"), ("float32", (tile, d + GUARDS)))
