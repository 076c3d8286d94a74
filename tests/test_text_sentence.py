import json

import numpy as np
import pytest
from chandra_embed.inference.errors import BundleError
from chandra_embed.inference.text.sentence import BATCH, SentenceEncoder
from onnx_bytes import model as onnx_model

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

pytestmark = pytest.mark.train
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "low", "mass", "x", "-", "ray", "##s", "Low"]
# the padding's row is huge: it must not enter the mean
TABLE = np.random.default_rng(0).normal(size=(len(VOCABULARY), 4)).astype(np.float32)
TABLE[0] = 1e6
FEEDS = ("input_ids", "attention_mask", "token_type_ids")


def write_model(
    folder, *, feeds=FEEDS, kind=TensorProto.INT64, table=TABLE, width=4, output="last_hidden_state", rank=3
):
    """Write a model that gives each piece its row of a table."""
    nodes = [helper.make_node("Gather", ["table", feeds[0]], [output if rank == 3 else "rows"], axis=0)]
    shape = ["texts", "pieces", width]
    if rank == 2:
        nodes.append(helper.make_node("ReduceMean", ["rows"], [output], axes=[1], keepdims=0))
        shape = ["texts", width]
    graph = helper.make_graph(
        nodes,
        "table",
        [helper.make_tensor_value_info(name, kind, ["texts", "pieces"]) for name in feeds],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    return folder


def mean(*pieces):
    rows = TABLE[[VOCABULARY.index(piece) for piece in ("[CLS]", *pieces, "[SEP]")]].astype(np.float64)
    return rows.mean(axis=0) / np.linalg.norm(rows.mean(axis=0))


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"feeds": FEEDS[:1]},
        {"feeds": FEEDS[:2], "kind": TensorProto.INT32},
        {"width": "width", "output": "other"},
    ],
    ids=["three inputs", "one input", "int32", "open width"],
)
def test_vectors_are_unit_means_over_the_pieces(tmp_path, form):
    encoder = SentenceEncoder.load(write_model(tmp_path, **form), "cpu")
    assert encoder.size == 4
    found = encoder.encode(["Low-mass X-rays", "low", "", "unheard of"])
    assert found.dtype == np.float32
    expected = [
        mean("low", "-", "mass", "x", "-", "ray", "##s"),
        mean("low"),
        np.zeros(4),
        mean("[UNK]", "[UNK]"),
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_a_vector_is_the_same_alone_and_in_any_batch(tmp_path):
    encoder = SentenceEncoder.load(write_model(tmp_path), "cpu")
    texts = ["low mass " * (n % 7) + "x ray" for n in range(2 * BATCH + 3)]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)
    assert together.tobytes() == encoder.encode(texts).tobytes()


def test_no_texts(tmp_path):
    assert SentenceEncoder.load(write_model(tmp_path), "cpu").encode([]).shape == (0, 4)


def test_a_cased_model_says_so_beside_it(tmp_path):
    write_model(tmp_path)
    settings = tmp_path / "tokenizer_config.json"
    settings.write_text(json.dumps({"do_lower_case": False, "model_max_length": 1e30}))
    cased = SentenceEncoder.load(tmp_path, "cpu")
    np.testing.assert_allclose(cased.encode(["Low"])[0], mean("Low"), rtol=0, atol=1e-6)
    settings.write_text("{}")
    uncased = SentenceEncoder.load(tmp_path, "cpu")
    np.testing.assert_allclose(uncased.encode(["Low"])[0], mean("low"), rtol=0, atol=1e-6)
    for content in ("[]", "{", '{"do_lower_case": "no"}'):
        settings.write_text(content)
        with pytest.raises(BundleError, match=r"tokenizer_config\.json"):
            SentenceEncoder.load(tmp_path, "cpu")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"feeds": ("spectrum",)}, "takes spectrum; a sentence encoder takes"),
        ({"feeds": ("input_ids", "pixels")}, "takes input_ids, pixels"),
        ({"rank": 2}, "no output of shape"),
        ({"table": TABLE[:3], "width": 4}, "fails on texts"),
        ({"table": np.full_like(TABLE, np.nan)}, "not finite"),
    ],
)
def test_another_model_is_refused_by_name(tmp_path, form, said):
    with pytest.raises(BundleError, match=said) as caught:
        SentenceEncoder.load(write_model(tmp_path, **form), "cpu").encode(["low"])
    assert "model.onnx" in str(caught.value)


def test_a_missing_file_is_refused_by_name(tmp_path):
    write_model(tmp_path)
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"model\.onnx"):
        SentenceEncoder.load(tmp_path, "cpu")


def test_weights_in_another_file_are_refused(tmp_path):
    (tmp_path / "model.onnx").write_bytes(onnx_model("weights.bin"))
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n")
    with pytest.raises(BundleError, match=r"model\.onnx: keeps weights in other files \(weights\.bin\)"):
        SentenceEncoder.load(tmp_path, "cpu")
