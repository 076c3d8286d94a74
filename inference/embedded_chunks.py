"""Rows of a ``spectra.h5`` through one encoder or several, chunk by chunk, the file read once.

One chunk of rows is read, and another written, while the encoders work on the one between. Memory does not
grow with the file: two chunks are in it at a time.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing

import h5py
import numpy as np
from numpy.typing import NDArray

from . import begun
from .aligned import EventEmbedder, mean_embedding
from .catalog.event_table import read_block, spans
from .catalog.spectra_file import spectra_block
from .encoder import Array

# rows between two flushes, rounded down to whole batches
CHUNK = 8192
# events read at once, a batch at least
EVENTS = 1 << 19


def embedded_chunks(
    source: h5py.File, first: int, end: int, works: Sequence[begun.Work]
) -> Generator[tuple[int, list[dict[str, Array]]], None, None]:
    """Yield each chunk of rows: the first of them, and for each output what to write by dataset."""
    encoder = works[0].encoder
    step = encoder.batch_size * max(1, CHUNK // encoder.batch_size)
    starts = range(first, end, step)
    blocks = (spectra_block(source, start, min(start + step, end)) for start in starts)
    callers = encoder.threads if encoder.device == "cpu" else 1
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(callers))
        streams = [
            stack.enter_context(closing(work.encoder.stream(own, first)))
            for work, own in zip(works, _shared(blocks, len(works)), strict=True)
        ]
        for start, *found in zip(starts, *streams, strict=True):
            of_each = [one._asdict() for one in found]
            for work, columns in zip(works, of_each, strict=True):
                if work.events is not None:
                    of = range(start, min(start + step, end), work.events.batch_size)
                    own = _of_events(pool, 2 * callers, work.events, source, of)
                    both = mean_embedding(columns["embedding"], own)
                    columns |= {"embedding_event": own, "embedding_both": both}
            yield start, of_each


def _shared(blocks: Iterator[Array], n: int) -> list[Iterator[Array]]:
    """Hand each block to `n` takers and let go of it with the last; ``itertools.tee`` holds on to dozens."""
    waiting: list[deque[Array]] = [deque() for _ in range(n)]

    def take(own: deque[Array]) -> Iterator[Array]:
        while True:
            if not own:
                block = next(blocks, None)
                if block is None:
                    return
                for each in waiting:
                    each.append(block)
                del block
            yield own.popleft()

    return [take(own) for own in waiting]


def _of_events(
    pool: ThreadPoolExecutor, most: int, events: EventEmbedder, source: h5py.File, of: range
) -> NDArray[np.float32]:
    """Embed events, a batch a step of `of`; bright sources are long, so `most` batches are held at once."""
    waiting: deque[Future[NDArray[np.float32]]] = deque()
    found: list[NDArray[np.float32]] = []
    for span in spans(source, of.start, of.stop, of.step, EVENTS):
        block = read_block(source, span.start, span.stop)
        for at in range(0, len(span), of.step):
            if len(waiting) == most:
                found.append(waiting.popleft().result())
            waiting.append(pool.submit(events.embed, block.rows(at, at + of.step)))
    return np.concatenate([*found, *(each.result() for each in waiting)])
