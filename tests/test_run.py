"""What the training loops share: each piece does what its name says, and undoes what it lent."""

import copy
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.training import checkpoint  # noqa: E402
from chandra_embed.training.checkpoint import Checkpoint  # noqa: E402
from chandra_embed.training.run import (  # noqa: E402
    copy_weights,
    descend,
    exhausted,
    restore,
    seed_epoch,
    torch_state,
    unfinished,
)

pytestmark = pytest.mark.train


def meta(**changes):
    return {
        "format_version": 1,
        "model": {"width": 3},
        "training": {"seed": 0},
        "recipe_fingerprint": "f",
        "data": {"files": [{"name": "a.h5", "sha256": "1"}]},
        "history": [],
        "finished": False,
        **changes,
    }


def keep(folder, **changes):
    checkpoint.save(folder, Checkpoint(meta(**changes), {}, {}, {}, {}, torch.zeros(1, dtype=torch.int64)))


def test_an_unfinished_run_of_the_same_settings_is_found(tmp_path):
    assert unfinished(tmp_path, meta()) is None
    keep(tmp_path)
    found = unfinished(tmp_path, meta())
    assert found is not None
    assert found.meta == meta()


@pytest.mark.parametrize(
    ("stored", "asked", "text"),
    [
        ({"finished": True}, {}, "holds a finished run"),
        ({}, {"kind": "events"}, "another kind of model"),
        ({"kind": "aligner"}, {"kind": "events"}, "another kind of model"),
        ({}, {"training": {"seed": 5}}, "seed 0, this command says 5"),
        ({}, {"data": {"files": [{"name": "b.h5", "sha256": "2"}]}}, "spectra a.h5 1"),
    ],
)
def test_another_run_is_refused_with_what_differs(tmp_path, stored, asked, text):
    keep(tmp_path, **stored)
    with pytest.raises(ChandraEmbedError, match=text):
        unfinished(tmp_path, meta(**asked))


def test_restore_brings_weights_and_optimizer_back():
    def start():
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        return model, torch.optim.AdamW(model.parameters(), lr=0.1)

    x = torch.arange(12.0).reshape(4, 3)
    model, optimizer = start()
    descend(model(x).square().mean(), model, optimizer, rate=0.1, clip=1.0, epoch=0, mend="")
    state = Checkpoint({}, copy_weights(model), {}, copy.deepcopy(optimizer.state_dict()), {}, torch.zeros(0))
    again, other = start()
    restore(state, again, other)
    for m, o in ((model, optimizer), (again, other)):
        descend(m(x).square().mean(), m, o, rate=0.05, clip=1.0, epoch=1, mend="")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_one_step_is_the_clipped_gradient_times_the_rate():
    weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    model = torch.nn.ParameterList([weight])
    optimizer = torch.optim.SGD([weight], lr=99.0)
    loss = (weight * torch.tensor([30.0, 40.0])).sum()  # a gradient of norm 50
    assert descend(loss, model, optimizer, rate=0.5, clip=1.0, epoch=0, mend="") == 250.0
    np.testing.assert_allclose(weight.detach(), [3.0 - 0.5 * 0.6, 4.0 - 0.5 * 0.8], rtol=1e-5)


def test_a_loss_that_is_not_finite_changes_nothing():
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with pytest.raises(ChandraEmbedError, match="epoch 3: the loss is nan; try less"):
        descend(
            weight.sum() * math.nan,
            torch.nn.ParameterList([weight]),
            optimizer,
            rate=0.1,
            clip=1.0,
            epoch=2,
            mend="try less",
        )
    assert weight.item() == 1.0


def test_exhausted_counts_epochs_since_the_first_best():
    assert not exhausted([], 1)
    assert not exhausted([3.0, 2.0], 1)
    assert exhausted([2.0, 3.0], 1)
    assert not exhausted([2.0, 2.0, 1.0, 1.0], 2)
    assert exhausted([2.0, 1.0, 1.0, 1.0], 2)


def test_copies_do_not_follow_the_model():
    model = torch.nn.Linear(2, 1)
    copied = copy_weights(model)
    before = copied["weight"].clone()
    with torch.no_grad():
        model.weight.add_(1)
    assert torch.equal(copied["weight"], before)


def test_threads_and_random_numbers_are_given_back():
    threads = torch.get_num_threads()
    torch.manual_seed(7)
    wanted = torch.rand(2)
    torch.manual_seed(7)
    with torch_state(threads + 1):
        assert torch.get_num_threads() == threads + 1
        seed_epoch(3, 1)
        first = torch.rand(2)
        seed_epoch(3, 1)
        assert torch.equal(torch.rand(2), first)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.rand(2), wanted)
