"""The very bundle that made an embeddings file, for whatever needs it again: scores, words."""

from pathlib import Path

import h5py

from ..models import registry
from .errors import BundleError, StoreError


def bundle_of(file: h5py.File) -> registry.Manifest:
    """Return the bundle that made the embeddings: where it lay then, else by its name.

    Parameters
    ----------
    file : h5py.File
        An open embeddings file.

    Returns
    -------
    Manifest
        Of the bundle, verified.

    Raises
    ------
    StoreError
        The file names no bundle.
    BundleError
        The bundle is not found, altered, or not the one that made the embeddings.
    """
    if "bundle" not in file.attrs:
        raise StoreError(f"{file.filename}: does not say which bundle made it; embed again")
    name, version = str(file.attrs["bundle"]), str(file.attrs.get("bundle_version", ""))
    recorded = str(file.attrs.get("bundle_sha256", "none"))
    there = Path(str(file.attrs.get("bundle_folder", "")))
    if file.attrs.get("bundle_folder") and (there / registry.MANIFEST).is_file():
        manifest = registry.verify(there)
        if manifest.sha256 == recorded:
            return manifest
    try:
        folder = registry.find(name)
    except BundleError as error:
        raise BundleError(
            f"{file.filename}: was embedded with bundle {name} {version}, which is not found; "
            f"set {registry.VARIABLE} to the folder that holds it"
        ) from error
    manifest = registry.verify(folder)
    if manifest.sha256 != recorded:
        raise BundleError(
            f"{file.filename}: was embedded with bundle {name} {version} (manifest sha256 {recorded}), "
            f"{folder} is version {manifest.version} (sha256 {manifest.sha256}); embed again, or set "
            f"{registry.VARIABLE} to the folder that holds the former"
        )
    return manifest
