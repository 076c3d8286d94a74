import hashlib
import json
from pathlib import Path

import pytest
from chandra_embed.models import registry
from chandra_embed.models.errors import BundleError
from onnx_bytes import model

ENCODER = model()


def freeze(folder: Path, **changes: object) -> Path:
    """Write a small bundle whose manifest is right but for `changes`."""
    folder.mkdir(parents=True)
    (folder / "encoder.onnx").write_bytes(ENCODER)
    (folder / "text").mkdir()
    (folder / "text" / "vocab.txt").write_bytes(b"words\n")
    names = ("encoder.onnx", "text/vocab.txt")
    manifest = {
        "format_version": 1,
        "name": folder.name,
        "version": "1.2.3",
        "min_package": "0.1.0",
        "opset": 20,
        "ir_version": 10,
        "recipe": {"quantity": "rate"},
        "recipe_fingerprint": "ab" * 32,
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
    }
    manifest.update(changes)
    (folder / "manifest.json").write_text(json.dumps({k: v for k, v in manifest.items() if v is not None}))
    return folder


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An own folder of models, named by the environment."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv(registry.VARIABLE, str(folder))
    return folder


def test_verify_returns_what_the_manifest_says(tmp_path):
    folder = freeze(tmp_path / "m")
    manifest = registry.verify(folder)
    assert (manifest.name, manifest.version, manifest.recipe_fingerprint) == ("m", "1.2.3", "ab" * 32)
    assert manifest.sha256 == hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert set(manifest.files) == {"encoder.onnx", "text/vocab.txt"}


@pytest.mark.parametrize("name", ["encoder.onnx", "text/vocab.txt"])
def test_one_altered_byte_is_refused_with_both_hashes(tmp_path, name):
    folder = freeze(tmp_path / "m")
    before = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / name).write_bytes(b"W" + (folder / name).read_bytes()[1:])
    after = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    with pytest.raises(BundleError, match=rf"{Path(name).name}.*{after}.*{before}"):
        registry.verify(folder)


def test_a_missing_file_is_refused(tmp_path):
    folder = freeze(tmp_path / "m")
    (folder / "encoder.onnx").unlink()
    with pytest.raises(BundleError, match=r"encoder\.onnx: is listed .* missing"):
        registry.verify(folder)


@pytest.mark.parametrize("name", ["extra.bin", "text/extra.bin", ".hidden"])
def test_a_file_nobody_vouches_for_is_refused(tmp_path, name):
    folder = freeze(tmp_path / "m")
    (folder / name).write_bytes(b"")
    with pytest.raises(BundleError, match="not listed"):
        registry.verify(folder)


def test_a_linked_folder_is_refused(tmp_path):
    folder = freeze(tmp_path / "m")
    (folder / "more").symlink_to(tmp_path)
    with pytest.raises(BundleError, match="not listed"):
        registry.verify(folder)


@pytest.mark.parametrize(
    "name", ["../secret", "text/../../secret", "/etc/hostname", "", "..\\secret", "C:\\secret", "a\0b"]
)
def test_a_listed_path_outside_the_bundle_is_refused(tmp_path, name):
    (tmp_path / "secret").write_bytes(b"s")
    folder = freeze(tmp_path / "m", files={name: hashlib.sha256(b"s").hexdigest()})
    with pytest.raises(BundleError, match="outside the bundle"):
        registry.verify(folder)


def test_a_link_out_of_the_bundle_is_refused_and_one_inside_is_not(tmp_path):
    folder = freeze(tmp_path / "m")
    (folder / "encoder.onnx").rename(folder / "text" / "weights")
    (folder / "encoder.onnx").symlink_to("text/weights")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["text/weights"] = manifest["files"]["encoder.onnx"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    registry.verify(folder)

    (folder / "encoder.onnx").unlink()
    (tmp_path / "elsewhere").write_bytes(ENCODER)
    (folder / "encoder.onnx").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="link out of the bundle"):
        registry.verify(folder)


def test_a_manifest_that_is_a_link_out_of_the_bundle_is_refused(tmp_path):
    folder = freeze(tmp_path / "m")
    (folder / "manifest.json").rename(tmp_path / "elsewhere.json")
    (folder / "manifest.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(BundleError, match="link out of the bundle"):
        registry.verify(folder)


def freeze_model(folder: Path, encoder: bytes, **more: bytes) -> Path:
    """Write a bundle whose encoder has these bytes, with further files, all listed."""
    freeze(folder)
    (folder / "encoder.onnx").write_bytes(encoder)
    for name, content in more.items():
        (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("encoder.onnx", *more):
        manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "absent.bin", "", "*/_ORT_MEM_ADDR_/*"])
def test_weights_outside_the_bundle_are_refused(tmp_path, location):
    (tmp_path / "secret").write_bytes(b"s")
    folder = freeze_model(tmp_path / "m", model(location))
    with pytest.raises(BundleError, match=r"encoder\.onnx: keeps weights in .* not a file of the bundle"):
        registry.verify(folder)


