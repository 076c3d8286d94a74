"""What a file of ours must hold; broken ones with their lines stand in test_error_lines.py."""

import h5py
import numpy as np
import pytest
from broken_files import EMBEDDINGS, SPECTRA, break_file
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.contents import check_contents, need, stored_recipe
from chandra_embed.inference.catalog.spectra_file import SpectraWriter
from chandra_embed.inference.errors import StoreError
from chandra_embed.inference.recipe import Recipe
from embeddings_file import write_embeddings
from small import write_spectra

# what the check of shapes leaves to whoever reads: values, root attributes, what is missing
VALUES = {"nan", "flat", "long", "no-recipe", "odd-recipe", "other-recipe", "no-bundle", "other-bundle"}
VALUES |= {"lost-bundle", "latin-source", "no-source", "no-spectra", "narrow", "no-embedding"}


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Folders `s` and `e` of broken files, and the whole ones beside them."""
    d = tmp_path_factory.mktemp("contents")
    facts = {"bundle": "b", "bundle_version": "1.0.0", "bundle_sha256": "0"}
    break_file(write_spectra(d / "s.h5", 12), d / "s", SPECTRA)
    break_file(write_embeddings(d / "e.h5", 12, **facts), d / "e", EMBEDDINGS)
    return d


@pytest.mark.parametrize(
    ("kind", "name"), [*(("s", name) for name in SPECTRA), *(("e", name) for name in EMBEDDINGS)]
)
def test_shapes_and_types_are_checked_on_opening_and_values_are_not(broken, kind, name):
    form = store.SPECTRA if kind == "s" else store.EMBEDDINGS
    path = broken / kind / f"{name}.h5"
    if name in VALUES:
        store.open_store(path, form).close()
        return
    with pytest.raises(StoreError, match=rf"{name}\.h5: "):
        store.open_store(path, form)
    with h5py.File(path, "r+"):  # the refused file is not left open
        pass


def test_whole_files_of_any_length_pass(tmp_path):
    with SpectraWriter(tmp_path / "none.h5", Recipe(), {}) as writer:
        writer.close()
    for path, kind in (
        (tmp_path / "none.h5", store.SPECTRA),
        (write_spectra(tmp_path / "one.h5", 1), store.SPECTRA),
        (write_spectra(tmp_path / "many.h5", 300), store.SPECTRA),
        (write_embeddings(tmp_path / "e0.h5", 0), store.EMBEDDINGS),
        (write_embeddings(tmp_path / "e1.h5", 1), store.EMBEDDINGS),
    ):
        with store.open_store(path, kind) as file:
            check_contents(file)


def test_what_lies_in_another_file_is_refused(tmp_path):
    path = write_embeddings(tmp_path / "e.h5", 3)
    write_embeddings(tmp_path / "other.h5", 3)
    with h5py.File(path, "r+") as file:
        del file["embedding"]
        file["embedding"] = h5py.ExternalLink("other.h5", "/embedding")
    with pytest.raises(StoreError, match="/embedding is no dataset of this file"):
        store.open_store(path, store.EMBEDDINGS)
    with h5py.File(path, "r+") as file:
        del file["embedding"]
        np.zeros(24, np.float32).tofile(tmp_path / "raw")
        file.create_dataset("embedding", (3, 8), "float32", external=[(str(tmp_path / "raw"), 0, 96)])
    with pytest.raises(StoreError, match="/embedding is no dataset of this file"):
        store.open_store(path, store.EMBEDDINGS)


def test_compressed_columns_of_variable_length_and_further_ones_are_taken(tmp_path):
    path = write_embeddings(tmp_path / "e.h5", 3)
    with h5py.File(path, "r+") as file:
        names = [f"näme {i}" for i in range(3)]
        del file["detection/name"]
        file.create_dataset("detection/name", data=names, dtype=h5py.string_dtype())
        file.create_dataset("detection/mine", data=np.zeros(3), compression="gzip")
        file.create_dataset("notes", data=np.zeros(7))
    with store.open_store(path, store.EMBEDDINGS) as file:
        assert store.read_column(file, "name").tolist() == names


def test_what_a_reader_needs_is_named(broken):
    with store.open_store(broken / "s.h5", store.SPECTRA) as file:
        need(file, "spectrum/value", "detection/name")
        with pytest.raises(StoreError, match=r"s\.h5: /truth/value is missing; ingest or simulate it again"):
            need(file, "spectrum/value", "truth/value")
        assert stored_recipe(file) == Recipe()


@pytest.mark.parametrize("name", ["no-spectra", "narrow", "no-recipe", "odd-recipe", "other-recipe"])
def test_a_recipe_that_is_not_that_of_the_spectra_is_refused(broken, name):
    with (
        store.open_store(broken / "s" / f"{name}.h5", store.SPECTRA) as file,
        pytest.raises(StoreError, match=rf"{name}\.h5: "),
    ):
        stored_recipe(file)


def test_bytes_changed_at_random_are_read_or_refused(broken, tmp_path):
    whole, rng = (broken / "e.h5").read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        content = bytearray(whole)
        for at in rng.integers(0, len(whole), 40):
            content[at] = rng.integers(256)
        (tmp_path / "x.h5").write_bytes(content)
        try:
            store.open_store(tmp_path / "x.h5", store.EMBEDDINGS).close()
        except StoreError as error:
            line = str(error)
        else:
            line = "x.h5"
        assert "x.h5" in line
