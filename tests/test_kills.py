"""SIGKILL at random moments: ingest, embed and score end with the bytes of runs that were left alone.

``tests/fuzz_kills.py`` does a hundred.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 10


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills processes with SIGKILL")
def test_ten_kills_change_no_byte():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    program = Path(__file__).with_name("fuzz_kills.py")
    done = subprocess.run(
        [sys.executable, program, str(KILLS), "2026"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["kills"] == KILLS
    assert all(report[name]["same"] and report[name]["kills"] >= 3 for name in ("ingest", "embed", "score"))
    assert report["embed"]["rows_done"] == sorted(report["embed"]["rows_done"]) or report["embed"]["ended"]
    assert not any(report[name]["left"] for name in ("ingest", "embed", "score"))
