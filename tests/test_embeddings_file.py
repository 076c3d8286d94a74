"""The layout of an embeddings file before its first row."""

import h5py
import numpy as np
import pytest
from chandra_embed.inference.catalog import embeddings_file, store
from chandra_embed.inference.catalog.embeddings_file import Filling, draft_of, lay_out
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
    assert not (tmp_path / "e.h5").exists()
    with h5py.File(draft_of(tmp_path / "e.h5"), "r+") as file:
        assert (file.attrs["rows_done"], file.attrs["bundle"]) == (0, "b")
        assert not file.attrs["complete"]
        for name, (shape, text) in DATASETS.items():
            assert (file[name].shape, file[name].attrs["description"]) == (shape, text)
            assert file[name].id.get_offset() is not None
        assert file["embedding"].attrs["modality"] == "spectrum"
        assert file["embedding_event"].attrs["modality"] == "event"
        assert "modality" not in file["latent"].attrs
        assert set(file["detection"]) == set(source["detection"])
        assert file["detection/obsid"].shape == (9,)


def rows_of(start, stop):
    n = stop - start
    filled = np.arange(start, stop, dtype=np.float32)[:, None]
    return {name: filled + np.zeros((n, shape[1])) for name, (shape, _) in DATASETS.items()}


def test_the_draft_takes_its_name_with_the_first_rows_that_are_done(source, tmp_path):
    output = tmp_path / "e.h5"
    lay_out(source, output, DATASETS, {})
    with Filling(source, output, drafted=True) as filling:
        filling.write(0, rows_of(0, 4))
        assert draft_of(output).exists()
        assert not output.exists()
        filling.done(4, {"input_sha256": "abc"})
        assert not draft_of(output).exists()
        filling.write(4, rows_of(4, 9))
        assert filling.rows_done == 4
    with Filling(source, output, drafted=False) as filling:
        assert (filling.rows_done, filling.file.attrs["input_sha256"]) == (4, "abc")
        filling.write(4, rows_of(4, 9))
        filling.done(9, {})
        filling.finish()
    with store.open_store(output, store.EMBEDDINGS) as file:
        assert file["latent"][:, 1].tolist() == list(range(9))
        assert file["detection/obsid"][...].tolist() == list(range(9))
        assert file.attrs["rows_done"] == 9


def test_an_error_before_any_rows_are_done_leaves_nothing(source, tmp_path):
    lay_out(source, tmp_path / "e.h5", DATASETS, {})
    with pytest.raises(KeyError), Filling(source, tmp_path / "e.h5", drafted=True):
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["s.h5"]


def test_the_room_is_taken_before_the_first_row(source, tmp_path):
    lay_out(source, tmp_path / "e.h5", {**DATASETS, "wide": ((9, 300_000), "w")}, {})
    state = draft_of(tmp_path / "e.h5").stat()
    assert state.st_blocks * 512 >= state.st_size > 9 * 300_000 * 4


def test_a_file_that_no_disk_holds_is_refused(source, tmp_path):
    with pytest.raises(StoreError, match=r"e\.h5: needs [\d,]+ MB and [\d,]+ MB are free; make room"):
        lay_out(source, tmp_path / "e.h5", {"wide": ((9, 10**15), "w")}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["s.h5"]


def test_a_failure_leaves_neither_file_nor_draft(source, tmp_path, monkeypatch):
    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(embeddings_file, "_create_detections", fail)
    with pytest.raises(KeyboardInterrupt):
        lay_out(source, tmp_path / "e.h5", DATASETS, {})
    assert [path.name for path in tmp_path.iterdir()] == ["s.h5"]


def test_a_missing_folder_is_named(source, tmp_path):
    with pytest.raises(StoreError, match="there is no folder"):
        lay_out(source, tmp_path / "no" / "e.h5", DATASETS, {})
