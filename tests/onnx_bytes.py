"""ONNX files byte by byte, right and wrong, without the onnx package."""


def number(value: int) -> bytes:
    """Encode a whole number as protobuf does."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def field(at: int, value: int | bytes) -> bytes:
    """Encode one field: a number, or bytes with their length before them."""
    if isinstance(value, int):
        return number(at << 3) + number(value)
    return number(at << 3 | 2) + number(len(value)) + value


def tensor(location: str | None, flagged: bool = True) -> bytes:
    """Weights in another file; None: in the model."""
    if location is None:
        return field(1, 1) + field(9, b"\0\0\0\0")
    entry = field(1, b"location") + field(2, location.encode())
    return field(1, 1) + field(13, entry) + (field(14, 1) if flagged else b"")


def model(location: str | None = None, *, opset: int = 20, ir_version: int = 10, graph: bytes = b"") -> bytes:
    """Return a model of one tensor, whose weights lie in `location`; `graph` comes after them."""
    versions = field(8, field(2, opset)) + field(8, field(1, b"com.microsoft") + field(2, 1000))
    return field(1, ir_version) + field(7, field(5, tensor(location)) + graph) + versions
