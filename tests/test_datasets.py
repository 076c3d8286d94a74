import h5py
import numpy as np
import pytest
from small import write_spectra

pytest.importorskip("torch")

from chandra_embed.inference.catalog.store import sha256_file
from chandra_embed.inference.errors import ChandraEmbedError, StoreError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.training.datasets import is_seen, read_spectra, source_keys, split

pytestmark = pytest.mark.train


def test_reads_two_files_in_their_order(tmp_path):
    a, b = write_spectra(tmp_path / "a.h5", 5), write_spectra(tmp_path / "b.h5", 3, seed=1, simulated=False)
    spectra = read_spectra([a, b])
    assert spectra.value.shape == (8, 400)
    assert spectra.value.dtype == np.float32
    with h5py.File(a) as first, h5py.File(b) as second:
        stored = np.concatenate([first["spectrum/value"][...], second["spectrum/value"][...]])
    assert np.array_equal(spectra.value, stored)
    assert spectra.net_counts.tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert spectra.source_id[4] == "source 2"
    assert [f["sha256"] for f in spectra.files] == [sha256_file(a), sha256_file(b)]
    assert [f["simulated"] for f in spectra.files] == [True, False]
    assert [f["rows"] for f in spectra.files] == [5, 3]


def test_rows_without_shape_are_left_out_and_counted(tmp_path):
    path = write_spectra(tmp_path / "a.h5", 4)
    with h5py.File(path, "r+") as file:
        file["spectrum/value"][1] = 0
        file["spectrum/value"][2] = -1e-5
    spectra = read_spectra([path])
    assert spectra.net_counts.tolist() == [0, 3]
    assert spectra.source_id.tolist() == ["source 0", "source 1"]
    assert spectra.files[0]["constant"] == 2


def test_only_constant_rows(tmp_path):
    path = write_spectra(tmp_path / "a.h5", 2)
    with h5py.File(path, "r+") as file:
        file["spectrum/value"][...] = 0
    with pytest.raises(ChandraEmbedError, match=r"a\.h5: no spectrum"):
        read_spectra([path])


def test_errors_are_read_where_asked_for_and_stay_with_their_rows(tmp_path):
    a, b = write_spectra(tmp_path / "a.h5", 5), write_spectra(tmp_path / "b.h5", 3, seed=1)
    with h5py.File(a, "r+") as file:
        file["spectrum/value"][1] = 0
    assert read_spectra([a]).error is None
    spectra = read_spectra([a, b], errors=True)
    assert spectra.error.shape == (7, 400)
    assert np.array_equal(spectra.error, np.sqrt(spectra.value))  # as write_spectra makes them
    assert np.array_equal(spectra.take(np.array([4, 2])).error, spectra.error[[4, 2]])


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_impossible_errors_are_refused(tmp_path, value):
    path = write_spectra(tmp_path / "a.h5", 3)
    with h5py.File(path, "r+") as file:
        file["spectrum/error"][2, 7] = value
    assert len(read_spectra([path])) == 3
    with pytest.raises(StoreError, match="row 2 of /spectrum/error"):
        read_spectra([path], errors=True)


def test_two_recipes_are_refused_with_both_fingerprints(tmp_path):
    other = Recipe(group_min=7)
    paths = [write_spectra(tmp_path / "a.h5", 3), write_spectra(tmp_path / "b.h5", 3, recipe=other)]
    with pytest.raises(ChandraEmbedError) as caught:
        read_spectra(paths)
    assert other.fingerprint in str(caught.value)
    assert Recipe().fingerprint in str(caught.value)


def test_fingerprint_that_is_not_the_recipes(tmp_path):
    path = write_spectra(tmp_path / "a.h5", 3)
    with h5py.File(path, "r+") as file:
        file.attrs["recipe_fingerprint"] = "0" * 64
    with pytest.raises(StoreError, match=f"{'0' * 64}.*{Recipe().fingerprint}"):
        read_spectra([path])


def test_one_file_twice(tmp_path):
    path = write_spectra(tmp_path / "a.h5", 3)
    copy = tmp_path / "copy.h5"
    copy.write_bytes(path.read_bytes())
    with pytest.raises(ChandraEmbedError, match=r"copy\.h5: has the same bytes as .*a\.h5"):
        read_spectra([path, copy])


def test_not_a_number_is_refused(tmp_path):
    path = write_spectra(tmp_path / "a.h5", 3)
    with h5py.File(path, "r+") as file:
        file["spectrum/value"][2, 7] = np.nan
    with pytest.raises(StoreError, match="row 2"):
        read_spectra([path])


def test_split_is_a_partition_by_source():
    ids = np.array([f"source {i // 3}" for i in range(6000)])
    masks = split(ids, seed=1)
    assert (sum(mask.astype(int) for mask in masks.values()) == 1).all()
    for mask in masks.values():
        assert np.array_equal(mask[0::3], mask[1::3])
        assert np.array_equal(mask[0::3], mask[2::3])
    assert masks["train"].mean() == pytest.approx(0.8, abs=0.03)
    assert masks["validation"].mean() == pytest.approx(0.1, abs=0.02)
    assert masks["test"].mean() == pytest.approx(0.1, abs=0.02)


def test_split_of_a_source_does_not_depend_on_the_others():
    ids = [f"2CXO J{i}" for i in range(200)]
    whole, half = split(ids), split(ids[::2])
    assert all(np.array_equal(whole[name][::2], half[name]) for name in whole)
    assert not np.array_equal(split(ids, seed=1)["train"], whole["train"])


def test_split_is_the_same_for_ever():
    assert np.flatnonzero(split([f"s{i}" for i in range(40)])["test"]).tolist() == [11, 14, 15]


def test_seen_sources():
    keys = source_keys(["a", "b", "b", "2CXO J1 é"])
    assert keys.shape == (3,)
    assert keys.dtype == np.int64
    assert is_seen(["b", "c", "2CXO J1 é", "a", ""], keys).tolist() == [True, False, True, True, False]


def test_truth_is_read_where_it_is_asked_for(tmp_path):
    path = write_spectra(tmp_path / "a.h5", 5)
    with pytest.raises(StoreError, match=r"a\.h5: holds no noise-free spectra"):
        read_spectra([path], truth=True)
    with h5py.File(path, "r+") as file:
        file["truth/value"] = file["spectrum/value"][...] * 2
    spectra = read_spectra([path], truth=True)
    assert np.array_equal(spectra.truth, 2 * spectra.value)
    assert np.array_equal(spectra.take(np.array([3, 1])).truth, 2 * spectra.value[[3, 1]])
    assert read_spectra([path]).truth is None
