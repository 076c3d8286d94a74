"""Kernels are compiled once: the second start of ``score`` compiles nothing."""

import subprocess
import sys

from embeddings_file import write_embeddings

CODE = """
import sys
from numba import njit
from numba.core import event
with event.install_recorder("numba:compile") as recorder:
    from chandra_embed.inference.cli.score import score
    score([sys.argv[1], "--device", "cpu"], standalone_mode=False)
    njit(lambda: 1)()  # seen, so that nothing seen means nothing compiled
names = {str(one.data["dispatcher"]) for _, one in recorder.buffer}
print("compiled:", *sorted(names), file=sys.stderr)
"""


def test_the_second_start_of_score_compiles_nothing(tmp_path):
    path = write_embeddings(tmp_path / "embeddings.h5", 60)
    told = [
        subprocess.run([sys.executable, "-c", CODE, path], capture_output=True, text=True, check=True).stderr
        for _ in range(2)
    ]
    compiled = told[1].splitlines()[-1].removeprefix("compiled: ")
    assert compiled.count("CPUDispatcher") == 1
    assert "<lambda>" in compiled
