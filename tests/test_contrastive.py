import math

import naive
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from chandra_embed.training.contrastive import (  # noqa: E402
    geometry,
    info_nce,
    same_group,
    soft_targets,
    variance_covariance,
)

pytestmark = pytest.mark.train
torch.set_num_threads(1)


def unit(rng, n, d):
    rows = rng.normal(size=(n, d))
    return torch.from_numpy((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))


def log(temperature):
    return torch.tensor(math.log(temperature))


GROUPS = {
    "all different": [0, 1, 2, 3, 4, 5, 6],
    "some alike": [0, 0, 1, 2, 1, 0, 3],
    "two groups": [5, 5, 5, 5, 9, 9, 9],
    "one group": [1] * 7,
    "one row": [4],
}


@pytest.mark.parametrize("temperature", [0.01, 0.07, 1.0])
@pytest.mark.parametrize("name", GROUPS)
def test_info_nce_is_the_formula(name, temperature):
    rng, groups = np.random.default_rng(1), GROUPS[name]
    a, b = unit(rng, len(groups), 5), unit(rng, len(groups), 5)
    found = info_nce(a, b, torch.tensor(groups), log(temperature))
    assert float(found) == pytest.approx(naive.info_nce(a, b, groups, temperature), rel=1e-4, abs=1e-6)
    assert float(info_nce(b, a, torch.tensor(groups), log(temperature))) == pytest.approx(
        float(found), rel=1e-5, abs=1e-7
    )


def test_rows_of_one_source_are_never_negatives():
    rng = np.random.default_rng(2)
    groups = torch.tensor([0, 0, 1, 2])
    a, b = unit(rng, 4, 6).requires_grad_(), unit(rng, 4, 6)
    b[1] = b[0]
    # with all else masked there is nothing to push from
    assert float(info_nce(a, b, torch.zeros(4, dtype=torch.int64), log(0.1)).detach()) == 0.0
    info_nce(a, b, groups, log(0.1)).backward()
    # moving another text of the same source changes nothing for row 0 of that direction
    moved = b.clone()
    moved[1] = -b[1]

    def first_row(targets):
        logits = (a.detach() @ targets.T / 0.1).masked_fill(same_group(groups), -torch.inf)
        return torch.log_softmax(logits, dim=1)[0, 0]

    assert float(first_row(moved)) == float(first_row(b))
    unmasked = info_nce(a, b, torch.arange(4), log(0.1))
    assert float(unmasked.detach()) > float(info_nce(a, b, groups, log(0.1)).detach())


def test_identical_pairs_in_orthogonal_directions_cost_nothing_when_cold():
    a = torch.eye(4)
    assert float(info_nce(a, a, torch.arange(4), log(0.01))) == pytest.approx(0, abs=1e-6)
    assert float(info_nce(a, a, torch.arange(4), log(1.0))) == pytest.approx(
        math.log(1 + 3 / math.e), rel=1e-6
    )


def test_the_temperature_is_used_and_has_a_gradient():
    rng = np.random.default_rng(3)
    a, b = unit(rng, 8, 4), unit(rng, 8, 4)
    t = torch.tensor(math.log(0.2), requires_grad=True)
    info_nce(a, b, torch.arange(8), t).backward()
    step = 1e-2
    ends = [float(info_nce(a, b, torch.arange(8), t.detach() + s)) for s in (step, -step)]
    assert abs(float(t.grad)) > 0.1
    assert float(t.grad) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-2)


@pytest.mark.parametrize("name", GROUPS)
def test_soft_targets_are_the_formula(name):
    rng, groups = np.random.default_rng(4), GROUPS[name]
    text = unit(rng, len(groups), 3)
    text[0] = 0  # a text without a known word
    found = soft_targets(text, torch.tensor(groups), 0.3)
    np.testing.assert_allclose(found, naive.soft_targets(text, groups, 0.3), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.sum(dim=1), 1, rtol=1e-6)
    a, b = unit(rng, len(groups), 5), unit(rng, len(groups), 5)
    loss = info_nce(a, b, torch.tensor(groups), log(0.1), found)
    assert float(loss) == pytest.approx(naive.info_nce(a, b, groups, 0.1, found), rel=1e-4, abs=1e-6)


def test_no_share_given_away_is_the_plain_loss():
    rng = np.random.default_rng(5)
    a, b, groups = unit(rng, 9, 4), unit(rng, 9, 4), torch.tensor([0, 0, 1, 2, 3, 4, 5, 6, 6])
    soft = soft_targets(unit(rng, 9, 3), groups, 0.0)
    assert float(info_nce(a, b, groups, log(0.1), soft)) == pytest.approx(
        float(info_nce(a, b, groups, log(0.1))), rel=1e-6
    )


@pytest.mark.parametrize("rows", [2, 3, 40])
def test_variance_covariance_is_the_formula(rows):
    z = unit(np.random.default_rng(6), rows, 5)
    assert float(variance_covariance(z)) == pytest.approx(naive.variance_covariance(z.numpy()), rel=1e-4)


def test_variance_covariance_of_a_collapsed_and_of_a_full_space():
    collapsed = torch.zeros(10, 4)
    collapsed[:, 0] = 1
    assert float(variance_covariance(collapsed)) == pytest.approx(1 - 1e-2, rel=1e-5)
    full = torch.cat([torch.eye(4), -torch.eye(4)]).repeat(50, 1)
    assert float(variance_covariance(full)) < 1e-6
    line = torch.tensor([[1.0, 1.0], [-1.0, -1.0]]).repeat(50, 1) / math.sqrt(2)
    assert float(variance_covariance(line)) > 0.03  # spread, but one direction follows the other


def test_collapse_has_a_finite_gradient():
    z = torch.full((6, 4), 0.5, requires_grad=True)
    variance_covariance(z).backward()
    assert torch.isfinite(z.grad).all()


def test_geometry_is_the_formula():
    rng = np.random.default_rng(7)
    z, x = unit(rng, 12, 4), torch.from_numpy(rng.normal(size=(12, 7)).astype(np.float32))
    x[3] = 0
    assert float(geometry(z, x)) == pytest.approx(naive.geometry(z.numpy(), x.numpy()), rel=1e-5)


def test_a_rotation_keeps_the_geometry():
    rng = np.random.default_rng(8)
    x = unit(rng, 20, 4)
    turn = torch.from_numpy(np.linalg.qr(rng.normal(size=(4, 4)))[0].astype(np.float32))
    assert float(geometry(x @ turn, 3 * x)) < 1e-12
    assert float(geometry(torch.cat([x[:1]] * 20), x)) > 0.5


def test_same_group():
    assert same_group(torch.tensor([1, 2, 1])).tolist() == [
        [False, False, True],
        [False, False, False],
        [True, False, False],
    ]
