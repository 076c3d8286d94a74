"""ONNX graphs written byte by byte: the few that scoring on a GPU takes, without the onnx package.

Fields of protobuf messages as onnx.proto numbers them (https://github.com/onnx/onnx, IR version 10).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IR_VERSION, OPSET = 10, 20
TYPES = {"float32": 1, "int64": 7, "bool": 9}


@dataclass
class Graph:
    """Nodes one after the other; each is added by :meth:`node`, which returns the name of its output."""

    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)

    def node(
        self,
        operator: str,
        *inputs: str,
        outputs: tuple[str, ...] = (),
        **attributes: int | tuple[int, ...],
    ) -> str:
        """Add one node; whole numbers and tuples of them may be its attributes."""
        outputs = outputs or (f"{operator}_{len(self.nodes)}",)
        written = [_text(1, name) for name in inputs] + [_text(2, name) for name in outputs]
        written += [_text(4, operator), *(_message(5, _attribute(*each)) for each in attributes.items())]
        self.nodes.append(b"".join(written))
        return outputs[0]

    def constant(self, values: Iterable[int]) -> str:
        """Add a list of whole numbers, int64."""
        array = np.array(list(values), "<i8")
        return self._keep(_number(1, array.size), array)

    def scalar(self, value: int) -> str:
        """Add one whole number, int64."""
        return self._keep(b"", np.array(value, "<i8"))

    def _keep(self, shape: bytes, array: NDArray[np.int64]) -> str:
        name = f"constant_{len(self.constants)}"
        written = shape + _number(2, TYPES["int64"]) + _text(8, name)
        self.constants.append(written + _message(9, array.tobytes()))
        return name

    def model(
        self, inputs: Mapping[str, tuple[str, tuple[int, ...]]], outputs: Mapping[str, tuple[str, int]]
    ) -> bytes:
        """Return the whole model.

        Parameters
        ----------
        inputs : mapping of str to (str, tuple of int)
            Type and shape of each input.
        outputs : mapping of str to (str, int)
            Type and number of dimensions of each output.
        """
        graph = [_message(1, node) for node in self.nodes] + [_text(2, "chandra-embed")]
        graph += [_message(5, constant) for constant in self.constants]
        for name, (dtype, shape) in inputs.items():
            graph.append(_message(11, _value(name, dtype, [_number(1, size) for size in shape])))
        for name, (dtype, ndim) in outputs.items():
            free = [_text(2, f"{name}_{axis}") for axis in range(ndim)]
            graph.append(_message(12, _value(name, dtype, free)))
        opset = _number(2, OPSET)
        return _number(1, IR_VERSION) + _message(7, b"".join(graph)) + _message(8, opset)


def _value(name: str, dtype: str, sizes: list[bytes]) -> bytes:
    shape = b"".join(_message(1, size) for size in sizes)
    tensor = _number(1, TYPES[dtype]) + _message(2, shape)
    return _text(1, name) + _message(2, _message(1, tensor))


def _attribute(name: str, value: int | tuple[int, ...]) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    return _text(1, name) + b"".join(_number(8, each) for each in value) + _number(20, 7)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _number(at: int, value: int) -> bytes:
    return _varint(at << 3) + _varint(value)


def _message(at: int, value: bytes) -> bytes:
    return _varint(at << 3 | 2) + _varint(len(value)) + value


def _text(at: int, value: str) -> bytes:
    return _message(at, value.encode())
