"""Shared fixtures; tests/ goes on the path so that the slow twins and file makers can be imported."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The work of a test is small: threads of BLAS, OpenMP and ONNX Runtime would mostly wait for each other.
# Tests of threads set their own number; the wheel's chain runs with the defaults. Before numpy is imported.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "CHANDRA_EMBED_THREADS"):
    os.environ.setdefault(variable, "1")

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


@pytest.fixture(scope="module")
def few_draws() -> Iterator[None]:
    """Intervals of 100 draws of sources, not 1,000: for modules in which the intervals are not the point."""
    from chandra_embed.training.evaluation import tables

    draws, interval = tables.source_draws, tables.ratio_interval
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "source_draws", lambda source_id, _, seed: draws(source_id, 100, seed))
        patch.setattr(
            tables, "ratio_interval", lambda total, count, _, seed: interval(total, count, 100, seed)
        )
        yield
