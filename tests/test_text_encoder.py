import subprocess
import sys

import numpy as np
import pytest
from chandra_embed.inference.errors import BundleError
from chandra_embed.inference.text.encoder import open_text_encoder
from chandra_embed.inference.text.tfidf import TfidfEncoder

SMALL = TfidfEncoder(["x", "ray"], [1.0, 2.0], np.eye(2))
HEAVY = {"torch", "onnx", "onnxscript", "sklearn", "matplotlib"}
LOAD = """
import json, sys
from chandra_embed.inference.text import encoder, precomputed, sentence, table, tfidf, wordpiece
imported = sorted(sys.modules)
from pathlib import Path
encoder.open_text_encoder(Path(sys.argv[1])).encode(["x"])
print(json.dumps([imported, sorted(sys.modules)]))
"""


def test_a_tfidf_encoder_is_told_by_its_files(tmp_path):
    SMALL.save(tmp_path)
    found = open_text_encoder(tmp_path)
    assert isinstance(found, TfidfEncoder)
    assert found.size == 2
    assert found.encode(["x-ray"]).tobytes() == SMALL.encode(["x-ray"]).tobytes()


@pytest.mark.train
def test_a_sentence_encoder_is_told_by_its_files(tmp_path):
    pytest.importorskip("onnx")
    from chandra_embed.inference.text.sentence import SentenceEncoder
    from test_text_sentence import write_model

    found = open_text_encoder(write_model(tmp_path), "cpu")
    assert isinstance(found, SentenceEncoder)
    assert found.encode(["low"]).shape == (1, found.size)


def test_a_folder_without_an_encoder_or_with_two_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(
            BundleError, match=r"no text encoder \(needs vocabulary\.json and weights\.npz or"
        ):
            open_text_encoder(folder)
    SMALL.save(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"")
    assert isinstance(open_text_encoder(tmp_path), TfidfEncoder)  # half a pair is none
    (tmp_path / "vocab.txt").write_bytes(b"")
    with pytest.raises(BundleError, match="holds two text encoders"):
        open_text_encoder(tmp_path)


def test_words_become_vectors_without_torch_and_scikit_learn(tmp_path):
    import json

    SMALL.save(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path)], capture_output=True, text=True, check=True
    )
    imported, used = ({name.split(".")[0] for name in names} for names in json.loads(done.stdout))
    # imported alone, not even what single functions need
    assert not imported & {*HEAVY, "scipy", "h5py", "onnxruntime"}
    assert "scipy" in used
    assert not used & {*HEAVY, "onnxruntime"}
