"""Nothing phones home: with an empty HOME and no CI variable, no usage data are gathered or written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small import write_spectra

# what may lie under ~/.cache: Numba's compiled kernels, where the package's own folder cannot be written
DOCUMENTED = {"numba"}
WORK = """
import sys
from pathlib import Path
import numpy as np
from chandra_embed.inference import Encoder, anomaly_scores, degree, nearest_neighbors
from chandra_embed.inference.embed import embed_file
from chandra_embed.inference.score import score_file

x = Encoder.load("spectrum-8", device="auto").embed(np.random.default_rng(0).gamma(1, 1e-4, (30, 400)))
degree(x), nearest_neighbors(x, k=3), anomaly_scores(x, method="isolation")
embed_file(Path(sys.argv[1]), Path(sys.argv[2]), device="cpu")
score_file(Path(sys.argv[2]), min_counts=0)
"""


def bare_environment(home: Path) -> dict[str, str]:
    """Return the environment of a user outside CI with an empty home."""
    home.mkdir()
    dropped = ("XDG_", "ORT_", "CI", "HOME", "NUMBA_", "GITHUB_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def test_embedding_and_scoring_leave_no_trace_of_usage(home, tmp_path):
    spectra = write_spectra(tmp_path / "spectra.h5", 30)
    subprocess.run(
        [sys.executable, "-c", WORK, str(spectra), str(tmp_path / "embeddings.h5")],
        env=bare_environment(home),
        check=True,
    )
    found = {path.relative_to(home).as_posix() for path in home.rglob("*")}
    assert {name for name in found if name != ".cache" and name.split("/")[:2][-1] not in DOCUMENTED} == set()
