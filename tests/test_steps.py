"""Steps of a long command: kept, stopped, cleared."""

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.progress import Progress
from chandra_embed.inference.steps import Steps
from chandra_embed.inference.stopping import Stop


@pytest.fixture
def stop():
    return Stop()


def test_a_step_is_done_once_for_the_same_rows_and_settings(tmp_path, stop):
    x, calls = np.eye(3, dtype=np.float32), []

    def make():
        calls.append(1)
        return np.full(3, len(calls))

    for settings, rows, expected in ((1, x, 1), (1, x, 1), (2, x, 2), (2, x[::-1], 3), (2, x[::-1], 3)):
        found = Steps(tmp_path / "e.h5", stop, rows).once("step", settings, make)
        assert found.tolist() == [expected] * 3
    steps = Steps(tmp_path / "e.h5", stop, x)
    steps.once("step", 1, make)
    steps.clear()
    assert not list(tmp_path.iterdir())


def test_a_stop_is_heeded_before_a_step_and_within_it(tmp_path, stop):
    steps = Steps(tmp_path / "e.h5", stop, np.eye(2, dtype=np.float32))
    with Progress(10, "step") as progress:
        steps.counted(progress)(4)
        stop.signal = "SIGTERM"
        with pytest.raises(ChandraEmbedError, match=r"e\.h5: stopped by SIGTERM and as it was"):
            steps.counted(progress)(4)
    with pytest.raises(ChandraEmbedError, match="stopped by SIGTERM"):
        steps.once("step", 1, lambda: pytest.fail("begun"))
