"""Degrees and neighbours of embeddings of a simulated catalog: a graph that is far from empty."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import degrees
import neighbors
import numpy as np
from chandra_embed.inference import Encoder
from chandra_embed.inference.errors import BundleError
from chandra_embed.inference.simulate.spectra import simulate
from timing import Section, Settings, say

BUNDLE = "aligned-64"
ROUNDS = {10_000: 7, 30_000: 5, 100_000: 3}


def run(settings: Settings) -> list[Section]:
    sizes = (200, 600) if settings.quick else tuple(ROUNDS)[: 3 if settings.large else 2]
    columns = (
        "n",
        "subject",
        *degrees.COLUMNS[:2],
        "million pairs/s or rows/s",
        "time / ours",
        "differ from ours",
    )
    section = Section("Simulated catalog", "", columns)
    try:
        encoder = Encoder.load(BUNDLE, "cpu")
    except BundleError as error:
        section.text = f"Not run: {error}"
        return [section]
    say(f"catalog: simulating {max(sizes):,} spectra")
    x = np.concatenate(list(_embeddings(encoder, max(sizes))))
    reached = degrees.numpy_blocks(x, degrees.THRESHOLDS, rows=np.arange(min(len(x), 2000)))
    seconds, ratios = {}, {}
    for n in sizes:
        some, rounds, label = np.ascontiguousarray(x[:n]), ROUNDS.get(n, 2), f"{n:,}"
        seconds[n], ratios[n] = degrees.add_rows(
            section, some, rounds, sklearn=False, before=(label, "degree")
        )
        if n <= degrees.MOST_FOR_PEERS:
            neighbors.add_rows(section, some, rounds, cosine=False, before=(label, "neighbours"))
    section.text = (
        f"Simulated spectra embedded by bundle {encoder.manifest.name} {encoder.manifest.version}, "
        f"d = {x.shape[1]}. Of all pairs "
        + ", ".join(f"{counts.mean() / (len(x) - 1):.1%} reach {tau}" for tau, counts in reached.items())
        + ". Degree over the n x n product: "
        + ", ".join(f"{ratio:.2f} at n = {n:,}" for n, ratio in ratios.items())
        + f"; its time grows as n to the power of {degrees.growth(seconds):.2f} from the smallest n to the "
        "largest. Contenders and checks as above; peers that take minutes are left out where n is large."
    )
    return [section]


def _embeddings(encoder: Encoder, n: int) -> Iterator[Any]:
    """Embed simulated spectra, some thousands at a time."""
    spectra = simulate(n, 0, encoder.recipe)
    while some := [one.value for one in islice(spectra, 4096)]:
        yield encoder.embed(np.stack(some))
