"""From a torch module to one ONNX file: dynamic batch, no paths of this machine, the same bytes again."""

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

OPSET = 20


def to_onnx(module: nn.Module, width: int, input_name: str, output_names: Sequence[str]) -> bytes:
    """Return a module as ONNX.

    Parameters
    ----------
    module : nn.Module
        Takes one float32 Tensor of shape (batch, width) and returns one Tensor or a tuple.
    width : int
        Second dimension of the input.
    input_name : str
        Name of the input in the graph.
    output_names : sequence of str
        Names of the outputs. They must differ from every name inside the module (a buffer
        ``mean``, say): such a clash gives a file that does not load.

    Returns
    -------
    bytes
        An ONNX model of opset 20 with a symbolic first dimension ``batch`` and no metadata.
    """
    import onnx

    module.eval()
    # a batch of 1 would be traced as the constant 1
    example = torch.linspace(0, 1, 2 * width).reshape(2, width)
    with _quiet():
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[input_name],
            output_names=list(output_names),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            verbose=False,
        )
    if program is None:  # pragma: no cover - only without dynamo
        raise RuntimeError("torch.onnx.export returned no program")
    model = program.model_proto
    strip(model)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the exporter's own deprecations and its notes on packages that are not here: nothing to act on."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def strip(model: Any) -> None:
    """Remove doc strings and metadata (they hold source paths) from a model and all it holds, in place.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.
    """
    for part in _parts(model):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def _parts(model: Any) -> Iterable[Any]:
    """Yield the model, its graphs and functions, and every node, value and initializer in them."""
    yield model
    for holder in (model.graph, *model.functions):
        yield holder
        yield from holder.node
        yield from holder.value_info
    graph = model.graph
    yield from graph.input
    yield from graph.output
    yield from graph.initializer
