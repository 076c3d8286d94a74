import re
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from chandra_embed.export.bundle import DECODER_OUTPUTS, ENCODER_OUTPUTS  # noqa: E402
from chandra_embed.export.parity import awkward_spectra, check_parity  # noqa: E402
from chandra_embed.export.to_onnx import OPSET, strip, to_onnx  # noqa: E402
from chandra_embed.inference.runtime import open_session  # noqa: E402
from chandra_embed.training.autoencoder import AutoencoderConfig, build  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other
MODEL = AutoencoderConfig(width=16, depth=1, heads=2, n_latent=3)


@pytest.fixture(scope="module")
def model():
    built = build(MODEL, 0)
    built.encoder.latent_mean.copy_(torch.tensor([0.1, -0.2, 0.3]))
    return built


@pytest.fixture(scope="module")
def recurrent():
    # of four tokens: the exporter goes through them one by one
    return build(replace(MODEL, kind="recurrent", patch=100), 0)


@pytest.fixture(scope="module")
def encoder(model):
    return to_onnx(model.encoder, 400, "spectrum", ENCODER_OUTPUTS)


@pytest.fixture(scope="module")
def decoder(model):
    return to_onnx(model.decoder, 3, "latent_in", DECODER_OUTPUTS)


def shapes(values):
    return {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}


def test_names_and_shapes(encoder, decoder):
    graph = onnx.load_from_string(encoder).graph
    assert shapes(graph.input) == {"spectrum": ["batch", 400]}
    assert shapes(graph.output) == {
        "latent_out": ["batch", 3],
        "normalised_out": ["batch", 400],
        "scale_out": ["batch", 2],
        "embedding_out": ["batch", 3],
    }
    graph = onnx.load_from_string(decoder).graph
    assert shapes(graph.input) == {"latent_in": ["batch", 3]}
    assert shapes(graph.output) == {"reconstruction_out": ["batch", 400]}


def test_opset_and_no_shape_operators(encoder, decoder):
    for data in (encoder, decoder):
        model = onnx.load_from_string(data)
        assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", OPSET)]
        assert not {"Shape", "If", "Loop", "Expand"} & {node.op_type for node in model.graph.node}
        assert not model.functions


def test_no_path_and_no_metadata(encoder, decoder):
    for data in (encoder, decoder):
        model = onnx.load_from_string(data)
        assert not model.metadata_props
        assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
        for tensor in model.graph.initializer:
            tensor.ClearField("raw_data")  # numbers may spell anything
        text = model.SerializeToString()
        assert re.findall(rb"[\w.-]*/[\w.-]+|[\w.-]+[/\\][\w.-]*|\.py\b|site-packages", text) == []


def test_strip_reaches_every_part(encoder):
    model = onnx.load_from_string(encoder)
    graph = model.graph
    parts = [model, graph, graph.node[3], graph.input[0], graph.output[1], graph.initializer[2]]
    for part in parts:
        part.doc_string = "/some/where.py"
        part.metadata_props.add(key="stack", value="/some/where.py")
    strip(model)
    assert b"/some/where" not in model.SerializeToString()


@pytest.mark.parametrize("n", [1, 2, 7, 65])
def test_any_batch_size(model, encoder, tmp_path, n):
    path = tmp_path / "encoder.onnx"
    path.write_bytes(encoder)
    session, _ = open_session(path, "cpu", 1)
    rows = np.random.default_rng(n).gamma(1.0, size=(n, 400)).astype(np.float32)
    found = session.run(["embedding_out"], {"spectrum": rows})[0]
    with torch.inference_mode():
        assert np.abs(found - model.encoder(torch.from_numpy(rows))[3].numpy()).max() <= 1e-5


@pytest.mark.parametrize("n", [1, 2, 65])
def test_recurrent(recurrent, recurrent_files, n):
    rows = awkward_spectra(400)[-n:]
    inputs, names = {"rows": rows}, (ENCODER_OUTPUTS, DECODER_OUTPUTS)
    check_parity(recurrent.encoder, recurrent_files[0], names[0], inputs)
    with torch.inference_mode():
        latents = {"latents": recurrent.encoder(torch.from_numpy(rows))[0].numpy()}
    check_parity(recurrent.decoder, recurrent_files[1], names[1], latents)


@pytest.fixture(scope="module")
def recurrent_files(recurrent, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recurrent")
    encoder, decoder = folder / "encoder.onnx", folder / "decoder.onnx"
    encoder.write_bytes(to_onnx(recurrent.encoder, 400, "spectrum", ENCODER_OUTPUTS))
    decoder.write_bytes(to_onnx(recurrent.decoder, 3, "latent_in", DECODER_OUTPUTS))
    return encoder, decoder


def test_nan_stays_nan_in_its_row_alone(encoder, tmp_path):
    path = tmp_path / "encoder.onnx"
    path.write_bytes(encoder)
    session, _ = open_session(path, "cpu", 1)
    rows = np.random.default_rng(0).gamma(1.0, size=(4, 400)).astype(np.float32)
    clean = session.run(None, {"spectrum": rows})
    rows[1, 3] = np.nan
    hurt = session.run(None, {"spectrum": rows})
    for name, a, b in zip(ENCODER_OUTPUTS, clean, hurt, strict=True):
        assert np.array_equal(a[[0, 2, 3]], b[[0, 2, 3]]), name
        # ONNX's minimum and maximum pass over NaN; everything after them does not
        assert np.isnan(b[1]).any() or name == "scale_out", name
