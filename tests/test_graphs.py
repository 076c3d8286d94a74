import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from chandra_embed.export.graphs import with_head  # noqa: E402
from chandra_embed.export.parity import awkward_spectra  # noqa: E402
from chandra_embed.export.to_onnx import to_onnx  # noqa: E402
from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.inference.runtime import open_session  # noqa: E402
from chandra_embed.models.registry import find  # noqa: E402
from chandra_embed.training.aligner import AlignerConfig, build_aligner  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def head():
    return build_aligner(AlignerConfig(spectrum=64, text=4, size=7, hidden=9), 0).eval().heads["spectrum"]


@pytest.fixture(scope="module")
def frozen(head):
    return to_onnx(head, 64, "latent_in", ("shared_out",))


@pytest.fixture(scope="module")
def joined(frozen, tmp_path_factory):
    path = tmp_path_factory.mktemp("graphs") / "encoder.onnx"
    path.write_bytes(with_head(find("spectrum-64") / "encoder.onnx", frozen))
    return path


def test_a_new_embedding_and_the_rest_as_before(joined, head):
    rows = awkward_spectra(400)
    new, _ = open_session(joined, "cpu")
    old, _ = open_session(find("spectrum-64") / "encoder.onnx", "cpu")
    names = [output.name for output in old.get_outputs()]
    assert [output.name for output in new.get_outputs()] == names
    found = dict(zip(names, new.run(names, {"spectrum": rows}), strict=True))
    before = dict(zip(names, old.run(names, {"spectrum": rows}), strict=True))
    for name in ("latent_out", "normalised_out", "scale_out"):
        np.testing.assert_allclose(found[name], before[name], rtol=1e-6, atol=1e-6)
    assert found["embedding_out"].shape == (70, 7)
    with torch.inference_mode():
        expected = head(torch.from_numpy(found["latent_out"])).numpy()
    np.testing.assert_allclose(found["embedding_out"], expected, rtol=0, atol=1e-6)
    alone = new.run(["embedding_out"], {"spectrum": rows[:1]})[0]
    np.testing.assert_allclose(alone, expected[:1], rtol=0, atol=1e-5)


def test_what_the_old_embedding_needed_is_gone(joined):
    new, old = onnx.load(joined), onnx.load(find("spectrum-64") / "encoder.onnx")
    names = {each.name for each in new.graph.initializer}
    assert not names & {"latent_mean", "first_axis"}
    assert "to_latent.weight" in names
    assert new.ir_version == old.ir_version
    assert [o.version for o in new.opset_import] == [20]
    used = {name for node in new.graph.node for name in node.input}
    assert names <= used
    shape = next(o for o in new.graph.output if o.name == "embedding_out").type.tensor_type.shape
    assert [d.dim_param or d.dim_value for d in shape.dim] == ["batch", 7]


def test_two_outputs_go_in_side_by_side(tmp_path):
    config = AlignerConfig(spectrum=66, text=4, size=7, hidden=9)
    head = build_aligner(config, 0).eval().heads["spectrum"]
    made = to_onnx(head, 66, "given_in", ("shared_out",))
    path = tmp_path / "encoder.onnx"
    path.write_bytes(with_head(find("spectrum-64") / "encoder.onnx", made, ("latent_out", "scale_out")))
    session, _ = open_session(path, "cpu")
    latent, scale, shared = session.run(
        ["latent_out", "scale_out", "embedding_out"], {"spectrum": awkward_spectra(400)[:20]}
    )
    with torch.inference_mode():
        expected = head(torch.from_numpy(np.hstack([latent, scale]))).numpy()
    np.testing.assert_allclose(shared, expected, rtol=0, atol=1e-6)


def test_same_bytes_again(joined, head):
    again = with_head(find("spectrum-64") / "encoder.onnx", to_onnx(head, 64, "latent_in", ("shared_out",)))
    assert again == joined.read_bytes()


def test_latents_of_another_length(frozen):
    with pytest.raises(ChandraEmbedError, match="8 numbers, the aligner takes 64"):
        with_head(find("spectrum-8") / "encoder.onnx", frozen)


def test_another_opset(frozen):
    made = onnx.load_from_string(frozen)
    made.opset_import[0].version = 21
    with pytest.raises(ChandraEmbedError, match="opset"):
        with_head(find("spectrum-64") / "encoder.onnx", made.SerializeToString())
