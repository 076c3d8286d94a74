"""Made-up latents and text vectors of sources that share a hidden factor, for tests of the aligner."""

import numpy as np
from chandra_embed.training.align_data import AlignmentData


def shared_factor(
    sources=900, rows=2, *, factor=6, spectrum=16, event=12, text=20, noise=0.3, seed=0, share_events=0.7
):
    """Return pairs: `rows` detections a source, bent views of one factor each; events for some rows only."""
    rng = np.random.default_rng(seed)
    hidden = np.repeat(rng.normal(size=(sources, factor)), rows, axis=0)
    n = len(hidden)

    def view(width, level):
        made = np.tanh(hidden @ rng.normal(size=(factor, width))) * rng.uniform(0.01, 10, width) + 3
        return (made + level * made.std(axis=0) * rng.normal(size=made.shape)).astype(np.float32)

    words = np.repeat(view(text, noise)[::rows], rows, axis=0)  # one text a source
    events = view(event, noise)
    events[rng.random(n) > share_events] = np.nan
    names = np.array([f"source {i // rows}" for i in range(n)])
    return AlignmentData(text=words, source_id=names, spectrum=view(spectrum, noise), event=events)
