"""Two ONNX graphs made one: a frozen encoder whose last part gives way to a new head on its latents."""

from pathlib import Path
from typing import Any

from ..inference.errors import ChandraEmbedError

PREFIX = "align/"
LATENT, EMBEDDING = "latent_out", "embedding_out"


def with_head(encoder: Path, head: bytes, given: tuple[str, ...] = (LATENT,)) -> bytes:
    """Return an encoder whose embedding comes from another head.

    Parameters
    ----------
    encoder : Path
        ``encoder.onnx`` of a bundle: among its outputs are ``latent_out`` and ``embedding_out``.
    head : bytes
        ONNX of one input (batch, l) and one output (batch, d), of the same opset.
    given : tuple of str
        Outputs of the encoder that the head takes, side by side.

    Returns
    -------
    bytes
        The encoder's nodes as they are, without those that only its own embedding needed, then the
        head's, under names of their own; inputs and outputs keep their names and their order.

    Raises
    ------
    ChandraEmbedError
        The two are of different opsets, or the encoder does not give as many numbers as the head takes.
    """
    import onnx
    from onnx.compose import add_prefix

    model = onnx.load(encoder)
    top = add_prefix(onnx.load_from_string(head), PREFIX)
    ours, theirs = ({o.domain: o.version for o in m.opset_import} for m in (model, top))
    if ours != theirs:
        raise ChandraEmbedError(f"{encoder}: is of opset {ours}, the aligner of {theirs}; freeze it again")
    graph, door, made = model.graph, top.graph.input[0], top.graph.output[0]
    width = sum(_width(output) for output in graph.output if output.name in given)
    if width != _width(door):
        raise ChandraEmbedError(
            f"{encoder}: gives {width} numbers, the aligner takes {_width(door)}; they are of different runs"
        )
    _keep_only(graph, [output.name for output in graph.output if output.name != EMBEDDING])
    source = given[0]
    if len(given) > 1:
        source = f"{PREFIX}{'+'.join(given)}"
        graph.node.append(onnx.helper.make_node("Concat", list(given), [source], source, axis=1))
    for node in top.graph.node:
        _rename(node.input, door.name, source)
        _rename(node.output, made.name, EMBEDDING)
    graph.node.extend(top.graph.node)
    graph.initializer.extend(top.graph.initializer)
    old = next(output for output in graph.output if output.name == EMBEDDING)
    old.type.CopyFrom(made.type)
    graph.ClearField("value_info")
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _width(value: Any) -> int:
    return int(value.type.tensor_type.shape.dim[-1].dim_value)


def _rename(names: Any, old: str, new: str) -> None:
    for i, name in enumerate(names):
        if name == old:
            names[i] = new


def _keep_only(graph: Any, wanted: list[str]) -> None:
    """Remove nodes and initializers that the wanted outputs do not need, in place."""
    needed, nodes = set(wanted), []
    for node in reversed(graph.node):  # from the last to the first, as a graph is sorted
        if needed & set(node.output):
            needed |= set(node.input)
            nodes.append(node)
    initializers = [each for each in graph.initializer if each.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(nodes))
    graph.initializer.extend(initializers)
