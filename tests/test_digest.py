"""Hashing a file in the background."""

import hashlib
import os
import time

import pytest
from chandra_embed.inference.catalog.digest import hashing


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 3_500_000])
def test_it_is_the_digest_of_all_bytes(tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    with hashing(tmp_path / "a") as digest:
        assert digest.result() == hashlib.sha256(content).hexdigest()


def test_it_ends_with_the_block(tmp_path):
    with open(tmp_path / "a", "wb") as file:
        file.truncate(20 << 30)  # sparse: a minute of hashing
    began = time.monotonic()
    with hashing(tmp_path / "a") as digest:
        assert not digest.done()
    assert digest.done()
    assert time.monotonic() - began < 5


def test_what_cannot_be_read_is_an_error(tmp_path):
    with hashing(tmp_path) as digest, pytest.raises(IsADirectoryError):
        digest.result()
