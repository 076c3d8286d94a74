"""What an output was begun with: what a user leaves open is taken from it, anything else is refused."""

import numpy as np
import pytest
from chandra_embed.inference import begun
from chandra_embed.inference.catalog import store
from chandra_embed.inference.encoder import Encoder
from chandra_embed.inference.errors import ChandraEmbedError, StoreError
from chandra_embed.inference.recipe import Recipe
from small import write_spectra


def test_no_file_was_not_begun_and_another_is_refused(tmp_path):
    path = tmp_path / "e.h5"
    assert begun.begun(path) is None
    path.write_text("precious")
    with pytest.raises(StoreError, match="--overwrite to replace it"):
        begun.begun(path)


def test_settings_left_open_are_those_stored(tmp_path, monkeypatch):
    monkeypatch.delenv("CHANDRA_EMBED_THREADS", raising=False)
    stored = {"threads": 3, "batch_size": 48, "device": "cpu"}
    encoder = begun.load(stored, tmp_path, "spectrum-8", "auto", None)
    assert (encoder.threads, encoder.batch_size, encoder.device) == (3, 48, "cpu")
    with pytest.raises(StoreError, match="begun with batch_size 48, now it is 32; go on with the former"):
        begun.load(stored, tmp_path, "spectrum-8", "auto", 32)


def test_only_what_decides_the_bytes_is_compared(tmp_path):
    spectra = write_spectra(tmp_path / "s.h5", 3)
    encoder = Encoder.load("spectrum-8", "cpu", batch_size=16)
    with store.open_store(spectra, store.SPECTRA) as source:
        now = begun.attributes(spectra, source, encoder)
    begun.check_same(tmp_path, now | {"threads": 99, "input": "moved.h5"}, now)
    begun.check_same(tmp_path, {}, now)  # written before these were stored
    with pytest.raises(StoreError, match=r"begun with onnxruntime 1\.0, now it is"):
        begun.check_same(tmp_path, now | {"onnxruntime": "1.0"}, now)
    with pytest.raises(StoreError, match=r"begun with input bytes 7 \(s.h5\), now it is \d+ \(s.h5\)"):
        begun.check_same(tmp_path, now | {"input_bytes": np.int64(7)}, now)


def test_spectra_of_another_recipe_are_refused(tmp_path):
    spectra = write_spectra(tmp_path / "s.h5", 3, recipe=Recipe(quantity="flux"))
    encoder = Encoder.load("spectrum-8", "cpu")
    with (
        store.open_store(spectra, store.SPECTRA) as source,
        pytest.raises(ChandraEmbedError, match="ingest again with the bundle's settings"),
    ):
        begun.check_recipe(spectra, source, encoder)


@pytest.mark.parametrize(("quantity", "name"), [("rate", "spectrum-8"), ("flux", "spectrum-8-flux")])
def test_without_a_model_that_of_the_quantity_is_taken(tmp_path, quantity, name):
    spectra = write_spectra(tmp_path / "s.h5", 3, recipe=Recipe(quantity=quantity))
    with store.open_store(spectra, store.SPECTRA) as source:
        assert begun.default_model(source) == name


def test_datasets_are_those_of_the_bundle():
    encoder = Encoder.load("spectrum-8", "cpu")
    found = begun.datasets(7, encoder, None, None)
    assert {name: shape for name, (shape, _) in found.items()} == {
        "embedding": (7, 8),
        "latent": (7, 8),
        "reconstruction_error": (7,),
    }
    assert begun.load_events(encoder) is None
