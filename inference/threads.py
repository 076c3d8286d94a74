"""How many threads to use: the one place that tells ONNX Runtime, Numba and BLAS.

``CHANDRA_EMBED_THREADS`` sets the number; without it, the CPUs this process may run on.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import ChandraEmbedError

VARIABLE = "CHANDRA_EMBED_THREADS"


def thread_count() -> int:
    """Return the number of threads to use, at least 1.

    Raises
    ------
    ChandraEmbedError
        ``CHANDRA_EMBED_THREADS`` is not a positive whole number.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise ChandraEmbedError(f"{VARIABLE}={text!r}: give a whole number of threads, at least 1")
    return int(text)


@contextmanager
def numba_threads(n: int | None = None) -> Iterator[int]:
    """Run Numba's parallel kernels with `n` threads (default: :func:`thread_count`), then restore.

    Yields
    ------
    int
        The number in force: `n`, or what Numba was started with where that is fewer.
    """
    import numba

    before = numba.get_num_threads()
    now = min(n or thread_count(), numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    numba.set_num_threads(now)
    try:
        yield now
    finally:
        numba.set_num_threads(before)
