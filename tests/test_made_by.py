import json
import shutil

import h5py
import pytest
from chandra_embed.inference.errors import BundleError, StoreError
from chandra_embed.inference.made_by import bundle_of
from chandra_embed.models import registry
from embeddings_file import write_bundle, write_embeddings


def made(tmp_path, sha256, **more):
    facts = {"bundle": "one", "bundle_version": "1.0.0", "bundle_sha256": sha256, **more}
    return h5py.File(write_embeddings(tmp_path / "e.h5", 2, **facts))


def test_the_bundle_is_found_by_its_name(tmp_path, monkeypatch):
    sha256 = write_bundle(tmp_path / "one", None)
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path))
    with made(tmp_path, sha256) as file:
        assert bundle_of(file).folder == tmp_path / "one"


def test_the_bundle_is_found_where_it_lay_and_only_if_it_is_the_same(tmp_path, monkeypatch):
    sha256 = write_bundle(tmp_path / "away" / "one", None)
    folder = str(tmp_path / "away" / "one")
    with made(tmp_path, sha256, bundle_folder=folder) as file:
        assert bundle_of(file).folder == tmp_path / "away" / "one"
        # another version lies there now; the one that made the file has moved to the shelf
        shutil.copytree(folder, tmp_path / "shelf" / "one")
        write_bundle(tmp_path / "away" / "one", None, version="2.0.0")
        monkeypatch.setenv(registry.VARIABLE, str(tmp_path / "shelf"))
        assert bundle_of(file).folder == tmp_path / "shelf" / "one"


def test_another_or_no_bundle_is_named(tmp_path, monkeypatch):
    write_bundle(tmp_path / "shelf" / "one", None, version="2.0.0")
    with made(tmp_path, "0" * 64) as file:
        with pytest.raises(BundleError, match=r"was embedded with bundle one 1\.0\.0, which is not found"):
            bundle_of(file)
        monkeypatch.setenv(registry.VARIABLE, str(tmp_path / "shelf"))
        with pytest.raises(BundleError, match=r"manifest sha256 0{64}\), .* is version 2\.0\.0"):
            bundle_of(file)


def test_an_altered_bundle_is_not_taken(tmp_path, monkeypatch):
    sha256 = write_bundle(tmp_path / "one", None)
    path = tmp_path / "one" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": {"x": "0" * 64}}))
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path))
    with made(tmp_path, sha256) as file, pytest.raises(BundleError, match="is listed in"):
        bundle_of(file)


def test_a_file_that_names_no_bundle_is_refused(tmp_path):
    with (
        h5py.File(write_embeddings(tmp_path / "e.h5", 2)) as file,
        pytest.raises(StoreError, match="does not say which bundle"),
    ):
        bundle_of(file)
