"""Adding a group to a finished file: all of it, or nothing."""

import os
import shutil
from collections import namedtuple

import h5py
import numpy as np
import pytest
from chandra_embed.inference.catalog import rewrite
from chandra_embed.inference.catalog.rewrite import make_room, rewritten
from chandra_embed.inference.errors import StoreError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a [1].h5"
    with h5py.File(path, "w") as opened:
        opened["keep/x"] = np.arange(1000)
        opened["old/y"] = np.arange(10)
        opened["keep"].attrs["unit"] = "keV"
        opened.create_dataset("grows", data=np.arange(6), maxshape=(None,), chunks=(4,))
        opened.attrs.update({"note": "é", "complete": np.True_, "rows": np.int64(6)})
    path.chmod(0o640)
    return path


def test_the_group_is_replaced_and_the_rest_stays(file):
    with rewritten(file, "old", 100) as opened:
        assert "old" not in opened
        opened["old/z"] = 1
    with h5py.File(file) as opened:
        assert list(opened["old"]) == ["z"]
        assert np.array_equal(opened["keep/x"], np.arange(1000))
        assert opened["keep"].attrs["unit"] == "keV"
        assert opened["grows"].maxshape == (None,)
        assert dict(opened.attrs) == {"note": "é", "complete": np.True_, "rows": 6}
        assert (opened.attrs["complete"].dtype, opened.attrs["rows"].dtype) == (bool, np.int64)
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(file.parent.iterdir()) == [file]


def test_an_error_in_the_block_changes_nothing(file):
    before = file.read_bytes()
    with pytest.raises(KeyError), rewritten(file, "old", 0) as opened:
        opened["not there"]
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(("module", "name"), [(os, "replace"), (os, "fsync"), (shutil, "copymode")])
def test_a_disk_that_refuses_changes_nothing(file, monkeypatch, module, name):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    before = file.read_bytes()
    monkeypatch.setattr(module, name, refuse)
    with pytest.raises(StoreError, match=r"is as it was .*No space left"), rewritten(file, "old", 0):
        pass
    monkeypatch.undo()
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_too_little_room_is_said_before_any_work(file, monkeypatch):
    usage = namedtuple("usage", "total used free")
    size = file.stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, size + 5_000_000 + rewrite.SPARE))
    make_room(file, 5_000_000)
    with pytest.raises(StoreError, match=r"needs 6 MB and 6 MB are free; make room"):
        make_room(file, 5_000_001)


def test_copies_of_killed_runs_are_removed(file):
    stale = file.with_name(f".{file.name}.copy-abc")
    other = file.with_name(f".b{file.name}.copy-abc")
    stale.write_bytes(b"x")
    other.write_bytes(b"x")
    with rewritten(file, "old", 0):
        assert not stale.exists()
    assert other.exists()


def test_a_link_stays_a_link(file, tmp_path):
    folder = tmp_path / "links"
    folder.mkdir()
    link = folder / "b.h5"
    link.symlink_to(file)
    with rewritten(link, "old", 0) as opened:
        opened["old/z"] = 2
    assert link.is_symlink()
    with h5py.File(file) as opened:
        assert opened["old/z"][()] == 2


def test_what_may_not_be_written_is_refused(file, monkeypatch):
    monkeypatch.setattr(os, "access", lambda place, _: place.is_dir())
    with pytest.raises(StoreError, match="may not be written"):
        make_room(file, 0)
