"""A tiny aligned bundle, made with onnx.helper: random weights, the names and shapes of a real one."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from chandra_embed.inference.event_map import EventRecipe
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.text.tfidf import TfidfEncoder

LATENT, EVENT_LATENT, SHARED = 6, 5, 8
WORDS = ("hard", "soft", "variable", "pulsar", "accreting binary")
EVENTS = EventRecipe(bins_per_band=2, parts_per_band=1, time_bins=4)


def _save(path, nodes, put, outputs, weights):
    from onnx import TensorProto, checker, helper, numpy_helper, save

    def value(name, width):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])

    graph = helper.make_graph(
        [helper.make_node(kind, ins, outs, **attributes) for kind, ins, outs, attributes in nodes],
        "tiny",
        [value(*put)],
        [value(*output) for output in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    checker.check_model(model)
    save(model, path)


def _unit(given, output):
    """Return the nodes that bring rows to length 1."""
    return [
        ("ReduceL2", [given, "last"], ["length"], {"keepdims": 1}),
        ("Div", [given, "length"], [output], {}),
    ]


def _head(path, feed, width, rng):
    weights = {
        "w": rng.normal(size=(width, SHARED)).astype(np.float32),
        "b": rng.normal(size=SHARED).astype(np.float32),
        "last": np.array([1], np.int64),
    }
    nodes = [("Gemm", [feed, "w", "b"], ["raw"], {}), *_unit("raw", "shared_out")]
    _save(path, nodes, (feed, width), [("shared_out", SHARED)], weights)


def _spectrum(folder, rng):
    n = Recipe().n_bins
    weights = {
        "w": (rng.normal(size=(n, LATENT)) / 20).astype(np.float32),
        "h": rng.normal(size=(LATENT, SHARED)).astype(np.float32),
        "b": rng.normal(size=SHARED).astype(np.float32),
        "last": np.array([1], np.int64),
        "tiny": np.array(1e-30, np.float32),
    }
    nodes = [
        ("ReduceMin", ["spectrum", "last"], ["low"], {"keepdims": 1}),
        ("ReduceMax", ["spectrum", "last"], ["high"], {"keepdims": 1}),
        ("Concat", ["low", "high"], ["scale_out"], {"axis": 1}),
        ("Sub", ["spectrum", "low"], ["above"], {}),
        ("Sub", ["high", "low"], ["range"], {}),
        ("Max", ["range", "tiny"], ["width"], {}),
        ("Div", ["above", "width"], ["normalised_out"], {}),
        ("MatMul", ["normalised_out", "w"], ["latent_out"], {}),
        ("Gemm", ["latent_out", "h", "b"], ["raw"], {}),
        *_unit("raw", "embedding_out"),
    ]
    outputs = [("latent_out", LATENT), ("normalised_out", n), ("scale_out", 2), ("embedding_out", SHARED)]
    _save(folder / "encoder.onnx", nodes, ("spectrum", n), outputs, weights)
    back = {"w": (rng.normal(size=(LATENT, n)) / 20).astype(np.float32)}
    nodes = [("MatMul", ["latent_in", "w"], ["reconstruction_out"], {})]
    _save(folder / "decoder.onnx", nodes, ("latent_in", LATENT), [("reconstruction_out", n)], back)


def _events(folder, rng):
    width = EVENTS.width
    weights = {
        "one": np.array(1, np.float32),
        "w": rng.normal(size=(width, EVENT_LATENT)).astype(np.float32),
        "v": rng.normal(size=(EVENT_LATENT, width)).astype(np.float32),
    }
    nodes = [
        ("Add", ["event", "one"], ["more"], {}),
        ("Log", ["more"], ["logs"], {}),
        ("MatMul", ["logs", "w"], ["latent_out"], {}),
        ("MatMul", ["latent_out", "v"], ["reconstruction_out"], {}),
    ]
    outputs = [("latent_out", EVENT_LATENT), ("reconstruction_out", width)]
    _save(folder / "event_encoder.onnx", nodes, ("event", width), outputs, weights)
    _head(folder / "align_event.onnx", "event_latent_in", EVENT_LATENT, rng)


def _text(folder, rng):
    TfidfEncoder(WORDS, np.ones(len(WORDS)), rng.normal(size=(4, len(WORDS)))).save(folder / "text_encoder")
    _head(folder / "align_text.onnx", "text_in", 4, rng)


def seal(folder: Path, **changes) -> Path:
    """Write the manifest of what lies in a folder; `changes` replace or add keys."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    manifest = {
        "format_version": 1,
        "name": folder.name,
        "version": "1.0.0",
        "min_package": "0.1.0",
        "opset": 20,
        "ir_version": 10,
        "recipe": asdict(Recipe()),
        "recipe_fingerprint": Recipe().fingerprint,
        "event_recipe": json.loads(EVENTS.to_json()),
        "modalities": ["spectrum", "event", "text"],
        "files": files,
        **changes,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def write_aligned_bundle(folder: Path, *, seed: int = 0) -> Path:
    """Write a bundle of spectra, events and words in 8 shared dimensions."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    _spectrum(folder, rng)
    _events(folder, rng)
    _text(folder, rng)
    return seal(folder)
