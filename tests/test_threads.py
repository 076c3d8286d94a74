"""CHANDRA_EMBED_THREADS: read in one place, refused when it is no number."""

import numba
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.threads import numba_threads, thread_count


def test_default_is_what_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHANDRA_EMBED_THREADS", raising=False)
    assert thread_count() >= 1


def test_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", "3")
    assert thread_count() == 3


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", text)
    with pytest.raises(ChandraEmbedError, match="CHANDRA_EMBED_THREADS"):
        thread_count()


def test_numba_threads_are_restored() -> None:
    before = numba.get_num_threads()
    with numba_threads(1) as n:
        assert n == numba.get_num_threads() == 1
    assert numba.get_num_threads() == before
