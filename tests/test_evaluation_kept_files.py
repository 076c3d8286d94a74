import h5py
import numpy as np
import pytest
from chandra_embed.inference.errors import StoreError
from chandra_embed.inference.simulate.output import DRAWS
from chandra_embed.training.evaluation.kept_files import kept_file
from small import write_spectra


@pytest.fixture
def made(tmp_path):
    """Path of a file in a folder that is not there yet, how to write it, and how often it was written."""
    path, times = tmp_path / "new" / "kept.h5", []

    def simulate():
        path.unlink(missing_ok=True)
        write_spectra(path, 3)
        with h5py.File(path, "r+") as file:
            file.attrs["seed"] = len(times)
            file.attrs["draws"] = DRAWS
        times.append(path)

    return path, simulate, times


def test_a_file_is_made_once_and_anew_where_it_does_not_fit(made):
    path, simulate, times = made
    for _ in range(2):
        kept_file(path, {"seed": 0}, simulate)
        assert len(times) == 1
    kept_file(path, {"seed": 1}, simulate)
    assert len(times) == 2
    kept_file(path, {"seed": 1, "never": "heard of"}, simulate)
    assert len(times) == 3


def test_a_file_of_a_simulator_that_drew_otherwise_is_made_anew(made):
    path, simulate, times = made
    kept_file(path, {"seed": 0}, simulate)
    with h5py.File(path, "r+") as file:
        file.attrs.modify("draws", DRAWS - 1)
        file.attrs.modify("seed", 1)
    kept_file(path, {"seed": 1}, simulate)
    assert len(times) == 2


def test_a_file_that_is_not_complete_is_made_anew(made):
    path, simulate, times = made
    kept_file(path, {"seed": 0}, simulate)
    with h5py.File(path, "r+") as file:
        file.attrs.modify("complete", np.False_)
    kept_file(path, {"seed": 0}, simulate)
    assert len(times) == 2


def test_a_file_of_another_number_of_detections_is_made_anew(made):
    path, simulate, times = made
    kept_file(path, {"seed": 0}, simulate, 3)
    kept_file(path, {"seed": 0}, simulate, 3)
    assert len(times) == 1
    kept_file(path, {"seed": 0}, simulate, 12)
    assert len(times) == 2


def test_a_file_of_another_kind_is_not_replaced(made):
    path, simulate, times = made
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(StoreError):
        kept_file(path, {"seed": 0}, simulate)
    assert path.read_text() == "mine"
    assert not times
