"""What is kept beside a file."""

import os

import numpy as np
import pytest
from chandra_embed.inference.catalog.kept import Kept


@pytest.fixture
def path(tmp_path):
    return tmp_path / "e.h5"


def test_what_was_saved_last_is_found_by_the_same_key_alone(path):
    for x in (1, 2):
        Kept(path, "step", "a").save(x=np.array(x), more=np.arange(3))
    found = Kept(path, "step", "a").load()
    assert (int(found["x"]), found["more"].tolist(), set(found)) == (2, [0, 1, 2], {"x", "more"})
    assert Kept(path, "step", "b").load() == {}
    assert Kept(path, "other", "a").load() == {}
    assert [each.name for each in path.parent.iterdir()] == [".e.h5.step.npz"]
    Kept(path, "step", "a").clear()
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("cut", [0, 1, 30, -1])
def test_one_that_is_damaged_counts_as_none(path, cut):
    kept = Kept(path, "step", "a")
    kept.save(x=np.arange(100))
    (file,) = path.parent.iterdir()
    file.write_bytes(file.read_bytes()[:cut])
    assert kept.load() == {}


def test_a_pickle_is_not_opened(path):
    np.savez(path.with_name(".e.h5.step.npz"), key=np.array("a"), x=np.array([None], object))
    assert Kept(path, "step", "a").load() == {}


def test_a_disk_that_refuses_is_said_once_and_the_last_one_stays(path, monkeypatch, caplog):
    kept = Kept(path, "step", "a")
    kept.save(x=np.array(1))

    def refuse(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    for _ in range(2):
        kept.save(x=np.array(2))
    assert [each.getMessage().split(" ", 1)[1] for each in caplog.records] == [
        "cannot be written (No space left on device); a stopped run will begin anew"
    ]
    assert int(kept.load()["x"]) == 1
    assert len(list(path.parent.iterdir())) == 1
