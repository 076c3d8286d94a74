"""The shipped bundles: golden outputs for ever, the same row everywhere, sane scores.

``tests/golden/NAME-VERSION.npz`` holds simulated spectra (``simulate -n 6 --seed 2026``), one constant
and one empty spectrum, and what that version made of them when it was frozen. A new version gets a new file.
"""

from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference import Encoder
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.ingest import ingest
from chandra_embed.inference.embed import embed_file
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.reference import Reference
from chandra_embed.inference.score import score_file
from chandra_embed.inference.simulate.spectra import simulate
from chandra_embed.training.evaluation.sample import read_baseline


@pytest.fixture(scope="module", params=["spectrum-8", "spectrum-8-flux", "spectrum-64", "aligned-64"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return Encoder.load(request.param, device="cpu")


@pytest.fixture(scope="module")
def frozen(golden: Path, encoder: Encoder) -> dict[str, np.ndarray]:
    name = f"{encoder.manifest.name}-{encoder.manifest.version}.npz"
    with np.load(golden / name, allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("name", ["latent", "embedding", "reconstruction", "reconstruction_error"])
def test_golden_outputs(encoder: Encoder, frozen: dict[str, np.ndarray], name: str) -> None:
    np.testing.assert_allclose(getattr(encoder.run(frozen["spectra"]), name), frozen[name], rtol=0, atol=1e-5)


def test_golden_scores(encoder: Encoder, frozen: dict[str, np.ndarray]) -> None:
    reference = Reference.load(encoder.manifest.folder / "anomaly.npz")
    scores = reference.score(frozen["embedding"], frozen["reconstruction_error"])
    for name in ("knn_distance", "isolation", "anomaly"):
        np.testing.assert_allclose(scores[name], frozen[name], rtol=0, atol=1e-6)


def test_the_simulator_still_draws_the_golden_spectra(
    encoder: Encoder, frozen: dict[str, np.ndarray]
) -> None:
    drawn = np.stack([row.value for row in simulate(6, 2026, encoder.recipe)])
    np.testing.assert_allclose(drawn, frozen["spectra"][:6], rtol=1e-6)


def test_constant_and_empty_spectra_give_unit_rows(encoder: Encoder) -> None:
    rows = np.stack([np.zeros(400), np.full(400, 3.0), np.full(400, -1e-6)]).astype(np.float32)
    found = encoder.run(rows)
    assert not found.normalised.any()
    np.testing.assert_allclose(np.linalg.norm(found.embedding, axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(found.embedding[0], found.embedding[1])


@pytest.mark.real
def test_the_real_files_through_the_whole_chain(chandra_data: Path, tmp_path: Path) -> None:
    ingest([chandra_data / "spectra", chandra_data / "other_formats"], tmp_path / "s.h5", Recipe())
    embed_file(tmp_path / "s.h5", tmp_path / "e.h5", device="cpu")
    score_file(tmp_path / "e.h5")
    with store.open_store(tmp_path / "e.h5", store.EMBEDDINGS) as file:
        np.testing.assert_allclose(np.linalg.norm(file["embedding"][...], axis=1), 1.0, atol=1e-6)
        assert not file.attrs["simulated"]
        assert file["score/degree"].shape == (3, 22)
        bright = store.read_column(file, "net_counts") >= 40
        anomaly, p = file["score/anomaly"][...], file["score/anomaly_pvalue"][...]
        assert np.isfinite(anomaly[bright]).all()
        assert np.isnan(anomaly[~bright]).all()
        assert ((p[bright] > 0) & (p[bright] <= 1)).all()


@pytest.mark.real
def test_a_real_row_is_the_same_alone_and_in_any_batch(chandra_data: Path, tmp_path: Path) -> None:
    ingest([chandra_data / "spectra"], tmp_path / "s.h5", Recipe())
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        spectra = file["spectrum/value"][...]
    alone = np.concatenate(
        [Encoder.load("spectrum-8", device="cpu", batch_size=1).embed(row[None]) for row in spectra]
    )
    for size in (2, 7, 512):
        batch = Encoder.load("spectrum-8", device="cpu", batch_size=size).embed(spectra)
        np.testing.assert_allclose(batch, alone, rtol=0, atol=1e-6)


def test_the_baseline_is_a_pca_of_as_many_numbers_and_names_the_sources_seen(encoder: Encoder) -> None:
    mean, components, seen = read_baseline(encoder.manifest)
    assert mean.shape == (400,)
    size = encoder.manifest.content["model"]["n_latent"]
    np.testing.assert_allclose(components @ components.T, np.eye(size), atol=1e-5)
    assert (np.diff(seen) > 0).all()
    assert len(seen) > 1000


def test_the_card_shows_what_was_measured_beside_its_baselines(encoder: Encoder) -> None:
    card = (encoder.manifest.folder / "MODEL_CARD.md").read_text()
    own = ("evaluate reconstruction", "evaluate nuisance", "PCA-", "chance")
    if "alignment" in encoder.manifest.content["measured"]:
        own = ("SEMI-SIMULATED", "evaluate alignment", "evaluate regression: events", "class_oracle")
    for words in ("SIMULATED", *own):
        assert words in card
