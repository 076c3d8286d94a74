import json
import shutil

import numpy as np
import pytest
from chandra_embed.inference import Encoder
from chandra_embed.inference.encoder import check_spectra, padded_batches
from chandra_embed.inference.errors import BundleError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.models import registry


@pytest.fixture(scope="module")
def encoder():
    return Encoder.load("spectrum-8", device="cpu")


@pytest.fixture(scope="module")
def spectra():
    """Positive, negative, constant, zero and very bright rows; 530 is no multiple of any batch below."""
    rng = np.random.default_rng(0)
    rows = rng.gamma(0.5, 1e-4, (530, 400)).astype(np.float32)
    rows[3] -= 1e-4
    rows[4] = 0
    rows[5] = 7e-5
    rows[6] *= 1e6
    return rows


def test_shapes_and_types(encoder, spectra):
    found = encoder.run(spectra)
    n = len(spectra)
    shapes = {
        "latent": (n, encoder.latent_size),
        "embedding": (n, encoder.embedding_size),
        "normalised": (n, 400),
        "scale": (n, 2),
        "reconstruction": (n, 400),
        "reconstruction_error": (n,),
    }
    for name, shape in shapes.items():
        array = getattr(found, name)
        assert (array.shape, array.dtype) == (shape, np.float32), name
        assert np.isfinite(array).all(), name


def test_embeddings_are_unit_rows(encoder, spectra):
    length = np.linalg.norm(encoder.embed(spectra).astype(np.float64), axis=1)
    np.testing.assert_allclose(length, 1, atol=1e-6)


def test_the_parts_agree_with_the_whole(encoder, spectra):
    found = encoder.run(spectra)
    np.testing.assert_array_equal(encoder.embed(spectra), found.embedding)
    np.testing.assert_array_equal(encoder.latent(spectra), found.latent)


def test_scale_and_normalisation_are_those_of_each_row(encoder, spectra):
    found = encoder.run(spectra)
    low, high = spectra.min(axis=1), spectra.max(axis=1)
    np.testing.assert_array_equal(found.scale, np.stack([low, high], axis=1))
    width = np.where(high > low, high - low, 1)[:, None]
    np.testing.assert_allclose(found.normalised, (spectra - low[:, None]) / width, atol=1e-6)


def test_reconstruction_is_in_the_units_of_the_spectrum(encoder, spectra):
    found = encoder.run(spectra)
    low, high = spectra.min(axis=1, keepdims=True), spectra.max(axis=1, keepdims=True)
    np.testing.assert_allclose(
        encoder.reconstruct(spectra), found.reconstruction * (high - low) + low, rtol=1e-6
    )
    expected = np.abs(found.normalised.astype(np.float64) - found.reconstruction).mean(axis=1)
    np.testing.assert_allclose(found.reconstruction_error, expected, rtol=1e-6)


def test_a_brighter_copy_has_the_same_embedding(encoder, spectra):
    """MinMax is the first layer: only the shape counts."""
    np.testing.assert_allclose(encoder.embed(spectra[:4] * 1024), encoder.embed(spectra[:4]), atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 7, 512])
def test_the_same_row_gives_the_same_embedding_in_any_batch(encoder, spectra, size):
    whole = encoder.embed(spectra)
    other = Encoder.load("spectrum-8", device="cpu", batch_size=size)
    rows = spectra if size > 2 else spectra[:40]
    np.testing.assert_allclose(other.embed(rows), whole[: len(rows)], atol=1e-6, rtol=0)


