"""Made-up pairs with a planted factor, for tests of alignment and regression."""

import numpy as np
from chandra_embed.inference.recipe import Recipe
from chandra_embed.training.datasets import PARTS, split
from chandra_embed.training.evaluation.pair_sample import CURVE_WIDTH, PairSample
from chandra_embed.training.evaluation.sample import Sample

KINDS = np.array(["AGN", "YSO", "LMXB", "CV"])


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def made_pairs(
    sources=600, rows=1, *, noise=0.3, factor=8, width=16, seed=0, shared=True, plain=True, events=True
):
    """Return pairs whose two sides are noisy views of one factor (or of two, where not `shared`).

    The class is the sign pattern of the first two parts of the factor; hardness is a third one.
    """
    rng = np.random.default_rng(seed)
    hidden = np.repeat(rng.normal(size=(sources, factor)), rows, axis=0)
    words = hidden if shared else np.repeat(rng.normal(size=(sources, factor)), rows, axis=0)
    n = len(hidden)

    def view(of, level=noise):
        return (of + level * rng.normal(size=of.shape)).astype(np.float32)

    def latent(of):
        return (of @ rng.normal(size=(factor, width)) + 2).astype(np.float32)

    # each side is seen once: before and after alignment it holds the same noise
    seen, timed, told = view(hidden), view(hidden), view(words)

    source_id = np.array([f"source {i // rows}" for i in range(n)])
    masks = split(source_id, 0, 0.1, 0.5)
    kind = KINDS[(hidden[:, 0] > 0) + 2 * (hidden[:, 1] > 0)]
    hard = np.tanh(hidden[:, 2] + (words[:, 3] if shared else 0) + 0.1 * rng.normal(size=n))
    detection = {
        "source_id": source_id,
        "class": kind,
        "net_counts": 10 ** rng.uniform(0.5, 3.5, n),
        "hard_hs": hard,
        "hard_hm": np.where(np.arange(n) % 5 == 0, np.nan, hidden[:, 2]),
        "hard_ms": hidden[:, 4],
        "var_prob_b": np.full(n, np.nan),
        "var_index_b": np.round(np.clip(5 + 2 * hidden[:, 5], 0, 10)),
    }
    recipe = Recipe()
    value = np.exp(rng.normal(size=(n, recipe.n_bins))).astype(np.float32)
    spectra = Sample(
        value=value,
        latent=latent(seen),
        normalised=value,
        reconstruction=value,
        pca=value[:, :8],
        pca_reconstruction=value,
        seen=~masks["test"],
        simulated=True,
        detection=detection,
        truth={"gamma": 1.7 + 0.3 * hidden[:, 6], "nh_total": 10 ** (0.5 * hidden[:, 7])},
        truth_value=None,
        model="aligned-64 1.0.0",
        recipe=recipe,
        files=({"name": "spectra.h5", "sha256": "x", "command": "c", "simulated": True, "rows": n},),
        embedding=unit(seen),
        encoder_sha256="e",
    )
    event = np.full((n, factor), np.nan, np.float32)
    event_latent = np.full((n, width), np.nan, np.float32)
    if events:
        there = np.arange(n) % 11 > 0
        event[there], event_latent[there] = unit(timed)[there], latent(timed)[there]
    curve = rng.normal(size=(n, CURVE_WIDTH)).astype(np.float32)
    curve[:, 0] = view(hidden[:, 5])
    vectors = latent(told)
    beta, *_ = np.linalg.lstsq(
        np.column_stack([vectors, np.ones(n)])[masks["train"]], spectra.latent[masks["train"]], rcond=None
    )
    bag = {"weights": beta[:-1], "intercept": beta[-1]}
    bag |= {"mean": spectra.latent.mean(axis=0), "scale": spectra.latent.std(axis=0)}
    return PairSample(
        spectra,
        event_latent,
        event,
        curve,
        vectors,
        unit(told),
        unit(view(words, 3 * noise)) if plain else None,
        np.select([masks[name] for name in PARTS], list(PARTS), ""),
        bag,
        {"name": "texts.jsonl", "sha256": "t", "texts": n, "matched": n, "semi_simulated": True},
    )
