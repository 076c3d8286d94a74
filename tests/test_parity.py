import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from chandra_embed.export.parity import awkward_spectra, check_parity, measure_parity  # noqa: E402
from chandra_embed.export.to_onnx import to_onnx  # noqa: E402
from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402

pytestmark = pytest.mark.train
torch.set_num_threads(1)  # the work is small: more threads only wait for each other


class Affine(torch.nn.Module):
    def __init__(self, slope, offset):
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor(slope))
        self.offset = torch.nn.Parameter(torch.tensor(offset))

    def forward(self, x):
        return x * self.slope, x.sum(dim=1, keepdim=True) + self.offset


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    path = tmp_path_factory.mktemp("frozen") / "affine.onnx"
    path.write_bytes(to_onnx(Affine(2.0, 1.0), 4, "x_in", ("a_out", "b_out")))
    return path


ROWS = np.random.default_rng(0).random((300, 4)).astype(np.float32)


def test_equal_modules_pass(frozen):
    worst = check_parity(Affine(2.0, 1.0), frozen, ("a_out", "b_out"), {"some": ROWS})
    assert set(worst) == {"a_out", "b_out"}
    assert 0 <= max(worst.values()) <= 1e-6


def test_difference_is_named(frozen):
    with pytest.raises(ChandraEmbedError, match=r"affine\.onnx: b_out differs .* on some .*1e-05.*nothing"):
        check_parity(Affine(2.0, 1.0001), frozen, ("a_out", "b_out"), {"some": ROWS})


def test_difference_in_the_last_row_of_the_last_batch_counts(frozen):
    rows = np.zeros((300, 4), np.float32)
    module = Affine(2.0001, 1.0)
    assert check_parity(module, frozen, ("a_out", "b_out"), {"zeros": rows})["a_out"] == 0
    rows[299, 3] = 1
    with pytest.raises(ChandraEmbedError, match="a_out differs"):
        check_parity(module, frozen, ("a_out", "b_out"), {"one": rows})


def test_not_a_number_fails(frozen):
    with pytest.raises(ChandraEmbedError, match="b_out differs from torch by nan"):
        check_parity(Affine(2.0, float("nan")), frozen, ("a_out", "b_out"), {"some": ROWS})


def test_other_output_names_fail(frozen):
    with pytest.raises(ChandraEmbedError, match="outputs are"):
        check_parity(Affine(2.0, 1.0), frozen, ("b_out", "a_out"), {"some": ROWS})


def test_rows_beyond_the_tolerance_are_counted(frozen):
    rows = np.zeros((3000, 4), np.float32)
    rows[7, 3] = 1
    found = measure_parity(Affine(2.0001, 1.0), frozen, ("a_out", "b_out"), rows)
    assert found["rows"] == 3000
    assert found["beyond"] == 1
    assert found["largest"] == pytest.approx(1e-4, rel=1e-2)
    rows[:5, 3] = 1
    with pytest.raises(ChandraEmbedError, match="6 of 3000"):
        measure_parity(Affine(2.0001, 1.0), frozen, ("a_out", "b_out"), rows)
    with pytest.raises(ChandraEmbedError, match="differs"):
        measure_parity(Affine(2.0, float("nan")), frozen, ("a_out", "b_out"), rows[:1])


def test_awkward_spectra():
    rows = awkward_spectra(400)
    assert rows.shape == (70, 400)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    width = np.ptp(rows, axis=1)
    assert (width == 0).sum() == 3
    assert (rows == 0).all(axis=1).any()
    assert width[width > 0].min() < 1e-5
    assert width.max() > 100
    assert (rows.min(axis=1) < 0).sum() > 30
