"""The graph for other programs: GraphML and GEXF (Gephi, Cytoscape), and a table of its edges.

Written as they go, so that a large graph takes no memory of its own.
"""

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, TextIO
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ChandraEmbedError
from .graph import Graph

EDGE_COLUMNS = ("source", "target", "source_name", "target_name", "similarity")
LABEL = "label"
_TYPES = {"i": "long", "u": "long", "f": "double", "b": "boolean", "U": "string"}  # of both formats
_DIGITS = "{:.7g}"  # of a float32
Columns = dict[str, NDArray[Any]]


def write_graphml(
    path: Path, graph: Graph, nodes: Mapping[str, ArrayLike], facts: Mapping[str, str] | None = None
) -> None:
    """Write GraphML: nodes ``n0``, ``n1``, ... with attributes, undirected edges with ``weight``.

    Parameters
    ----------
    path : Path
        File to write; one that exists is replaced.
    graph : Graph
        n nodes.
    nodes : mapping of str to array_like, shape (n,)
        Attributes of the nodes: text, whole numbers, floats or truth values; ``label`` is what programs
        show. An empty text and a number that is not finite are left out, for no program knows NaN.
    facts : mapping of str to str, optional
        What holds for the whole graph, such as its threshold and that the data are simulated.
    """
    columns = _columns(graph.n, nodes)
    with path.open("w", encoding="utf-8") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        out.write('<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
        for name in facts or {}:
            key = quoteattr(_clean(name))
            out.write(f'<key id={key} for="graph" attr.name={key} attr.type="string"/>\n')
        for number, (name, values) in enumerate(columns.items()):
            out.write(
                f'<key id="d{number}" for="node" attr.name={quoteattr(_clean(name))} '
                f'attr.type="{_TYPES[values.dtype.kind]}"/>\n'
            )
        out.write('<key id="weight" for="edge" attr.name="weight" attr.type="double"/>\n')
        out.write('<graph edgedefault="undirected">\n')
        for name, value in (facts or {}).items():
            out.write(f"<data key={quoteattr(_clean(name))}>{escape(_clean(value))}</data>\n")
        for i, row in enumerate(_rows(columns, graph.n)):
            data = "".join(f'<data key="d{k}">{escape(text)}</data>' for k, text in row)
            out.write(f'<node id="n{i}">{data}</node>\n')
        for i, j, weight in _edges(graph):
            out.write(
                f'<edge source="n{i}" target="n{j}"><data key="weight">{_DIGITS.format(weight)}'
                "</data></edge>\n"
            )
        out.write("</graph>\n</graphml>\n")


def write_gexf(
    path: Path, graph: Graph, nodes: Mapping[str, ArrayLike], facts: Mapping[str, str] | None = None
) -> None:
    """Write GEXF 1.2: nodes 0 to n - 1 with attributes, undirected edges with ``weight``.

    Parameters
    ----------
    path, graph, nodes, facts
        As :func:`write_graphml`; the facts make up the description of the file.
    """
    columns = _columns(graph.n, nodes)
    label = columns.pop(LABEL, np.arange(graph.n).astype(np.str_))
    with path.open("w", encoding="utf-8") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        out.write('<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">\n')
        told = "; ".join(f"{name}: {value}" for name, value in (facts or {}).items())
        out.write(f"<meta><creator>chandra-embed</creator><description>{escape(_clean(told))}")
        out.write('</description></meta>\n<graph defaultedgetype="undirected" mode="static">\n')
        out.write('<attributes class="node" mode="static">\n')
        for number, (name, values) in enumerate(columns.items()):
            kind = _TYPES[values.dtype.kind]
            out.write(f'<attribute id="{number}" title={quoteattr(_clean(name))} type="{kind}"/>\n')
        out.write("</attributes>\n<nodes>\n")
        for i, row in enumerate(_rows(columns, graph.n)):
            data = "".join(f'<attvalue for="{k}" value={quoteattr(text)}/>' for k, text in row)
            name = quoteattr(_clean(label[i]) or str(i))
            out.write(f'<node id="{i}" label={name}><attvalues>{data}</attvalues></node>\n')
        out.write("</nodes>\n<edges>\n")
        for number, (i, j, weight) in enumerate(_edges(graph)):
            out.write(f'<edge id="{number}" source="{i}" target="{j}" weight="{_DIGITS.format(weight)}"/>\n')
        out.write("</edges>\n</graph>\n</gexf>\n")


def write_edges_csv(path: Path, graph: Graph, name: ArrayLike) -> None:
    """Write the edges as CSV, each once: numbers and names of both nodes, and their similarity.

    Parameters
    ----------
    path : Path
        File to write; one that exists is replaced.
    graph : Graph
        n nodes.
    name : array_like, shape (n,), str
        Name of each node.
    """
    names = [_clean(each) for each in np.asarray(name).tolist()]
    with path.open("w", encoding="utf-8", newline="") as out:
        _write_rows(out, EDGE_COLUMNS)
        quoted = [_quoted(each) for each in names]
        for i, j, weight in _edges(graph):
            out.write(f"{i},{j},{quoted[i]},{quoted[j]},{_DIGITS.format(weight)}\n")


def write_edges_parquet(path: Path, graph: Graph, name: ArrayLike) -> None:
    """Write the same table as Parquet.

    Parameters
    ----------
    path, graph, name
        As :func:`write_edges_csv`.

    Raises
    ------
    ChandraEmbedError
        pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ChandraEmbedError(
            f"{path}: Parquet needs pyarrow; install it with: pip install 'chandra-embed[parquet]'"
        ) from error
    names = pyarrow.array([_clean(each) for each in np.asarray(name).tolist()], pyarrow.string())
    coded = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    types = (pyarrow.int64(), pyarrow.int64(), coded, coded, pyarrow.float32())
    schema = pyarrow.schema(list(zip(EDGE_COLUMNS, types, strict=True)))
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for i, j, weight in graph.edge_blocks():
            ends = [
                pyarrow.DictionaryArray.from_arrays(pyarrow.array(at, pyarrow.int32()), names)
                for at in (i, j)
            ]
            writer.write_table(pyarrow.table([i, j, *ends, weight], schema=schema))


def _edges(graph: Graph) -> Iterator[tuple[int, int, float]]:
    for i, j, weight in graph.edge_blocks():
        yield from zip(i.tolist(), j.tolist(), weight.tolist(), strict=True)


def _columns(n: int, nodes: Mapping[str, ArrayLike]) -> Columns:
    """Return the attributes as arrays of a type that the formats know."""
    found = {}
    for name, values in nodes.items():
        column = np.asarray(values)
        if column.dtype.kind in "OST":
            column = column.astype(np.str_)
        if column.shape != (n,) or column.dtype.kind not in _TYPES:
            raise ValueError(
                f"{name} has shape {column.shape} and type {column.dtype}: give one value a node"
            )
        found[name] = column
    return found


def _rows(columns: Columns, n: int) -> Iterator[list[tuple[int, str]]]:
    """Yield, node by node, the number and text of each attribute that there is."""
    texts = [_texts(values) for values in columns.values()]
    for i in range(n):
        yield [(k, values[i]) for k, values in enumerate(texts) if values[i]]


def _texts(values: NDArray[Any]) -> list[str]:
    """Return values as text; empty where there is none."""
    if values.dtype.kind == "f":
        return [repr(each) if np.isfinite(each) else "" for each in values.astype(np.float64).tolist()]
    if values.dtype.kind == "b":
        return ["true" if each else "false" for each in values.tolist()]
    return [_clean(each) for each in values.tolist()]


def _clean(text: object) -> str:
    """Return text without the control characters that XML does not know."""
    return "".join(each for each in str(text) if each >= " " or each in "\t\n")


def _quoted(text: str) -> str:
    out = StringIO()
    _write_rows(out, [text])
    return out.getvalue()[:-1]


def _write_rows(out: TextIO, row: Any) -> None:
    csv.writer(out, lineterminator="\n").writerow(row)
