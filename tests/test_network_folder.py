import json

import numpy as np
import pytest
from chandra_embed.inference.errors import StoreError
from chandra_embed.inference.network.folder import ABOUT, RESULT, may_write, new_folder, write_csv, write_json


def write(folder, *names):
    with new_folder(folder) as draft:
        for name in names:
            (draft / name).write_text(name)
        write_json(draft / ABOUT, {"files": [*names, ABOUT, RESULT]})
        write_json(draft / RESULT, {})


def test_a_new_or_empty_folder_may_be_written(tmp_path):
    may_write(tmp_path / "new", False)
    (tmp_path / "empty").mkdir()
    may_write(tmp_path / "empty", False)


def test_what_is_in_the_way_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("")
    write(tmp_path / "net")
    for name, overwrite, message in [
        ("file", True, "is a file"),
        ("mine", True, "holds other files"),
        ("net", False, "give --overwrite"),
        ("no/net", True, "there is no folder"),
    ]:
        with pytest.raises(StoreError, match=message):
            may_write(tmp_path / name, overwrite)
    may_write(tmp_path / "net", True)


def test_files_of_an_earlier_run_go_and_others_stay(tmp_path):
    folder = tmp_path / "net"
    write(folder, "a.csv", "b.csv")
    (folder / "notes.txt").write_text("my own")
    write(folder, "b.csv", "c.csv")
    assert {path.name for path in folder.iterdir()} == {"b.csv", "c.csv", "notes.txt", ABOUT, RESULT}


def fail(folder):
    with new_folder(folder) as draft:
        (draft / "a.csv").write_text("new")
        raise RuntimeError


def test_a_run_that_fails_leaves_the_folder_as_it_was(tmp_path):
    folder = tmp_path / "net"
    write(folder, "a.csv")
    with pytest.raises(RuntimeError):
        fail(folder)
    assert (folder / "a.csv").read_text() == "a.csv"
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


def test_only_plain_names_are_ever_removed(tmp_path):
    folder = tmp_path / "net"
    write(folder)
    outside = tmp_path / "outside.txt"
    outside.write_text("")
    (folder / ABOUT).write_text(json.dumps({"files": ["../outside.txt", 3]}))
    write(folder)
    (folder / ABOUT).write_text("[]")
    write(folder)
    assert outside.exists()


def test_a_table_leaves_empty_what_is_missing(tmp_path):
    rows = [{"a": np.float64(0.1), "b": float("nan"), "c": "x, y"}, {"a": 2, "b": None, "d": True}]
    write_csv(tmp_path / "t.csv", rows)
    assert (tmp_path / "t.csv").read_text() == 'a,b,c,d\n0.1,,"x, y",\n2,,,True\n'


def test_json_knows_no_nan(tmp_path):
    write_json(tmp_path / "t.json", {"a": [np.nan, np.int64(3)], "b": np.bool_(True), "c": np.arange(2)})
    assert json.loads((tmp_path / "t.json").read_text()) == {"a": [None, 3], "b": True, "c": [0, 1]}
