import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from chandra_embed.export.events import EVENT_OUTPUTS, event_encoder_onnx  # noqa: E402
from chandra_embed.export.parity import check_parity  # noqa: E402
from chandra_embed.inference.event_list import EventList  # noqa: E402
from chandra_embed.inference.event_map import EventRecipe, event_maps  # noqa: E402
from chandra_embed.training.event_data import make_event_maps  # noqa: E402
from chandra_embed.training.events import (  # noqa: E402
    EventAutoencoderConfig,
    EventTrainConfig,
    train_events,
)
from event_rows import draw_lists  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    names = np.array([f"source {i}" for i in range(120)])
    data = make_event_maps(draw_lists(120), names, np.full(120, 50.0), EventRecipe())
    config = EventTrainConfig(EventAutoencoderConfig(6, hidden=32), epochs=2, batch_size=16)
    return train_events(data, config, tmp_path_factory.mktemp("events"))


@pytest.fixture(scope="module")
def frozen(checkpoint):
    return event_encoder_onnx(checkpoint)


def awkward():
    """Empty, one event, very bright and constant, very bright and all at one moment."""
    rng = np.random.default_rng(0)
    gti = np.array([[0.0, 3e4]])
    lists = [EventList(np.zeros(0), np.zeros(0, np.float32), gti)]
    lists.append(EventList(np.ones(1), np.ones(1, np.float32), gti))
    for time in (np.sort(rng.uniform(0, 3e4, 100_000)), np.full(100_000, 77.0)):
        lists.append(EventList(time, rng.uniform(0.4, 8, 100_000).astype(np.float32), gti))
    return lists


def test_names_shapes_and_operators(frozen, checkpoint):
    model = onnx.load_from_string(frozen)
    ends = {
        end.name: [d.dim_param or d.dim_value for d in end.type.tensor_type.shape.dim]
        for end in (*model.graph.input, *model.graph.output)
    }
    width = checkpoint.recipe.width
    assert ends == {
        "event": ["batch", width],
        "latent_out": ["batch", 6],
        "reconstruction_out": ["batch", width - 1],
    }
    assert not {"Shape", "If", "Loop", "Expand"} & {node.op_type for node in model.graph.node}
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 20)]


def test_frozen_file_gives_what_torch_gives(frozen, checkpoint, tmp_path):
    path = tmp_path / "event_encoder.onnx"
    path.write_bytes(frozen)
    rows = event_maps([*draw_lists(20, seed=3), *awkward()], checkpoint.recipe)
    worst = check_parity(checkpoint.model(), path, EVENT_OUTPUTS, {"made up": rows, "one": rows[-1:]})
    assert set(worst) == set(EVENT_OUTPUTS)