def test_the_same_row_gives_the_same_embedding_alone_and_at_any_place(encoder, spectra):
    whole = encoder.embed(spectra)
    for row in (0, 4, 63, 64, 529):
        np.testing.assert_allclose(encoder.embed(spectra[row : row + 1])[0], whole[row], atol=1e-6, rtol=0)
    np.testing.assert_allclose(encoder.embed(spectra[::-1])[::-1], whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_stream_gives_what_one_run_gives(encoder, spectra, threads):
    whole = encoder.run(spectra)
    other = Encoder.load("spectrum-8", device="cpu", threads=threads)
    blocks = [spectra[:96], spectra[96:96], spectra[96:480], spectra[480:]]
    found = list(other.stream(iter(blocks)))
    assert [len(each.latent) for each in found] == [96, 0, 384, 50]
    for name in ("latent", "embedding", "reconstruction_error"):
        parts = np.concatenate([getattr(each, name) for each in found])
        np.testing.assert_array_equal(parts, getattr(whole, name))
    assert list(other.stream([])) == []


def test_a_stream_fetches_the_next_block_before_it_gives_the_last(encoder, spectra):
    fetched = []

    def blocks():
        for at in range(0, 128, 32):
            fetched.append(at)
            yield spectra[at : at + 32]

    stream = encoder.stream(blocks())
    next(stream)
    assert fetched == [0, 32]
    stream.close()
    assert fetched == [0, 32]


def test_a_stream_counts_the_rows_of_all_blocks(encoder, spectra):
    bad = spectra[:40].copy()
    bad[7, 3] = np.nan
    with pytest.raises(ValueError, match="row 1047 of the spectra is not finite"):
        list(encoder.stream([spectra[:40], bad], 1000))


def test_no_rows_give_no_rows(encoder):
    empty = np.zeros((0, 400), np.float32)
    assert encoder.embed(empty).shape == (0, encoder.embedding_size)
    assert encoder.latent(empty).shape == (0, encoder.latent_size)
    assert encoder.reconstruct(empty).shape == (0, 400)
    assert encoder.run(empty).reconstruction_error.shape == (0,)


def test_other_real_types_are_cast(encoder, spectra):
    np.testing.assert_array_equal(encoder.embed(spectra[:3].astype(np.float64)), encoder.embed(spectra[:3]))
    counts = np.arange(800).reshape(2, 400) % 7
    np.testing.assert_array_equal(encoder.embed(counts), encoder.embed(counts.astype(np.float32)))
    np.testing.assert_array_equal(encoder.embed(counts.tolist()), encoder.embed(counts))
    np.testing.assert_array_equal(encoder.embed(np.asfortranarray(spectra[:3])), encoder.embed(spectra[:3]))
    np.testing.assert_array_equal(encoder.embed(spectra[:3].astype(">f4")), encoder.embed(spectra[:3]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_the_first_row_that_is_not_finite_is_named(encoder, spectra, value):
    rows = spectra[:9].astype(np.float64)
    rows[5, 399] = rows[8, 0] = value
    with pytest.raises(ValueError, match="row 5 of the spectra is not finite"):
        encoder.embed(rows)


def test_a_range_beyond_float32_is_refused(encoder, spectra):
    rows = spectra[:3].copy()
    rows[2, :2] = -3e38, 3e38
    with pytest.raises(ValueError, match="row 2"):
        encoder.embed(rows)


@pytest.mark.parametrize("shape", [(400,), (2, 399), (2, 401), (1, 2, 400), ()])
def test_a_wrong_shape_is_refused(encoder, shape):
    with pytest.raises(ValueError, match=r"give \(n, 400\)"):
        encoder.embed(np.zeros(shape))


@pytest.mark.parametrize("dtype", [complex, "U1", object, "datetime64[s]"])
def test_what_is_no_real_number_is_refused(encoder, dtype):
    with pytest.raises(ValueError, match="give real numbers"):
        encoder.embed(np.zeros((2, 400)).astype(dtype))


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(ValueError, match="batch_size 0"):
        Encoder.load("spectrum-8", batch_size=0)


def test_attributes_say_what_runs(encoder):
    assert (encoder.device, encoder.provider) == ("cpu", "CPUExecutionProvider")
    assert encoder.recipe.fingerprint == encoder.manifest.recipe_fingerprint
    assert Encoder.load("spectrum-8", device="cpu", threads=1).threads == 1


def test_padded_batches_all_have_one_shape():
    rows = np.ones((10, 3), np.float32)
    batches = list(padded_batches(rows, 4))
    assert [batch.shape for batch in batches] == [(4, 3)] * 3
    np.testing.assert_array_equal(batches[2], [[1, 1, 1], [1, 1, 1], [0, 0, 0], [0, 0, 0]])
    assert list(padded_batches(rows[:0], 4)) == []


def test_check_spectra_does_not_copy_what_is_right():
    rows = np.ones((2, 400), np.float32)
    assert check_spectra(rows, 400) is rows


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(registry.find("spectrum-8"), tmp_path / "copy")


def edit(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_an_altered_bundle_does_not_load(copy):
    data = bytearray((copy / "encoder.onnx").read_bytes())
    data[-1] ^= 1
    (copy / "encoder.onnx").write_bytes(data)
    with pytest.raises(BundleError, match="sha256"):
        Encoder.load(copy)


def test_a_recipe_that_is_not_the_stated_one_does_not_load(copy):
    other = Recipe(group_min=7)
    edit(copy, recipe=json.loads(other.to_json()))
    with pytest.raises(BundleError, match=other.fingerprint):
        Encoder.load(copy)


def test_a_recipe_of_a_newer_program_does_not_load(copy):
    edit(copy, recipe={"quantity": "rate", "smoothing": 3})
    with pytest.raises(BundleError, match=r"manifest\.json: recipe .*upgrade"):
        Encoder.load(copy)


def test_a_bundle_without_a_spectrum_encoder_says_so(copy):
    files = json.loads((copy / "manifest.json").read_text())["files"]
    del files["decoder.onnx"]
    (copy / "decoder.onnx").unlink()
    edit(copy, files=files)
    with pytest.raises(BundleError, match=r"holds no decoder\.onnx"):
        Encoder.load(copy)


def test_models_with_other_inputs_do_not_load(copy):
    import hashlib

    shutil.copy(copy / "decoder.onnx", copy / "encoder.onnx")
    files = json.loads((copy / "manifest.json").read_text())["files"]
    files["encoder.onnx"] = hashlib.sha256((copy / "decoder.onnx").read_bytes()).hexdigest()
    edit(copy, files=files)
    with pytest.raises(BundleError, match="latent_in"):
        Encoder.load(copy)
