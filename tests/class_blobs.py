"""Made-up samples of sources whose classes are known, for the tests of clusters."""

import numpy as np
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.simulate.classes import CLASSES
from chandra_embed.training.evaluation.sample import Sample


def blob_sample(names=CLASSES, each=12, *, width=0.05, detections=1, seed=0, simulated=True):
    """Classes are blobs in the latents and mixed in the PCA; every third source is unseen."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.array(names), each * detections)
    true = np.repeat(np.arange(len(names)), each * detections)
    source = np.arange(len(kind)) // detections
    n, recipe = len(kind), Recipe()
    centres = 3 * np.eye(len(names), 8)
    latent = (centres[true] + width * rng.normal(size=(n, 8))).astype(np.float32)
    pca = rng.normal(size=(n, 8)).astype(np.float32)
    spectra = rng.random((n, recipe.n_bins)).astype(np.float32)
    spectra[:, :20] += true[:, None]
    detection = {
        "source_id": np.array([f"source {i}" for i in source]),
        "class": kind,
        "net_counts": rng.uniform(50, 400, n),
        "exposure": np.full(n, 1e4),
        **{f"hard_{xy}": rng.uniform(-0.9, 0.9, n) for xy in ("hs", "hm", "ms")},
    }
    return Sample(
        value=spectra,
        latent=latent,
        normalised=spectra,
        reconstruction=spectra,
        pca=pca,
        pca_reconstruction=spectra,
        seen=source % 3 != 0,
        simulated=simulated,
        detection=detection,
        truth={},
        truth_value=None,
        model="blobs 1.0.0",
        recipe=recipe,
        embedding=latent,
        encoder_sha256="0" * 64,
        files=({"name": "blobs.h5", "sha256": "0" * 64, "command": "", "simulated": simulated},),
    )
