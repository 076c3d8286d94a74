"""Progress goes to stderr, with rate and time left."""

import pytest
from chandra_embed.inference.progress import Progress


def test_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0, 20.0, 21.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with Progress(100, "embed") as progress:
        progress.start_at(20)
        progress.update(10)  # too soon for a line
        progress.update(30)
        progress.update(1)
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err == "embed: 60 of 100 rows, 2/s, 20 s left\n"
