"""The layout of an embeddings file before its first row."""

import h5py
import pytest
from chandra_embed.inference.catalog import embeddings_file, store
from chandra_embed.inference.catalog.embeddings_file import lay_out
from chandra_embed.inference.errors import StoreError
from small import write_spectra

DATASETS = {
    "embedding": ((9, 3), "unit row"),
    "embedding_event": ((9, 3), "NaN: none"),
    "latent": ((9, 2), "l"),
}


@pytest.fixture
def source(tmp_path):
    with store.open_store(write_spectra(tmp_path / "s.h5", 9), store.SPECTRA) as file:
        yield file


def test_every_dataset_has_its_size_place_and_modality(source, tmp_path):
    lay_out(source, tmp_path / "e.h5", DATASETS, {"bundle": "b"})
    with h5py.File(tmp_path / "e.h5") as file:
        assert (file.attrs["rows_done"], file.attrs["bundle"]) == (0, "b")
        assert not file.attrs["complete"]
        for name, (shape, text) in DATASETS.items():
            assert (file[name].shape, file[name].attrs["description"]) == (shape, text)
            assert file[name].id.get_offset() is not None
        assert file["embedding"].attrs["modality"] == "spectrum"
        assert file["embedding_event"].attrs["modality"] == "event"
        assert "modality" not in file["latent"].attrs
        assert file["detection/obsid"][...].tolist() == list(range(9))


def test_a_failure_leaves_neither_file_nor_draft(source, tmp_path, monkeypatch):
    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(embeddings_file, "_copy_detections", fail)
    with pytest.raises(KeyboardInterrupt):
        lay_out(source, tmp_path / "e.h5", DATASETS, {})
    assert [path.name for path in tmp_path.iterdir()] == ["s.h5"]


def test_a_missing_folder_is_named(source, tmp_path):
    with pytest.raises(StoreError, match=r"the folder .* does not exist"):
        lay_out(source, tmp_path / "no" / "e.h5", DATASETS, {})
