"""Degrees and neighbours of embeddings of a simulated catalog: a graph that is far from empty."""

import degrees
import neighbors
import numpy as np
from chandra_embed.inference import Encoder
from chandra_embed.inference.errors import BundleError
from chandra_embed.inference.simulate.spectra import simulate
from timing import Section, Settings, say

BUNDLE = "spectrum-8"


def run(settings: Settings) -> list[Section]:
    n, rounds = (200, 2) if settings.quick else (5000, 11)
    columns = (
        "subject",
        *degrees.COLUMNS[:2],
        "million pairs/s or rows/s",
        "time / ours",
        "differ from ours",
    )
    section = Section(f"Simulated catalog, n = {n:,}", "", columns)
    try:
        encoder = Encoder.load(BUNDLE, "cpu")
    except BundleError as error:
        section.text = f"Not run: {error}"
        return [section]
    say(f"catalog: simulating {n:,} spectra")
    x = encoder.embed(np.stack([one.value for one in simulate(n, 0, encoder.recipe)]))
    shares = {
        tau: counts.mean() / (n - 1) for tau, counts in degrees.numpy_blocks(x, degrees.THRESHOLDS).items()
    }
    section.text = (
        f"{n:,} simulated spectra embedded by bundle {encoder.manifest.name} {encoder.manifest.version}, "
        f"d = {x.shape[1]}; {rounds} rounds. Of all pairs "
        + ", ".join(f"{share:.1%} reach {tau}" for tau, share in shares.items())
        + ". Contenders and checks as above."
    )
    degrees.add_rows(section, x, rounds, sklearn=False, before=("degree",))
    neighbors.add_rows(section, x, rounds, cosine=False, before=("neighbours",))
    return [section]
