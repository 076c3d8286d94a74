"""HDF5 files and bundles with one thing wrong in each, made from whole ones."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def _set(name: str, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file.attrs.__setitem__(name, value)


def _unset(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.attrs.__delitem__(name)


def _without(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(name)


def _instead(name: str, make: Callable[[Any], Any]) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        value = make(file[name][...])
        del file[name]
        file[name] = value

    return change


def _write(name: str, index: Any, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file[name].__setitem__(index, value)


def _unwritten(file: h5py.File) -> None:
    """Say a hundred million rows of which nothing was written."""
    del file["detection"]
    file.create_dataset("detection/obsid", (10**8,), "int32", chunks=(1024,))


# name of the file -> what is done to a whole one
SPECTRA = {
    "newer": _set("format_version", 2),
    "odd-version": _set("format_version", "one"),
    "unfinished": _set("complete", np.False_),
    "no-detections": _without("detection"),
    "no-source": _without("detection/source_id"),
    "short-source": _instead("detection/source_id", lambda found: found[:5]),
    "whole-source": _instead("detection/source_id", lambda found: np.arange(len(found))),
    "latin-source": _instead("detection/source_id", lambda found: np.array([b"\xff", *found[1:]])),
    "no-spectra": _without("spectrum"),
    "few-spectra": _instead("spectrum/value", lambda found: found[:5]),
    "narrow": _instead("spectrum/value", lambda found: found[:, :10]),
    "words": _instead("spectrum/value", lambda found: np.full(found.shape, b"x")),
    "nan": _write("spectrum/value", 3, np.nan),
    "flat": _write("spectrum/value", ..., 1.0),
    "no-recipe": _unset("recipe"),
    "odd-recipe": _set("recipe", "{"),
    "other-recipe": _set("recipe_fingerprint", "0" * 64),
    "offsets": _instead("event/offset", lambda found: found[:-1]),
    "unwritten": _unwritten,
}
EMBEDDINGS = {
    "newer": _set("format_version", 2),
    "unfinished": _set("complete", np.False_),
    "no-embedding": _without("embedding"),
    "few": _instead("embedding", lambda found: found[:5]),
    "column": _instead("embedding", lambda found: found[:, 0]),
    "words": _instead("embedding", lambda found: np.full(found.shape, b"x")),
    "long": _write("embedding", 3, 3.0),
    "no-bundle": _unset("bundle"),
    "other-bundle": _set("bundle_sha256", "0" * 64),
    "lost-bundle": _set("bundle", "lost"),
    "scores": lambda file: file.create_dataset("score/anomaly", data=np.zeros(5)),
    "degrees": lambda file: file.create_dataset("score/degree", data=np.zeros((3, 12), np.int64)),
    "unwritten": _unwritten,
}


def break_file(whole: Path, folder: Path, changes: dict[str, Callable[[h5py.File], None]]) -> None:
    """Write a copy of a file for each change, named after it, and one that is cut in half."""
    folder.mkdir()
    for name, change in changes.items():
        shutil.copy(whole, folder / f"{name}.h5")
        with h5py.File(folder / f"{name}.h5", "r+") as file:
            change(file)
    (folder / "half.h5").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])


def _manifest(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def _listed(name: str, content: bytes) -> Callable[[Path], None]:
    """Put other bytes into a file, and their SHA-256 into the manifest."""

    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)
        files = json.loads((folder / "manifest.json").read_text())["files"]
        _manifest(files={**files, name: hashlib.sha256(content).hexdigest()})(folder)

    return change


def _link(folder: Path) -> None:
    (folder / "decoder.onnx").rename(folder.parent / "decoder.onnx")
    (folder / "decoder.onnx").symlink_to("../decoder.onnx")


def _text(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "manifest.json").write_text(text) and None


def bundles(models: dict[str, bytes]) -> dict[str, Callable[[Path], None]]:
    """Return what is done to a whole bundle, by name; `models` are further encoders, by name."""
    return {
        "empty": _text(""),
        "list": _text("[]"),
        "newer": _manifest(format_version=2, versions={"chandra-embed": "9.1.0"}),
        "package": _manifest(min_package="99.0"),
        "opset": _manifest(opset=99),
        "ir": _manifest(ir_version=99),
        "nameless": _manifest(name=3),
        "two-lines": _manifest(name="two\nlines"),
        "version": _manifest(version="first"),
        "recipe": _manifest(recipe={"quantity": "colour"}),
        "fingerprint": _manifest(recipe_fingerprint="0" * 64),
        "outside": _manifest(files={"../decoder.onnx": "0" * 64}),
        "byte": lambda folder: (folder / "decoder.onnx").write_bytes(b"changed") and None,
        "missing": lambda folder: (folder / "decoder.onnx").unlink(),
        "more": lambda folder: (folder / "more.bin").touch(),
        "link": _link,
        **{name: _listed("encoder.onnx", content) for name, content in models.items()},
    }


def break_bundle(whole: Path, folder: Path, changes: dict[str, Callable[[Path], None]]) -> None:
    """Write a copy of a bundle for each change, named after it."""
    for name, change in changes.items():
        shutil.copytree(whole, folder / name)
        change(folder / name)
