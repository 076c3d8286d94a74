"""HDF5 files: what is refused on opening, what is written into each."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.schema import COLUMNS, blank
from chandra_embed.inference.errors import StoreError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with store.create(tmp_path / "a.h5", store.SPECTRA, {"seed": 3}) as file:
        group = store.create_detections(file, 2)
        rows = blank(2)
        rows["name"][:] = ["2CXO J000000.0+000000", "naïve Ωmega"]
        rows["obsid"][:] = [7, -1]
        store.write_detections(group, 0, rows)
        store.finish(file)
    return tmp_path / "a.h5"


def test_round_trip(path: Path) -> None:
    with store.open_store(path, store.SPECTRA) as file:
        assert list(store.read_column(file, "name")) == ["2CXO J000000.0+000000", "naïve Ωmega"]
        assert list(store.read_column(file, "obsid")) == [7, -1]
        assert np.isnan(store.read_column(file, "ra")).all()
        assert list(store.read_column(file, "pileup_flag")) == [-1, -1]
        assert store.row_count(file) == 2
        assert file.attrs["seed"] == 3
        for name in ("created", "command", "versions", "format_version", "complete"):
            assert name in file.attrs


def test_every_column_is_little_endian_with_unit_and_description(path: Path) -> None:
    with h5py.File(path) as file:
        for c in COLUMNS:
            dataset = file["detection"][c.name]
            assert {"unit", "description"} <= set(dataset.attrs)
            assert dataset.dtype.byteorder in "<|="
            if c.length:
                assert h5py.check_string_dtype(dataset.dtype).length == c.length


def test_refusals(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="embed"):
        store.open_store(path, store.EMBEDDINGS)
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 2
    with pytest.raises(StoreError, match="upgrade"):
        store.open_store(path, store.SPECTRA)
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"], file.attrs["complete"] = 1, False
    with pytest.raises(StoreError, match="not finished"):
        store.open_store(path, store.SPECTRA)
    store.open_store(path, store.SPECTRA, unfinished=True).close()
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(StoreError, match="not an HDF5 file"):
        store.open_store(tmp_path / "text.h5", store.SPECTRA)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1]
    with pytest.raises(StoreError, match="None"):
        store.open_store(tmp_path / "other.h5", store.SPECTRA)
    with pytest.raises(StoreError, match="there is no folder"):
        store.create(tmp_path / "nowhere" / "a.h5", store.SPECTRA, {})


def test_a_column_that_is_not_there(path: Path) -> None:
    with store.open_store(path, store.SPECTRA) as file, pytest.raises(StoreError, match="colour"):
        store.read_column(file, "colour")


def test_may_write(path: Path, tmp_path: Path) -> None:
    store.may_write(tmp_path / "new.h5", False)
    store.may_write(path, True)
    with pytest.raises(StoreError, match="--overwrite"):
        store.may_write(path, False)
    with h5py.File(path, "r+") as file:
        file.attrs["complete"] = False
    store.may_write(path, False)
    (tmp_path / "text.h5").write_text("somebody's")
    with pytest.raises(StoreError, match="--overwrite"):
        store.may_write(tmp_path / "text.h5", False)


def test_empty_lists_of_text(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        store.write_dataset(file, "none", [], "", "nothing")
        store.write_dataset(file, "some", ["a", "longer"], "", "texts")
        assert file["none"].shape == (0,)
        assert list(file["some"].asstr()[...]) == ["a", "longer"]


def test_sha256_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert store.sha256_file(tmp_path / "a").startswith("ba7816bf8f01cfea")
