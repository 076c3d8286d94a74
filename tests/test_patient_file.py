"""A disk that refuses is told afterwards, in one error, and HDF5 closes in peace."""

import errno
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from chandra_embed.inference.catalog.patient_file import PatientFile


def test_hdf5_through_it_is_hdf5(tmp_path: Path) -> None:
    disk = PatientFile(tmp_path / "a.h5")
    with h5py.File(disk, "w") as file:
        file["x"] = np.arange(100_000)
        file.attrs["y"] = 1
    disk.check()
    disk.close()
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["x"][...], np.arange(100_000))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_refusal_is_kept_and_nothing_is_written_any_more() -> None:
    disk = PatientFile(Path("/dev/full"))
    assert disk.write(b"abc") == 3
    with pytest.raises(OSError, match="/dev/full") as caught:
        disk.check()
    assert caught.value.errno == errno.ENOSPC
    assert disk.write(b"abc") == 3
    disk.close()


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        PatientFile(tmp_path / "no" / "a.h5")
