import h5py
import naive
import numpy as np
import pytest
from chandra_embed.inference import nearest_sources
from chandra_embed.inference.errors import StoreError
from chandra_embed.inference.nearest_sources import most_similar, read_embedding, similarity_to
from embeddings_file import write_embeddings
from unit_rows import hard_rows


@pytest.mark.parametrize("block", [7, 40, 1000])
def test_similarities_are_sums_in_index_order(block, monkeypatch):
    monkeypatch.setattr(nearest_sources, "BLOCK", block)
    x = hard_rows(90)
    assert np.array_equal(similarity_to(x, x[4]), naive.similarities(x[4:5], x)[0])


def test_a_row_without_embedding_has_no_similarity():
    x = hard_rows(5).copy()
    x[2] = np.nan
    assert np.isnan(similarity_to(x, x[0])).tolist() == [False, False, True, False, False]
    assert similarity_to(x[:0], x[0]).shape == (0,)


VALUES = np.array([0.5, 0.9, 0.9, np.nan, 0.7, 0.1])
SOURCES = np.array(["a", "b", "b", "c", "", ""])


@pytest.mark.parametrize(
    ("k", "options", "expected"),
    [
        (9, {}, [1, 4, 0, 5]),
        (2, {}, [1, 4]),
        (3, {"all_detections": True}, [1, 2, 4]),
        (9, {"usable": np.arange(6) != 1}, [2, 4, 0, 5]),
        (9, {"usable": np.zeros(6, bool)}, []),
        (0, {}, []),
    ],
)
def test_one_detection_a_source_the_lower_row_of_equals(k, options, expected):
    found = most_similar(VALUES, SOURCES, k, **options)
    assert found.tolist() == expected
    assert found.dtype == np.int64


def test_rows_that_are_nan_throughout_are_read(tmp_path):
    path = write_embeddings(tmp_path / "e.h5", 6)
    with h5py.File(path, "r+") as file:
        file["embedding"][2] = np.nan
        assert np.isnan(read_embedding(file)).all(axis=1).tolist() == [False, False, True] + 3 * [False]
        file["embedding"][:] = np.nan
        assert np.isnan(read_embedding(file)).all()


def test_what_is_neither_is_refused(tmp_path):
    path = write_embeddings(tmp_path / "e.h5", 6)
    with h5py.File(path, "r+") as file:
        file["embedding"][4, 0] = np.nan
        with pytest.raises(StoreError, match="row 4 of /embedding holds NaN"):
            read_embedding(file)
        file["embedding"][4] = 2
        with pytest.raises(StoreError, match="row 4 of /embedding has length"):
            read_embedding(file)
        with pytest.raises(StoreError, match="/embedding_text is missing"):
            read_embedding(file, "embedding_text")
