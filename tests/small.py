"""Small files that several tests start from."""

from pathlib import Path

import numpy as np
from chandra_embed.inference.catalog.spectra_file import SpectraWriter
from chandra_embed.inference.recipe import Recipe


def write_spectra(
    path: Path, n: int, *, seed: int = 0, recipe: Recipe | None = None, simulated: bool = True
) -> Path:
    """Write a `spectra.h5` of `n` noisy power laws, with some columns filled and the others missing."""
    recipe = recipe or Recipe()
    rng = np.random.default_rng(seed)
    energy = np.sqrt(recipe.energy_edges()[1:] * recipe.energy_edges()[:-1])
    slope = rng.uniform(-1, 3, (n, 1))
    values = (1e-4 * energy**-slope * rng.gamma(2, 0.5, (n, recipe.n_bins))).astype(np.float32)
    with SpectraWriter(path, recipe, {"simulated": simulated}) as writer:
        for i, value in enumerate(values):
            detection = {
                "file": f"sim/{i}.pi",
                "source_id": f"source {i // 2}",
                "name": f"2CXO J{i // 2:06d}",
                "obsid": i,
                "ra": 0.01 * i,
                "net_counts": float(i),
                "has_arf": i % 2 == 0,
                "hard_hm": np.nan if i % 3 == 0 else slope[i, 0] / 3,
                "var_prob_b": (i % 10) / 10,
                "class": ("AGN", "LMXB", "YSO", "")[i % 4],
            }
            writer.append(detection, value, np.sqrt(value), None)
        writer.close()
    return path
