"""Finding frozen bundles by name or folder, and refusing those whose bytes are not what they say.

Standard library only, so that a bundle can be checked where nothing else is installed.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .errors import BundleError
from .onnx_file import read_onnx

VARIABLE = "CHANDRA_EMBED_MODELS"
MANIFEST = "manifest.json"
FORMAT_VERSION = 1
# what onnxruntime 1.20, the oldest this package takes, runs
NEWEST_OPSET, NEWEST_IR = 21, 10


@dataclass(frozen=True)
class Manifest:
    """What a verified bundle says of itself.

    Parameters
    ----------
    folder : Path
        Where the bundle lies.
    name, version : str
        Its name, and its semantic version, raised at each freeze.
    recipe : mapping
        Fields of the preprocessing recipe.
    recipe_fingerprint : str
        SHA-256 of the recipe's canonical JSON.
    files : mapping of str to str
        Path inside the bundle to SHA-256.
    sha256 : str
        SHA-256 of ``manifest.json`` itself: with it every byte of the bundle is named.
    content : mapping
        The whole of ``manifest.json``.
    """

    folder: Path
    name: str
    version: str
    recipe: Mapping[str, Any]
    recipe_fingerprint: str
    files: Mapping[str, str]
    sha256: str
    content: Mapping[str, Any]


def shelves() -> list[Path]:
    """Return the folders that hold bundles: ``$CHANDRA_EMBED_MODELS`` where set, then the package's.

    Raises
    ------
    BundleError
        The variable does not name a folder.
    """
    package = Path(__file__).resolve().parent
    own = os.environ.get(VARIABLE, "")
    if not own:
        return [package]
    if not Path(own).is_dir():
        raise BundleError(
            f"{VARIABLE}={own}: no such folder; unset it or name the folder that holds your bundles"
        )
    return [Path(own), package]


def available() -> list[Path]:
    """Return the folder of every bundle that can be named, one a name, sorted by name."""
    found: dict[str, Path] = {}
    for shelf in shelves():
        for folder in sorted(shelf.iterdir()):
            if (folder / MANIFEST).is_file():
                found.setdefault(folder.name, folder)
    return [found[name] for name in sorted(found)]


def find(name: str | Path) -> Path:
    """Return the folder of a bundle.

    Parameters
    ----------
    name : str or Path
        A name, looked up in ``$CHANDRA_EMBED_MODELS`` and then in the package, or a folder. A bare word
        is a name first; write ``./word`` for the folder of that name.

    Raises
    ------
    BundleError
        No such bundle; the message lists those there are.
    """
    text = os.fspath(name)
    bare = text == os.path.basename(text) and text not in ("", ".", "..")
    places = [shelf / text for shelf in shelves()] if bare else []
    for folder in [*places, Path(text)]:
        if text and (folder / MANIFEST).is_file():
            return folder
    if text and Path(text).is_dir():
        raise BundleError(
            f"{text}: holds no {MANIFEST}, so it is no bundle; freeze one with: chandra-embed export"
        )
    names = ", ".join(folder.name for folder in available()) or "none"
    raise BundleError(f"{text!r}: no bundle of this name or folder; there are: {names}")


def verify(folder: Path) -> Manifest:
    """Check a bundle byte for byte against its manifest.

    Parameters
    ----------
    folder : Path
        The bundle, as :func:`find` returns it.

    Returns
    -------
    Manifest
        What the bundle says of itself.

    Raises
    ------
    BundleError
        The manifest cannot be read or was made for a newer package or runtime; a file is missing,
        altered, not listed, or lies outside the bundle; a model would open a file that is not of the bundle.
    """
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
        content = json.loads(raw)
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read ({error.strerror or error}); get the bundle again"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: cannot be read as JSON ({error}); get the bundle again") from error
    _check_versions(path, content)
    manifest = _parse(folder, content, hashlib.sha256(raw).hexdigest())
    _check_listed(manifest)
    _check_unlisted(manifest)
    _check_models(manifest)
    return manifest


def _check_versions(path: Path, content: Any) -> None:
    """Refuse what a newer package or runtime made, before anything else of it is read."""
    if not isinstance(content, dict) or type(content.get("format_version")) is not int:
        raise BundleError(f"{path}: has no format_version; it is no manifest of chandra-embed")
    if content["format_version"] != FORMAT_VERSION:
        raise BundleError(
            f"{path}: format_version {content['format_version']} is unknown, this package reads "
            f"{FORMAT_VERSION}; {_writer(content)}: upgrade chandra-embed"
        )
    needed, own = str(content.get("min_package", "0")), package_version()
    if own and _parts(needed) > _parts(own):
        raise BundleError(f"{path}: needs chandra-embed {needed}, this is {own}: upgrade chandra-embed")
    _check_runs(path, content.get("opset"), content.get("ir_version"))


def _check_runs(path: Path, opset: Any, ir_version: Any) -> None:
    """Refuse what is newer than the oldest ONNX Runtime that this package takes."""
    for key, value, newest in (("opset", opset, NEWEST_OPSET), ("ir_version", ir_version, NEWEST_IR)):
        if not isinstance(value, int) or value > newest:
            raise BundleError(
                f"{path}: {key} {value!r} is not one this package runs (up to {newest}): "
                "upgrade chandra-embed, or freeze the model again"
            )


def _writer(content: Mapping[str, Any]) -> str:
    """Say which program wrote a manifest, as far as it tells."""
    versions = content.get("versions")
    if isinstance(versions, dict) and isinstance(versions.get("chandra-embed"), str):
        return f"it was written by chandra-embed {versions['chandra-embed']}"
    if isinstance(content.get("min_package"), str):
        return f"it was written for chandra-embed {content['min_package']} and later"
    return "it does not say who wrote it"


def package_version() -> str:
    """Return the version of the installed package, empty where only the sources are there."""
    try:
        return version("chandra-embed")
    except PackageNotFoundError:
        return ""


def _parts(text: str) -> tuple[int, ...]:
    """Split a version into numbers that compare; what follows the numbers (rc1, .dev0) does not count."""
    match = re.match(r"\d+(\.\d+)*", text)
    numbers = [int(part) for part in match.group().split(".")] if match else [0]
    return tuple(numbers + [0] * (4 - len(numbers)))


def _parse(folder: Path, content: Mapping[str, Any], sha256: str) -> Manifest:
    """Take what every bundle must say, of the right types."""
    wanted = {"name": str, "version": str, "recipe": dict, "recipe_fingerprint": str, "files": dict}
    for key, kind in wanted.items():
        if not isinstance(content.get(key), kind):
            raise BundleError(f"{folder / MANIFEST}: has no usable {key!r}; freeze the model again")
    check_name(content["name"], folder / MANIFEST)
    if not re.fullmatch(r"\d+\.\d+\.\d+", content["version"]):
        raise BundleError(
            f"{folder / MANIFEST}: version {content['version']!r} is not three numbers; "
            "freeze the model again"
        )
    for name, digest in content["files"].items():
        if not isinstance(digest, str):
            raise BundleError(f"{folder / MANIFEST}: no sha256 of {name!r}; freeze the model again")
    return Manifest(folder, sha256=sha256, content=content, **{key: content[key] for key in wanted})


def check_name(name: str, where: Path) -> None:
    """Raise BundleError, naming `where`, unless a bundle's name is one that a line and a folder can hold."""
    if not re.fullmatch(r"\w[\w.+ -]*", name):
        raise BundleError(
            f"{where}: {name!r} is no name of a bundle; "
            "begin with a letter or a digit, then also . + - and spaces"
        )