def test_weights_in_a_listed_file_of_the_bundle_are_taken(tmp_path):
    folder = freeze_model(tmp_path / "m", model("weights"), weights=b"w")
    assert "weights" in registry.verify(folder).files


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (model(opset=99), r"encoder\.onnx: opset 99 .*up to 21.*upgrade"),
        (model(ir_version=99), r"encoder\.onnx: ir_version 99 .*up to 10.*upgrade"),
        (b"not a model", r"encoder\.onnx: is no ONNX model"),
        (b"", r"encoder\.onnx: is no ONNX model \(it is empty\)"),
    ],
)
def test_a_model_that_cannot_run_is_refused_whatever_the_manifest_says(tmp_path, weights, words):
    with pytest.raises(BundleError, match=words):
        registry.verify(freeze_model(tmp_path / "m", weights))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format_version": 2}, r"format_version 2 is unknown.*for chandra-embed 0\.1\.0 .*: upgrade"),
        ({"format_version": 2, "versions": {"chandra-embed": "7.0"}}, "by chandra-embed 7.0: upgrade"),
        ({"format_version": 2, "min_package": None}, "does not say who wrote it: upgrade chandra-embed"),
        ({"format_version": None}, "no format_version"),
        ({"format_version": True}, "no format_version"),
        ({"min_package": "999.0"}, "needs chandra-embed 999.0.*upgrade"),
        ({"opset": 99}, "opset 99.*up to 21.*upgrade"),
        ({"ir_version": 99}, "ir_version 99"),
        ({"opset": None}, "opset None"),
        ({"files": None}, "'files'"),
        ({"recipe": "rate"}, "'recipe'"),
        ({"name": None}, "'name'"),
        ({"files": {"encoder.onnx": 3}}, "no sha256 of 'encoder.onnx'"),
    ],
)
def test_a_manifest_for_another_version_is_refused(tmp_path, changes, words):
    with pytest.raises(BundleError, match=words):
        registry.verify(freeze(tmp_path / "m", **changes))


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "\x80", "[" * 100_000])
def test_a_manifest_that_is_none_is_refused(tmp_path, text):
    folder = freeze(tmp_path / "m")
    (folder / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match=r"manifest\.json"):
        registry.verify(folder)


@pytest.mark.parametrize(
    ("needed", "newer"), [("0.1", False), ("0.1.0", False), ("0.2.0rc1", True), ("0.1.0.1", True)]
)
def test_versions_compare_by_number(tmp_path, monkeypatch, needed, newer):
    monkeypatch.setattr(registry, "version", lambda name: "0.1.0")
    folder = freeze(tmp_path / "m", min_package=needed)
    if newer:
        with pytest.raises(BundleError, match="upgrade"):
            registry.verify(folder)
    else:
        registry.verify(folder)


def test_a_name_is_looked_up_in_the_own_folder_then_in_the_package(shelf, monkeypatch):
    own = freeze(shelf / "spectrum-8")
    assert registry.find("spectrum-8") == own
    monkeypatch.delenv(registry.VARIABLE)
    assert registry.find("spectrum-8").parent == Path(registry.__file__).parent


def test_a_bare_word_is_a_name_first_and_a_folder_second(shelf, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = freeze(tmp_path / "mine")
    assert registry.find("mine").resolve() == here
    named = freeze(shelf / "mine")
    assert registry.find("mine") == named
    assert registry.find("./mine").resolve() == here
    assert registry.find(here) == here


def test_available_lists_each_name_once(shelf):
    own = freeze(shelf / "spectrum-8")
    (shelf / "no-bundle").mkdir()
    found = registry.available()
    assert own in found
    assert [folder.name for folder in found] == sorted({folder.name for folder in found})


@pytest.mark.parametrize("name", ["spectrum-9", "", ".", "..", "a/b"])
def test_an_unknown_name_is_refused_and_the_known_ones_listed(shelf, name):
    freeze(shelf / "known")
    with pytest.raises(BundleError, match=r"known|no manifest"):
        registry.find(name)


def test_a_folder_without_a_manifest_says_so(tmp_path):
    with pytest.raises(BundleError, match=r"holds no manifest\.json"):
        registry.find(tmp_path)


def test_a_wrong_variable_is_named(monkeypatch):
    monkeypatch.setenv(registry.VARIABLE, "/no/such/folder")
    with pytest.raises(BundleError, match="CHANDRA_EMBED_MODELS=/no/such/folder"):
        registry.find("spectrum-8")


def test_the_shipped_bundles_verify():
    package = Path(registry.__file__).parent
    shipped = [folder for folder in package.iterdir() if (folder / "manifest.json").is_file()]
    assert "spectrum-8" in {folder.name for folder in shipped}
    for folder in shipped:
        assert registry.verify(folder).name == folder.name
