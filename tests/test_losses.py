import pytest

torch = pytest.importorskip("torch")

from chandra_embed.training.losses import mean_absolute_error  # noqa: E402

pytestmark = pytest.mark.train


def test_value():
    a = torch.tensor([[0.0, 1.0], [0.5, 0.0]])
    b = torch.tensor([[0.5, 1.0], [0.0, -1.0]])
    assert float(mean_absolute_error(a, b)) == pytest.approx((0.5 + 0 + 0.5 + 1) / 4)


def test_one_outlier_pulls_no_harder_than_any_other_bin():
    reconstruction = torch.zeros(1, 4, requires_grad=True)
    mean_absolute_error(torch.tensor([[1.0, 100.0, -1.0, 0.1]]), reconstruction).backward()
    assert reconstruction.grad.abs().tolist() == [[0.25] * 4]
