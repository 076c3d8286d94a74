import h5py
import pytest
from chandra_embed.inference.errors import StoreError
from chandra_embed.training.evaluation.spectra_rows import read_rows
from small import write_spectra


def test_nothing_with_a_shape_is_refused(tmp_path):
    path = write_spectra(tmp_path / "flat.h5", 3)
    with h5py.File(path, "r+") as file:
        file["spectrum/value"][...] = 1
    with pytest.raises(StoreError, match=r"flat\.h5: holds no spectrum"):
        read_rows(path)
