import json
from dataclasses import asdict

import pytest

torch = pytest.importorskip("torch")

from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.inference.recipe import Recipe  # noqa: E402
from chandra_embed.training import checkpoint  # noqa: E402
from chandra_embed.training.autoencoder import AutoencoderConfig, build  # noqa: E402
from chandra_embed.training.checkpoint import Checkpoint, first_difference  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other
MODEL = AutoencoderConfig(width=16, depth=1, heads=2, n_latent=3)


def meta(**changes):
    return {
        "format_version": 1,
        "model": asdict(MODEL),
        "training": {"epochs": 3, "seed": 0},
        "recipe": asdict(Recipe()),
        "recipe_fingerprint": Recipe().fingerprint,
        "data": {"files": [{"name": "a.h5", "sha256": "ab"}]},
        "history": [{"epoch": 1, "validation": 0.5}],
        "finished": True,
        **changes,
    }


@pytest.fixture
def state():
    model = build(MODEL, 1)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.rand(4, 400))[1].sum().backward()
    optimizer.step()
    weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    baseline = {"mean": torch.rand(400), "components": torch.rand(3, 400)}
    return Checkpoint(meta(), weights, weights, optimizer.state_dict(), baseline, torch.tensor([-5, 2**62]))


def test_round_trip(state, tmp_path):
    folder = tmp_path / "runs" / "a"
    checkpoint.save(folder, state)
    assert sorted(p.name for p in folder.iterdir()) == ["checkpoint.pt", "meta.json"]
    for path in (folder, folder / "checkpoint.pt"):
        found = checkpoint.load(path)
        assert found.meta == state.meta
        assert found.recipe == Recipe()
        assert found.seen.tolist() == [-5, 2**62]
        for name in state.best:
            assert torch.equal(found.best[name], state.best[name])
        rows = torch.rand(2, 400)
        model = found.autoencoder()
        assert not model.training
        assert torch.equal(model(rows)[1], state.autoencoder()(rows)[1])


def test_meta_json_is_the_same_for_people(state, tmp_path):
    checkpoint.save(tmp_path, state)
    assert json.loads((tmp_path / "meta.json").read_text()) == state.meta
    (tmp_path / "meta.json").write_text("altered")
    assert checkpoint.load(tmp_path).meta == state.meta


def test_holds_no_code(state, tmp_path):
    checkpoint.save(tmp_path, state)
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert set(content) == {"meta", "weights", "best", "optimizer", "baseline", "seen"}


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 torn"])
def test_file_that_is_no_checkpoint(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(ChandraEmbedError, match=r"checkpoint\.pt: not a checkpoint"):
        checkpoint.load(tmp_path)
    path.unlink()
    with pytest.raises(ChandraEmbedError, match="no such checkpoint"):
        checkpoint.load(tmp_path)


def test_newer_format_is_refused(state, tmp_path):
    state.meta["format_version"] = 2
    checkpoint.save(tmp_path, state)
    with pytest.raises(ChandraEmbedError, match=r"format version 2.*upgrade"):
        checkpoint.load(tmp_path)


def test_remove_takes_nothing_else(state, tmp_path):
    checkpoint.save(tmp_path, state)
    (tmp_path / "notes.txt").write_text("mine")
    checkpoint.remove(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, ""),
        ({"training": {"epochs": 4, "seed": 0}}, "epochs 3, this command says 4"),
        ({"training": {"epochs": 3, "seed": 0, "new": 1}}, "new None, this command says 1"),
        ({"training": {"epochs": 3, "seed": 0, "mask": 0.0}}, ""),
        ({"training": {"epochs": 3, "seed": 0, "mask": 0.2}}, "mask 0.0, this command says 0.2"),
        ({"recipe_fingerprint": "ff"}, f"recipe {Recipe().fingerprint}, the spectra have ff"),
        (
            {"data": {"files": [{"name": "a.h5", "sha256": "cd"}]}},
            "spectra a.h5 ab; this command names a.h5 cd",
        ),
    ],
)
def test_first_difference(changes, text):
    assert first_difference(meta(), meta(**changes)) == text
