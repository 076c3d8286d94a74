import h5py
import numpy as np
import pytest
from chandra_embed.inference import Encoder
from chandra_embed.inference.errors import BundleError, ChandraEmbedError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.training.evaluation.sample import join, read_sample
from evaluation import bundle, spectra_with_truth
from small import write_spectra

KEPT = [i for i in range(60) if i != 5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sample")


@pytest.fixture(scope="module")
def model(folder):
    return bundle(folder / "model", ["source 0", "source 2", "source 7", "not here"])


@pytest.fixture(scope="module")
def spectra(folder):
    return spectra_with_truth(folder / "spectra.h5")


@pytest.fixture(scope="module")
def sample(spectra, model):
    return read_sample(spectra, model)


def test_rows_without_a_shape_are_left_out_everywhere(sample, spectra):
    with h5py.File(spectra) as file:
        np.testing.assert_array_equal(sample.value, file["spectrum/value"][...][KEPT])
        np.testing.assert_array_equal(sample.truth_value, file["truth/value"][...][KEPT])
    assert len(sample) == 59
    assert sample.detection["obsid"].tolist() == KEPT
    assert sample.truth["gamma"].tolist() == KEPT
    assert sample.truth["shape"][1] == "thermal"
    assert "value" not in sample.truth
    assert sample.source_id[0] == "source 0"
    assert sample.net_counts[5] == 6
    facts = sample.files[0]
    assert (facts["name"], facts["rows"], facts["constant"]) == ("spectra.h5", 60, 1)
    assert sample.simulated


def test_the_model_is_the_frozen_one(sample, model):
    found = Encoder.load(model, "cpu").run(sample.value)
    for name in ("latent", "normalised", "reconstruction"):
        np.testing.assert_array_equal(getattr(sample, name), getattr(found, name))
    assert sample.model.startswith("spectrum-8 ")
    assert sample.recipe == Recipe()


def test_the_pca_is_the_bundles(sample, model):
    arrays = np.load(model / "baseline.npz")
    for row in (0, 31):
        centred = sample.normalised[row].astype(float) - arrays["mean"]
        latent = [float(centred @ axis) for axis in arrays["components"].astype(float)]
        np.testing.assert_allclose(sample.pca[row], latent, atol=1e-5)
        back = arrays["mean"] + sum(x * axis for x, axis in zip(latent, arrays["components"], strict=True))
        np.testing.assert_allclose(sample.pca_reconstruction[row], back, atol=1e-5)
    assert sample.pca.dtype == sample.pca_reconstruction.dtype == np.float32
    np.testing.assert_array_equal(sample.mean, arrays["mean"])


def test_seen_sources_are_marked(sample):
    assert set(sample.source_id[sample.seen]) == {"source 0", "source 2", "source 7"}
    assert sample.seen.sum() == 5  # row 5, of source 2, is constant


def test_take_keeps_rows_together(sample):
    part = sample.take(~sample.seen)
    assert len(part) == 54
    for name in ("latent", "normalised", "reconstruction", "pca", "pca_reconstruction", "truth_value"):
        np.testing.assert_array_equal(getattr(part, name), getattr(sample, name)[~sample.seen])
    np.testing.assert_array_equal(part.truth["gamma"], sample.truth["gamma"][~sample.seen])
    assert len(part.take(np.zeros(54, bool))) == 0
    np.testing.assert_array_equal(sample.take(np.array([3, 1])).detection["obsid"], [3, 1])


def test_a_file_without_truth(model, tmp_path):
    real = read_sample(write_spectra(tmp_path / "real.h5", 4, simulated=False), model)
    assert real.truth == {}
    assert real.truth_value is None
    assert not real.simulated


def test_samples_of_one_model_are_joined(sample, model, tmp_path):
    other = read_sample(write_spectra(tmp_path / "b.h5", 6, simulated=False), model)
    both = join([sample, other])
    assert len(both) == 65
    assert not both.simulated
    assert both.truth_value is None
    assert both.truth == {}
    assert [file["name"] for file in both.files] == ["spectra.h5", "b.h5"]
    np.testing.assert_array_equal(both.latent[59:], other.latent)
    np.testing.assert_array_equal(both.take(np.arange(59, 65)).source_id, other.source_id)
    assert join([sample]) is sample
    np.testing.assert_array_equal(join([sample, sample]).truth_value[59:], sample.truth_value)


def test_samples_of_two_models_are_not(sample):
    from dataclasses import replace

    with pytest.raises(ValueError, match="give one model"):
        join([sample, replace(sample, model="other 1.0.0")])
    with pytest.raises(ValueError, match="0 samples"):
        join([])


def test_a_bundle_without_a_baseline_names_the_mend(spectra, tmp_path):
    with pytest.raises(BundleError, match=r"baseline\.npz: .*chandra-embed export"):
        read_sample(spectra, bundle(tmp_path / "bare", baseline=False))


def test_another_recipe_is_refused(model, tmp_path):
    path = write_spectra(tmp_path / "other.h5", 4, recipe=Recipe(group_min=9))
    with pytest.raises(ChandraEmbedError, match=r"other\.h5: recipe .*\"group_min\":9.* bundle spectrum-8"):
        read_sample(path, model)
