"""Bytes of input files: read once, unpacked within measure, and only of plain files."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from chandra_embed.inference.catalog import file_bytes as module
from chandra_embed.inference.catalog.file_bytes import file_bytes
from chandra_embed.inference.errors import Quarantined


def reason(path: Path) -> str:
    with pytest.raises(Quarantined) as caught:
        _ = file_bytes(path).data
    return caught.value.reason


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    first = file_bytes(path)
    assert file_bytes(path) is first
    assert (first.data, first.sha256) == (b"one", hashlib.sha256(b"one").hexdigest())
    path.write_bytes(b"other")
    assert file_bytes(path).data == b"other"


def test_gzip_with_several_members_and_zeros_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"one") + gzip.compress(b"two") + bytes(100))
    assert file_bytes(path).data == b"onetwo"
    assert file_bytes(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_large_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", 1000)
    for name, content in (("a", bytes(1001)), ("a.gz", gzip.compress(bytes(1001)))):
        (tmp_path / name).write_bytes(content)
        opened = file_bytes(tmp_path / name)
        assert opened.data is None
        assert opened.sha256 == hashlib.sha256(content).hexdigest()
        with opened.stream() as stream:
            assert stream.read() == bytes(1001)


def test_few_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 100)
    for name in "abc":
        (tmp_path / name).write_bytes(bytes(60))
    first = file_bytes(tmp_path / "a")
    file_bytes(tmp_path / "b")
    assert file_bytes(tmp_path / "a") is not first
    assert sum(one.held for one in module._kept.values()) <= 100


def test_what_is_no_file_or_damaged(tmp_path: Path) -> None:
    packed = gzip.compress(os.urandom(1000))
    (tmp_path / "cut").write_bytes(packed[:500])
    (tmp_path / "torn").write_bytes(packed[:10] + bytes(50) + packed[60:])
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    found = {
        name: reason(tmp_path / name) for name in ("cut", "torn", "empty", "pipe", "loop", "", "nowhere")
    }
    assert found == {
        "cut": "truncated",
        "torn": "damaged-gzip",
        "empty": "empty-file",
        "pipe": "not-a-file",
        "loop": "unreadable",
        "": "not-a-file",
        "nowhere": "unreadable",
    }
