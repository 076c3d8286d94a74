import h5py
import numpy as np
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.errors import ChandraEmbedError, StoreError
from chandra_embed.inference.network.select import read_modality, select_nodes
from network_file import ROWS, SIZE, WITHOUT_EVENTS, write_cloudy


@pytest.fixture
def file(tmp_path):
    with h5py.File(write_cloudy(tmp_path / "e.h5"), "r+") as opened:
        yield opened


def test_without_a_condition_every_row_is_a_node(file):
    found = select_nodes(file)
    assert found.rows.tolist() == list(range(ROWS))
    assert np.array_equal(found.x, file["embedding"][...])
    assert (found.modality, found.where, found.of, found.left_out) == ("spectrum", "", ROWS, {})
    assert found.simulated


def test_a_condition_chooses_rows_and_their_columns(file):
    found = select_nodes(file, where='var_prob_b > 0.9 and class == "YSO"')
    expected = [i for i in range(58) if i % 3 == 1]
    assert found.rows.tolist() == expected
    assert found.columns["name"].tolist() == store.read_column(file, "name")[expected].tolist()
    assert set(found.columns["class"]) == {"YSO"}
    assert found.where == 'var_prob_b > 0.9 and class == "YSO"'


def test_a_missing_number_meets_no_condition_and_is_counted_in_the_error(file):
    with pytest.raises(ChandraEmbedError, match=r"0 of 90 rows meet --where .*var_prob_b is known of 88"):
        select_nodes(file, where="var_prob_b > 2")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("var_prob > 0.9", "var_prob' is no column"),
        ("__import__('os')", "not allowed"),
        ("ra >", "cannot be read"),
    ],
)
def test_a_condition_that_is_none_is_refused(file, where, message):
    with pytest.raises(ChandraEmbedError, match=message):
        select_nodes(file, where=where)


def test_one_node_is_no_network(file):
    with pytest.raises(ChandraEmbedError, match="needs at least 2"):
        select_nodes(file, where="row == 4")


def test_rows_without_the_embedding_are_left_out_and_counted(file):
    found = select_nodes(file, modality="event")
    assert set(range(ROWS)) - set(found.rows.tolist()) == set(WITHOUT_EVENTS)
    assert found.left_out == {"no embedding of event": 2}
    with pytest.raises(ChandraEmbedError, match="0 of 2 chosen rows have an embedding of event"):
        select_nodes(file, where="row in (7, 8)", modality="event")


def test_sources_are_numbered_and_the_unknown_stand_alone(file):
    code = select_nodes(file).source_code
    assert code[0] == code[2] != code[1]
    assert code[88:].tolist() == [0, 0]
    assert (code[:88] > 0).all()


def test_the_mean_of_two_modalities_is_a_unit_row(file):
    x, named = read_modality(file, "spectrum+event")
    a, b = file["embedding"][...].astype(float), file["embedding_event"][...].astype(float)
    expected = (a + b) / np.linalg.norm(a + b, axis=1, keepdims=True)
    np.testing.assert_allclose(x, expected, atol=1e-6)
    assert named == "spectrum+event (mean of spectrum and event)"
    assert np.isnan(x[7]).all()


def test_the_similarity_of_a_concatenation_is_the_mean_similarity(file):
    x, named = read_modality(file, "spectrum+text", "concatenation")
    assert x.shape == (ROWS, SIZE + 4)
    a, b = file["embedding"][...], file["embedding_text"][...]
    np.testing.assert_allclose(x @ x.T, (a @ a.T + b @ b.T) / 2, atol=1e-6)
    assert named == "spectrum+text (concatenation of spectrum and text)"


def test_both_is_the_dataset_of_that_name(file):
    file["embedding_both"] = file["embedding"][...][::-1]
    file["embedding_both"].attrs["description"] = "mean of spectrum and events, of unit length"
    x, named = read_modality(file, "both")
    assert np.array_equal(x, file["embedding_both"][...])
    assert named == "both (mean of spectrum and events)"


def test_both_without_a_dataset_is_made_of_what_there_is(file):
    del file["embedding_text"]
    x, named = read_modality(file, "both")
    assert np.array_equal(x, read_modality(file, "spectrum+event")[0], equal_nan=True)
    assert named == "both (mean of spectrum and event)"
    del file["embedding_event"]
    with pytest.raises(ChandraEmbedError, match="holds only the embedding of spectrum"):
        read_modality(file, "both")


def test_unknown_modalities_are_named_with_those_there_are(file):
    with pytest.raises(ChandraEmbedError, match="no embedding of 'radio'; there are spectrum, event, text"):
        read_modality(file, "spectrum+radio")
    with pytest.raises(ValueError, match="join 'sum'"):
        read_modality(file, "both", "sum")


def test_embeddings_of_other_widths_have_no_mean(file):
    with pytest.raises(ChandraEmbedError, match="8 and 4 numbers have no mean: take --join concatenation"):
        read_modality(file, "spectrum+text")


def test_opposite_rows_have_no_mean(file):
    file["embedding_event"][4] = -file["embedding"][4]
    assert np.isnan(read_modality(file, "spectrum+event")[0][4]).all()


def test_a_file_without_embeddings_is_refused(file):
    for name in [name for name in file if name.startswith("embedding")]:
        del file[name]
    with pytest.raises(StoreError, match="/embedding is missing"):
        select_nodes(file)