def _check_listed(manifest: Manifest) -> None:
    """Every listed file lies inside the bundle and has the bytes it should."""
    root = manifest.folder.resolve()
    if not (manifest.folder / MANIFEST).resolve().is_relative_to(root):
        raise BundleError(f"{manifest.folder / MANIFEST}: is a link out of the bundle; not loaded")
    for name, wanted in manifest.files.items():
        path = manifest.folder / name
        parts = re.split(r"[/\\]", name)
        if not name or ".." in parts or os.path.isabs(name) or ":" in parts[0] or "\0" in name:
            raise BundleError(
                f"{manifest.folder / MANIFEST}: lists {name!r}, which is outside the bundle; not loaded"
            )
        if not path.resolve().is_relative_to(root):
            raise BundleError(f"{path}: is a link out of the bundle; not loaded")
        if not path.is_file():
            raise BundleError(f"{path}: is listed in {MANIFEST} and missing; get the bundle again")
        try:
            with open(path, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BundleError(f"{path}: cannot be read ({error.strerror or error}); not loaded") from error
        if found != wanted.lower():
            raise BundleError(f"{path}: sha256 is {found}, the manifest says {wanted}; get the bundle again")


def _check_unlisted(manifest: Manifest) -> None:
    """Nothing lies in the bundle that the manifest does not vouch for."""
    listed = {os.path.normpath(name) for name in manifest.files} | {MANIFEST}
    for parent, folders, files in os.walk(manifest.folder, onerror=_refuse):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in sorted(files) + links:
            path = os.path.relpath(os.path.join(parent, name), manifest.folder)
            if path not in listed:
                raise BundleError(
                    f"{manifest.folder / path}: is not listed in {MANIFEST}; remove it to load the bundle"
                )


def _refuse(error: OSError) -> None:
    """Make of a folder that cannot be listed an error; os.walk alone would pass over it."""
    raise BundleError(f"{error.filename}: cannot be listed ({error.strerror}); not loaded") from error


def _check_models(manifest: Manifest) -> None:
    """Each model runs on what this package takes, and opens no file that the manifest does not vouch for."""
    listed = {os.path.normpath(name) for name in manifest.files}
    for name in manifest.files:
        if not name.endswith(".onnx"):
            continue
        path = manifest.folder / name
        facts = read_onnx(path)
        _check_runs(path, facts.opset, facts.ir_version)
        for location in sorted(facts.external):
            beside = os.path.normpath(os.path.join(os.path.dirname(name), location))
            if not location or os.path.isabs(location) or beside not in listed:
                raise BundleError(
                    f"{path}: keeps weights in {location!r}, which is not a file of the bundle; not loaded"
                )
