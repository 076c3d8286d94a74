"""A made-up sample whose latents are known functions of what they are compared with."""

import numpy as np
from chandra_embed.inference.recipe import Recipe
from chandra_embed.training.evaluation.sample import Sample


def unit_rows(latent):
    centred = latent - latent.mean(axis=0)
    return (centred / np.linalg.norm(centred, axis=1, keepdims=True)).astype(np.float32)


def made_sample(n=400, *, truth=True, quantity="rate", seed=0, kinds=("AGN", "CV"), sources=None):
    """Return `n` rows: z1 follows gamma, z2 nH, z3 the year, z4 counts; z5 to z8 nothing."""
    rng = np.random.default_rng(seed)
    recipe = Recipe(quantity=quantity)
    gamma, log_nh = rng.normal(1.8, 0.5, n), rng.normal(0.0, 0.7, n)
    epoch, log_counts = rng.uniform(0, 20, n), rng.uniform(1.7, 3.5, n)
    latent = rng.normal(size=(n, 8))
    latent[:, 0] = gamma + 0.2 * rng.normal(size=n)
    latent[:, 1] = np.tanh(log_nh) + 0.1 * rng.normal(size=n)
    latent[:, 2] = 0.1 * epoch + 0.1 * rng.normal(size=n)
    latent[:, 3] = log_counts**2 / 4
    energy = np.sqrt(recipe.energy_edges()[1:] * recipe.energy_edges()[:-1])
    value = energy ** -gamma[:, None] + 0.01 * rng.normal(size=(n, 400))
    normalised = (value - value.min(axis=1, keepdims=True)) / np.ptp(value, axis=1)[:, None]
    arrays = {
        "value": value,
        "latent": latent,
        "normalised": normalised,
        "reconstruction": normalised,
        "pca": latent,
        "pca_reconstruction": normalised,
    }
    count = sources or n
    detection = {
        "source_id": np.array([f"source {i % count}" for i in range(n)]),
        "class": np.array([kinds[i % len(kinds)] for i in range(n)]),
        "net_counts": 10**log_counts,
        "theta": rng.uniform(0, 10, n),
        "date_obs": np.array(["2012-05-03T10:00:00"] * n),
        "hard_ms": np.full(n, np.nan),
    }
    facts = {"name": "made.h5", "sha256": "0" * 64, "command": "made", "simulated": truth, "rows": n}
    return Sample(
        **{name: array.astype(np.float32) for name, array in arrays.items()},
        mean=normalised.mean(axis=0).astype(np.float32),
        seen=np.zeros(n, bool),
        simulated=truth,
        detection=detection,
        truth={"gamma": gamma, "nh": 10**log_nh, "epoch": epoch} if truth else {},
        truth_value=None,
        model="made-8 1.0.0",
        recipe=recipe,
        files=(facts,),
        embedding=unit_rows(latent),
        encoder_sha256="0" * 64,
    )
