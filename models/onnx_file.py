"""What an ONNX file says of itself, read from its bytes without the onnx package.

Versions, and every place where it asks the runtime to open another file. The numbers of the fields are those
of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), the encoding is protobuf's.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import BundleError

# message -> field that holds another message -> which; everything else is skipped
INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
IR_VERSION, DATA_LOCATION = 1, 14
VARINT, EIGHT_BYTES, DELIMITED, FOUR_BYTES = 0, 1, 2, 5
HIGHEST_FIELD = 2**29  # protobuf's
DEEPEST = 100  # messages in each other; what protobuf itself takes


@dataclass
class OnnxFacts:
    """What one ONNX file asks of the runtime.

    Parameters
    ----------
    ir_version : int
        Of the file format; 0 where it is not stated.
    opset : int
        Newest set of ONNX's own operators that is imported; 0 where none is.
    external : set of str
        Files that hold weights, as the file names them, relative to its folder; an empty name where weights
        lie elsewhere and it does not say where.
    """

    ir_version: int
    opset: int
    external: set[str]


def read_onnx(path: Path) -> OnnxFacts:
    """Read the versions of an ONNX file and the names of the files that it would have opened.

    Raises
    ------
    BundleError
        The file cannot be read, or its bytes are no ONNX model.
    """
    found = OnnxFacts(0, 0, set())
    try:
        if not path.stat().st_size:
            raise ValueError("it is empty")
        with open(path, "rb") as file:
            # not closed by hand: an error's traceback may still hold parts of it
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        _walk(memoryview(mapped), "model", found, 0)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise BundleError(f"{path}: is no ONNX model ({error}); get it again, or export it again") from error
    return found


def _walk(message: memoryview, kind: str, found: OnnxFacts, depth: int) -> None:
    """Gather the facts of one message and of all those in it."""
    if depth > DEEPEST:
        raise ValueError(f"messages lie more than {DEEPEST} deep")
    inside, outside, named = INSIDE[kind], False, set[str]()
    for field, value in _fields(message):
        if isinstance(value, int):
            if kind == "model" and field == IR_VERSION:
                found.ir_version = max(found.ir_version, value)
            outside |= kind == "tensor" and field == DATA_LOCATION and value != 0
            continue
        match inside.get(field):
            case None:
                pass
            case "opset":
                found.opset = max(found.opset, _opset(value))
            case "external":
                named.update(_location(value))
            case name:
                _walk(value, name, found, depth + 1)
    found.external |= named or ({""} if outside else set())


def _opset(message: memoryview) -> int:
    """Return the version of an imported operator set, 0 unless it is ONNX's own."""
    domain, version = b"", 0
    for field, value in _fields(message):
        if isinstance(value, int):
            version = value if field == 2 else version
        elif field == 1:
            domain = bytes(value)
    return version if domain in (b"", b"ai.onnx") else 0


def _location(message: memoryview) -> Iterator[str]:
    """Yield the file that a key and value of external data name, if they name one."""
    pair = {field: bytes(value) for field, value in _fields(message) if not isinstance(value, int)}
    if pair.get(1) == b"location":
        yield pair.get(2, b"").decode("utf-8", "backslashreplace")


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field; numbers of fixed width are skipped."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        field, wire = key >> 3, key & 7
        if not 0 < field < HIGHEST_FIELD:
            raise ValueError(f"it has a field {field}")
        if wire == VARINT:
            value, at = _varint(message, at)
            yield field, value
        elif wire in (EIGHT_BYTES, FOUR_BYTES):
            at += 8 if wire == EIGHT_BYTES else 4
        elif wire == DELIMITED:
            length, at = _varint(message, at)
            if length > len(message) - at:
                raise ValueError("it ends too early")
            yield field, message[at : at + length]
            at += length
        else:
            raise ValueError(f"field {field} has the unknown type {wire}")
    if at > len(message):
        raise ValueError("it ends too early")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins at a byte, and where it ends."""
    value = 0
    for count in range(10):
        if at + count >= len(message):
            raise ValueError("it ends too early")
        byte = message[at + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, at + count + 1
    raise ValueError("a number is longer than 10 bytes")
