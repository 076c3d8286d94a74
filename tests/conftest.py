"""Shared fixtures; tests/ goes on the path so that the slow twins and file makers can be imported."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def chandra_data() -> Path:
    """Folder of real Chandra files, named by CHANDRA_EMBED_DATA; tests that need it are skipped without."""
    folder = os.environ.get("CHANDRA_EMBED_DATA", "")
    if not folder:
        pytest.skip("CHANDRA_EMBED_DATA is not set: no real Chandra files to read")
    return Path(folder)


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of the golden fixtures in git."""
    return Path(__file__).parent / "golden"
