"""Our own reader of ONNX files, against the onnx package and against bytes that are none."""

import random
from contextlib import suppress
from pathlib import Path

import pytest
from chandra_embed.models import registry
from chandra_embed.models.errors import BundleError
from chandra_embed.models.onnx_file import read_onnx
from onnx_bytes import field, model, tensor

# where a graph, a node's attribute or a function can hide a tensor
PLACES = {
    "initializer": lambda t: field(7, field(5, t)),
    "sparse values": lambda t: field(7, field(15, field(1, t))),
    "sparse indices": lambda t: field(7, field(15, field(2, t))),
    "attribute": lambda t: field(7, field(1, field(5, field(5, t)))),
    "attribute, list": lambda t: field(7, field(1, field(5, field(10, t)))),
    "attribute, sparse": lambda t: field(7, field(1, field(5, field(22, field(1, t))))),
    "attribute, sparse list": lambda t: field(7, field(1, field(5, field(23, field(1, t))))),
    "subgraph": lambda t: field(7, field(1, field(5, field(6, field(5, t))))),
    "subgraph, list": lambda t: field(7, field(1, field(5, field(11, field(5, t))))),
    "function": lambda t: field(25, field(7, field(5, field(5, t)))),
    "function's default": lambda t: field(25, field(11, field(5, t))),
    "training": lambda t: field(20, field(1, field(5, t))),
    "training, algorithm": lambda t: field(20, field(2, field(5, t))),
    "a second graph": lambda t: field(7, b"") + field(7, field(5, t)),
}


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_versions_are_those_of_onnx_itself_alone(tmp_path):
    facts = read_onnx(written(tmp_path / "m.onnx", model(opset=17, ir_version=9)))
    assert (facts.opset, facts.ir_version, facts.external) == (17, 9, set())


@pytest.mark.parametrize("place", PLACES)
def test_weights_elsewhere_are_found_wherever_they_are_named(tmp_path, place):
    path = written(tmp_path / "m.onnx", model() + PLACES[place](tensor("w.bin")))
    assert read_onnx(path).external == {"w.bin"}
    path.write_bytes(model() + PLACES[place](tensor(None)))
    assert read_onnx(path).external == set()


def test_weights_elsewhere_without_a_name_or_without_the_flag_are_found(tmp_path):
    bare = field(1, 1) + field(14, 1)
    path = written(tmp_path / "m.onnx", model("a.bin") + field(7, field(5, bare)))
    assert read_onnx(path).external == {"", "a.bin"}
    path.write_bytes(model() + field(7, field(5, tensor("b.bin", flagged=False))))
    assert read_onnx(path).external == {"b.bin"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"hello, world", "no ONNX model"),
        (model()[:-1], "ends too early"),
        (b"\x08", "ends too early"),
        (b"\x08" + b"\xff" * 11, "longer than 10 bytes"),
        (b"\x39\0\0", "ends too early"),
        (b"\x0b", "unknown type 3"),
        (b"\0\0", "a field 0"),
        (b"\x80\x80\x80\x80\x80\x01\0", "a field 4294967296"),
    ],
)
def test_bytes_that_are_no_model_are_refused_by_name(tmp_path, content, words):
    with pytest.raises(BundleError, match=rf"m\.onnx: is no ONNX model .*{words}|m\.onnx: is {words}"):
        read_onnx(written(tmp_path / "m.onnx", content))


def test_graphs_in_graphs_have_a_limit(tmp_path):
    deep = field(5, tensor("w.bin"))
    for _ in range(60):
        deep = field(1, field(5, field(6, deep)))
    with pytest.raises(BundleError, match="more than 100 deep"):
        read_onnx(written(tmp_path / "m.onnx", model(graph=deep)))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"absent\.onnx: cannot be read"):
        read_onnx(tmp_path / "absent.onnx")


def test_mutated_bytes_are_read_or_refused_and_never_crash(tmp_path):
    whole = (registry.find("spectrum-8") / "encoder.onnx").read_bytes()[-40_000:]
    sound, rng = model("w.bin", graph=field(10, b"text")), random.Random(0)
    for _ in range(300):
        content = bytearray(rng.choice([sound, whole]))
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        with suppress(BundleError):
            assert read_onnx(written(tmp_path / "m.onnx", bytes(content))).opset >= 0


@pytest.mark.train
def test_it_reads_what_the_onnx_package_reads(tmp_path):
    onnx = pytest.importorskip("onnx")
    numpy_helper = pytest.importorskip("onnx.numpy_helper")
    import numpy as np

    for path in registry.find("aligned-64").glob("*.onnx"):
        theirs, ours = onnx.load(path), read_onnx(path)
        assert ours.ir_version == theirs.ir_version
        assert ours.opset == max(each.version for each in theirs.opset_import if each.domain == "")
        assert ours.external == set()
    made = onnx.load(registry.find("spectrum-8") / "decoder.onnx")
    made.graph.initializer.append(numpy_helper.from_array(np.zeros(4096, np.float32), "more"))
    path = tmp_path / "m.onnx"
    onnx.save(made, path, save_as_external_data=True, location="beside.bin", size_threshold=1024)
    assert read_onnx(path).external == {"beside.bin"}
