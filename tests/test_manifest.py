import pytest

pytest.importorskip("onnx")
pytest.importorskip("torch")

from chandra_embed.export.manifest import list_files, version_numbers
from chandra_embed.inference.catalog.store import without_folders
from chandra_embed.inference.errors import ChandraEmbedError

pytestmark = pytest.mark.train


def test_commands_lose_their_folders():
    assert (
        without_folders("chandra-embed simulate -n 5 -o /a/b/s.h5") == "chandra-embed simulate -n 5 -o s.h5"
    )
    assert without_folders("x --out=/a/b/c/ ../d 'a b/c d' -t 0.5") == "x --out=c d 'c d' -t 0.5"
    assert without_folders("") == ""


def test_versions_compare_as_numbers():
    assert version_numbers("1.10.0") > version_numbers("1.9.12")
    with pytest.raises(ChandraEmbedError, match=r"'1\.0'"):
        version_numbers("1.0")


def test_every_file_but_the_manifest_is_listed(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "a.txt").write_bytes(b"abc")
    # of "abc", FIPS 180-2, appendix B.1
    assert list_files(tmp_path) == {
        "a.txt": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    }
